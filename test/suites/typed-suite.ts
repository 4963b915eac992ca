/**
 * The contract of typed items as tests: events, contacts, tasks and notes. Run on every connector by `test/connectors/*.test.ts`, beside
 * `connector-suite.ts`. What people do is done through the connector as well, so that no protocol is needed for it.
 */
import { expect } from 'vitest';
import type { Context } from '#connectors/contract.ts';
import { canonical } from '#engine/shown.ts';
import { isFault } from '#kit/fault.ts';
import { payloadBytes } from '#kit/payload.ts';
import type { Attendee, EventFields, ModifiedOccurrence, OccurrenceOverrides, When } from '#model/appointment.ts';
import type { ItemId } from '#model/ids.ts';
import type { TypedRow } from '#model/property-row.ts';
import type { Recurrence, RecurrencePattern, RecurrenceRange } from '#model/recurrence.ts';
import type { Receipt } from '#model/stamp.ts';
import type { TypedDraft, TypedEdit, TypedItem, TypedKind } from '#model/typed-item.ts';
import { typedKinds } from '#model/typed-item.ts';
import { typedRows } from '#model/typed-properties.ts';
import { type ConnectorSuite, found, runSuite, type SuiteTest, thrown } from './connector-suite.ts';

import { expectAlike, says, TypedBench, withoutRules } from './typed-bench.ts';
import {
  attachment,
  attendees,
  DAY,
  type DraftParts,
  daily,
  day,
  draftOf,
  eventDraft,
  firstDay,
  freshIdentity,
  HOUR,
  meetings,
  nth,
  onDay,
  seriesDraft,
  start,
  when,
} from './typed-drafts.ts';

type Body = SuiteTest<TypedBench>['body'];
const tests: { readonly kinds: readonly TypedKind[]; readonly name: string; readonly body: Body }[] = [];
const define = (name: string, body: Body) => tests.push({ kinds: ['calendar'], name, body });
const defineFor = (kind: TypedKind, name: string, body: Body) => tests.push({ kinds: [kind], name, body });

// -- events: what is created --

define('an event is created with its stamp and identity, and shows what it was given', async (b) => {
  const draft = eventDraft({
    subject: 'Grüße & <Fragen>',
    location: 'Saal "Ä"',
    body: { type: 'text', text: 'One\r\nTwo  spaces\r\n' },
    reminder: { isSet: true, minutesBefore: 45 },
    showAs: 'tentative',
    sensitivity: 'private',
    importance: 'high',
    categories: ['Red category', 'b; c'],
  });
  const { id, version, unkept } = await b.create(draft);
  const item = await b.event(id);
  expect(item.head).toMatchObject({
    id,
    version,
    folder: await b.calendar(),
    itemClass: 'IPM.Appointment',
    identity: draft.item.head.identity,
    stamp: draft.stamp,
  });
  // Who organizes is the server's to say, unless it is written by stream.
  expect(Object.keys(unkept).filter((field) => field !== 'organizer')).toEqual([]);
  expectAlike(item, draft.item);
  expect([item.occurrences, item.deletedDays]).toEqual([[], []]);
});

define('HTML bodies keep what a reader sees', async (b) => {
  const text = '<html><head></head><body><p>Agenda&nbsp;1</p><p>Ä &lt; B</p></body></html>';
  const { fields } = await b.event((await b.create(eventDraft({ body: { type: 'html', text } }))).id);
  expect(fields.body.type).toBe('html');
  expect(fields.body.text).toContain('<p>Agenda&nbsp;1</p>');
  expect(fields.body.text).toContain('Ä &lt; B');
});

define('an all-day event is its days', async (b) => {
  const midnight = Date.parse('2024-03-30T23:00:00Z');
  // The night in which the clocks change: the day has 23 hours.
  const allDay: When = { ...when, start: midnight, end: midnight + 23 * HOUR, isAllDay: true };
  const draft = eventDraft({ when: allDay, showAs: 'free' });
  expectAlike(await b.event((await b.create(draft)).id), draft.item);
});

define('what is marked as all-day and begins within a day keeps its times, or it is said', async (b) => {
  const noon = Date.parse('2024-03-04T11:00:00Z');
  const draft = eventDraft({ when: { ...when, start: noon, end: noon + DAY, isAllDay: true } });
  const { id, unkept } = await b.create(draft);
  expectAlike(await b.event(id), draft.item, unkept);
});

