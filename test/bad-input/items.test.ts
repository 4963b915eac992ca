/** Items that are damaged, strange, too large, or equal to others. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import type { Item } from '#lab/world/item.ts';
import { key, type Property, type PropertyKey } from '#lab/world/property.ts';
import { BadWorld, contents, mail, people, subjects } from './bad-world.fixture.ts';

let world: BadWorld;
const open = async (...options: Parameters<typeof BadWorld.open>) => {
  world = await BadWorld.open(...options);
};
beforeEach(() => open());
afterEach(() => world.close());

const inbox = (side: 'left' | 'right' = 'left') => world[side]().folder('inbox');
const three = () => {
  for (const subject of ['one', 'two', 'three']) world.deliver(mail(subject));
};
const all = ['one', 'three', 'two'];

/** A mail with other properties than it came with; null takes one away. */
function withProperties(mime: Buffer, change: Readonly<Record<PropertyKey, Property | null>>): Item {
  return world.deliver(mime, {
    change: (content) => {
      const properties = new Map(content.properties);
      for (const [at, property] of Object.entries(change)) {
        if (property === null) properties.delete(at);
        else properties.set(at, property);
      }
      return { ...content, properties };
    },
  });
}
const time = (iso: string): Property => ({ type: 'SystemTime', value: Date.parse(iso) });
const copyOf = (subject: string): Item =>
  must(
    [...inbox('right').items()].find((item) => item.text(key.subject) === subject),
    `a copy of ${subject}`,
  );
const at = (item: Item, property: PropertyKey) => item.content.properties.get(property)?.value ?? null;

async function quiet(): Promise<void> {
  const { summary, again } = await world.pass(0, { everything: true });
  expect({ writes: summary.writes, again }).toEqual({ writes: 0, again: false });
  await world.verified();
}

async function retryAndSettle(): Promise<void> {
  world.tamper = null;
  world.rewrite = null;
  expect(await world.store.retryQuarantine({ pair: world.pairId() })).toBe(1);
  await world.settles();
  expect(await world.quarantine()).toEqual([]);
}

/** The response message of a batch whose item is that one. */
const messageOf = (answer: string, operation: string, marker: string): string =>
  must(
    [...answer.matchAll(new RegExp(`<m:${operation}ResponseMessage .*?</m:${operation}ResponseMessage>`, 'gs'))].find(
      ([text]) => text.includes(marker),
    ),
    'a message',
  )[0];

const errorMessage = (operation: string, code: string): string =>
  `<m:${operation}ResponseMessage ResponseClass="Error"><m:MessageText>Told by the test.</m:MessageText><m:ResponseCode>${code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey><m:Items/></m:${operation}ResponseMessage>`;

/** Part of the base64 of a mail, as it stands in a request or an answer. */
const markerOf = (item: Item) => must(item.content.mime, 'bytes').toString('base64').slice(0, 300);

describe('dates', () => {
  const sentAt = /(<t:ExtendedFieldURI PropertyTag="0x0*39"[^>]*><t:Value>)[^<]*/gi;

  test('none at all: carried; the copy has the time at which the original was made', async () => {
    withProperties(mail('undated', { Date: null }), { [key.receivedAt]: null, [key.sentAt]: null });
    await world.settles();
    expect(at(copyOf('undated'), key.receivedAt)).toBe(1_750_000_000_000);
  });

  test.each([
    ['1601', '1601-01-01T00:00:00Z'],
    ['4500', '4500-08-31T00:00:00Z'],
    ['Outlook’s none', '4501-01-01T00:00:00Z'],
    ['9999', '9999-12-31T23:59:59Z'],
  ] as const)('of the year %s: carried as they are', async (year, iso) => {
    withProperties(mail(year), { [key.receivedAt]: time(iso), [key.sentAt]: time(iso), '0x0015': time(iso) });
    await world.settles();
    const copy = copyOf(year);
    expect([key.receivedAt, key.sentAt, '0x0015'].map((one) => at(copy, one))).toEqual(
      new Array(3).fill(Date.parse(iso)),
    );
  });

  test.each([
    '0000-00-00T00:00:00Z',
    '1600-12-31T23:59:59Z',
    '12025-01-01T00:00:00Z',
    'yesterday',
    '',
  ])('that cannot be read (%s): carried without, counted', async (text) => {
    three();
    world.tamper = (x) => (x.side === 'source' ? x.answer.replace(sentAt, `$1${text}`) : null);
    const [first] = await world.sync();
    expect(first?.counts.oddities).toMatchObject({ 'unreadable sentAt': 3 });
    expect(subjects(inbox('right'))).toEqual(all);
    expect(await world.quarantine()).toEqual([]);
    await quiet();
    world.tamper = null;
    await world.settles();
    expect(subjects(inbox('right'))).toEqual(all);
  });
});

