import { calendarKey, stateFlag } from '../world/calendar-keys.ts';
import type { Attendee, Day } from '../world/calendar-part.ts';
import { responses } from '../world/calendar-part.ts';
import type { Address, ItemContent } from '../world/item.ts';
import { plainContent } from '../world/plain-content.ts';
import { key, type Property, type PropertyKey } from '../world/property.ts';
import { busy, meetingKey, meetingType, messageClass } from './meeting-keys.ts';
import {
  binary,
  cleanIdOf,
  datedId,
  flag,
  integer,
  numberOf,
  organizerOf,
  partOf,
  propertyValue,
  sequenceOf,
  subjectOf,
  text,
  time,
  withProperties,
} from './meeting-view.ts';

/** What of an appointment is the meeting's, so that it travels: everything else is the owner's of the copy. [MS-OXOCAL] 3.1.4.7.1 */
export const travelling: readonly PropertyKey[] = [
  key.subject,
  key.normalizedSubject,
  key.importance,
  key.sensitivity,
  calendarKey.start,
  calendarKey.end,
  calendarKey.commonStart,
  calendarKey.commonEnd,
  calendarKey.startDate,
  calendarKey.endDate,
  calendarKey.durationMin,
  calendarKey.allDay,
  calendarKey.location,
  calendarKey.workspaceUrl,
  calendarKey.recurBlob,
  calendarKey.recurring,
  calendarKey.recurrenceKind,
  calendarKey.isRecurring,
  calendarKey.isException,
  calendarKey.replacedStart,
  calendarKey.clipStart,
  calendarKey.clipEnd,
  calendarKey.zoneStruct,
  calendarKey.zoneDescription,
  calendarKey.zoneStart,
  calendarKey.zoneEnd,
  calendarKey.zoneRecur,
  calendarKey.conferencing,
  calendarKey.conferenceType,
  calendarKey.netShowUrl,
  calendarKey.noCounterProposal,
  calendarKey.responseRequested,
  calendarKey.replyRequested,
  calendarKey.ownerAppointmentId,
  calendarKey.sequence,
  calendarKey.ownerCriticalChange,
  calendarKey.cleanGlobalObjectId,
];

/** Of the reminder only how long before it rings; a copy works out its own time. */
const suggested: readonly PropertyKey[] = [key.reminderSet, calendarKey.reminderMinutes];

/** What iMIP carries of it, so what survives between organizations without TNEF. [MS-OXCICAL] 2.1.3.1.1.20 */
const icalendarKeeps: ReadonlySet<PropertyKey> = new Set([
  ...travelling.filter((at) => at !== calendarKey.workspaceUrl && at !== calendarKey.netShowUrl),
  ...suggested,
  key.itemClass,
  key.messageId,
  key.sentAt,
  key.displayTo,
  key.conversationTopic,
  calendarKey.globalObjectId,
  calendarKey.stateFlags,
  calendarKey.busyStatus,
  calendarKey.intendedBusyStatus,
  calendarKey.fInvited,
  calendarKey.response,
  calendarKey.attendeeCriticalChange,
  meetingKey.meetingType,
]);

/** Where a message comes from and when. */
export interface Sending {
  readonly from: Address;
  readonly to: readonly Address[];
  readonly nowMs: number;
  /** Unique in the lab: makes the Message-ID. */
  readonly id: string;
}

function envelope(sending: Sending, itemClass: string, subject: string): [PropertyKey, Property][] {
  return [
    [key.itemClass, text(itemClass)],
    [key.subject, text(subject)],
    [key.normalizedSubject, text(subject)],
    [key.conversationTopic, text(subject.replace(/^(?:Accepted|Declined|Tentative|Canceled): /, ''))],
    [key.messageId, text(`<${sending.id}>`)],
    [key.sentAt, time(sending.nowMs)],
    [key.receivedAt, time(sending.nowMs)],
    [key.displayTo, text(sending.to.map(({ name, address }) => name || address).join('; '))],
  ];
}

/** The meeting in a message: what travels, and the identity of the series or of the occurrence on `day`. */
function meetingProperties(meeting: ItemContent, day: Day | null): Map<PropertyKey, Property> {
  const properties = new Map<PropertyKey, Property>();
  for (const at of travelling) {
    const property = meeting.properties.get(at);
    if (property !== undefined) properties.set(at, property);
  }
  const cleanId = cleanIdOf(meeting);
  if (cleanId !== null) {
    properties.set(calendarKey.cleanGlobalObjectId, binary(datedId(cleanId, null)));
    properties.set(calendarKey.globalObjectId, binary(datedId(cleanId, day)));
  }
  if (day !== null) properties.set(calendarKey.isException, flag(true));
  return properties;
}

/** Attendees as a request lists them: who else is invited, not what they answered. */
const unanswered = (attendees: readonly Attendee[]): readonly Attendee[] =>
  attendees.map((one) => ({ ...one, response: 'Unknown', respondedAtMs: null }));

/**
 * A meeting request or update. [MS-OXOCAL] 2.2.6
 * @param meeting the organizer's copy, or what it shows of one occurrence.
 * @param day of that occurrence; null: all of it.
 * @param kind PidLidMeetingType: first request, full update (answers count no more), informational update.
 */
