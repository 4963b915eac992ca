import fc from 'fast-check';
import { expect } from 'vitest';
import { parseXmlBytes } from '#formats/text/xml-read.ts';
import { rawXml, type XmlFragment } from '#formats/text/xml-write.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import { typedRows } from '#model/typed-properties.ts';
import { sent } from '../ews.fixture.ts';
import { createItems } from '../operations/create-item.ts';
import { getItem } from '../operations/get-item.ts';
import { updateItems } from '../operations/update-item.ts';
import type { SchemaVersion } from '../server-version.ts';
import { itemHeadPaths } from '../typed-heads.ts';
import {
  createParts,
  type KindCodec,
  kindPaths,
  type PlainFields,
  type PlainKind,
  readFields,
  updateParts,
} from './kind-codec.ts';
import { writeItem, writeUpdates } from './parts.ts';
import { shownItem } from './shown-item.ts';

export const servers = [
  ['2007', 'Exchange2007_SP1'],
  ['2010', 'Exchange2010_SP2'],
  ['2013', 'Exchange2013_SP1'],
  ['2016', 'Exchange2016'],
  ['se', 'Exchange2016'],
] as const satisfies readonly (readonly [string, SchemaVersion])[];

const typesXmlns = 'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"';

/** Every field at one of the samples of the property table, and at what `more` adds. */
export function anyFields<Kind extends PlainKind>(
  codec: KindCodec<Kind>,
  more: Readonly<Record<string, fc.Arbitrary<unknown>>> = {},
): fc.Arbitrary<PlainFields<Kind>> {
  const rows = typedRows(codec.kind);
  const each = Object.keys(codec.fields).map(
    (field) =>
      [
        field,
        fc.oneof(fc.constantFrom(...(rows[field]?.sample ?? [])), ...(more[field] ? [more[field]] : [])),
      ] as const,
  );
  return fc.record(Object.fromEntries(each)) as unknown as fc.Arbitrary<PlainFields<Kind>>;
}

const written = <Kind extends PlainKind>(codec: KindCodec<Kind>, fields: PlainFields<Kind>, version: SchemaVersion) =>
  writeItem(codec.element.create, [...codec.always, ...createParts(codec, fields, version)], codec.order);

/** What a server that keeps everything, and couples nothing, shows of an item that was created so. */
export function shownBack<Kind extends PlainKind>(
  codec: KindCodec<Kind>,
  fields: PlainFields<Kind>,
  version: SchemaVersion,
) {
  const { create } = codec.element;
  const xml = written(codec, fields, version).replace(`<t:${create}>`, `<t:${create} ${typesXmlns}>`);
  return readFields(codec, shownItem(parseXmlBytes(xml).root));
}

/** What is created comes back as it was given. @param given What of the fields a server of the version can be told. */
export function comesBack<Kind extends PlainKind>(
  codec: KindCodec<Kind>,
  any: fc.Arbitrary<PlainFields<Kind>>,
  version: SchemaVersion,
  given: (fields: PlainFields<Kind>) => PlainFields<Kind> = (fields) => fields,
): void {
  fc.assert(
    fc.property(any, (fields) => {
      const { fields: back, extras, unreadable } = shownBack(codec, fields, version);
      expect(back).toEqual(given(fields));
      expect([extras, unreadable]).toEqual([[], []]);
      // What was read and is written again is the same again: a second pass is quiet.
      expect(shownBack(codec, back, version).fields).toEqual(back);
    }),
    { numRuns: 200 },
  );
}

const folder = 'AAMkFOLDER=' as FolderId;
const id = 'AAMkITEM=' as ItemId;

/** Creates, updates and reads are what the schema of the version allows. @param problems What is wrong with an envelope. */
export async function fitsSchema<Kind extends PlainKind>(
  codec: KindCodec<Kind>,
  any: fc.Arbitrary<PlainFields<Kind>>,
  version: SchemaVersion,
  problems: (envelope: Uint8Array) => readonly string[],
): Promise<void> {
  const check = async (body: XmlFragment) => expect(problems(await sent(body, version))).toEqual([]);
  await fc.assert(
    fc.asyncProperty(any, any, async (before, after) => {
      const items = [rawXml(written(codec, before, version))];
      await check(createItems.write({ folder, items }, version));
      const parts = updateParts(codec, after, before, version);
      const updates = rawXml(writeUpdates(codec.element.update, parts));
      const changes = [{ ref: id, expect: 'CQAAA=' as Version, updates }];
      if (parts.length > 0) await check(updateItems.write({ changes, onlyExpected: true }, version));
    }),
    { numRuns: 25 },
  );
  await check(getItem.write({ ids: [id], shape: { paths: itemHeadPaths + kindPaths(codec) } }, version));
}
