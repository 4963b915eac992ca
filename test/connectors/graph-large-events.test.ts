/** Appointments over the limit of an import: their files follow them, and nobody hears of it or takes half of one for a whole. */
import { afterEach, describe, expect, test } from 'vitest';
import type { Context, TypedWritten } from '#connectors/contract.ts';
import { retried } from '#connectors/wrappers/retried.ts';
import { must } from '#kit/assert.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import { payloadBytes } from '#kit/payload.ts';
import { seededRandom } from '#kit/random.ts';
import type { HttpRequest } from '#kit/transport.ts';
import type { FolderId } from '#model/ids.ts';
import { readStamp, type StampText } from '#model/stamp.ts';
import type { TypedDraft, TypedHead, TypedItem } from '#model/typed-item.ts';
import { attachment, draftOf, eventDraft, meetings, nth, seriesDraft } from '#test/suites/typed-drafts.ts';
import { type GraphLab, openGraphLab } from './graph-lab.fixture.ts';

const opened: GraphLab[] = [];
async function open() {
  const it = await openGraphLab(4 << 20);
  opened.push(it);
  const context = (): Context => ({
    signal: new AbortController().signal,
    deadlineMs: it.clock.monotonicMs() + 600_000,
  });
  const box = it.connector.mailbox(it.people.address);
  const calendar = must((await box.roles(context())).get('calendar'), 'a calendar');
  const events = must(box.typed('calendar'), 'events');
  const shown = async (folder: FolderId = calendar): Promise<readonly TypedHead[]> => {
    const { changes } = await events.changes(folder, null, context());
    return changes.flatMap((change) => (change.kind === 'upsert' ? [change.head] : []));
  };
  const read = async (head: Pick<TypedHead, 'id'>): Promise<TypedItem<'calendar'>> => {
    const item = (await events.read([head.id], context())).get(head.id);
    if (item === undefined || isFault(item)) throw new Error(JSON.stringify(item));
    return item;
  };
  const create = (draft: TypedDraft<'calendar'>): Promise<TypedWritten | Fault> =>
    events.create(calendar, [draft], context()).then(
      ([answer]) => must(answer, 'an answer'),
      (error: unknown) => (error instanceof FaultError ? error.fault : Promise.reject(error)),
    );
  /** Everything in the calendar, as its owner sees it. */
  const seen = () => it.people.items().filter(({ folder }) => folder === calendar).length;
  return { it, box, calendar, events, context, shown, read, create, seen };
}
afterEach(async () => {
  for (const it of opened.splice(0)) await it.close();
});

const files = [
  attachment('first.txt', 'small'),
  attachment('large.bin', 'five megabytes '.repeat(350_000), 'application/octet-stream'),
  attachment('last.txt', 'after '.repeat(10_000)),
];
const large = () => eventDraft({ subject: 'Large', location: 'Room 1' }, { attachments: files });
const isRange = ({ method }: HttpRequest): boolean => method === 'PUT';

