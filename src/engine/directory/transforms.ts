import { attributeName } from '#model/directory/attribute-rows.ts';
import type { Attributes } from '#model/directory/directory-object.ts';
import type { Transform } from '#model/directory/sync-policy.ts';

/** @returns null: an attribute that the transform is made of is missing, and so nothing is said about the value. */
export function transformed(transform: Transform, attributes: Attributes): readonly string[] | null {
  const valuesOf = (name: string) => attributes[attributeName(name) ?? name] ?? [];
  switch (transform.kind) {
    case 'constant':
      return transform.values;
    case 'template': {
      const value = filledIn(transform.template, attributes);
      return value === null ? null : [value];
    }
    case 'map': {
      const to = new Map(Object.entries(transform.to).map(([from, value]) => [from.toLowerCase(), value]));
      const values = valuesOf(transform.from);
      const mapped = values.flatMap((value) => {
        const known = to.get(value.toLowerCase());
        return known !== undefined ? [known] : transform.otherwise === 'keep' ? [value] : [];
      });
      return values.length === 0 ? null : [...new Set(mapped)];
    }
    case 'csv': {
      const [key] = valuesOf(transform.key);
      if (key === undefined) return null;
      return foldedRows(transform.rows).get(key.toLowerCase()) ?? null;
    }
  }
}

type Rows = Readonly<Record<string, readonly string[]>>;
/** Files have thousands of rows, and every object asks. */
const folded = new WeakMap<Rows, ReadonlyMap<string, readonly string[]>>();

function foldedRows(rows: Rows): ReadonlyMap<string, readonly string[]> {
  const known = folded.get(rows);
  if (known !== undefined) return known;
  const made = new Map(Object.entries(rows).map(([key, values]) => [key.toLowerCase(), values]));
  folded.set(rows, made);
  return made;
}

/** `{givenName} {sn}` with the first value of each attribute; `{{` and `}}` are braces. Null: one is missing. */
export function filledIn(template: string, attributes: Attributes): string | null {
  let isComplete = true;
  const text = template.replace(/\{\{|\}\}|\{([^{}]+)\}/g, (whole, name: string | undefined) => {
    if (name === undefined) return whole.charAt(0);
    const [value] = attributes[attributeName(name) ?? name] ?? [];
    isComplete &&= value !== undefined;
    return value ?? '';
  });
  return isComplete ? text : null;
}
