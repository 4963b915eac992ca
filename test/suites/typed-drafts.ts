import { payloadOfBytes } from '#kit/payload.ts';
import type {
  AttachmentContent,
  AttachmentHead,
  Attendee,
  EventFields,
  EventIdentity,
  ModifiedOccurrence,
  When,
} from '#model/appointment.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import { plainFields } from '#model/plain-fields.ts';
import type { Recurrence } from '#model/recurrence.ts';
import { hash128 } from '#model/stamp.ts';
import type { TypedDraft, TypedFields, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import { freshStamp } from './connector-suite.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
const vienna = { id: 'W. Europe Standard Time', rules: null };
/** Monday, 4 March 2024, 10:00 in Vienna. */
export const start = Date.parse('2024-03-04T09:00:00Z');
export const when: When = { start, end: start + HOUR, isAllDay: false, startZone: vienna, endZone: vienna };
export const day = (text: string): Day => text as Day;
export const firstDay = day('2024-03-04');
/** The n-th day of the daily series, from 0. */
export const nth = (n: number): Day => day(`2024-03-${String(4 + n).padStart(2, '0')}`);
/** When the occurrence of that day would be, moved by so many milliseconds. */
export const onDay = (n: number, later = 0): When => ({
  ...when,
  start: start + n * DAY + later,
  end: start + n * DAY + HOUR + later,
});
export const daily: Recurrence = {
  pattern: { kind: 'daily', interval: 1 },
  range: { end: 'count', startDay: firstDay, count: 7 },
};

const classes = {
  calendar: 'IPM.Appointment',
  contacts: 'IPM.Contact',
  tasks: 'IPM.Task',
  notes: 'IPM.StickyNote',
} as const;

let made = 0;
export const freshIdentity = (): EventIdentity =>
  `040000008200E00074C5B7101A82E0080000000000000000000000000000000010000000${(++made).toString(16).toUpperCase().padStart(32, '0')}` as EventIdentity;

export interface DraftParts<Kind extends TypedKind> {
  readonly fields?: Partial<TypedFields[Kind]>;
  readonly occurrences?: readonly ModifiedOccurrence[];
  readonly deletedDays?: readonly Day[];
  readonly identity?: EventIdentity;
  readonly attachments?: readonly AttachmentContent[];
  readonly occurrenceAttachments?: ReadonlyMap<Day, readonly AttachmentContent[]>;
}

export function draftOf<Kind extends TypedKind>(kind: Kind, parts: DraftParts<Kind> = {}): TypedDraft<Kind> {
  const { fields = {}, occurrences = [], deletedDays = [], attachments = [] } = parts;
  const head: TypedItem['head'] = {
    id: 'source item' as ItemId,
    version: 'source version' as Version,
    folder: 'source folder' as FolderId,
    itemClass: classes[kind],
    identity: kind === 'calendar' ? (parts.identity ?? freshIdentity()) : null,
    stamp: null,
    receipt: null,
    searchKey: '',
    sizeBytes: 0,
    createdAt: null,
    modifiedAt: null,
  };
  const usual = kind === 'calendar' ? { ...plainFields.calendar, when } : plainFields[kind];
  const held = attachments.length > 0 ? { attachments: attachments.map((a) => a.head) } : {};
  return {
    item: {
      kind,
      head,
      fields: { ...usual, ...held, ...fields } as unknown as TypedFields[Kind],
      occurrences,
      deletedDays,
      extras: [],
    },
    attachments,
    occurrenceAttachments: parts.occurrenceAttachments ?? new Map(),
    stamp: freshStamp(),
  };
}

export const eventDraft = (fields: Partial<EventFields> = {}, parts: DraftParts<'calendar'> = {}) =>
  draftOf('calendar', { ...parts, fields: { subject: 'Planning', ...fields } });
export const seriesDraft = (parts: DraftParts<'calendar'> = {}) =>
  eventDraft({ recurrence: daily, location: 'Room 1', ...parts.fields }, parts);

export function attachment(name: string, text: string, contentType = 'text/plain'): AttachmentContent {
  const bytes = Buffer.from(text);
  const head: AttachmentHead = {
    name,
    contentType,
    contentId: null,
    isInline: false,
    sizeBytes: bytes.length,
    hash: hash128(text),
    kind: 'file',
  };
  return { head, bytes: payloadOfBytes(bytes) };
}

export const attendees: readonly Attendee[] = [
  { name: 'Ben', address: 'ben@partner.example', role: 'required', response: 'accept', respondedAt: start - DAY },
  { name: 'Cleo', address: 'cleo@partner.example', role: 'optional', response: 'none', respondedAt: null },
  { name: 'Room', address: 'room@partner.example', role: 'resource', response: 'tentative', respondedAt: null },
];
/** A meeting as its organizer has it, and as one of its attendees has it. */
export const meetings: readonly Partial<EventFields>[] = [
  {
    attendees,
    stateFlags: 1,
    invited: true,
    myResponse: 'organizer',
    sequence: 2,
    ownerCriticalChangeAt: start - 2 * DAY,
  },
  {
    attendees,
    stateFlags: 3,
    invited: true,
    myResponse: 'accept',
    myResponseAt: start - DAY,
    organizer: { name: 'Ben', address: 'ben@partner.example' },
  },
];
