import { endMsOf, isMaster, startMsOf } from '../world/appointment.ts';
import { calendarKey, stateFlag } from '../world/calendar-keys.ts';
import { type Attendee, type CalendarException, type Day, responses } from '../world/calendar-part.ts';
import type { Address, ItemContent } from '../world/item.ts';
import { plainContent } from '../world/plain-content.ts';
import { key, type Property, type PropertyKey } from '../world/property.ts';
import { busy, meetingKey, meetingType } from './meeting-keys.ts';
import { type Answer, travelling } from './meeting-message.ts';
import {
  attendeesOf,
  flag,
  integer,
  isCancelled,
  numberOf,
  partOf,
  propertyValue,
  same,
  sequenceOf,
  subjectOf,
  text,
  time,
  withProperties,
} from './meeting-view.ts';
import { showing } from './occurrences.ts';

// What meeting messages do to copies of meetings, as pure functions. [MS-OXOCAL] 3.1.4.7.2, 3.1.4.8.5, 3.1.4.9.3

const criticalChangeOf = (content: ItemContent): number => numberOf(content, calendarKey.ownerCriticalChange) ?? 0;

/**
 * Whether something newer than the message was seen already. [MS-OXOCAL] 3.1.5.2
 * @param shown the copy, or what it shows of the occurrence the message is about.
 * @param requestedAtMs of the copy: when its organizer last sent, or for attendees the owner's critical change.
 */
export function isOutOfDate(
  shown: ItemContent,
  message: ItemContent,
  requestedAtMs: number = criticalChangeOf(shown),
): boolean {
  if (numberOf(message, meetingKey.meetingType) === meetingType.outOfDate) return true;
  if (sequenceOf(shown) !== sequenceOf(message)) return sequenceOf(shown) > sequenceOf(message);
  return criticalChangeOf(message) < requestedAtMs;
}

/** The copy knows this version of the meeting already. */
export const isKnown = (shown: ItemContent, message: ItemContent): boolean =>
  sequenceOf(shown) === sequenceOf(message) &&
  criticalChangeOf(shown) === criticalChangeOf(message) &&
  isCancelled(shown) === isCancelled(message);

/** When the reminder rings: so long before the next time the meeting takes place. [MS-OXORMDR] 2.2.1.3, 2.2.1.4 */
function withReminder(content: ItemContent): ItemContent {
  if (propertyValue(content, key.reminderSet) !== true) return content;
  const minutes = numberOf(content, calendarKey.reminderMinutes) ?? 15;
  const startMs = startMsOf(content);
  return withProperties(content, {
    [calendarKey.reminderMinutes]: integer(minutes),
    [calendarKey.reminderTime]: time(startMs),
    [calendarKey.reminderSignalTime]: time(startMs - minutes * 60_000),
  });
}

const copied: readonly PropertyKey[] = [
  ...travelling,
  calendarKey.globalObjectId,
  calendarKey.fInvited,
  calendarKey.intendedBusyStatus,
  key.reminderSet,
  calendarKey.reminderMinutes,
];

/** How a copy stands towards a meeting that nobody has answered yet. */
const unanswered = {
  [calendarKey.stateFlags]: integer(stateFlag.meeting | stateFlag.received),
  [calendarKey.response]: integer(responses.indexOf('NoResponseReceived')),
  [calendarKey.busyStatus]: integer(busy.tentative),
};

/** A tentative appointment for a request about something the calendar does not have. */
export function newCopy(message: ItemContent): ItemContent {
  const properties = new Map<PropertyKey, Property>([[key.itemClass, text('IPM.Appointment')]]);
  for (const at of copied) {
    const property = message.properties.get(at);
    if (property !== undefined) properties.set(at, property);
  }
  const content = plainContent({
    properties,
    from: message.from,
    body: message.body,
    attachments: message.attachments ?? [],
    ...(message.calendar === undefined ? {} : { calendar: message.calendar }),
  });
  return withReminder(withProperties(content, unanswered));
}

/** What a full update does to the answer that was given: it counts no more. */
const reset = (message: ItemContent, keepsAnswer: boolean): Readonly<Record<PropertyKey, Property>> =>
  keepsAnswer || ((numberOf(message, meetingKey.meetingType) ?? 0) & meetingType.informational) !== 0 ? {} : unanswered;

/**
 * A copy brought up to date by a request about all of it.
 * @param keepsAnswer also for a full update: repairs do not take an answer back.
 */
