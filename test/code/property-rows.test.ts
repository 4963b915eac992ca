import { describe, expect, test } from 'vitest';
import { mailProperties } from '#model/mail-properties.ts';
import type { PropertyRow } from '#model/property-row.ts';

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
