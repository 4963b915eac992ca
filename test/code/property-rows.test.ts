import { describe, expect, test } from 'vitest';
import { mailProperties } from '#model/mail-properties.ts';
import type { PropertyRow } from '#model/property-row.ts';
import { typedKinds } from '#model/typed-item.ts';
import { typedRows } from '#model/typed-properties.ts';

const rows: readonly (readonly [string, PropertyRow<unknown>])[] = Object.entries(mailProperties);

describe('property table', () => {
  test.each(rows)('%s names its source and has samples', (_field, row) => {
    // A section of an open specification, an RFC, a page of the EWS reference — or ours, for properties we invented.
    expect(row.source).toMatch(/\[MS-[A-Z0-9]+\] \d|RFC \d+|EWS|ours/);
    expect(row.sample.length).toBeGreaterThan(0);
  });

  test('no two fields are bound to the same names', () => {
    const bindings = rows.map(([, row]) => JSON.stringify([row.ews, row.mapi]));
    expect(bindings.filter((binding, at) => bindings.indexOf(binding) !== at)).toEqual([]);
  });
});

describe.each(typedKinds)('property table of %s', (kind) => {
  const table = Object.entries(typedRows(kind));

  test.each(table)('%s names its source, and a protocol that knows it', (_field, row) => {
    expect(row.source).toMatch(/\[MS-[A-Z0-9]+\] \d|RFC \d+|EWS|ours/);
    expect(row.ews.length + row.mapi.length).toBeGreaterThan(0);
  });

  test('no two fields are bound to the same names', () => {
    const names = table.flatMap(([, row]) => [...row.ews, ...row.mapi.map((m) => JSON.stringify(m))]);
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  });

  test('what stands for several properties, or for none of a simple type, names its codec', () => {
    const unnamed = table.filter(([, row]) => row.merge !== 'set' && row.ews.length > 1 && row.codec === undefined);
    expect(unnamed.map(([field]) => field)).toEqual([]);
  });
});