define('an occurrence of an all-day series that has something of its own is still its day', async (b) => {
  const midnight = Date.parse('2024-03-03T23:00:00Z');
  const allDay: When = { ...when, start: midnight, end: midnight + DAY, isAllDay: true };
  const draft = seriesDraft({
    fields: { when: allDay },
    occurrences: [{ day: nth(2), overrides: { importance: 'high' } }],
  });
  expectAlike(await b.event((await b.create(draft)).id), draft.item);
});

define('answers stand in the order of the drafts', async (b) => {
  const drafts = ['a', 'b', 'c', 'd'].map((subject) => eventDraft({ subject }));
  const answers = (await b.events.create(await b.calendar(), drafts, b.context)).map(found);
  for (const [n, { id }] of answers.entries()) {
    const item = await b.event(id);
    expect([item.fields.subject, item.head.stamp]).toEqual([drafts[n]?.item.fields.subject, drafts[n]?.stamp]);
  }
});

for (const [n, fields] of meetings.entries())
  define(
    `a meeting keeps attendees, answers and state in ${n === 0 ? 'its organizer’s' : 'an attendee’s'} calendar`,
    async (b) => {
      const draft = eventDraft(fields);
      const { id, unkept } = await b.create(draft);
      const item = await b.event(id);
      expectAlike(item, draft.item, unkept);
      expect(Object.keys(unkept).filter((field) => field !== 'organizer' && field !== 'attendees')).toEqual([]);
      const whoAndHow = (all: readonly Attendee[]) => all.map(({ address, role }) => `${role} ${address}`).sort();
      expect(whoAndHow(item.fields.attendees)).toEqual(whoAndHow(attendees));
    },
  );

define('people keep their names, whatever they are written in', async (b) => {
  const names = ['O’Hara, Pat', 'Łukasz "Zet" Ż\\', 'Сергей Ильин', '会議室 1', 'Zoë Ål'];
  const people = names.map(
    (name, n): Attendee => ({
      name,
      address: `person${n}@partner.example`,
      role: 'required',
      response: 'none',
      respondedAt: null,
    }),
  );
  const { id } = await b.create(eventDraft({ attendees: people, stateFlags: 1, myResponse: 'organizer' }));
  expect((await b.event(id)).fields.attendees.map(({ name }) => name).sort()).toEqual(names.sort());
});

const patterns: readonly RecurrencePattern[] = [
  { kind: 'daily', interval: 3 },
  { kind: 'weekly', interval: 1, days: ['monday', 'wednesday', 'friday'], firstDayOfWeek: 'sunday' },
  { kind: 'weekly', interval: 2, days: ['monday', 'thursday'], firstDayOfWeek: 'monday' },
  { kind: 'monthly', interval: 1, dayOfMonth: 31 },
  { kind: 'monthly-relative', interval: 2, day: 'weekday', index: 5 },
  { kind: 'yearly', interval: 1, month: 3, dayOfMonth: 4 },
  { kind: 'yearly-relative', interval: 1, month: 11, day: 'thursday', index: 4 },
  { kind: 'yearly', interval: 2, month: 3, dayOfMonth: 4 },
];
const ranges: readonly RecurrenceRange[] = [
  { end: 'never', startDay: firstDay },
  { end: 'count', startDay: firstDay, count: 10 },
  { end: 'date', startDay: firstDay, lastDay: day('2027-12-31') },
];
/** A series starts on a day that it has. */
const startsOnItsPattern = (pattern: RecurrencePattern) =>
  pattern.kind === 'daily' || pattern.kind === 'weekly' || pattern.kind === 'yearly';

for (const [n, pattern] of patterns.entries())
  define(`a series repeats as it was given: ${pattern.kind}, every ${pattern.interval}`, async (b) => {
    const startDay = startsOnItsPattern(pattern)
      ? firstDay
      : day(
          pattern.kind === 'yearly-relative' ? '2024-11-28' : pattern.kind === 'monthly' ? '2024-03-31' : '2024-03-29',
        );
    const from = Date.parse(`${startDay}T${startDay === '2024-03-31' ? '08' : '09'}:00:00Z`);
    const range = { ...found(ranges[n % ranges.length]), startDay };
    const draft = eventDraft({ when: { ...when, start: from, end: from + HOUR }, recurrence: { pattern, range } });
    const { id, unkept } = await b.create(draft);
    expectAlike(await b.event(id), draft.item, unkept);
  });

