import { hash } from 'node:crypto';
import * as fc from 'fast-check';
import { identityOfUid } from '#formats/mapi/global-object-id.ts';
import { occurrenceSpan } from '#formats/occurrences.ts';
import { shownBody } from '#formats/shown-body.ts';
import { clockOf } from '#formats/zones/zone-clock.ts';
import { payloadOfBytes } from '#kit/payload.ts';
import type {
  AttachmentContent,
  Attendee,
  EventFields,
  OccurrenceFields,
  OccurrenceOverrides,
  When,
} from '#model/appointment.ts';
import { occurrenceDays, recurrenceProblem } from '#model/expand-recurrence.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { RawProperty } from '#model/mail.ts';
import type { Recurrence } from '#model/recurrence.ts';
import type { StampText } from '#model/stamp.ts';
import type { TypedDraft } from '#model/typed-item.ts';
import { type Day, wallOfDay } from '#model/wall-time.ts';
import type { Zone } from '#model/zone.ts';
import { anyRecurrence } from './any-recurrence.ts';

const text = fc.oneof(fc.string({ maxLength: 30 }), fc.constantFrom('', 'Grüße; "x", <y>', '会議 ✓', 'a\r\nb'));
const minute = fc.integer({ min: 0, max: 1439 });
const instant = fc.integer({ min: Date.UTC(1995, 0, 1), max: Date.UTC(2040, 0, 1) });
const zone = fc.constantFrom<Zone>(
  { id: 'W. Europe Standard Time', rules: null },
  { id: 'Pacific Standard Time', rules: null },
  { id: 'UTC', rules: null },
  {
    id: 'Our own time',
    rules: [
      {
        fromYear: 1601,
        biasMinutes: -95,
        standardBiasMinutes: 0,
        daylightBiasMinutes: -30,
        toStandard: { month: 9, week: 2, weekday: 3, minuteOfDay: 60 },
        toDaylight: { month: 4, week: 5, weekday: 6, minuteOfDay: 1440 },
      },
    ],
  },
);

const response = fc.constantFrom(
  'unknown',
  'organizer',
  'tentative',
  'accept',
  'decline',
  'none',
) satisfies fc.Arbitrary<Attendee['response']>;
const person = fc.oneof(
  fc.record({ name: text, address: fc.emailAddress() }),
  fc.constantFrom(
    { name: 'Gone', address: '/o=Source/ou=Exchange Administrative Group/cn=Recipients/cn=gone' },
    { name: 'A name alone', address: '' },
  ),
);
const attendee: fc.Arbitrary<Attendee> = fc
  .tuple(
    person,
    fc.record({ role: fc.constantFrom('required', 'optional', 'resource'), response, respondedAt: fc.option(instant) }),
  )
  .map(([who, more]) => ({ ...who, ...more }));

const attachment: fc.Arbitrary<AttachmentContent> = fc
  .record({
    name: text,
    contentType: fc.option(fc.constantFrom('text/plain', 'image/png')),
    contentId: fc.option(fc.constant('image001@x')),
    isInline: fc.boolean(),
    bytes: fc.oneof(fc.uint8Array({ maxLength: 50 }), fc.constantFrom(new Uint8Array(70_000).fill(7))),
  })
  .map(({ bytes, ...head }) => ({
    head: {
      ...head,
      sizeBytes: bytes.length,
      hash: hash('sha256', Buffer.from(bytes), 'hex').slice(0, 32),
      kind: 'file' as const,
    },
    bytes: payloadOfBytes(bytes),
  }));
const attachments = fc.array(attachment, { maxLength: 2 });

const showAs = fc.constantFrom('free', 'tentative', 'busy', 'oof', 'working-elsewhere') satisfies fc.Arbitrary<
  OccurrenceFields['showAs']
>;
const plain = {
  subject: text,
  location: text,
  body: fc
    .record({ type: fc.constantFrom('html' as const, 'text' as const), text })
    .map(({ type, text: words }) => shownBody(type, words)),
  reminder: fc.record({ isSet: fc.boolean(), minutesBefore: fc.integer({ min: 0, max: 50_000 }) }),
  showAs,
  sensitivity: fc.constantFrom('normal' as const, 'personal' as const, 'private' as const, 'confidential' as const),
  importance: fc.constantFrom('low' as const, 'normal' as const, 'high' as const),
  categories: fc.array(text, { maxLength: 3 }),
  myResponse: response,
};

/** Fields of an event without its times, recurrence and attachments. */
const fields = fc.record({
  ...plain,
  myResponseAt: fc.option(instant),
  attendees: fc.array(attendee, { maxLength: 4 }),
  organizer: fc.option(person),
  responseRequested: fc.boolean(),
  allowNewTimeProposal: fc.boolean(),
  onlineMeetingUrl: fc.option(fc.constantFrom('https://meet.example/abc', '')),
  stateFlags: fc.nat({ max: 7 }),
  invited: fc.boolean(),
  sequence: fc.nat({ max: 100 }),
  ownerCriticalChangeAt: fc.option(instant),
  attendeeCriticalChangeAt: fc.option(instant),
  intendedShowAs: fc.option(showAs),
});

const overridden = fc.record(
  {
    ...plain,
    myResponseAt: instant,
    attendees: fc.array(attendee, { maxLength: 3 }),
    movedMinutes: fc.integer({ min: -1500, max: 1500 }),
    longer: fc.nat({ max: 100 }),
  },
  { requiredKeys: [] },
);