export function requestContent(
  meeting: ItemContent,
  day: Day | null,
  kind: keyof typeof meetingType,
  sending: Sending,
): ItemContent {
  const properties = meetingProperties(meeting, day);
  for (const at of suggested) {
    const property = meeting.properties.get(at);
    if (property !== undefined) properties.set(at, property);
  }
  for (const [at, property] of envelope(sending, messageClass.request, subjectOf(meeting)))
    properties.set(at, property);
  properties.set(calendarKey.intendedBusyStatus, integer(numberOf(meeting, calendarKey.busyStatus) ?? busy.busy));
  properties.set(calendarKey.busyStatus, integer(busy.tentative));
  properties.set(calendarKey.stateFlags, integer(stateFlag.meeting | stateFlag.received));
  properties.set(calendarKey.response, integer(responses.indexOf('NoResponseReceived')));
  properties.set(calendarKey.fInvited, flag(true));
  properties.set(calendarKey.responseRequested, flag(propertyValue(meeting, calendarKey.responseRequested) !== false));
  properties.set(meetingKey.meetingType, integer(meetingType[kind]));
  const part = partOf(meeting);
  return plainContent({
    properties,
    from: sending.from,
    to: sending.to,
    body: meeting.body,
    attachments: meeting.attachments ?? [],
    calendar: {
      ...part,
      attendees: unanswered(part.attendees),
      recurrence: day === null ? part.recurrence : null,
      exceptions:
        day === null
          ? part.exceptions.map((one) => ({
              ...one,
              attendees: one.attendees === null ? null : unanswered(one.attendees),
            }))
          : [],
      deletedDays: day === null ? part.deletedDays : [],
    },
  });
}

/** A cancellation of a meeting or of one occurrence. [MS-OXOCAL] 2.2.8 */
export function cancellationContent(
  meeting: ItemContent,
  day: Day | null,
  sending: Sending,
  body: string | null = null,
): ItemContent {
  const properties = meetingProperties(meeting, day);
  const subject = `Canceled: ${subjectOf(meeting).replace(/^Canceled: /, '')}`;
  for (const [at, property] of envelope(sending, messageClass.cancellation, subject)) properties.set(at, property);
  properties.set(calendarKey.busyStatus, integer(busy.free));
  properties.set(calendarKey.intendedBusyStatus, integer(busy.free));
  properties.set(calendarKey.stateFlags, integer(stateFlag.meeting | stateFlag.received | stateFlag.cancelled));
  properties.set(calendarKey.fInvited, flag(true));
  const part = partOf(meeting);
  return plainContent({
    properties,
    from: sending.from,
    to: sending.to,
    body: body === null ? meeting.body : { type: 'Text', text: body },
    calendar: { ...part, ...(day === null ? {} : { recurrence: null, exceptions: [], deletedDays: [] }) },
  });
}

const answers = {
  Accept: { itemClass: messageClass.accept, prefix: 'Accepted: ' },
  Tentative: { itemClass: messageClass.tentative, prefix: 'Tentative: ' },
  Decline: { itemClass: messageClass.decline, prefix: 'Declined: ' },
} as const;
export type Answer = keyof typeof answers;

/**
 * An attendee's answer. It carries sequence and owner's critical change of what is answered, so that the organizer can tell an
 * answer to something outdated. [MS-OXOCAL] 2.2.7
 */
export function responseContent(
  meeting: ItemContent,
  day: Day | null,
  answer: Answer,
  sending: Sending,
  body: string | null = null,
): ItemContent {
  const properties = meetingProperties(meeting, day);
  const { itemClass, prefix } = answers[answer];
  for (const [at, property] of envelope(sending, itemClass, `${prefix}${subjectOf(meeting)}`))
    properties.set(at, property);
  properties.set(calendarKey.attendeeCriticalChange, time(sending.nowMs));
  properties.set(calendarKey.sequence, integer(sequenceOf(meeting)));
  const part = partOf(meeting);
  return plainContent({
    properties,
    from: sending.from,
    to: sending.to,
    body: { type: 'Text', text: body ?? '' },
    calendar: {
      ...part,
      attendees: [],
      ...(day === null ? {} : { recurrence: null, exceptions: [], deletedDays: [] }),
    },
  });
}

/** The answer a response message gives. */
export function answerOf(content: ItemContent): Answer | null {
  const itemClass = String(propertyValue(content, key.itemClass) ?? '').toLowerCase();
  for (const [answer, row] of Object.entries(answers))
    if (itemClass === row.itemClass.toLowerCase()) return answer as Answer;
  return null;
}

/** A meeting message as it arrives over a connector that speaks iMIP only. */
export function asIcalendar(content: ItemContent): ItemContent {
  return {
    ...content,
    properties: new Map([...content.properties].filter(([at]) => icalendarKeeps.has(at))),
  };
}

/** A meeting message as it arrives where not even that is understood: words. */
export function asText(content: ItemContent): ItemContent {
  const start = numberOf(content, calendarKey.start);
  const when = start === null ? '' : `When: ${new Date(start).toISOString()}\r\n`;
  const where = String(propertyValue(content, calendarKey.location) ?? '');
  const who = organizerOf(content);
  const lines = [
    when,
    where === '' ? '' : `Where: ${where}\r\n`,
    who === null ? '' : `Organizer: ${who.name} <${who.address}>\r\n`,
    content.body?.text ?? '',
  ];
  const plain = withProperties(content, { [key.itemClass]: text('IPM.Note') });
  const { calendar: _calendar, ...rest } = plain;
  return {
    ...rest,
    properties: new Map([...plain.properties].filter(([at]) => at.startsWith('0x') && at !== meetingKey.processed)),
    body: { type: 'Text', text: lines.join('') },
  };
}