const changedOccurrences: readonly ModifiedOccurrence[] = [
  { day: nth(1), overrides: { subject: 'Planning, with guests', location: 'Hall' } },
  { day: nth(2), overrides: { when: onDay(2, 2 * HOUR), showAs: 'oof' } },
  {
    day: nth(4),
    overrides: { body: { type: 'text', text: 'Bring cake.\r\n' }, reminder: { isSet: true, minutesBefore: 120 } },
  },
];

define('a series comes with its changed and deleted occurrences', async (b) => {
  const draft = seriesDraft({ occurrences: changedOccurrences, deletedDays: [nth(3), nth(5)] });
  const { id, version } = await b.create(draft);
  const item = await b.event(id);
  expect(item.occurrences.map((o) => o.day)).toEqual([nth(1), nth(2), nth(4)]);
  expect(item.deletedDays).toEqual([nth(3), nth(5)]);
  expectAlike(item, draft.item);
  expect(item.head).toMatchObject({ version, identity: draft.item.head.identity, stamp: draft.stamp });
});

// -- events: what is changed --

const changedLater: Partial<EventFields> = { subject: 'Review', importance: 'low', categories: ['x'], location: '' };

define('an update sets what it names and nothing else', async (b) => {
  const draft = eventDraft({ location: 'Room 1', body: { type: 'text', text: 'kept\r\n' }, sequence: 3 });
  const { id } = await b.create(draft);
  const before = await b.event(id);
  const { version } = await b.update(before, { set: changedLater });
  const after = await b.event(id);
  expectAlike(after, { ...draft.item, fields: { ...draft.item.fields, ...changedLater } });
  expect(after.head).toMatchObject({ version, identity: before.head.identity, stamp: before.head.stamp });
  expect(version).not.toBe(before.head.version);
});

define('an event that is moved in time keeps its identity', async (b) => {
  const before = await b.event((await b.create(eventDraft())).id);
  const after = await b.edited(before, { set: { when: onDay(9, 30 * 60_000) } });
  expect(withoutRules(after.fields).when).toEqual(onDay(9, 30 * 60_000));
  expect(after.head.identity).toBe(before.head.identity);
});

define('an update of an older version is stale and changes nothing', async (b) => {
  const { id } = await b.create(eventDraft());
  const before = await b.event(id);
  const first = await b.edited(before, { set: { subject: 'somebody else’s' } });
  const edit = { set: { subject: 'ours' }, occurrences: [], attachments: new Map() };
  const [answer] = await b.events.update([{ item: before, edit }], b.context);
  expect(answer).toMatchObject({ kind: 'stale' });
  expect(await b.event(id)).toEqual(first);
});

define('an update of what is gone says so in its place, and the others are carried out', async (b) => {
  const [one, two] = [
    await b.event((await b.create(eventDraft())).id),
    await b.event((await b.create(eventDraft())).id),
  ];
  found((await b.events.remove([{ id: one.head.id, expect: one.head.version }], b.context))[0] ?? 'done');
  const edit = { set: { subject: 'ours' }, occurrences: [], attachments: new Map() };
  const [gone, written] = await b.events.update(
    [
      { item: one, edit },
      { item: two, edit },
    ],
    b.context,
  );
  expect(gone).toMatchObject({ kind: 'gone' });
  expect((await b.event(found(written).id)).fields.subject).toBe('ours');
});

define('a single event becomes a series, and a series a single event', async (b) => {
  const { id } = await b.create(eventDraft());
  const series = await b.edited(await b.event(id), { set: { recurrence: daily } });
  expectAlike(series, { ...series, fields: { ...series.fields, recurrence: daily } });
  expect(series.fields.recurrence).not.toBeNull();
  const single = await b.edited(series, { set: { recurrence: null } });
  expect(single.fields.recurrence).toBeNull();
  expect(single.head.identity).toBe(series.head.identity);
});

