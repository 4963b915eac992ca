import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { uidOfIdentity } from '#formats/mapi/global-object-id.ts';
import { occurrenceSpan } from '#formats/occurrences.ts';
import { clockOf } from '#formats/zones/zone-clock.ts';
import { must } from '#kit/assert.ts';
import { payloadOfBytes } from '#kit/payload.ts';
import type {
  AttachmentContent,
  Attendee,
  EventFields,
  EventIdentity,
  ModifiedOccurrence,
  OccurrenceOverrides,
  When,
} from '#model/appointment.ts';
import { type EventField, eventFields, eventProperties } from '#model/event-properties.ts';
import { occurrenceDays } from '#model/expand-recurrence.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { TypedRow } from '#model/property-row.ts';
import type { Recurrence, RecurrencePattern, RecurrenceRange } from '#model/recurrence.ts';
import type { StampText } from '#model/stamp.ts';
import type { TypedDraft } from '#model/typed-item.ts';
import { addDays, type Day, dayOfWall, wallOfDay } from '#model/wall-time.ts';
import type { Zone, ZoneRule } from '#model/zone.ts';
import { anyPattern } from '#test/suites/any-recurrence.ts';

/** Random events: every field from the samples of the property table, fields without samples as their kind of value allows. */

const minute = 60_000;
const dayMs = 86_400_000;

/** Odd minutes, and changes of the clock that nobody else has. */
const ownRule: ZoneRule = {
  fromYear: 1601,
  biasMinutes: -95,
  standardBiasMinutes: 0,
  daylightBiasMinutes: -30,
  toStandard: { month: 9, week: 2, weekday: 3, minuteOfDay: 60 },
  toDaylight: { month: 4, week: 5, weekday: 6, minuteOfDay: 120 },
};

const zones: fc.Arbitrary<Zone> = fc
  .constantFrom(
    'W. Europe Standard Time',
    'Pacific Standard Time',
    'UTC',
    'India Standard Time',
    'AUS Eastern Standard Time',
  )
  .map((id) => ({ id, rules: null }));

const text = fc
  .oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.constantFrom('', 'Tom & "Jerry" <x>', ' a b '))
  // What XML cannot hold is another test's business.
  .map((value) => value.replace(/[\u0000-\u001f\ufffe\uffff]|[\ud800-\udfff]/gu, ''));

const days = fc.integer({ min: 0, max: 3650 }).map((n) => addDays('2020-01-01' as Day, n));

/** @param lasts Whole days, hours, or either. */
const anyWhen = (lasts: 'days' | 'hours' | 'either', zone: fc.Arbitrary<Zone> = zones): fc.Arbitrary<When> =>
  fc
    .record({
      day: days,
      startMinute: fc.integer({ min: 0, max: 1439 }),
      minutes: fc.integer({ min: 0, max: 600 }),
      allDays: {
        days: fc.integer({ min: 1, max: 3 }),
        hours: fc.constant(null),
        either: fc.option(fc.integer({ min: 1, max: 3 }), { nil: null, freq: 4 }),
      }[lasts],
      startZone: zone,
      endZone: fc.option(zone, { nil: null, freq: 3 }),
    })
    .map(({ day, startMinute, minutes, allDays, startZone, endZone }) => {
      const clock = clockOf(startZone);
      const midnight = wallOfDay(day);
      if (allDays !== null) {
        const zone = { startZone, endZone: startZone, isAllDay: true };
        return { ...zone, start: clock.toInstant(midnight), end: clock.toInstant(midnight + allDays * dayMs) };
      }
      const start = clock.toInstant(midnight + startMinute * minute);
      return { start, end: start + minutes * minute, isAllDay: false, startZone, endZone: endZone ?? startZone };
    });