describe('identity', () => {
  const withoutSearchKey = () => {
    world.tamper = (x) =>
      x.side === 'source'
        ? x.answer.replace(
            /<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag="0x300b"[^>]*><t:Value>[^<]*<\/t:Value><\/t:ExtendedProperty>/gi,
            '',
          )
        : null;
  };

  test('no search key: carried, and a move on the source is followed without loss or doubling', async () => {
    withoutSearchKey();
    three();
    await world.settles();
    const [first] = [...inbox().items()];
    world.left().move(must(first, 'an item'), world.left().folder('junkemail'), people);
    await world.settles();
    expect(contents(world.right())).toHaveLength(3);
  });

  test.each([
    ['one Message-Id', (n: number) => mail(`mail ${n}`, { 'Message-ID': '<same@elsewhere.test>' })],
    ['no Message-Id', (n: number) => mail(`mail ${n}`, { 'Message-ID': null })],
    ['everything', () => mail('equal')],
  ] as const)('mails that share %s: as many on the target as in the source, also after relink', async (_what, make) => {
    for (const n of [1, 2, 3, 4]) world.deliver(make(n));
    world.left().copy(must([...inbox().items()][0], 'an item'), world.left().folder('deleteditems'), people);
    world.left().copy(must([...inbox().items()][0], 'an item'), inbox(), people);
    await world.settles();
    expect(contents(world.right())).toHaveLength(6);
    for (let n = 0; n < 2; n++) {
      await world.store.forget(world.pairId());
      await world.settles();
      expect(contents(world.right())).toHaveLength(6);
    }
    // One of them goes, and it is not another that goes with it.
    world.left().remove(must([...inbox().items()][1], 'an item'), 'SoftDelete', people);
    await world.settles();
    expect(contents(world.right())).toHaveLength(5);
  });

  test('ids that change with a move: the same copy moves along', async () => {
    three();
    await world.settles();
    const before = [...inbox('right').items()].map((item) => item.searchKey);
    for (const item of [...inbox().items()]) world.left().move(item, world.left().folder('junkemail'), people);
    const results = await world.sync();
    expect(results.reduce((n, { counts }) => n + counts.created, 0)).toBe(0);
    expect(results.reduce((n, { counts }) => n + counts.moved, 0)).toBe(3);
    expect([...world.right().folder('junkemail').items()].map((item) => item.searchKey).sort()).toEqual(before.sort());
    await quiet();
  });

  test('moved on both sides, and moved back: still one copy each', async () => {
    three();
    await world.settles();
    for (const item of [...inbox('right').items()]) world.right().move(item, world.right().folder('junkemail'), people);
    for (const item of [...inbox().items()]) world.left().move(item, world.left().folder('deleteditems'), people);
    await world.sync();
    for (const item of [...world.left().folder('deleteditems').items()]) world.left().move(item, inbox(), people);
    await world.sync();
    expect(contents(world.right())).toHaveLength(3);
    await quiet();
  });
});

describe('classes', () => {
  test.each([
    'IPM.Note.Contoso.Form',
    'IPM.Unheard.Of',
    'ipm.note',
    'Nothing',
    'REPORT.IPM.Note.NDR',
  ])('an unknown one, %s: carried with its class', async (itemClass) => {
    three();
    withProperties(mail('strange'), { [key.itemClass]: { type: 'String', value: itemClass } });
    await world.settles();
    expect(copyOf('strange').itemClass).toBe(itemClass);
  });

  test('one that the target does not take: `class-refused`, the others go through, retried when it does', async () => {
    three();
    const bad = withProperties(mail('strange'), { [key.itemClass]: { type: 'String', value: 'IPM.Odd' } });
    refuseAtTarget(bad, 'ErrorObjectTypeChanged');
    await world.sync();
    expect(subjects(inbox('right'))).toEqual(all);
    expect(await world.quarantine()).toMatchObject([{ reason: 'class-refused', retry: false, itemClass: 'IPM.Odd' }]);
    await quiet();
    await retryAndSettle();
  });
});