export function updatedCopy(copy: ItemContent, message: ItemContent, keepsAnswer = false): ItemContent {
  const properties = new Map(copy.properties);
  for (const at of travelling) {
    const property = message.properties.get(at);
    if (property === undefined) properties.delete(at);
    else properties.set(at, property);
  }
  const intended = message.properties.get(calendarKey.intendedBusyStatus);
  if (intended !== undefined) properties.set(calendarKey.intendedBusyStatus, intended);
  properties.set(calendarKey.fInvited, flag(true));
  const [old, sent] = [partOf(copy), partOf(message)];
  // With another pattern nothing that hung on the old one means anything. ([MS-OXOCAL] 3.1.4.7.3.5)
  const samePattern = JSON.stringify(old.recurrence) === JSON.stringify(sent.recurrence);
  const gone = samePattern ? old.deletedDays.filter((day) => !sent.exceptions.some((one) => one.day === day)) : [];
  const updated: ItemContent = {
    ...copy,
    properties,
    from: message.from ?? copy.from,
    body: message.body ?? copy.body,
    attachments: message.attachments ?? copy.attachments,
    calendar: {
      ...sent,
      attendees: sent.attendees,
      deletedDays: [...new Set([...sent.deletedDays, ...gone])].sort(),
      exceptions: sent.exceptions.map((exception) => answeredAs(exception, samePattern ? old.exceptions : [])),
    },
  };
  const state = integer(stateFlag.meeting | stateFlag.received);
  return withReminder(withProperties(updated, { ...reset(message, keepsAnswer), [calendarKey.stateFlags]: state }));
}

/** The exception of an update with the answer that this copy had given to it. */
function answeredAs(exception: CalendarException, before: readonly CalendarException[]): CalendarException {
  const own = before.find(({ day }) => day === exception.day);
  const properties = new Map(exception.properties);
  for (const at of [calendarKey.response, calendarKey.busyStatus, calendarKey.repliedAt, calendarKey.stateFlags]) {
    const property = own?.properties.get(at);
    if (property === undefined) properties.delete(at);
    else properties.set(at, property);
  }
  return { ...exception, properties };
}

/** Properties of an occurrence that its series or its place says. */
const placed: ReadonlySet<PropertyKey> = new Set([
  calendarKey.start,
  calendarKey.end,
  calendarKey.commonStart,
  calendarKey.commonEnd,
  calendarKey.startDate,
  calendarKey.endDate,
  calendarKey.replacedStart,
  calendarKey.recurBlob,
  calendarKey.recurring,
  calendarKey.recurrenceKind,
  calendarKey.isRecurring,
  calendarKey.isException,
  calendarKey.clipStart,
  calendarKey.clipEnd,
  calendarKey.cleanGlobalObjectId,
]);

function withException(series: ItemContent, exception: CalendarException): ItemContent {
  const part = partOf(series);
  const { day } = exception;
  return {
    ...series,
    calendar: {
      ...part,
      exceptions: [...part.exceptions.filter((one) => one.day !== day), exception].sort((a, b) =>
        a.day < b.day ? -1 : 1,
      ),
      deletedDays: part.deletedDays.filter((one) => one !== day),
    },
  };
}

/** A series in which one occurrence was brought up to date by a request about it. */
export function updatedOccurrence(
  series: ItemContent,
  day: Day,
  message: ItemContent,
  nowMs: number,
  keepsAnswer = false,
): ItemContent {
  const part = partOf(series);
  const before = part.exceptions.find((one) => one.day === day);
  const properties = new Map<PropertyKey, Property | null>(before?.properties);
  for (const at of travelling) {
    if (placed.has(at)) continue;
    const [own, master] = [message.properties.get(at), series.properties.get(at)];
    if (JSON.stringify(own) === JSON.stringify(master)) properties.delete(at);
    else properties.set(at, own ?? null);
  }
  for (const [at, property] of Object.entries(reset(message, keepsAnswer))) properties.set(at, property);
  const attendees = attendeesOf(message);
  return withException(series, {
    day,
    startMs: startMsOf(message),
    endMs: endMsOf(message),
    properties,
    body: message.body?.text === series.body?.text ? null : message.body,
    attachments: (message.attachments ?? []).length === 0 ? null : message.attachments,
    attendees: sameAddresses(attendees, part.attendees) ? null : attendees,
    modifiedAtMs: nowMs,
  });
}