/** A series begins on a day of its pattern, as every server has it. */
function seriesFrom(given: RecurrencePattern, day: Day, end: 'never' | 'date' | 'count', count: number): Recurrence {
  const shape = { ...given };
  const [first = day] = occurrenceDays({ pattern: shape, range: { end: 'never', startDay: day } });
  const whole: Recurrence = { pattern: shape, range: { end: 'count', startDay: first, count } };
  const last = [...occurrenceDays(whole)].at(-1) ?? first;
  const ranges: Readonly<Record<typeof end, RecurrenceRange>> = {
    never: { end: 'never', startDay: first },
    count: { end: 'count', startDay: first, count },
    date: { end: 'date', startDay: first, lastDay: last },
  };
  return { pattern: shape, range: ranges[end] };
}

const attendees: fc.Arbitrary<readonly Attendee[]> = fc
  .uniqueArray(
    fc.record({
      name: fc.constantFrom('Ben Ott', 'Zoë Ål', 'O’Hara, Pat'),
      address: fc.integer({ min: 0, max: 9 }).map((n) => `person${n}@else.example`),
      role: fc.constantFrom('required' as const, 'optional' as const, 'resource' as const),
      response: fc.constantFrom('unknown' as const, 'unknown' as const, 'accept' as const, 'tentative' as const),
      respondedAt: fc.constant(null),
    }),
    { selector: ({ address }) => address, maxLength: 4 },
  )
  .map((some) => {
    const order = ['required', 'optional', 'resource'];
    return some.map((one) => ({ ...one })).sort((a, b) => order.indexOf(a.role) - order.indexOf(b.role));
  });

/** An attachment of these bytes. */
function attachmentOf(name: string, content: Buffer, isInline = false): AttachmentContent {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 32);
  const head = {
    name,
    contentType: 'text/plain',
    contentId: null,
    isInline,
    sizeBytes: content.length,
    hash,
    kind: 'file' as const,
  };
  return { head, bytes: payloadOfBytes(content) };
}
const attachments: fc.Arbitrary<readonly AttachmentContent[]> = fc
  .uniqueArray(fc.integer({ min: 1, max: 5 }), { maxLength: 2 })
  .map((some) => some.map((n) => attachmentOf(`file ${n}.txt`, Buffer.from(`content ${n}`.repeat(n * 50)), n === 5)));

const moreZones = fc.oneof(
  { weight: 6, arbitrary: zones },
  fc.constant<Zone>({ id: 'Our own time', rules: [ownRule] }),
);
const minutes = fc.integer({ min: 28_000_000, max: 30_000_000 }).map((n) => n * minute);
const answers = fc.constantFrom('tentative' as const, 'accept' as const, 'decline' as const);

/** Fields that go together as they do in the calendars of people. */
function shaped(shape: EventShape, owner: string, any: fc.Arbitrary<EventFields>): fc.Arbitrary<EventFields> {
  const me = { name: 'Anna Adler', address: owner };
  const said = fc.record({ response: answers, respondedAt: minutes });
  const heard = fc.array(fc.option(said, { nil: { response: 'none' as const, respondedAt: null } }), {
    minLength: 4,
    maxLength: 4,
  });
  return fc.record({ fields: any, heard, own: fc.option(said), changedAt: minutes }).map((given): EventFields => {
    const plain: EventFields = {
      ...given.fields,
      organizer: me,
      attendees: [],
      responseRequested: false,
      myResponse: 'none',
      myResponseAt: null,
      stateFlags: 0,
      invited: false,
      sequence: 0,
      intendedShowAs: null,
    };
    if (shape !== 'organized' && shape !== 'invited') return plain;
    const { attendees: some, responseRequested, sequence, intendedShowAs } = given.fields;
    const guests =
      some.length > 0 ? some : [{ name: 'Ben Ott', address: 'ben@else.example', role: 'required' as const }];
    const meeting = { ...plain, responseRequested, sequence, ownerCriticalChangeAt: given.changedAt };
    if (shape === 'organized')
      return {
        ...meeting,
        attendees: guests.map((one, at) => ({ ...one, ...must(given.heard[at], 'as many as there are guests') })),
        myResponse: 'organizer',
        stateFlags: 1,
        invited: true,
      };
    const others = [{ ...me, role: 'required' as const }, ...guests];
    return {
      ...meeting,
      organizer: { name: 'Ivo Ø', address: 'ivo@else.example' },
      attendees: others.map((one) => ({ ...one, response: 'none', respondedAt: null })),
      myResponse: given.own?.response ?? 'none',
      myResponseAt: given.own?.respondedAt ?? null,
      stateFlags: 3,
      intendedShowAs,
    };
  });
}