/** The target refuses one item: the request never reaches the lab with it, and the answer says so in its place. */
function refuseAtTarget(bad: Item, code: string): void {
  const marker = markerOf(bad);
  let place = -1;
  const strip = /<t:(Message|PostItem)>.*?<\/t:\1>/gs;
  world.rewrite = (x) => {
    if (x.operation !== 'CreateItem' || !x.request.includes(marker)) return null;
    const items = [...x.request.matchAll(strip)].map(([text]) => text);
    place = items.findIndex((text) => text.includes(marker));
    return items.length === 1 ? 'nothing' : x.request.replace(items[place] ?? '', '');
  };
  world.tamper = (x) => {
    if (x.operation !== 'CreateItem' || !x.request.includes(marker)) return null;
    const refused = errorMessage('CreateItem', code);
    if (!x.answer.includes('ResponseMessages>')) return createAnswer(refused);
    const messages = [...x.answer.matchAll(/<m:CreateItemResponseMessage .*?<\/m:CreateItemResponseMessage>/gs)];
    const next = messages[place];
    return next === undefined
      ? x.answer.replace('</m:ResponseMessages>', `${refused}</m:ResponseMessages>`)
      : x.answer.replace(next[0], refused + next[0]);
  };
}

const createAnswer = (message: string): { readonly status: number; readonly text: string } => ({
  status: 200,
  text: `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><m:CreateItemResponse xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><m:ResponseMessages>${message}</m:ResponseMessages></m:CreateItemResponse></s:Body></s:Envelope>`,
});