define('occurrences are changed, changed back and deleted', async (b) => {
  const { id } = await b.create(seriesDraft());
  const modify = (n: number, overrides: OccurrenceOverrides) => ({ day: nth(n), do: 'modify', overrides }) as const;
  const before = await b.event(id);
  const first = await b.edited(before, {
    occurrences: [
      modify(1, { subject: 'special', location: 'Hall' }),
      modify(2, { when: onDay(2, HOUR) }),
      { day: nth(4), do: 'delete' },
    ],
  });
  expectAlike(first, {
    ...before,
    occurrences: [
      { day: nth(1), overrides: { subject: 'special', location: 'Hall' } },
      { day: nth(2), overrides: { when: onDay(2, HOUR) } },
    ],
    deletedDays: [nth(4)],
  });
  expect(first.head.version).not.toBe(before.head.version);
  // What an edit does not name returns to the series; a day that it does not name stays as it is.
  const second = await b.edited(first, {
    occurrences: [modify(1, { location: 'Cellar' }), { day: nth(2), do: 'delete' }],
  });
  expectAlike(second, {
    ...before,
    occurrences: [{ day: nth(1), overrides: { location: 'Cellar' } }],
    deletedDays: [nth(2), nth(4)],
  });
  // A day that is gone is nothing else as well.
  expect([second.occurrences.map((o) => o.day), second.deletedDays]).toEqual([[nth(1)], [nth(2), nth(4)]]);
});

define('one occurrence of a meeting is called off', async (b) => {
  const [, attended = {}] = meetings;
  const calledOff = (n: number) => ({ day: nth(n), overrides: { subject: 'Canceled: Planning', stateFlags: 7 } });
  const before = await b.event((await b.create(seriesDraft({ fields: attended, occurrences: [calledOff(1)] }))).id);
  const flags = ({ fields, occurrences }: typeof before) => [
    fields.stateFlags,
    occurrences.map(({ day, overrides }) => [day, overrides.stateFlags]),
  ];
  expect(flags(before)).toEqual([3, [[nth(1), 7]]]);
  const after = await b.edited(before, { occurrences: [{ ...calledOff(2), do: 'modify' }] });
  expect(flags(after)).toEqual([3, [1, 2].map((n) => [nth(n), 7])]);
});

define('one edit changes a series and its occurrences', async (b) => {
  const before = await b.event((await b.create(seriesDraft({ occurrences: changedOccurrences }))).id);
  const after = await b.edited(before, {
    set: { subject: 'Planning II' },
    occurrences: [{ day: nth(6), do: 'modify', overrides: { location: 'Roof' } }],
  });
  expectAlike(after, {
    ...before,
    fields: { ...before.fields, subject: 'Planning II' },
    occurrences: [...changedOccurrences, { day: nth(6), overrides: { location: 'Roof' } }],
  });
});

const longer: Recurrence = { ...daily, range: { end: 'count', startDay: firstDay, count: 9 } };
const rewritings: readonly (readonly [string, Partial<EventFields>])[] = [
  ['a new pattern', { recurrence: longer }],
  ['a new time of the series', { when: { ...when, end: start + 2 * HOUR } }],
];
for (const [what, set] of rewritings)
  define(`${what} leaves the occurrences that the edit names, and no others`, async (b) => {
    const draft = seriesDraft({ occurrences: changedOccurrences, deletedDays: [nth(3)] });
    const before = await b.event((await b.create(draft)).id);
    const after = await b.edited(before, {
      set,
      occurrences: [
        { day: nth(1), do: 'modify', overrides: { subject: 'kept' } },
        { day: nth(3), do: 'delete' },
      ],
    });
    expectAlike(after, {
      ...before,
      fields: { ...before.fields, ...set },
      occurrences: [{ day: nth(1), overrides: { subject: 'kept' } }],
      deletedDays: [nth(3)],
    });
    expect(after.head.identity).toBe(before.head.identity);
  });

const stray = day('2024-05-01');

define('occurrences that the pattern lacks are left out and counted, at a create and at an update', async (b) => {
  const kept = { day: nth(1), overrides: { subject: 'special' } };
  const draft = seriesDraft({ occurrences: [kept, { day: stray, overrides: { subject: 'x' } }] });
  const { id, unkept } = await b.create(draft);
  expect(unkept).toHaveProperty('occurrences');
  const item = await b.event(id);
  expectAlike(item, { ...item, occurrences: [kept] });
  for (const occurrence of [
    { day: stray, do: 'modify', overrides: { subject: 'x' } },
    { day: stray, do: 'delete' },
  ] as const) {
    const updated = await b.update(await b.event(id), { set: { importance: 'high' }, occurrences: [occurrence] });
    expect(updated.unkept).toHaveProperty('occurrences');
  }
  expectAlike(await b.event(id), { ...item, fields: { ...item.fields, importance: 'high' } });
});

