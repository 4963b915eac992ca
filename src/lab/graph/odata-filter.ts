import { badRequest } from './graph-error.ts';

// The part of OData 4.01 `$filter` that Outlook's entities take: comparisons, and, or, not, brackets, startswith, contains,
// endswith, any over categories and extended properties, null.

export type FilterValue = string | number | boolean | null;

export type Filter =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Filter[] }
  | { readonly kind: 'not'; readonly part: Filter }
  | { readonly kind: 'compare'; readonly operator: Operator; readonly left: Operand; readonly right: Operand }
  | { readonly kind: 'call'; readonly name: TextFunction; readonly left: Operand; readonly right: Operand }
  | { readonly kind: 'any'; readonly path: string; readonly variable: string; readonly part: Filter | null };
export type Operator = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le';
type TextFunction = 'startswith' | 'endswith' | 'contains';
export type Operand =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'value'; readonly value: FilterValue }
  | { readonly kind: 'cast'; readonly operand: Operand };

const tokenPattern =
  /\s*(?:('(?:[^']|'')*')|(\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2})?)?)|(-?\d+(?:\.\d+)?)|([A-Za-z_@][\w@]*(?:[/.][A-Za-z_]\w*)*)|([(),:]))/y;
const operators: ReadonlySet<string> = new Set(['eq', 'ne', 'gt', 'ge', 'lt', 'le']);
const functions: ReadonlySet<string> = new Set(['startswith', 'endswith', 'contains']);
/** What is nested deeper was made to break something. */
const depthMax = 40;
const tokensMax = 400;

type Token = { readonly kind: 'text' | 'date' | 'number' | 'name' | 'sign'; readonly text: string };

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  const source = text.trimEnd();
  while (tokenPattern.lastIndex < source.length) {
    const match = tokenPattern.exec(source);
    if (match === null || tokens.length >= tokensMax) throw invalid(text);
    const kinds = ['text', 'date', 'number', 'name', 'sign'] as const;
    const at = match.slice(1).findIndex((one) => one !== undefined);
    tokens.push({ kind: kinds[at] ?? 'sign', text: match[at + 1] ?? '' });
  }
  return tokens;
}

const invalid = (text: string): Error => badRequest(`Invalid filter clause: ${text.slice(0, 120)}`);