describe('one bad item among good ones', () => {
  test.each([
    ['ErrorCorruptData', 'corrupt'],
    ['ErrorMimeContentInvalid', 'corrupt'],
    ['ErrorContentConversionFailed', 'corrupt'],
    ['ErrorAccessDenied', 'access-denied'],
  ] as const)('the source answers %s: `%s`', async (code, reason) => {
    three();
    const bad = world.deliver(mail('bad'));
    const marker = markerOf(bad);
    world.tamper = (x) =>
      x.operation === 'GetItem' && x.answer.includes(marker)
        ? x.answer.replace(messageOf(x.answer, 'GetItem', marker), errorMessage('GetItem', code))
        : null;
    await world.sync();
    expect(subjects(inbox('right'))).toEqual(all);
    expect(await world.quarantine()).toMatchObject([{ reason, retry: false, detail: expect.stringContaining(code) }]);
    await quiet();
    await retryAndSettle();
  });

  test.each([
    ['ErrorMimeContentInvalid', 'refused-by-target'],
    ['ErrorInvalidPropertySet', 'refused-by-target'],
    ['ErrorMessageSizeExceeded', 'too-large'],
    ['ErrorCreateItemAccessDenied', 'send-only-folder'],
  ] as const)('the target answers %s: `%s`', async (code, reason) => {
    three();
    refuseAtTarget(world.deliver(mail('bad')), code);
    await world.sync();
    expect(subjects(inbox('right'))).toEqual(all);
    expect(await world.quarantine()).toMatchObject([{ reason, retry: false, detail: expect.stringContaining(code) }]);
    await quiet();
    await retryAndSettle();
  });

  test.each([
    'ErrorInternalServerError',
    'ErrorItemPropertyRequestFailed',
    'ErrorSomethingNew',
  ])('the source fails on it with %s time after time: `keeps-failing`, later left to the operator', async (code) => {
    three();
    const marker = markerOf(world.deliver(mail('bad')));
    world.tamper = (x) =>
      x.operation === 'GetItem' && x.answer.includes(marker)
        ? x.answer.replace(messageOf(x.answer, 'GetItem', marker), errorMessage('GetItem', code))
        : null;
    expect((await world.pass()).again).toBe(true);
    expect(await world.quarantine()).toMatchObject([{ reason: 'keeps-failing', retry: true, attempts: 1 }]);
    await world.sync();
    expect(await world.quarantine()).toMatchObject([{ reason: 'keeps-failing', retry: false, attempts: 5 }]);
    expect(subjects(inbox('right'))).toEqual(all);
    await quiet();
    await retryAndSettle();
  });

  test('every request with it ends in HTTP 500: `keeps-failing`, its neighbours go through', async () => {
    three();
    const marker = markerOf(world.deliver(mail('bad')));
    world.tamper = (x) =>
      x.operation === 'GetItem' && x.answer.includes(marker) ? { status: 500, text: 'Internal Server Error' } : null;
    await world.sync();
    expect(subjects(inbox('right'))).toEqual(all);
    expect(await world.quarantine()).toMatchObject([{ reason: 'keeps-failing' }]);
    await quiet();
    await retryAndSettle();
  });

  test('every create with it ends in HTTP 500 and nothing is made: `keeps-failing`', async () => {
    three();
    const marker = markerOf(world.deliver(mail('bad')));
    world.rewrite = (x) => (x.operation === 'CreateItem' && x.request.includes(marker) ? 'nothing' : null);
    world.tamper = (x) =>
      x.operation === 'CreateItem' && x.request.includes(marker)
        ? { status: 500, text: 'Internal Server Error' }
        : null;
    await world.sync();
    expect(subjects(inbox('right'))).toEqual(all);
    expect(await world.quarantine()).toMatchObject([{ reason: 'keeps-failing' }]);
    await quiet();
    await retryAndSettle();
  });

  test.each([
    ['small', 1_000],
    ['over the spool threshold', 3_000_000],
  ] as const)('its base64 is corrupt (%s): `corrupt`, and only it', async (_size, bytes) => {
    three();
    const bad = world.deliver(mail('bad', {}, 'x'.repeat(bytes)));
    const text = must(bad.content.mime, 'bytes').toString('base64');
    const middle = text.slice(text.length >> 1, (text.length >> 1) + 40);
    world.tamper = (x) =>
      x.operation === 'GetItem'
        ? x.answer.replace(text, text.replace(middle, `${middle.slice(0, 20)}*${middle.slice(21)}`))
        : null;
    await world.sync();
    expect(subjects(inbox('right'))).toEqual(all);
    expect(await world.quarantine()).toMatchObject([{ reason: 'corrupt', retry: false }]);
    await quiet();
    await retryAndSettle();
  });

  test.each([
    ['without MIME', (text: string) => text.replace(/<t:MimeContent.*?<\/t:MimeContent>/s, ''), 'corrupt'],
    [
      'with elements in its MIME',
      (text: string) => text.replace('</t:MimeContent>', '<t:x/></t:MimeContent>'),
      'corrupt',
    ],
    ['without an id', (text: string) => text.replace(/<t:ItemId [^>]*\/>/, ''), 'keeps-failing'],
    ['as nothing', (text: string) => text.replace(/<m:Items>.*<\/m:Items>/s, '<m:Items/>'), 'keeps-failing'],
  ] as const)('it comes %s: `%3$s`', async (_how, spoil, reason) => {
    three();
    const marker = markerOf(world.deliver(mail('bad')));
    world.tamper = (x) => {
      if (x.operation !== 'GetItem' || !x.answer.includes(marker)) return null;
      const message = messageOf(x.answer, 'GetItem', marker);
      return x.answer.replace(message, spoil(message));
    };
    await world.sync();
    expect(subjects(inbox('right'))).toEqual(all);
    expect(await world.quarantine()).toMatchObject([{ reason }]);
    await quiet();
    await retryAndSettle();
  });

  test('it goes while it is in quarantine: nothing is left of it', async () => {
    three();
    const bad = world.deliver(mail('bad'));
    refuseAtTarget(bad, 'ErrorMimeContentInvalid');
    await world.sync();
    expect(await world.quarantine()).toHaveLength(1);
    world.left().remove(bad, 'SoftDelete', people);
    await world.sync();
    expect(await world.quarantine()).toEqual([]);
    await world.settles();
    world.rewrite = null;
  });

  test('it is moved while it is in quarantine: still one line, and it comes when the cause is gone', async () => {
    three();
    const bad = world.deliver(mail('bad'));
    refuseAtTarget(bad, 'ErrorMimeContentInvalid');
    await world.sync();
    world.left().move(bad, world.left().folder('junkemail'), people);
    await world.sync();
    expect(await world.quarantine()).toHaveLength(1);
    await retryAndSettle();
  });
});

describe('over a limit of the target', () => {
  beforeEach(async () => {
    await world.close();
    await open({ target: { itemMaxBytes: 20_000 } });
  });

  test('a message: `too-large`, its neighbours go through, retried when the limit is raised', async () => {
    three();
    world.deliver(mail('large', {}, 'x'.repeat(30_000)));
    await world.sync();
    expect(subjects(inbox('right'))).toEqual(all);
    expect(await world.quarantine()).toMatchObject([{ reason: 'too-large', retry: false }]);
    await quiet();
    (world.lab.organization('target').world as { itemMaxBytes: number }).itemMaxBytes = 1_000_000;
    await retryAndSettle();
  });

  test('a request: the batch is halved until it fits, and only what is too large by itself waits', async () => {
    three();
    world.deliver(mail('large', {}, 'x'.repeat(19_000)));
    world.lab.organization('target').front.configure({ requestMaxBytes: 15_000 });
    await world.sync();
    expect(subjects(inbox('right'))).toEqual(all);
    expect(await world.quarantine()).toMatchObject([{ reason: 'too-large', retry: false }]);
    await quiet();
    world.lab.organization('target').front.configure({ requestMaxBytes: 64_000_000 });
    await retryAndSettle();
  });
});