define('a deleted occurrence comes back, and the others stay as they are', async (b) => {
  const draft = seriesDraft({ occurrences: changedOccurrences, deletedDays: [nth(3), nth(5)] });
  const before = await b.event((await b.create(draft)).id);
  const after = await b.edited(before, {
    occurrences: [{ day: nth(3), do: 'modify', overrides: { location: 'Roof' } }],
  });
  const back = { day: nth(3), overrides: { location: 'Roof' } };
  expectAlike(after, {
    ...before,
    occurrences: [...changedOccurrences.slice(0, 2), back, ...changedOccurrences.slice(2)],
    deletedDays: [nth(5)],
  });
  expect(after.head.identity).toBe(before.head.identity);
});

// -- events: attachments --

define('attachments are created, and their bytes are handed out by hash', async (b) => {
  const [one, two] = [attachment('one.txt', 'one'), attachment('zwei Ä.txt', 'two '.repeat(5000))];
  const { id } = await b.create(eventDraft({}, { attachments: [one, two] }));
  const item = await b.event(id);
  expect(item.fields.attachments.map(({ name, hash, kind }) => [name, hash, kind]).sort()).toEqual(
    [one, two].map(({ head }) => [head.name, head.hash, 'file']).sort(),
  );
  const contents = await b.events.attachments(id, null, [two.head], b.context);
  expect([...contents.keys()]).toEqual([two.head.hash]);
  expect(await payloadBytes(found(contents.get(two.head.hash)).bytes)).toEqual(await payloadBytes(two.bytes));
  for (const { bytes } of contents.values()) await bytes.dispose();
});

define('a picture inside of the body is there when it is all that is attached', async (b) => {
  const { head, bytes } = attachment('image001.png', 'no picture', 'image/png');
  const picture = { head: { ...head, contentId: 'image001@x', isInline: true }, bytes };
  const { id } = await b.create(eventDraft({}, { attachments: [picture] }));
  expect((await b.event(id)).fields.attachments.map(({ hash }) => hash)).toEqual([head.hash]);
});

define('attachments are added and taken away', async (b) => {
  const [one, two, three] = [attachment('1.txt', 'one'), attachment('2.txt', 'two'), attachment('3.txt', 'three')];
  const before = await b.event((await b.create(eventDraft({}, { attachments: [one, two] }))).id);
  const after = await b.edited(before, {
    set: { attachments: [two.head, three.head] },
    attachments: new Map([[three.head.hash, three]]),
  });
  expect(after.fields.attachments.map(({ hash }) => hash).sort()).toEqual(
    [two, three].map(({ head }) => head.hash).sort(),
  );
  expect(after.head.version).not.toBe(before.head.version);
  const none = await b.edited(after, { set: { attachments: [] } });
  expect(none.fields.attachments).toEqual([]);
});

define('an occurrence has attachments of its own', async (b) => {
  const [ofSeries, own] = [attachment('series.txt', 'series'), attachment('own.txt', 'own')];
  const { id } = await b.create(
    seriesDraft({
      attachments: [ofSeries],
      occurrences: [{ day: nth(2), overrides: { attachments: [own.head] } }],
      occurrenceAttachments: new Map([[nth(2), [own]]]),
    }),
  );
  const item = await b.event(id);
  expect(item.fields.attachments.map(({ hash }) => hash)).toEqual([ofSeries.head.hash]);
  expect(item.occurrences.map((o) => o.overrides.attachments?.map(({ hash }) => hash))).toEqual([[own.head.hash]]);
  const contents = await b.events.attachments(id, nth(2), [own.head], b.context);
  expect(await payloadBytes(found(contents.get(own.head.hash)).bytes)).toEqual(Buffer.from('own'));
});

// -- events: the feed --

