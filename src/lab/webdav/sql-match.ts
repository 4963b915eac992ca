import type { Property, PropertyValue } from '../world/property.ts';
import type { DavName } from './dav-name.ts';
import { type Condition, type Literal, type Ordering, readTime } from './sql.ts';

/** A row of what is searched: its properties by their names. */
export type Row = (name: DavName) => Property | null;

type One = string | number | boolean;

const folded = (text: string): string => text.toLowerCase();

/** Both sides as numbers or both as texts; null: they cannot be compared. */
function aligned(
  type: string,
  value: One,
  literal: Literal,
): readonly [number, number] | readonly [string, string] | null {
  if (typeof value === 'boolean') {
    const right =
      literal.type === 'boolean'
        ? Number(literal.value)
        : literal.type === 'number'
          ? literal.value
          : literal.type === 'string' && /^(?:0|1|true|false)$/i.test(literal.value)
            ? Number(/^(?:1|true)$/i.test(literal.value))
            : null;
    return right === null ? null : [Number(value), right];
  }
  if (typeof value === 'number') {
    const right =
      literal.type === 'string'
        ? type.startsWith('SystemTime')
          ? readTime(literal.value)
          : literal.value.trim() === ''
            ? null
            : Number(literal.value)
        : literal.type === 'binary'
          ? null
          : Number(literal.value);
    return right === null || Number.isNaN(right) ? null : [value, right];
  }
  if (literal.type === 'binary' || type.startsWith('Binary'))
    return literal.type === 'string' || literal.type === 'binary' ? [value, literal.value] : null;
  // Comparison of texts does not tell upper from lower case. (assumed)
  return literal.type === 'string' ? [folded(value), folded(literal.value)] : [folded(value), String(literal.value)];
}

function holds(operator: string, type: string, value: One, literal: Literal): boolean {
  const sides = aligned(type, value, literal);
  if (sides === null) return false;
  const [left, right] = sides;
  switch (operator) {
    case '=':
      return left === right;
    case '<>':
      return left !== right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    default:
      return left >= right;
  }
}

/** Of several values one will do. */
const some = (value: PropertyValue, test: (one: One) => boolean): boolean =>
  typeof value === 'object' ? value.some(test) : test(value);

const patterns = new Map<string, RegExp>();
function patternOf(like: string): RegExp {
  const known = patterns.get(like);
  if (known !== undefined) return known;
  if (patterns.size > 1000) patterns.clear();
  const source = like
    .replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')
    .replace(/%+/g, '[\\s\\S]*?')
    .replaceAll('_', '[\\s\\S]');
  const made = new RegExp(`^${source}$`, 'iu');
  patterns.set(like, made);
  return made;
}

/** A property that is missing fulfils no comparison, whichever it is. */
export function matches(condition: Condition, row: Row): boolean {
  switch (condition.kind) {
    case 'and':
      return condition.parts.every((part) => matches(part, row));
    case 'or':
      return condition.parts.some((part) => matches(part, row));
    case 'not':
      return !matches(condition.part, row);
    case 'null':
      return row(condition.name) === null;
    case 'like': {
      const property = row(condition.name);
      return property !== null && some(property.value, (one) => patternOf(condition.pattern).test(String(one)));
    }
    case 'compare': {
      const property = row(condition.name);
      return (
        property !== null &&
        some(property.value, (one) => holds(condition.operator, property.type, one, condition.literal))
      );
    }
  }
}

function compare(a: Property | null, b: Property | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  const [left, right] = [a.value, b.value];
  if (typeof left === 'string' && typeof right === 'string') {
    const [x, y] = [folded(left), folded(right)];
    return x < y ? -1 : x > y ? 1 : 0;
  }
  return Number(left) - Number(right);
}

/** Rows in the order asked for; those that are equal stay as they were. */
export function ordered<T>(rows: readonly T[], by: readonly Ordering[], rowOf: (one: T) => Row): readonly T[] {
  if (by.length === 0) return rows;
  const keyed = rows.map((one) => {
    const row = rowOf(one);
    return { one, keys: by.map(({ name }) => row(name)) };
  });
  keyed.sort((a, b) => {
    for (const [at, { descending }] of by.entries()) {
      const difference = compare(a.keys[at] ?? null, b.keys[at] ?? null);
      if (difference !== 0) return descending ? -difference : difference;
    }
    return 0;
  });
  return keyed.map(({ one }) => one);
}
