import type { EventFields, MeetingResponse, OccurrenceFields } from '#model/appointment.ts';
import { eventProperties as rows } from '#model/event-properties.ts';
import { type MapiProperty, propertySets } from '#model/property-row.ts';
import { busyStatuses } from '../mapi/appointment-recur.ts';
import type { MapiPropertyValue } from '../mapi/mapi-message.ts';
import {
  body,
  categories,
  type FieldCodec,
  flag,
  importance,
  not,
  number,
  reminder,
  sensitivity,
  text,
  time,
  word,
} from './field-codec.ts';
import { mainProperties } from './item-properties.ts';
import type { Get } from './property-values.ts';

const { appointment } = propertySets;

/** Properties that follow from fields and stand in no row of their own. */
export const eventDerived = {
  replyRequested: { tag: 0x0c17, type: 'boolean' },
  toAttendees: { set: appointment, lid: 0x823b, type: 'string' },
  ccAttendees: { set: appointment, lid: 0x823c, type: 'string' },
} as const satisfies Record<string, MapiProperty>;

/** PidLidResponseStatus and PidTagRecipientTrackStatus ([MS-OXOCAL] 2.2.1.11). */
export const responses = [
  'unknown',
  'organizer',
  'tentative',
  'accept',
  'decline',
  'none',
] as const satisfies readonly MeetingResponse[];

/** Fields that an occurrence may have for itself and that one message holds in its properties. */
const occurrenceCodecs = {
  subject: text(rows.subject.mapi[0]),
  location: text(rows.location.mapi[0]),
  body,
  reminder,
  showAs: word(rows.showAs.mapi[0], busyStatuses),
  sensitivity,
  importance,
  // An occurrence may have none where its series has some, so an empty list is written, too.
  categories: { ...categories, write: (value) => [{ property: rows.categories.mapi[0], value }] },
  myResponse: word(rows.myResponse.mapi[0], responses),
  myResponseAt: time(rows.myResponseAt.mapi[0]),
  stateFlags: number(rows.stateFlags.mapi[0]),
} as const satisfies { readonly [F in keyof OccurrenceFields]?: FieldCodec<OccurrenceFields[F]> };

/** Fields of the event as a whole. */
const masterCodecs = {
  responseRequested: flag(rows.responseRequested.mapi[0]),
  allowNewTimeProposal: not(flag(rows.allowNewTimeProposal.mapi[0])),
  onlineMeetingUrl: text(rows.onlineMeetingUrl.mapi[0]),
  invited: flag(rows.invited.mapi[0]),
  sequence: number(rows.sequence.mapi[0]),
  ownerCriticalChangeAt: time(rows.ownerCriticalChangeAt.mapi[0]),
  attendeeCriticalChangeAt: time(rows.attendeeCriticalChangeAt.mapi[0]),
  intendedShowAs: word(rows.intendedShowAs.mapi[0], busyStatuses),
} as const;

/** What a field is when its properties are not there ([MS-OXOCAL] names no defaults; these are what EWS shows). */
const absent = {
  subject: '',
  location: '',
  body: { type: 'text', text: '' },
  reminder: { isSet: false, minutesBefore: 0 },
  showAs: 'busy',
  sensitivity: 'normal',
  importance: 'normal',
  categories: [],
  myResponse: 'unknown',
  myResponseAt: null,
  responseRequested: false,
  allowNewTimeProposal: true,
  onlineMeetingUrl: null,
  stateFlags: 0,
  invited: false,
  sequence: 0,
  ownerCriticalChangeAt: null,
  attendeeCriticalChangeAt: null,
  intendedShowAs: null,
} as const satisfies Partial<EventFields>;

type PlainField = keyof typeof absent;
type PlainFields = Pick<EventFields, PlainField>;

/** What all of them have in common: each takes what its field is. */
interface AnyCodec {
  write(value: never): readonly MapiPropertyValue[];
  read(get: Get): unknown;
}
const allCodecs: { readonly [F in PlainField]: AnyCodec } = { ...occurrenceCodecs, ...masterCodecs };
const plainNames = Object.keys(absent) as readonly PlainField[];

/** Properties of the fields given; those that are null are left out, which is how MAPI says it. */
export function writePlainFields(fields: Partial<PlainFields>): readonly MapiPropertyValue[] {
  return plainNames.flatMap((name) => {
    const value = fields[name];
    return value === undefined || value === null ? [] : allCodecs[name].write(value as never);
  });
}

export function readPlainFields(get: Get): PlainFields {
  return Object.fromEntries(plainNames.map((name) => [name, allCodecs[name].read(get) ?? absent[name]])) as never;
}

/** Only what the message says, for an exception: the rest is as in the series. */
export function readGivenFields(get: Get): Partial<OccurrenceFields> {
  const names = Object.keys(occurrenceCodecs) as readonly (keyof typeof occurrenceCodecs)[];
  const given = names.flatMap((name) => {
    const value = occurrenceCodecs[name].read(get);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(given) as Partial<OccurrenceFields>;
}

/** Opened rather than acted on from a list: 0x171 for everything in a calendar ([MS-OXCMSG] 2.2.1.16). */
const sideEffects = 0x171;
/** PidTagIconIndex ([MS-OXOCAL] 2.2.1.49): one time, series, meeting, series of meetings. */
const icons = { event: 0x400, series: 0x401, meeting: 0x402, seriesOfMeetings: 0x403 } as const;

/** What lists and old clients go by. */
export function writeAppearance(fields: EventFields): readonly MapiPropertyValue[] {
  const isMeeting = (fields.stateFlags & 1) !== 0;
  const [single, series] = isMeeting ? [icons.meeting, icons.seriesOfMeetings] : [icons.event, icons.series];
  const names = (roles: readonly string[]) =>
    fields.attendees
      .filter(({ role }) => roles.includes(role))
      .map(({ name, address }) => name || address)
      .join('; ');
  return [
    { property: mainProperties.iconIndex, value: fields.recurrence === null ? single : series },
    { property: mainProperties.sideEffects, value: sideEffects },
    { property: mainProperties.isPrivate, value: fields.sensitivity === 'private' },
    { property: eventDerived.replyRequested, value: fields.responseRequested },
    { property: rows.attendees.mapi[0], value: names(['required', 'optional', 'resource']) },
    { property: eventDerived.toAttendees, value: names(['required']) },
    { property: eventDerived.ccAttendees, value: names(['optional']) },
  ];
}