define('a feed shows a series as one item, also when an occurrence changes', async (b) => {
  const folder = await b.calendar();
  const draft = seriesDraft({ occurrences: changedOccurrences, deletedDays: [nth(3)] });
  const { id } = await b.create(draft);
  const { changes, cursor } = await b.changes('calendar', folder);
  expect(changes).toMatchObject([
    {
      kind: 'upsert',
      head: { id, folder, identity: draft.item.head.identity, stamp: draft.stamp, itemClass: 'IPM.Appointment' },
    },
  ]);
  expect((await b.changes('calendar', folder, cursor)).changes).toEqual([]);
  const item = await b.event(id);
  await b.update(item, { occurrences: [{ day: nth(6), do: 'modify', overrides: { location: 'Roof' } }] });
  const later = await b.changes('calendar', folder, cursor);
  expect(later.changes).toMatchObject([{ kind: 'upsert', head: { id, version: (await b.event(id)).head.version } }]);
  expect((await b.changes('calendar', folder, cursor)).changes).toEqual(later.changes);
});

define('a feed comes in pages that leave nothing out', async (b) => {
  const folder = await b.calendar();
  const { changePageMax, batchMax } = b.it.connector.abilities;
  const ids: ItemId[] = [];
  while (ids.length <= changePageMax) {
    const drafts = Array.from({ length: batchMax }, () => eventDraft());
    ids.push(...(await b.events.create(folder, drafts, b.context)).map((answer) => found(answer).id));
  }
  const { changes, pages } = await b.changes('calendar', folder);
  expect(pages).toBeGreaterThan(1);
  expect([...new Set(changes.flatMap((c) => (c.kind === 'upsert' ? [c.head.id] : [])))].sort()).toEqual(ids.sort());
});

define('a place in a feed that the server has forgotten is said to be lost', async (b) => {
  const folder = await b.calendar();
  await b.create(eventDraft());
  const { cursor } = await b.changes('calendar', folder);
  b.it.forgetCursors();
  expect(await thrown(b.events.changes(folder, cursor, b.context))).toEqual({ kind: 'cursor-lost' });
  expect((await b.changes('calendar', folder)).changes).toHaveLength(1);
});

define('events are found by identity, in their folder, also when two have the same', async (b) => {
  const [first, second] = [await b.calendar(), await b.secondFolder('calendar')];
  const [twice, once, nowhere] = [freshIdentity(), freshIdentity(), freshIdentity()];
  const two = [
    await b.create(eventDraft({}, { identity: twice })),
    await b.create(eventDraft({}, { identity: twice })),
  ];
  const one = await b.create(eventDraft({}, { identity: once }));
  await b.create(eventDraft({}, { identity: nowhere }), second);
  const heads = await b.events.findByIdentity(first, [twice, once, nowhere], b.context);
  expect([...heads.keys()].sort()).toEqual([twice, once].sort());
  expect(
    heads
      .get(twice)
      ?.map(({ id }) => id)
      .sort(),
  ).toEqual(two.map(({ id }) => id).sort());
  expect(heads.get(once)).toMatchObject([{ id: one.id, version: one.version, identity: once, folder: first }]);
  expect(await b.events.findByIdentity(first, [nowhere], b.context)).toEqual(new Map());
});

// -- nothing is sent --

define('no write of a meeting sends anything', async (b) => {
  const second = await b.secondFolder('calendar');
  for (const fields of meetings) {
    const draft = seriesDraft({ fields, occurrences: [{ day: nth(1), overrides: { when: onDay(1, HOUR) } }] });
    let item = await b.event((await b.create(draft)).id);
    item = await b.edited(item, { set: { when: { ...when, end: start + 2 * HOUR } } });
    item = await b.edited(item, { set: { attendees: attendees.slice(0, 1), location: 'Elsewhere' } });
    item = await b.edited(item, {
      occurrences: [
        { day: nth(2), do: 'modify', overrides: { subject: 'special' } },
        { day: nth(3), do: 'delete' },
      ],
    });
    item = await b.edited(item, { set: { stateFlags: (fields.stateFlags ?? 0) | 4 } });
    const [moved] = await b.events.move([item.head.id], second, b.context);
    const { id, version } = found(moved);
    expect(await b.events.remove([{ id, expect: version }], b.context)).toEqual([null]);
  }
  expect(b.it.people.sent()).toEqual([]);
});

