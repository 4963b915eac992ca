import { clockOf } from '#formats/zones/zone-clock.ts';
import type { EventFields, When } from '#model/appointment.ts';
import type { EventField } from '#model/event-properties.ts';
import { isUntyped, typeIsGuessed } from '../../typed-losses.ts';
import { atLeast, type SchemaVersion } from '../server-version.ts';
import { beginsLater, isBegunLater, recurrenceLoss } from '../typed/recurrence-codec.ts';

const dayMs = 86_400_000;

/** By the clock of the zone in which it begins, as servers count days (EWS `IsAllDayEvent`). */
function isOfWholeDays({ start, end, startZone }: When): boolean {
  const clock = clockOf(startZone);
  return [start, end].every((at) => clock.toWall(at) % dayMs === 0);
}

/** Where an event is written. */
export interface Destination {
  readonly version: SchemaVersion;
  /** SMTP address of the mailbox. */
  readonly owner: string;
}

/** Something that a server does not keep when it is written over EWS. */
interface Loss {
  readonly field: EventField;
  /** The first version that keeps it; null: none. */
  readonly keptFrom: SchemaVersion | null;
  /** In words, for the report and `docs/carried-calendars.md`. */
  readonly what: string;
  /** Whether it concerns these values; of an update only those that are written. */
  readonly concerns: (fields: Partial<EventFields>, to: Destination) => boolean;
}

/** Every loss that is known. Read by the report of a run and by the document, so that neither can be ahead of the other. */
export const losses: readonly Loss[] = [
  {
    field: 'organizer',
    keptFrom: null,
    what: 'the owner of the mailbox becomes the organizer, unless it is written by stream',
    concerns: ({ organizer }, { owner }) =>
      organizer !== undefined && (organizer?.address ?? '').toLowerCase() !== owner.toLowerCase(),
  },
  {
    field: 'showAs',
    keptFrom: 'Exchange2013',
    what: 'working elsewhere is shown as free',
    concerns: ({ showAs }) => showAs === 'working-elsewhere',
  },
  {
    field: 'when',
    keptFrom: null,
    what: 'an item without a time zone gets one from the server',
    concerns: ({ when }) => when !== undefined && when.startZone === null,
  },
  {
    field: 'when',
    keptFrom: null,
    what: 'times are kept to the minute',
    concerns: ({ when }) => when !== undefined && (when.start % 60_000 !== 0 || when.end % 60_000 !== 0),
  },
  {
    field: 'when',
    keptFrom: null,
    what: 'what is marked as all-day and begins or ends within a day is stretched to whole days',
    concerns: ({ when }) => when?.isAllDay === true && !isOfWholeDays(when),
  },
  {
    field: 'body',
    keptFrom: null,
    what: 'HTML gets a head that names its character set',
    concerns: ({ body }) => body?.type === 'html' && !/<meta[^>]+http-equiv/i.test(body.text),
  },
  {
    field: 'attendees',
    keptFrom: null,
    what: 'what attendees answered, and when, is for the server to know; only a stream keeps it',
    concerns: ({ attendees }) =>
      attendees?.some(({ response, respondedAt }) => response !== 'unknown' || respondedAt !== null) ?? false,
  },
  {
    field: 'recurrence',
    keptFrom: 'Exchange2010_SP1',
    what: 'weeks begin on Sunday, which moves some days of a pattern of every other week that begins on another day',
    concerns: ({ recurrence }) =>
      recurrence !== undefined && recurrence !== null && recurrenceLoss(recurrence, 'Exchange2007_SP1') !== null,
  },
  {
    field: 'recurrence',
    keptFrom: null,
    what: beginsLater,
    concerns: ({ recurrence }) => recurrence !== undefined && recurrence !== null && isBegunLater(recurrence),
  },
  {
    field: 'attachments',
    keptFrom: 'Exchange2010',
    what: 'whether an attachment is shown inside the body',
    concerns: ({ attachments }) => attachments?.some(({ isInline }) => isInline) ?? false,
  },
  {
    field: 'attachments',
    keptFrom: null,
    what: typeIsGuessed,
    concerns: ({ attachments }) => attachments?.some(isUntyped) ?? false,
  },
];

/** What of these values will not be there afterwards, by field. */
export function unkeptOf(fields: Partial<EventFields>, to: Destination): Readonly<Record<string, string>> {
  const unkept: Record<string, string> = {};
  for (const { field, keptFrom, what, concerns } of losses) {
    if (keptFrom !== null && atLeast(to.version, keptFrom)) continue;
    if (concerns(fields, to)) unkept[field] = unkept[field] === undefined ? what : `${unkept[field]}; ${what}`;
  }
  return unkept;
}