class Parser {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
    this.#tokens = tokensOf(source);
  }

  parse(): Filter {
    const filter = this.#or();
    if (this.#at < this.#tokens.length) throw invalid(this.#source);
    return filter;
  }

  #peek(text: string): boolean {
    const token = this.#tokens[this.#at];
    return token !== undefined && token.kind !== 'text' && token.text.toLowerCase() === text;
  }
  #take(text: string): boolean {
    if (!this.#peek(text)) return false;
    this.#at++;
    return true;
  }
  #expect(text: string): void {
    if (!this.#take(text)) throw invalid(this.#source);
  }
  #next(): Token {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw invalid(this.#source);
    return token;
  }

  #or(): Filter {
    if (++this.#depth > depthMax) throw invalid(this.#source);
    const parts = [this.#and()];
    while (this.#take('or')) parts.push(this.#and());
    this.#depth--;
    return parts.length === 1 ? (parts[0] as Filter) : { kind: 'or', parts };
  }
  #and(): Filter {
    const parts = [this.#unary()];
    while (this.#take('and')) parts.push(this.#unary());
    return parts.length === 1 ? (parts[0] as Filter) : { kind: 'and', parts };
  }
  #unary(): Filter {
    if (this.#take('not')) {
      if (++this.#depth > depthMax) throw invalid(this.#source);
      const part = this.#unary();
      this.#depth--;
      return { kind: 'not', part };
    }
    if (this.#take('(')) {
      const inner = this.#or();
      this.#expect(')');
      return inner;
    }
    const token = this.#tokens[this.#at];
    const isCall = this.#tokens[this.#at + 1]?.text === '(' && token?.kind === 'name';
    if (isCall && functions.has(token.text.toLowerCase())) {
      this.#at += 2;
      const left = this.#operand();
      this.#expect(',');
      const right = this.#operand();
      this.#expect(')');
      return { kind: 'call', name: token.text.toLowerCase() as TextFunction, left, right };
    }
    if (isCall && /\/any$/i.test(token.text)) return this.#any(token.text.slice(0, -4));
    return this.#comparison();
  }
  #any(path: string): Filter {
    this.#at += 2;
    if (this.#take(')')) return { kind: 'any', path, variable: '', part: null };
    const variable = this.#next();
    if (variable.kind !== 'name') throw invalid(this.#source);
    this.#expect(':');
    const part = this.#or();
    this.#expect(')');
    return { kind: 'any', path, variable: variable.text, part };
  }
  #comparison(): Filter {
    const left = this.#operand();
    const operator = this.#next().text.toLowerCase();
    if (!operators.has(operator)) {
      this.#at--;
      // A flag by itself: `isRead`.
      return { kind: 'compare', operator: 'eq', left, right: { kind: 'value', value: true } };
    }
    return { kind: 'compare', operator: operator as Operator, left, right: this.#operand() };
  }
  #operand(): Operand {
    const token = this.#next();
    switch (token.kind) {
      case 'text':
        return { kind: 'value', value: token.text.slice(1, -1).replaceAll("''", "'") };
      case 'date':
        return { kind: 'value', value: token.text };
      case 'number':
        return { kind: 'value', value: Number(token.text) };
      case 'name': {
        const lower = token.text.toLowerCase();
        if (lower === 'true' || lower === 'false') return { kind: 'value', value: lower === 'true' };
        if (lower === 'null') return { kind: 'value', value: null };
        if (lower === 'cast' && this.#take('(')) {
          const operand = this.#operand();
          this.#expect(',');
          if (this.#next().kind !== 'name') throw invalid(this.#source);
          this.#expect(')');
          return { kind: 'cast', operand };
        }
        return { kind: 'path', path: token.text };
      }
      default:
        throw invalid(this.#source);
    }
  }
}

/** @throws GraphError */
export const parseFilter = (text: string): Filter => new Parser(text).parse();

/** What paths of an entity lead to; undefined: it has no such property, which is an error of the request. */
export interface FilterSubject {
  value(path: string): FilterValue | undefined;
  /**
   * Members of a collection; undefined: there is no such collection.
   * @param ids those that the filter compares the ids of members with.
   */
  members(path: string, ids: readonly string[]): readonly FilterSubject[] | undefined;
}

/** A plain value under the name of a variable: `categories/any(c:c eq 'x')`. */
export const scalarSubject = (value: FilterValue): FilterSubject => ({
  value: (path) => (path === '' ? value : undefined),
  members: () => undefined,
});

type Scope = ReadonlyMap<string, FilterSubject>;

function resolve(operand: Operand, subject: FilterSubject, scope: Scope): FilterValue {
  if (operand.kind === 'cast') return resolve(operand.operand, subject, scope);
  if (operand.kind === 'value') return operand.value;
  const slash = operand.path.indexOf('/');
  const head = slash < 0 ? operand.path : operand.path.slice(0, slash);
  const inner = scope.get(head);
  const value =
    inner === undefined ? subject.value(operand.path) : inner.value(slash < 0 ? '' : operand.path.slice(slash + 1));
  if (value === undefined)
    throw badRequest(`Could not find a property named '${operand.path}' on the type that is filtered.`);
  return value;
}

const isoTime = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2})?)?$/;

function compare(operator: Operator, left: FilterValue, right: FilterValue): boolean {
  let [a, b]: [FilterValue, FilterValue] = [left, right];
  if (typeof a === 'string' && typeof b === 'string') {
    // Texts are compared as people do, times as instants.
    if (isoTime.test(a) && isoTime.test(b)) [a, b] = [Date.parse(a), Date.parse(b)];
    else [a, b] = [a.toLowerCase(), b.toLowerCase()];
  } else if (typeof a === 'number' && typeof b === 'string') b = Number(b);
  else if (typeof a === 'string' && typeof b === 'number') a = Number(a);
  switch (operator) {
    case 'eq':
      return a === b;
    case 'ne':
      return a !== b;
    default:
      if (a === null || b === null) return false;
      return operator === 'gt' ? a > b : operator === 'ge' ? a >= b : operator === 'lt' ? a < b : a <= b;
  }
}

/** Texts that a filter compares `variable/id` with. */
function idsOf(filter: Filter, variable: string): readonly string[] {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.parts.flatMap((part) => idsOf(part, variable));
    case 'not':
      return idsOf(filter.part, variable);
    case 'compare':
      return filter.left.kind === 'path' &&
        filter.left.path === `${variable}/id` &&
        filter.right.kind === 'value' &&
        typeof filter.right.value === 'string'
        ? [filter.right.value]
        : [];
    default:
      return [];
  }
}

/** Whether an entity passes. @throws GraphError for properties that it does not have. */
export function passes(filter: Filter, subject: FilterSubject, scope: Scope = new Map()): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.parts.every((part) => passes(part, subject, scope));
    case 'or':
      return filter.parts.some((part) => passes(part, subject, scope));
    case 'not':
      return !passes(filter.part, subject, scope);
    case 'compare':
      return compare(filter.operator, resolve(filter.left, subject, scope), resolve(filter.right, subject, scope));
    case 'call': {
      const text = String(resolve(filter.left, subject, scope) ?? '').toLowerCase();
      const part = String(resolve(filter.right, subject, scope) ?? '').toLowerCase();
      return filter.name === 'startswith'
        ? text.startsWith(part)
        : filter.name === 'endswith'
          ? text.endsWith(part)
          : text.includes(part);
    }
    case 'any': {
      const members = subject.members(filter.path, filter.part === null ? [] : idsOf(filter.part, filter.variable));
      if (members === undefined) throw badRequest(`Could not find a collection named '${filter.path}'.`);
      const { part, variable } = filter;
      if (part === null) return members.length > 0;
      return members.some((one) => passes(part, subject, new Map([...scope, [variable, one]])));
    }
  }
}
