import type { Attributes } from '#model/directory/directory-object.ts';

/** Values to take away and to add: the form of a write that fails when somebody else was faster. */
export interface ValueChange {
  readonly remove: readonly string[];
  readonly add: readonly string[];
}

/** The order of values means nothing. */
export function sameValues(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  if (a.length === 1) return a[0] === b[0];
  const sorted = [...b].sort();
  return [...a].sort().every((value, i) => value === sorted[i]);
}

/** Case counts: to a directory two spellings are one value, to a person they are not. */
export function changeOf(from: readonly string[], to: readonly string[]): ValueChange | null {
  const before = new Set(from);
  const after = new Set(to);
  const remove = [...before].filter((value) => !after.has(value));
  const add = [...after].filter((value) => !before.has(value));
  return remove.length === 0 && add.length === 0 ? null : { remove, add };
}

export function valuesOf(attributes: Attributes, name: string): readonly string[] {
  return attributes[name] ?? [];
}

/** Without the attributes that have no values: absent is the one way to say so. */
export function withoutEmpty(attributes: Readonly<Record<string, readonly string[]>>): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, values]) => values.length > 0));
}