define('free/busy says what is in the calendar', async (b) => {
  const freeBusy = found(b.box.freeBusy);
  await b.create(eventDraft({ showAs: 'oof', when: onDay(0, 5 * HOUR) }));
  await b.create(eventDraft({ showAs: 'free' }));
  await b.create(
    seriesDraft({ occurrences: [{ day: nth(1), overrides: { when: onDay(1, 2 * HOUR) } }], deletedDays: [nth(2)] }),
  );
  const at = ({ start: from, end }: When, showAs: 'busy' | 'oof') => ({ start: from, end, showAs });
  expect(await freeBusy(start - DAY, start + 3 * DAY + 2 * HOUR, b.context)).toEqual([
    at(onDay(0), 'busy'),
    at(onDay(0, 5 * HOUR), 'oof'),
    at(onDay(1, 2 * HOUR), 'busy'),
    at(onDay(3), 'busy'),
  ]);
});

define('no typed request leaves after the deadline of its call', async (b) => {
  const folder = await b.calendar();
  const item = await b.event((await b.create(eventDraft())).id);
  const { id, version } = item.head;
  const edit = { set: { subject: 'x' }, occurrences: [], attachments: new Map() };
  const calls: readonly ((context: Context) => Promise<unknown>)[] = [
    (c) => b.events.changes(folder, null, c),
    (c) => b.events.read([id], c),
    (c) => b.events.findByIdentity(folder, [freshIdentity()], c),
    (c) => b.events.create(folder, [eventDraft()], c),
    (c) => b.events.update([{ item, edit }], c),
    (c) => b.events.move([id], folder, c),
    (c) => b.events.remove([{ id, expect: version }], c),
  ];
  const requests = b.it.requestedAtMs.length;
  for (const call of calls)
    expect(await thrown(call(b.within(0)))).toMatchObject({ kind: 'transient', mayHaveHappened: false });
  expect(b.it.requestedAtMs.length).toBe(requests);
});

// -- every kind --

/** Fields whose samples have tests of their own above. */
const composite: Readonly<Record<TypedKind, readonly string[]>> = {
  calendar: ['when', 'recurrence', 'attendees', 'attachments', 'organizer'],
  contacts: ['attachments'],
  tasks: ['attachments', 'recurrence'],
  notes: [],
};

