import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { uidOfIdentity } from '#formats/mapi/global-object-id.ts';
import { occurrenceSpan } from '#formats/occurrences.ts';
import { clockOf } from '#formats/zones/zone-clock.ts';
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
import type { Zone } from '#model/zone.ts';
import { anyPattern } from '#test/suites/any-recurrence.ts';

/** Random events: every field from the samples of the property table, fields without samples as their kind of value allows. */

const minute = 60_000;
const dayMs = 86_400_000;

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

const when: fc.Arbitrary<When> = fc
  .record({
    day: days,
    startMinute: fc.integer({ min: 0, max: 1439 }),
    minutes: fc.integer({ min: 0, max: 600 }),
    allDays: fc.option(fc.integer({ min: 1, max: 3 }), { nil: null, freq: 4 }),
    startZone: zones,
    endZone: fc.option(zones, { nil: null, freq: 3 }),
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

/** Values that the table has no samples for. */
const unsampled: Partial<Record<EventField, fc.Arbitrary<unknown>>> = { subject: text, location: text, attendees };

const fields: fc.Arbitrary<EventFields> = fc.record(
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
const overrides: fc.Arbitrary<OccurrenceOverrides> = fields.chain(
  ({ subject, location, body, showAs, importance, reminder, categories, attendees: people }) =>
    fc
      .subarray(
        Object.entries({ subject, location, body, showAs, importance, reminder, categories, attendees: people }),
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
  }[];
}
const exceptions: fc.Arbitrary<Exceptions> = fc.record({
  deletedAt: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 2 }),
  modified: fc.uniqueArray(
    fc.record({
      at: fc.integer({ min: 0, max: 9 }),
      overrides,
      laterMinutes: fc.option(fc.integer({ min: -30, max: 30 }), { nil: null }),
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
  const occurrences = modified.flatMap(({ at, overrides: own, laterMinutes }): readonly ModifiedOccurrence[] => {
    const day = first[at];
    if (day === undefined || deletedDays.includes(day)) return [];
    const span = occurrenceSpan(of.when, day);
    const moved = laterMinutes === null || laterMinutes === 0 || of.when.isAllDay ? null : laterMinutes * minute;
    const set = Object.fromEntries(
      Object.entries(own).filter(([field, value]) => differs(value, of[field as EventField])),
    );
    const time = clockOf(of.when.startZone).toWall(span.start + (moved ?? 0));
    const stays = moved !== null && dayOfWall(time) === day;
    const all = stays ? { ...set, when: { ...of.when, start: span.start + moved, end: span.end + moved } } : set;
    return Object.keys(all).length === 0 ? [] : [{ day, overrides: all }];
  });
  return { deletedDays, occurrences: [...occurrences].sort((a, b) => (a.day < b.day ? -1 : 1)) };
}

let made = 0;

/** A draft of an event, complete, as if another system had shown it. */
export const drafts = (owner: string): fc.Arbitrary<TypedDraft<'calendar'>> =>
  fc
    .record({
      fields,
      repeats: fc.option(
        fc.record({
          pattern: anyPattern,
          end: fc.constantFrom('never' as const, 'date' as const, 'count' as const),
          count: fc.integer({ min: 3, max: 30 }),
        }),
        { nil: null, freq: 3 },
      ),
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
        ...(given.isOwn ? { organizer: { name: 'Anna Adler', address: owner } } : {}),
      };
      const identity = identityOf(++made, given.uid === 'foreign');
      const apart =
        recurrence === null ? { occurrences: [], deletedDays: [] } : occurrencesOf(all, recurrence, given.exceptions);
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
            searchKey: '',
            sizeBytes: 0,
            createdAt: null,
            modifiedAt: null,
          },
          fields: all,
          ...apart,
          extras: [],
        },
        attachments: content,
        occurrenceAttachments: new Map(),
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