/** Values that the table has no samples for. */
const unsampled: Partial<Record<EventField, fc.Arbitrary<unknown>>> = { subject: text, location: text, attendees };

const anyFields = (when: fc.Arbitrary<When>): fc.Arbitrary<EventFields> =>
  fc.record(
    Object.fromEntries(
      eventFields.map((field) => {
        const { sample } = eventProperties[field] as TypedRow<unknown>;
        const own = unsampled[field];
        if (field === 'when') return [field, when];
        if (own === undefined) return [field, fc.constantFrom(...sample)];
        return [field, sample.length === 0 ? own : fc.oneof(fc.constantFrom(...sample), own)];
      }),
    ),
  ) as unknown as fc.Arbitrary<EventFields>;

/** What occurrences may have of their own; times and attachments apart. */
const overrides: fc.Arbitrary<OccurrenceOverrides> = anyFields(anyWhen('either')).chain(
  ({ subject, location, body, showAs, sensitivity, importance, reminder, categories, attendees: people }) =>
    fc
      .subarray(
        Object.entries({
          subject,
          location,
          body,
          showAs,
          sensitivity,
          importance,
          reminder,
          categories,
          attendees: people,
        }),
        { minLength: 0, maxLength: 3 },
      )
      .map((some) => Object.fromEntries(some) as OccurrenceOverrides),
);

interface Exceptions {
  readonly deletedAt: readonly number[];
  readonly modified: readonly {
    readonly at: number;
    readonly overrides: OccurrenceOverrides;
    readonly laterMinutes: number | null;
    /** Null: those of the series. */
    readonly files: readonly AttachmentContent[] | null;
  }[];
}
const exceptions: fc.Arbitrary<Exceptions> = fc.record({
  deletedAt: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 2 }),
  modified: fc.uniqueArray(
    fc.record({
      at: fc.integer({ min: 0, max: 9 }),
      overrides,
      laterMinutes: fc.option(fc.integer({ min: -30, max: 30 }), { nil: null }),
      files: fc.option(attachments, { nil: null, freq: 3 }),
    }),
    { selector: ({ at }) => at, maxLength: 3 },
  ),
});

const differs = (a: unknown, b: unknown) => !isDeepStrictEqual(a, b);

/** Occurrences by their place in the pattern. */
function occurrencesOf(of: EventFields, recurrence: Recurrence, { deletedAt, modified }: Exceptions) {
  const first: Day[] = [];
  for (const day of occurrenceDays(recurrence)) if (first.push(day) === 10) break;
  const deletedDays = deletedAt.flatMap((at) => first[at] ?? []).sort();
  const occurrenceAttachments = new Map<Day, readonly AttachmentContent[]>();
  const occurrences = modified.flatMap(({ at, overrides: own, laterMinutes, files }): readonly ModifiedOccurrence[] => {
    const day = first[at];
    if (day === undefined || deletedDays.includes(day)) return [];
    const span = occurrenceSpan(of.when, day);
    const moved = laterMinutes === null || laterMinutes === 0 || of.when.isAllDay ? null : laterMinutes * minute;
    const set = Object.fromEntries(
      Object.entries(own).filter(([field, value]) => differs(value, of[field as EventField])),
    );
    const time = clockOf(of.when.startZone).toWall(span.start + (moved ?? 0));
    const stays = moved !== null && dayOfWall(time) === day;
    const names = (some: EventFields['attachments']) => some.map(({ hash }) => hash).sort();
    const heads = files?.map(({ head }) => head) ?? of.attachments;
    const hasOwn = files !== null && differs(names(heads), names(of.attachments));
    if (hasOwn && files.length > 0) occurrenceAttachments.set(day, files);
    const all = {
      ...set,
      ...(stays ? { when: { ...of.when, start: span.start + moved, end: span.end + moved } } : {}),
      ...(hasOwn ? { attachments: heads } : {}),
    };
    return Object.keys(all).length === 0 ? [] : [{ day, overrides: all }];
  });
  const sorted = [...occurrences].sort((a, b) => (a.day < b.day ? -1 : 1));
  return { item: { deletedDays, occurrences: sorted }, occurrenceAttachments };
}