const identity = fc
  .oneof(
    fc.uuid(),
    fc.constant(
      `040000008200E00074C5B7101A82E00800000000F0E1D2C3B4A5960100000000000000001000000000112233445566778899AABBCCDDEEFF`,
    ),
  )
  .map(identityOfUid);

const extra = fc.constantFrom<RawProperty>(
  { property: { set: '00062002-0000-0000-c000-000000000046', lid: 0x8299, type: 'integer' }, values: ['-3'] },
  { property: { set: '11111111-2222-3333-4444-555555555555', name: 'Colour', type: 'string' }, values: ['blåu'] },
  {
    property: { set: '11111111-2222-3333-4444-555555555555', name: 'When', type: 'time' },
    values: ['2024-01-02T03:04:05.000Z'],
  },
  { property: { set: '11111111-2222-3333-4444-555555555555', name: 'Many', type: 'strings' }, values: ['a', ''] },
  { property: { set: '11111111-2222-3333-4444-555555555555', name: 'Raw', type: 'binary' }, values: ['AAEC'] },
  {
    property: { set: '11111111-2222-3333-4444-555555555555', name: 'Long', type: 'long' },
    values: ['-9007199254740993'],
  },
);

const where = { id: 'id' as ItemId, version: 'v1' as Version, folder: 'f' as FolderId };

function differing(series: OccurrenceFields, overrides: OccurrenceOverrides): OccurrenceOverrides {
  const kept = Object.entries(overrides).filter(
    ([field, value]) => JSON.stringify(value) !== JSON.stringify(series[field as keyof OccurrenceFields]),
  );
  return Object.fromEntries(kept) as OccurrenceOverrides;
}

/** Complete events: single ones and series with deleted and modified days. */
export const anyEvent: fc.Arbitrary<TypedDraft<'calendar'>> = fc
  .record({
    fields,
    zone,
    endZone: zone,
    recurrence: fc.option(anyRecurrence.filter((one) => recurrenceProblem(one) === null)),
    day: fc.constantFrom('2024-03-31' as Day, '2024-10-27' as Day, '1999-12-31' as Day),
    minute,
    lengthMinutes: fc.integer({ min: 0, max: 3000 }),
    isAllDay: fc.boolean(),
    attachments,
    picks: fc.array(
      fc.record({ isDeleted: fc.boolean(), overrides: overridden, attachments: fc.option(attachments) }),
      { maxLength: 4 },
    ),
    identity: fc.option(identity),
    extras: fc.uniqueArray(extra, { maxLength: 3 }),
  })
  .map((made) => {
    const { recurrence } = made;
    const clock = clockOf(made.zone);
    const begin = wallOfDay(recurrence?.range.startDay ?? made.day) + made.minute * 60_000;
    const when: When = {
      start: clock.toInstant(begin),
      end: clock.toInstant(begin) + made.lengthMinutes * 60_000,
      isAllDay: made.isAllDay,
      startZone: made.zone,
      endZone: made.endZone,
    };
    const event: EventFields = {
      ...made.fields,
      when,
      recurrence,
      attachments: made.attachments.map(({ head }) => head),
    };
    const days = recurrence === null ? [] : firstDays(recurrence, made.picks.length);
    const chosen = days.flatMap((day, at) => {
      const pick = made.picks[at];
      return pick === undefined ? [] : [{ day, ...pick }];
    });
    const occurrenceAttachments = new Map<Day, readonly AttachmentContent[]>();
    const occurrences = chosen.flatMap(
      ({ day, isDeleted, overrides: { movedMinutes, longer, ...more }, attachments: files }) => {
        if (isDeleted) return [];
        const planned = occurrenceSpan(when, day);
        const own = {
          ...more,
          ...(movedMinutes === undefined && longer === undefined
            ? {}
            : {
                when: {
                  ...when,
                  start: planned.start + (movedMinutes ?? 0) * 60_000,
                  end: planned.end + ((movedMinutes ?? 0) + (longer ?? 0)) * 60_000,
                },
              }),
          ...(files === null ? {} : { attachments: files.map(({ head }) => head) }),
        };
        if (files !== null && files.length > 0) occurrenceAttachments.set(day, files);
        return [{ day, overrides: differing({ ...event, when: { ...when, ...planned } }, own) }];
      },
    );
    for (const { day, overrides } of occurrences)
      if (overrides.attachments === undefined) occurrenceAttachments.delete(day);
    return {
      item: {
        kind: 'calendar' as const,
        head: {
          ...where,
          itemClass: 'IPM.Appointment',
          identity: made.identity,
          stamp: null,
          receipt: null,
          searchKey: '',
          sizeBytes: 0,
          createdAt: null,
          modifiedAt: null,
        },
        fields: event,
        occurrences,
        deletedDays: chosen.filter(({ isDeleted }) => isDeleted).map(({ day }) => day),
        extras: made.extras,
      },
      attachments: made.attachments,
      occurrenceAttachments,
      stamp: 'cw1;org;box;;00;00;1;nonce' as StampText,
    };
  });

function firstDays(recurrence: Recurrence, count: number): readonly Day[] {
  const days: Day[] = [];
  if (count === 0) return days;
  for (const day of occurrenceDays(recurrence)) if (days.push(day) === count) break;
  return days;
}