for (const kind of typedKinds) {
  const rows = Object.entries(typedRows(kind)).filter(
    ([field, { carriage }]) => carriage !== 'server' && !composite[kind].includes(field),
  );
  const sampleDraft = (field: string, value: unknown): TypedDraft =>
    draftOf(kind, { fields: { [field]: value } } as DraftParts<typeof kind>);
  const shownValue = (item: TypedItem, field: string, row: TypedRow<unknown>) =>
    canonical(field, row, (item.fields as unknown as Readonly<Record<string, unknown>>)[field]);

  for (const [field, row] of rows) {
    defineFor(kind, `${kind}: a create carries ${field}`, async (b) => {
      for (const sample of row.sample) {
        const draft = sampleDraft(field, sample);
        const { id, unkept } = await b.create(draft);
        if (Object.hasOwn(unkept, field)) continue;
        expect(shownValue(await b.read(kind, id), field, row)).toEqual(canonical(field, row, sample));
      }
    });
    if (row.carriage !== 'state' || row.sample.length < 2) continue;
    defineFor(kind, `${kind}: an update sets ${field}`, async (b) => {
      const [first, ...others] = row.sample;
      const { id } = await b.create(sampleDraft(field, first));
      for (const sample of [...others, first]) {
        // Once invited, always invited.
        if (field === 'invited' && sample === false) continue;
        const item: TypedItem = await b.read(kind, id);
        const { unkept } = await b.update(item, { set: { [field]: sample } } as Partial<TypedEdit>);
        if (Object.hasOwn(unkept, field)) continue;
        expect(shownValue(await b.read(kind, id), field, row)).toEqual(canonical(field, row, sample));
      }
    });
  }

  const plainDraft = (): TypedDraft => draftOf(kind);
  const otherwise = { body: { type: 'text', text: 'later\r\n' } } as const;

  defineFor(kind, `${kind}: a feed tells what is created, changed and removed`, async (b) => {
    const folder = await b.folder(kind);
    const [kept, edited, removed] = [
      await b.create(plainDraft()),
      await b.create(plainDraft()),
      await b.create(plainDraft()),
    ];
    const before = await b.changes(kind, folder);
    expect(says(before.changes)).toEqual([kept, edited, removed].map(({ id }) => `upsert ${id}`).sort());
    await b.update(await b.read(kind, edited.id), { set: otherwise });
    const { version } = (await b.read(kind, removed.id)).head;
    expect(await b.typed(kind).remove([{ id: removed.id, expect: version }], b.context)).toEqual([null]);
    const created = await b.create(plainDraft());
    const after = await b.changes(kind, folder, before.cursor);
    expect(says(after.changes)).toEqual([`upsert ${edited.id}`, `delete ${removed.id}`, `upsert ${created.id}`].sort());
    expect(await b.missing(kind, kept.id)).toBe('there');
  });

  defineFor(kind, `${kind}: the receipt of an update is there until that of another`, async (b) => {
    const { id } = await b.create(plainDraft());
    const write = async (edit: Partial<TypedEdit>) => {
      const { version } = await b.update<TypedKind>(await b.read(kind, id), edit);
      const { head } = await b.read(kind, id);
      expect(head.version).toBe(version);
      return head.receipt;
    };
    const created = await b.read(kind, id);
    expect(created.head.receipt).toBeNull();
    const [first, second] = ['first', 'second'] as readonly string[] as readonly [Receipt, Receipt];
    expect(await write({ set: { categories: ['x'] }, receipt: first })).toBe(first);
    expect(await write({ set: otherwise })).toBe(first);
    const { changes } = await b.changes(kind, await b.folder(kind));
    expect(changes).toMatchObject([{ kind: 'upsert', head: { id, receipt: first, stamp: expect.any(String) } }]);
    expect(await write({ set: { categories: [] }, receipt: second })).toBe(second);
    expect((await b.read(kind, id)).extras).toEqual(created.extras);
  });

  defineFor(kind, `${kind}: a move keeps everything but the id`, async (b) => {
    const [from, to] = [await b.folder(kind), await b.secondFolder(kind)];
    const draft = plainDraft();
    const { id } = await b.create(draft);
    const before = await b.read(kind, id);
    const [first, second] = [await b.changes(kind, from), await b.changes(kind, to)];
    const [written] = await b.typed(kind).move([id], to, b.context);
    const moved = await b.read(kind, found(written).id);
    expect(moved.head).toMatchObject({
      version: found(written).version,
      folder: to,
      identity: before.head.identity,
      stamp: draft.stamp,
      searchKey: before.head.searchKey,
    });
    expectAlike(moved, before);
    expect(says((await b.changes(kind, from, first.cursor)).changes)).toEqual([`delete ${id}`]);
    expect(says((await b.changes(kind, to, second.cursor)).changes)).toEqual([`upsert ${moved.head.id}`]);
    if (moved.head.id !== id) expect(await b.missing(kind, id)).toBe('gone');
    expect((await b.typed(kind).move(['nothing' as ItemId], to, b.context))[0]).toSatisfy(isFault);
  });

  defineFor(kind, `${kind}: what is removed can be brought back; a newer version is not removed`, async (b) => {
    const { id } = await b.create(plainDraft());
    const old = await b.read(kind, id);
    await b.update(old, { set: otherwise });
    const { version: now } = (await b.read(kind, id)).head;
    const [stale] = await b.typed(kind).remove([{ id, expect: old.head.version }], b.context);
    expect(stale).toMatchObject({ kind: 'stale' });
    expect((await b.read(kind, id)).fields).toMatchObject({ body: { text: expect.stringContaining('later') } });
    const before = b.it.recoverableCount();
    expect(await b.typed(kind).remove([{ id, expect: now }], b.context)).toEqual([null]);
    expect(await b.missing(kind, id)).toBe('gone');
    expect(b.it.recoverableCount()).toBe(before + 1);
    expect((await b.typed(kind).remove([{ id, expect: now }], b.context))[0]).toMatchObject({ kind: 'gone' });
    expect(b.it.people.sent()).toEqual([]);
  });
}

/** The suite for the kinds that the connector understands; of the others it says that it does not. */
export function typedSuite(suite: ConnectorSuite & { readonly kinds: readonly TypedKind[] }): void {
  const mine = tests.filter(({ kinds }) => kinds.every((kind) => suite.kinds.includes(kind)));
  const others = typedKinds.filter((kind) => !suite.kinds.includes(kind));
  runSuite(suite, (it) => new TypedBench(it), [
    ...mine.map(({ name, body }) => ({ name, body })),
    ...others.map((kind) => ({
      name: `${kind}: not understood`,
      body: async (b: TypedBench) => expect(b.box.typed(kind)).toBeNull(),
    })),
  ]);
}