let made = 0;

/** What an event is like; absent: any mixture of fields, whether or not they go together. */
export type EventShape = 'single' | 'all-day' | 'series' | 'organized' | 'invited';

const repetition = fc.record({
  pattern: anyPattern,
  end: fc.constantFrom('never' as const, 'date' as const, 'count' as const),
  count: fc.integer({ min: 3, max: 30 }),
});

/** A draft of an event, complete, as if another system had shown it. */
export const drafts = (owner: string, shape: EventShape | null = null): fc.Arbitrary<TypedDraft<'calendar'>> =>
  fc
    .record({
      fields:
        shape === null
          ? anyFields(anyWhen('either'))
          : shaped(
              shape,
              owner,
              anyFields(anyWhen(shape === 'all-day' ? 'days' : shape === 'single' ? 'hours' : 'either', moreZones)),
            ),
      repeats:
        shape === 'single'
          ? fc.constant(null)
          : shape === 'series'
            ? repetition
            : fc.option(repetition, { nil: null, freq: 3 }),
      exceptions,
      attachments,
      isOwn: fc.boolean(),
      uid: fc.constantFrom('hex', 'foreign'),
    })
    .map((given) => {
      const { repeats } = given;
      const zone = clockOf(given.fields.when.startZone);
      let { when: times } = given.fields;
      let recurrence: Recurrence | null = null;
      if (repeats !== null) {
        recurrence = seriesFrom(repeats.pattern, dayOfWall(zone.toWall(times.start)), repeats.end, repeats.count);
        // An occurrence of more than a day would reach into the next one.
        const end = times.isAllDay ? zone.toInstant(zone.toWall(times.start) + dayMs) : times.end;
        times = { ...times, end, endZone: times.startZone };
        times = { ...times, ...occurrenceSpan(times, recurrence.range.startDay) };
      }
      const { attachments: content } = given;
      const all: EventFields = {
        ...given.fields,
        when: times,
        recurrence,
        attachments: content.map(({ head }) => head),
        ...(given.isOwn && shape === null ? { organizer: { name: 'Anna Adler', address: owner } } : {}),
      };
      const identity = identityOf(++made, given.uid === 'foreign');
      const apart =
        recurrence === null
          ? { item: { occurrences: [], deletedDays: [] }, occurrenceAttachments: new Map() }
          : occurrencesOf(all, recurrence, given.exceptions);
      return {
        item: {
          kind: 'calendar',
          head: {
            id: `item ${made}` as ItemId,
            version: '1' as Version,
            folder: 'calendar' as FolderId,
            itemClass: 'IPM.Appointment',
            identity,
            stamp: null,
            receipt: null,
            searchKey: '',
            sizeBytes: 0,
            createdAt: null,
            modifiedAt: null,
          },
          fields: all,
          ...apart.item,
          extras: [],
        },
        attachments: content,
        occurrenceAttachments: apart.occurrenceAttachments,
        stamp: `cw1;source;guid;;${uidOfIdentity(identity)};print;1;${made}` as StampText,
      };
    });

function identityOf(n: number, isForeign: boolean): EventIdentity {
  const head = '040000008200E00074C5B7101A82E00800000000';
  if (!isForeign) {
    const random = n.toString(16).padStart(32, '0');
    return `${head}00FB7128DC464BD4${'0'.repeat(16)}10000000${random}`.toUpperCase() as EventIdentity;
  }
  const data = `7643616C2D55696401000000${Buffer.from(`uid-${n}@else.example`).toString('hex')}00`.toUpperCase();
  const length = Buffer.alloc(4);
  length.writeUInt32LE(data.length / 2);
  return `${head}${'0'.repeat(32)}${length.toString('hex').toUpperCase()}${data}` as EventIdentity;
}
