import type { Attendee, EventFields, EventIdentity } from '#model/appointment.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import { defaultTypedPolicy, type TypedPolicy } from '#model/policy.ts';
import type { Recurrence } from '#model/recurrence.ts';
import type { TypedHead, TypedItem } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import type { ClockOf } from './place-occurrences.ts';

export const day = (text: string): Day => text as Day;
const viennaZone = { id: 'W. Europe Standard Time', rules: null };
const HOUR = 3_600_000;
/** Monday 2024-03-04, 09:00 in Vienna. */
export const monday9 = Date.UTC(2024, 2, 4, 8);

export const weekly: Recurrence = {
  pattern: { kind: 'weekly', interval: 1, days: ['monday'], firstDayOfWeek: 'monday' },
  range: { end: 'count', startDay: day('2024-03-04'), count: 10 },
};

export const plainEvent: EventFields = {
  subject: 'Standup',
  location: 'Room 1',
  when: { start: monday9, end: monday9 + HOUR, isAllDay: false, startZone: viennaZone, endZone: viennaZone },
  body: { type: 'text', text: 'Agenda' },
  reminder: { isSet: false, minutesBefore: 15 },
  showAs: 'busy',
  sensitivity: 'normal',
  importance: 'normal',
  categories: [],
  attendees: [],
  attachments: [],
  myResponse: 'organizer',
  myResponseAt: null,
  recurrence: null,
  organizer: { name: 'Ana', address: 'ana@source.example' },
  responseRequested: true,
  allowNewTimeProposal: true,
  onlineMeetingUrl: null,
  stateFlags: 0,
  invited: false,
  sequence: 0,
  ownerCriticalChangeAt: null,
  attendeeCriticalChangeAt: null,
  intendedShowAs: null,
};

export const attendee = (
  address: string,
  response: Attendee['response'] = 'unknown',
  at: number | null = null,
): Attendee => ({
  name: address.split('@')[0] ?? '',
  address,
  role: 'required',
  response,
  respondedAt: at,
});

export const headOf = (over: Partial<TypedHead> = {}): TypedHead => ({
  id: 'id' as ItemId,
  version: 'v1' as Version,
  folder: 'calendar' as FolderId,
  itemClass: 'IPM.Appointment',
  identity: 'AB01' as EventIdentity,
  stamp: null,
  receipt: null,
  searchKey: '',
  sizeBytes: 1000,
  createdAt: monday9,
  modifiedAt: monday9,
  ...over,
});

export interface EventOver {
  readonly fields?: Partial<EventFields>;
  readonly occurrences?: TypedItem['occurrences'];
  readonly deletedDays?: readonly Day[];
  readonly head?: Partial<TypedHead>;
}
export const event = (over: EventOver = {}): TypedItem<'calendar'> => ({
  kind: 'calendar',
  head: headOf(over.head),
  fields: { ...plainEvent, ...over.fields },
  occurrences: over.occurrences ?? [],
  deletedDays: over.deletedDays ?? [],
  extras: [],
});

/** Weekly on Mondays at 09:00, ten times from 2024-03-04. */
export const series = (over: EventOver = {}): TypedItem<'calendar'> =>
  event({ ...over, fields: { recurrence: weekly, ...over.fields } });

export const policy = (over: Partial<TypedPolicy> = {}): TypedPolicy => ({ ...defaultTypedPolicy, ...over });

/** Vienna in winter, all year round: enough where no test is about zones. */
export const winterClock: ClockOf = () => ({ toWall: (instant) => instant + HOUR });
