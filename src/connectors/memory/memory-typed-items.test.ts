import { expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { FaultError, isFault } from '#kit/fault.ts';
import type { EventFields, EventIdentity } from '#model/appointment.ts';
import { plainFields } from '#model/plain-fields.ts';
import type { Recurrence } from '#model/recurrence.ts';
import type { StampText } from '#model/stamp.ts';
import type { TypedDraft, TypedItem } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import type { Context } from '../contract.ts';
import { memoryConnector } from './memory-connector.ts';
import { MemoryOrganization } from './memory-organization.ts';

const context: Context = { signal: new AbortController().signal, deadlineMs: Number.POSITIVE_INFINITY };
const vienna = { id: 'W. Europe Standard Time', rules: null };
const HOUR = 3_600_000;
/** Monday, 10:00 in Vienna. */
const start = Date.parse('2024-01-01T09:00:00Z');
const when = { start, end: start + HOUR, isAllDay: false, startZone: vienna, endZone: vienna };
const daily: Recurrence = {
  pattern: { kind: 'daily', interval: 1 },
  range: { end: 'count', startDay: '2024-01-01' as Day, count: 5 },
};
const [second, third, fourth] = ['2024-01-02', '2024-01-03', '2024-01-04'].map((day) => day as Day) as [Day, Day, Day];

function world() {
  const organization = new MemoryOrganization('memory');
  const box = organization.add('anna@memory.test');
  const calendar = box.byRole('calendar');
  const mailbox = memoryConnector(organization).mailbox(box.address);
  const events = must(mailbox.typed('calendar'), 'events');
  const book = (fields: Partial<EventFields> = {}) =>
    box.typed.add('calendar', calendar, { subject: 'standup', when, recurrence: daily, ...fields });
  const read = async (id: TypedItem['head']['id']): Promise<TypedItem<'calendar'>> => {
    const item = (await events.read([id], context)).get(id);
    if (item === undefined || isFault(item)) throw new Error('it cannot be read');
    return item;
  };
  return { organization, box, calendar, mailbox, events, book, read };
}

function draft(fields: Partial<EventFields>, over: Partial<TypedItem<'calendar'>> = {}): TypedDraft<'calendar'> {
  const { box, calendar } = world();
  const { head } = box.typed.show(box.typed.add('calendar', calendar, {}));
  const item = {
    kind: 'calendar',
    head: { ...head, identity: '04AB' as EventIdentity },
    fields: { ...plainFields.calendar, ...fields },
    occurrences: [],
    deletedDays: [],
    extras: [],
    ...over,
  } as const;
  return { item, attachments: [], occurrenceAttachments: new Map(), stamp: 'cw1;stamp' as StampText };
}

test('people’s new time of a series drops its exceptions, another subject does not', async () => {
  const { box, book, read } = world();
  const { id } = book();
  box.typed.editOccurrence(id, second, { location: 'Room 1' });
  box.typed.editOccurrence(id, second, { subject: 'special' });
  box.typed.deleteOccurrence(id, third);
  const before = await read(id);
  box.typed.edit<'calendar'>(id, { set: { subject: 'sit down' }, occurrences: [] });
  expect(await read(id)).toMatchObject({
    head: { identity: before.head.identity, searchKey: before.head.searchKey, version: 'v5' },
    occurrences: [{ day: second, overrides: { location: 'Room 1', subject: 'special' } }],
    deletedDays: [third],
  });
  box.typed.edit<'calendar'>(id, { set: { when: { ...when, end: when.end + HOUR } }, occurrences: [] });
  expect(await read(id)).toMatchObject({ occurrences: [], deletedDays: [] });
});

test('an override that is as the series is does not show, is there again when the series changes, and is an exception all the time', async () => {
  const { box, book, read } = world();
  const { id } = book({ location: 'Room 1' });
  box.typed.editOccurrence(id, second, {
    location: 'Room 2',
    when: { ...when, start: start + 24 * HOUR, end: start + 25 * HOUR },
  });
  expect((await read(id)).occurrences).toEqual([{ day: second, overrides: { location: 'Room 2' } }]);
  box.typed.edit<'calendar'>(id, { set: { location: 'Room 2' }, occurrences: [] });
  expect((await read(id)).occurrences).toEqual([{ day: second, overrides: {} }]);
  box.typed.edit<'calendar'>(id, { set: { location: 'Room 3' }, occurrences: [] });
  expect((await read(id)).occurrences).toEqual([{ day: second, overrides: { location: 'Room 2' } }]);
});

test('a server with habits: frames HTML, cuts seconds, and writes once more than it says', async () => {
  const { box, calendar, events, read } = world();
  box.typed.habits = { normalises: true, touches: true };
  const late = { ...when, start: start + 7_123, end: start + HOUR + 59_999 };
  const [answer] = await events.create(
    calendar,
    [draft({ when: late, body: { type: 'html', text: '<body class="x"><p>Agenda</p></body>' } })],
    context,
  );
  if (answer === undefined || isFault(answer)) throw new Error('it was not created');
  const shown = await read(answer.id);
  expect(shown.fields.when).toEqual({ ...when, end: start + HOUR });
  expect(shown.fields.body.text).toMatch(/^<html>\r\n[\s\S]*<body>\r\n<p>Agenda<\/p>\r\n<\/body>/);
  expect(shown.head.version).not.toBe(answer.version);
  // What it makes of its own is the same.
  box.typed.edit<'calendar'>(answer.id, { set: { body: shown.fields.body }, occurrences: [] });
  expect((await read(answer.id)).fields.body).toEqual(shown.fields.body);
});

test('a series may be left without its occurrences, at a create and at a change', async () => {
  const { organization, box, calendar, events, read } = world();
  const series = draft(
    { when, recurrence: daily },
    { occurrences: [{ day: second, overrides: { subject: 'special' } }], deletedDays: [third] },
  );
  organization.between = () => {
    throw new FaultError({ kind: 'transient', detail: 'reset', mayHaveHappened: true });
  };
  const [fault] = await events.create(calendar, [series], context);
  expect(fault).toMatchObject({ kind: 'transient', mayHaveHappened: true });
  const [half] = [...box.typed.items.values()];
  const item = await read(must(half, 'the series').id);
  expect(item).toMatchObject({ head: { stamp: 'cw1;stamp', identity: '04AB' }, occurrences: [], deletedDays: [] });

  organization.between = () => {};
  const change = (occurrences: Parameters<typeof events.update>[0][number]['edit']['occurrences']) => async () => {
    const now = await read(item.head.id);
    const edit = { set: { recurrence: daily }, occurrences, attachments: new Map() };
    return (await events.update([{ item: now, edit }], context))[0];
  };
  await change([
    { day: second, do: 'modify', overrides: { subject: 'special' } },
    { day: third, do: 'delete' },
  ])();
  expect(await read(item.head.id)).toMatchObject({ occurrences: [{ day: second }], deletedDays: [third] });
  organization.between = () => {
    throw new Error('the process ends');
  };
  await expect(change([{ day: fourth, do: 'delete' }])()).rejects.toThrow('the process ends');
  expect(await read(item.head.id)).toMatchObject({ occurrences: [], deletedDays: [] });
});

test('faults before a call, for one item, and after a write that was carried out', async () => {
  const { organization, box, calendar, events } = world();
  const operations: string[] = [];
  organization.before = (operation) => void operations.push(`before ${operation}`);
  organization.after = (operation) => {
    operations.push(`after ${operation}`);
    throw new FaultError({ kind: 'transient', detail: 'lost', mayHaveHappened: true });
  };
  organization.itemFault = (operation, { sizeBytes }) =>
    operation === 'typedCreate' && sizeBytes === 0 ? { kind: 'poison', reason: 'corrupt', detail: 'x' } : null;
  await expect(events.create(calendar, [draft({})], context)).rejects.toThrow('lost');
  expect(box.typed.items.size).toBe(0);
  organization.itemFault = () => null;
  await expect(events.create(calendar, [draft({})], context)).rejects.toThrow('lost');
  expect(box.typed.items.size).toBe(1);
  await events.changes(calendar, null, context);
  expect(operations).toEqual([
    ...['before typedCreate', 'after typedCreate', 'before typedCreate', 'after typedCreate'],
    'before typedChanges',
  ]);
});

test('free/busy: the default calendar, occurrences as they really are, and nothing that is free', async () => {
  const { box, calendar, mailbox, book } = world();
  const { id } = book();
  const DAY = 24 * HOUR;
  box.typed.editOccurrence(id, second, {
    when: { ...when, start: start + DAY + HOUR, end: start + DAY + 2 * HOUR },
    showAs: 'oof',
  });
  box.typed.deleteOccurrence(id, third);
  box.typed.editOccurrence(id, fourth, { showAs: 'free' });
  book({ recurrence: null, showAs: 'tentative', when: { ...when, end: start + 3 * HOUR } });
  book({ recurrence: null, showAs: 'free' });
  const other = box.addFolder(calendar, 'Holidays', 'IPF.Appointment');
  box.typed.add('calendar', other, { when });
  expect(await must(mailbox.freeBusy, 'free/busy')(start - DAY, start + 3.5 * DAY, context)).toEqual([
    { start, end: start + HOUR, showAs: 'busy' },
    { start, end: start + 3 * HOUR, showAs: 'tentative' },
    { start: start + DAY + HOUR, end: start + DAY + 2 * HOUR, showAs: 'oof' },
  ]);
});

test('the folder’s mark and count follow its typed items, and a folder takes them along when it goes', async () => {
  const { box, calendar, mailbox } = world();
  const other = box.addFolder(calendar, 'Other', 'IPF.Appointment');
  const show = async () => (await mailbox.tree(context)).folders.find(({ id }) => id === other);
  const empty = await show();
  const { id } = box.typed.add('calendar', other, {});
  const one = await show();
  expect([empty?.itemCount, one?.itemCount]).toEqual([0, 1]);
  expect(one?.mark).not.toBe(empty?.mark);
  box.typed.touch(id);
  expect((await show())?.mark).not.toBe(one?.mark);
  await mailbox.removeFolder(other, context);
  expect([box.typed.items.size, box.typed.recoverable.size]).toEqual([0, 1]);
});
