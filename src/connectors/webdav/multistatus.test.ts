import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { reference } from '#formats/text/reference.fixture.ts';
import { itemIdOfUrl, segmentOfReplUid } from './dav-ids.ts';
import { davKey, names } from './dav-names.ts';
import { readHead } from './mail-codec.ts';
import { type DavResponse, readMultistatus, shownText } from './multistatus.ts';

async function* whole(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

async function read(text: string) {
  const responses: DavResponse[] = [];
  const rest = await readMultistatus(whole(text), (response) => responses.push(response));
  return { responses, ...rest };
}

const examples = reference('protocol/webdav/examples');
const answersIn = (file: string): readonly string[] =>
  examples === null
    ? []
    : [
        ...readFileSync(join(examples, file), 'utf8').matchAll(
          /<\?xml[^>]*\?><a:multistatus[\s\S]*?<\/a:multistatus>/g,
        ),
      ].map(([text]) => text);

test.skipIf(examples === null)('every published answer of several is read', async () => {
  let read207 = 0;
  for (const file of readdirSync(examples ?? '.'))
    for (const text of answersIn(file)) {
      const { responses, oddities } = await read(text);
      expect([file, responses.length > 0, oddities]).toEqual([file, true, {}]);
      expect(responses.every(({ href }) => href.startsWith('http://mail.example.com/exchange/alice/'))).toBe(true);
      read207++;
    }
  expect(read207).toBeGreaterThan(8);
});

test.skipIf(examples === null)('replication ids lead to the addresses of items', async () => {
  const [text = ''] = answersIn('search-repl-update.http');
  const { responses } = await read(text);
  expect(responses.map(({ changeType }) => changeType)).toEqual(['change', 'delete']);
  expect(segmentOfReplUid(shownText(responses[1] as DavResponse, names.replUid) ?? '')).toBe(
    '502d6afd161ef2438995e1d929cf92eb-9f0',
  );
  const [messages = ''] = answersIn('search-messages-paged.http');
  const [, plan] = (await read(messages)).responses;
  expect(itemIdOfUrl(shownText(plan as DavResponse, names.permanentUrl) ?? '')?.id).toBe(
    '502d6afd161ef2438995e1d929cf92eb-32/502d6afd161ef2438995e1d929cf92eb-9f0',
  );
});

const item = (properties: string) =>
  `<?xml version="1.0"?><a:multistatus xmlns:a="DAV:" xmlns:b="urn:uuid:c2f41010-65b3-11d1-a29f-00aa00c14882/" xmlns:m="http://schemas.microsoft.com/mapi/proptag/" xmlns:c="http://schemas.microsoft.com/mapi/id/{00062008-0000-0000-c000-000000000046}/" xmlns:e="http://schemas.microsoft.com/exchange/" xmlns:x="xml:"><a:response><a:href>http://h/exchange/a/Inbox/x.EML</a:href><a:propstat><a:status>HTTP/1.1 200 OK</a:status><a:prop><e:permanenturl>http://h/exchange/a/-FlatUrlSpace-/502d6afd161ef2438995e1d929cf92eb-32/502d6afd161ef2438995e1d929cf92eb-9f0</e:permanenturl><a:getetag>"1"</a:getetag>${properties}</a:prop></a:propstat><a:propstat><a:status>HTTP/1.1 404 Resource Not Found</a:status><a:prop><m:x10900003/></a:prop></a:propstat></a:response></a:multistatus>`;

test('names that begin with a digit and characters that XML forbids are repaired, and counted', async () => {
  const { responses, oddities } = await read(
    item(
      '<c:0x8530>Call&#x1;</c:0x8530><m:x0037001f>a\u0002b</m:x0037001f><e:keywords-utf8 b:dt="mv.string"><x:v>one</x:v><x:v>two</x:v></e:keywords-utf8>',
    ),
  );
  const found: Record<string, number> = {};
  const head = readHead(responses[0] as DavResponse, found);
  expect(head?.state).toMatchObject({ flagRequest: 'Call\ufffd', categories: ['one', 'two'], flagStatus: 0 });
  expect(head?.unread).toMatchObject([{ values: ['Call\ufffd', '&#x1;'] }]);
  expect(oddities).toEqual({ 'name that begins with a digit': 1, 'forbidden character': 2 });
});

test('a value that cannot be read is kept as it came', async () => {
  const { responses } = await read(
    item('<m:x0e060040 b:dt="dateTime.tz">yesterday</m:x0e060040>'.replaceAll('x0e060040', 'x10910040')),
  );
  const found: Record<string, number> = {};
  const head = readHead(responses[0] as DavResponse, found);
  expect(head?.unread).toEqual([{ property: { tag: 0x1091, type: 'time' }, values: ['yesterday'] }]);
  expect(found).toEqual({ 'unreadable flagCompletedAt': 1 });
});

test('properties that are not there have their status', async () => {
  const { responses } = await read(item(''));
  expect([...(responses[0] as DavResponse).refused]).toEqual([['tag 10900003', 404]]);
});

test('all ways to write a name are one name', () => {
  const proptag = (name: string) => davKey({ ns: 'http://schemas.microsoft.com/mapi/proptag/', name });
  expect(new Set(['x0E06001F', '0x0e06001f', '_x0030_x0e06001e', 'x0e06001e'].map(proptag)).size).toBe(1);
  const id = (name: string) =>
    davKey({ ns: 'http://schemas.microsoft.com/mapi/id/{00062004-0000-0000-C000-000000000046}/', name });
  expect(new Set(['_x0030_x8084', '0x00008084', '32900', '_x0033_2900'].map(id)).size).toBe(1);
  expect(id('0x8085')).not.toBe(id('0x8084'));
});

test('entities and document types are refused', async () => {
  await expect(read('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')).rejects.toMatchObject({ reason: 'doctype' });
});