const sameAddresses = (a: readonly Attendee[], b: readonly Attendee[]): boolean =>
  JSON.stringify(a.map(({ address }) => address.toLowerCase()).sort()) ===
  JSON.stringify(b.map(({ address }) => address.toLowerCase()).sort());

/** One occurrence with other properties; the rest of it stays. */
export function withOccurrence(
  series: ItemContent,
  day: Day,
  changes: Readonly<Record<PropertyKey, Property>>,
  nowMs: number,
  attendees?: readonly Attendee[],
): ItemContent {
  const shown = showing(series, day);
  if (shown === null) return series;
  const before = partOf(series).exceptions.find((one) => one.day === day);
  return withException(series, {
    day,
    startMs: startMsOf(shown),
    endMs: endMsOf(shown),
    properties: new Map<PropertyKey, Property | null>([...(before?.properties ?? []), ...Object.entries(changes)]),
    body: before?.body ?? null,
    attachments: before?.attachments ?? null,
    attendees: attendees ?? before?.attendees ?? null,
    modifiedAtMs: nowMs,
  });
}

const cancelled = (shown: ItemContent, message: ItemContent): Readonly<Record<PropertyKey, Property>> => {
  const subject = `Canceled: ${subjectOf(shown).replace(/^Canceled: /, '')}`;
  return {
    [calendarKey.stateFlags]: integer(stateFlag.meeting | stateFlag.received | stateFlag.cancelled),
    [calendarKey.busyStatus]: integer(busy.free),
    [calendarKey.sequence]: integer(sequenceOf(message)),
    [calendarKey.ownerCriticalChange]: time(criticalChangeOf(message)),
    [key.subject]: text(subject),
    [key.normalizedSubject]: text(subject),
  };
};

/** A copy after the organizer called the meeting off: it stays, as a cancelled one, and so does whatever of it was apart. */
export function cancelledCopy(copy: ItemContent, message: ItemContent): ItemContent {
  const part = partOf(copy);
  const exceptions = part.exceptions.map((exception) => {
    const properties = new Map(exception.properties);
    for (const at of [calendarKey.stateFlags, calendarKey.busyStatus]) properties.delete(at);
    return { ...exception, properties };
  });
  return withProperties({ ...copy, calendar: { ...part, exceptions } }, cancelled(copy, message));
}

export function cancelledOccurrence(series: ItemContent, day: Day, message: ItemContent, nowMs: number): ItemContent {
  const shown = showing(series, day);
  return shown === null ? series : withOccurrence(series, day, cancelled(shown, message), nowMs);
}

/** What an organizer's copy knows after an answer; null: the answer changes nothing. [MS-OXOCAL] 3.1.4.8.5.2 */
export function withTracking(
  meeting: ItemContent,
  day: Day | null,
  who: Address,
  answer: Answer,
  answeredAtMs: number,
  nowMs: number,
): ItemContent | null {
  const shown = showing(meeting, day);
  // The occurrence was deleted: it is not made again only to note an answer.
  if (shown === null) return null;
  const attendees = attendeesOf(shown);
  const known = attendees.find((one) => same(one.address, who.address));
  if (known?.respondedAtMs !== null && known !== undefined && known.respondedAtMs > answeredAtMs) return null;
  const tracked: Attendee = {
    name: known?.name || who.name,
    address: known?.address ?? who.address,
    role: known?.role ?? 'optional',
    response: answer,
    respondedAtMs: answeredAtMs,
  };
  const next = known === undefined ? [...attendees, tracked] : attendees.map((one) => (one === known ? tracked : one));
  if (day !== null && isMaster(meeting)) return withOccurrence(meeting, day, {}, nowMs, next);
  return { ...meeting, calendar: { ...partOf(meeting), attendees: next } };
}

/** An attendee's copy after the own answer. */
export function answered(copy: ItemContent, day: Day | null, answer: Answer, nowMs: number): ItemContent {
  const shown = showing(copy, day) ?? copy;
  const intended = numberOf(shown, calendarKey.intendedBusyStatus) ?? busy.busy;
  const changes = {
    [calendarKey.response]: integer(responses.indexOf(answer)),
    [calendarKey.repliedAt]: time(nowMs),
    [calendarKey.attendeeCriticalChange]: time(nowMs),
    [calendarKey.busyStatus]: integer(
      answer === 'Accept' ? intended : answer === 'Tentative' ? busy.tentative : busy.free,
    ),
  };
  return day !== null && isMaster(copy) ? withOccurrence(copy, day, changes, nowMs) : withProperties(copy, changes);
}
