import { describe, expect, test } from 'vitest';
import { parseXmlBytes } from '#formats/text/xml-read.ts';
import { haveSchemas, validateEnvelope } from '#test/suites/ews-schema.ts';
import { anyFields, comesBack, fitsSchema, servers } from '../typed/codec-laws.fixture.ts';
import { readFields, updateParts } from '../typed/kind-codec.ts';
import { shownItem } from '../typed/shown-item.ts';
import { noteCodec } from './note-codec.ts';

const notes = anyFields(noteCodec);

describe.each(servers)('notes in the words of %s', (server, version) => {
  test('come back as they were written', () => comesBack(noteCodec, notes, version));
  test.skipIf(!haveSchemas())('fit the schema', () =>
    fitsSchema(noteCodec, notes, version, (bytes) => validateEnvelope(server, bytes)),
  );
});

const property = (where: string, value: string) =>
  `<t:ExtendedProperty><t:ExtendedFieldURI ${where} PropertyType="Integer"/><t:Value>${value}</t:Value></t:ExtendedProperty>`;
const shown = (inner: string) =>
  readFields(
    noteCodec,
    shownItem(
      parseXmlBytes(`<t:Item xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">${inner}</t:Item>`)
        .root,
    ),
  );
const set = 'PropertySetId="0006200E-0000-0000-C000-000000000046" PropertyId="35584"';

test('an older note has its colour in its icon', () => {
  expect(shown(property('PropertyTag="0x1080"', '769')).fields).toMatchObject({ colour: 1, width: 200, height: 166 });
  expect(shown(property('PropertyTag="0x1080"', '769') + property(set, '4')).fields.colour).toBe(4);
  expect(shown('').fields.colour).toBe(3);
  expect(shown(property(set, '77')).extras).toMatchObject([{ values: ['77'] }]);
});

test('a change of colour changes the icon', () => {
  const { fields } = shown('');
  const xml = updateParts(noteCodec, { colour: 0 }, fields, 'Exchange2007_SP1').map((part) => part.xml);
  expect(xml).toEqual([expect.stringContaining('<t:Value>0<'), expect.stringContaining('<t:Value>768<')]);
});