async function expectWhole(it: Awaited<ReturnType<typeof open>>, draft: TypedDraft<'calendar'>, head: TypedHead) {
  const item = await it.read(head);
  expect(item.head.identity).toBe(draft.item.head.identity);
  expect(item.fields.attachments.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual(
    files.map(({ head: { name, sizeBytes } }) => [name, sizeBytes]),
  );
  const bytes = await it.events.attachments(head.id, null, item.fields.attachments, it.context());
  for (const [n, { hash }] of item.fields.attachments.entries()) {
    const there = await payloadBytes(must(bytes.get(hash), 'its bytes').bytes);
    expect(there.equals(await payloadBytes(must(files[n], 'a file').bytes))).toBe(true);
  }
  expect(it.it.sent()).toBe(0);
}

describe('an appointment that is larger than a request', () => {
  test('arrives whole, under the id and version that the create told, with its stamp', async () => {
    const at = await open();
    const draft = large();
    const written = await at.create(draft);
    if (isFault(written)) throw new Error(JSON.stringify(written));
    const [head, ...more] = await at.shown();
    expect(more).toEqual([]);
    expect(head).toMatchObject({ id: written.id, version: written.version, stamp: draft.stamp });
    await expectWhole(at, draft, must(head, 'it'));
    expect((await at.read(must(head, 'it'))).fields).toMatchObject({ subject: 'Large', location: 'Room 1' });
    expect(at.it.checked() ?? Number.POSITIVE_INFINITY).toBeGreaterThan(5);
  });

  test('as a series keeps its exceptions', async () => {
    const at = await open();
    const draft = seriesDraft({
      attachments: files,
      occurrences: [{ day: nth(2), overrides: { subject: 'Apart' } }],
      deletedDays: [nth(1)],
    });
    expect(isFault(await at.create(draft))).toBe(false);
    const [head] = await at.shown();
    await expectWhole(at, draft, must(head, 'it'));
    const { occurrences, deletedDays } = await at.read(must(head, 'it'));
    expect([occurrences, deletedDays]).toEqual([draft.item.occurrences, draft.item.deletedDays]);
  });

  test('what cannot be attached leaves nothing in the calendar', async () => {
    const at = await open();
    at.it.requestLost(isRange, Number.POSITIVE_INFINITY);
    expect(await at.create(large())).toMatchObject({ kind: 'transient', mayHaveHappened: false });
    expect(await at.shown()).toEqual([]);
    expect(at.seen()).toBe(0);
  });

  test('what a process that died had begun is shown to nobody, and removed when it is made again', async () => {
    const at = await open();
    const draft = large();
    const dead = must(at.it.another().mailbox(at.it.people.address).typed('calendar'), 'events');
    at.it.dies(isRange);
    await dead.create(at.calendar, [draft], at.context()).catch(() => {});
    at.it.dies(() => false);
    expect(at.seen()).toBe(1);
    expect(await at.shown()).toEqual([]);
    const identity = must(draft.item.head.identity, 'an identity');
    expect(await at.events.findByIdentity(at.calendar, [identity], at.context())).toEqual(new Map());
    expect(isFault(await at.create(draft))).toBe(false);
    expect(at.seen()).toBe(1);
    const [head] = await at.shown();
    await expectWhole(at, draft, must(head, 'it'));
  });

  test('a lost answer at the end may have made it, and the feed tells that it did', async () => {
    const at = await open();
    const draft = large();
    at.it.answerLost(({ method }) => method === 'PATCH');
    expect(await at.create(draft)).toMatchObject({ kind: 'transient', mayHaveHappened: true });
    const [head] = await at.shown();
    expect(head?.stamp).toBe(draft.stamp);
    await expectWhole(at, draft, must(head, 'it'));
  });

  test('is made anew when it changes, with the same identity, and goes where it is moved', async () => {
    const at = await open();
    const draft = large();
    await at.create(draft);
    const [before] = await at.shown();
    const item = await at.read(must(before, 'it'));
    const edit = { set: { subject: 'Larger' }, occurrences: [], attachments: new Map() };
    const [answer] = await at.events.update([{ item, edit }], at.context());
    if (answer === undefined || isFault(answer)) throw new Error(JSON.stringify(answer));
    const [head, ...more] = await at.shown();
    expect(more).toEqual([]);
    expect(head).toMatchObject({ id: answer.id, version: answer.version, stamp: draft.stamp });
    expect((await at.read(must(head, 'it'))).fields.subject).toBe('Larger');
    await expectWhole(at, draft, must(head, 'it'));
    const other = await at.box.createFolder(at.calendar, 'Other', 'IPF.Appointment', at.context());
    const [moved] = await at.events.move([answer.id], other, at.context());
    expect(isFault(must(moved, 'an answer'))).toBe(false);
    expect(await at.shown()).toEqual([]);
    const [there] = await at.shown(other);
    await expectWhole(at, draft, must(there, 'it'));
  });

  test.each([
    ['throttled', { status: 429, code: 'ApplicationThrottled' }],
    ['not known in time', { status: 424, code: 'FailedDependency' }],
    ['forbidden', { status: 403, code: 'ErrorAccessDenied' }],
  ])('one whose earlier form cannot be removed, %s, is not made a third time', async (_what, refusal) => {
    const at = await open();
    await at.create(large());
    const [before] = await at.shown();
    const item = await at.read(must(before, 'it'));
    const tried = retried(at.it.connector, { clock: at.it.clock, random: seededRandom('large') });
    const events = must(tried.mailbox(at.it.people.address).typed('calendar'), 'events');
    const isRemoval = ({ method }: HttpRequest) => method === 'DELETE';
    at.it.refuses(isRemoval, refusal, Number.POSITIVE_INFINITY);
    const edit = { set: { subject: 'Larger' }, occurrences: [], attachments: new Map() };
    const [answer] = await events.update([{ item, edit }], at.context());
    expect(answer).toMatchObject({ kind: 'transient', mayHaveHappened: true });
    expect(at.seen()).toBe(2);
    const other = await at.box.createFolder(at.calendar, 'Other', 'IPF.Appointment', at.context());
    const small = await at.create(eventDraft({ subject: 'Small' }));
    if (isFault(small)) throw new Error(JSON.stringify(small));
    const [moved] = await events.move([small.id], other, at.context());
    expect(moved).toMatchObject({ kind: 'transient', mayHaveHappened: true });
    expect(await at.shown(other)).toHaveLength(1);
  });

  test('what may not be attached is `too-large`, the calendar goes on, and nothing is left in it', async () => {
    const at = await open();
    const isOfEvents = ({ method, path }: HttpRequest) => method !== 'GET' && /\/events\//.test(path);
    at.it.refuses(isOfEvents, { status: 403, code: 'ErrorAccessDenied' }, Number.POSITIVE_INFINITY);
    const answers = await at.events.create(at.calendar, [large()], at.context());
    expect(answers).toEqual([
      { kind: 'poison', reason: 'too-large', detail: expect.stringContaining('does not take its files') },
    ]);
    expect(at.seen()).toBe(0);
  });

  test('one whose call is over while its files follow leaves nothing in the calendar', async () => {
    const at = await open();
    const stop = new AbortController();
    at.it.listen((request) => {
      if (isRange(request)) stop.abort(new Error('stopped'));
    });
    await at.events.create(at.calendar, [large()], { ...at.context(), signal: stop.signal }).catch(() => {});
    expect(at.seen()).toBe(0);
  });

  /** Half an appointment, by somebody who died. */
  const halfOf = async (at: Awaited<ReturnType<typeof open>>, draft: TypedDraft<'calendar'>) => {
    const dead = must(at.it.another().mailbox(at.it.people.address).typed('calendar'), 'events');
    at.it.dies(isRange);
    await dead.create(at.calendar, [draft], at.context()).catch(() => {});
    at.it.dies(() => false);
    expect(at.seen()).toBe(1);
  };

  test('half of one that nobody comes back to is removed after hours, by whoever reads the feed, and not before', async () => {
    const at = await open();
    const { cursor } = await at.events.changes(at.calendar, null, at.context());
    await halfOf(at, large());
    const look = () => at.events.changes(at.calendar, cursor, at.context());
    await look();
    at.it.clock.advance(5 * 3_600_000);
    await look();
    expect(at.seen()).toBe(1);
    at.it.clock.advance(2 * 3_600_000);
    await look();
    expect(at.seen()).toBe(0);
    expect(at.it.sent()).toBe(0);
  });

  test('half of one goes when it is made again without what made it large', async () => {
    const at = await open();
    const draft = large();
    await halfOf(at, draft);
    await at.shown();
    const { item } = eventDraft({ subject: 'Small' });
    const { identity } = draft.item.head;
    const small = { ...draft, item: { ...item, head: { ...item.head, identity } }, attachments: [] };
    expect(isFault(await at.create(small))).toBe(false);
    expect(at.seen()).toBe(1);
    expect(await at.shown()).toMatchObject([{ identity }]);
  });

  test('of two that nobody gave a stamp neither is taken for the other', async () => {
    const at = await open();
    const drafts = [large(), large()].map((draft) => ({ ...draft, stamp: '' as StampText }));
    for (const draft of drafts) expect(isFault(await at.create(draft))).toBe(false);
    const stamps = (await at.shown()).map(({ stamp }) => stamp);
    expect(stamps).toHaveLength(2);
    expect(new Set(stamps).size).toBe(2);
    for (const stamp of stamps) expect(stamp === null ? null : readStamp(stamp)).toBeNull();
  });

  test('what cannot be made like that is `too-large`, with the reason', async () => {
    const at = await open();
    const meeting = eventDraft({ ...must(meetings[0], 'a meeting') }, { attachments: files });
    expect(await at.create(meeting)).toMatchObject({
      kind: 'poison',
      reason: 'too-large',
      detail: expect.stringContaining('attendees'),
    });
    const body = eventDraft({ body: { type: 'text', text: 'word '.repeat(1_500_000) } });
    expect(await at.create(body)).toMatchObject({
      kind: 'poison',
      reason: 'too-large',
      detail: expect.stringContaining('files'),
    });
    const contacts = must(at.box.typed('contacts'), 'contacts');
    const folder = must((await at.box.roles(at.context())).get('contacts'), 'a folder');
    const [contact] = await contacts.create(folder, [draftOf('contacts', { attachments: files })], at.context());
    expect(contact).toMatchObject({
      kind: 'poison',
      reason: 'too-large',
      detail: expect.stringContaining('mail and events'),
    });
    expect(at.seen()).toBe(0);
    expect(at.it.sent()).toBe(0);
  });
});
