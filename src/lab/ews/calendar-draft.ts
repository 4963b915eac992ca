import type { XmlElement } from '#formats/text/xml-read.ts';
import { exceptionOf } from '../mapi/appointment-of-message.ts';
import { Malformed } from '../mapi/byte-cursor.ts';
import { readSeriesBlob, type SeriesBlob } from '../mapi/recur-blob.ts';
import { endMsOf, numberOf, patternTimes, startMsOf } from '../world/appointment.ts';
import { calendarKey, stateFlag } from '../world/calendar-keys.ts';
import { type Attendee, type AttendeeRole, type CalendarPart, responses } from '../world/calendar-part.ts';
import { cleanIdOfUid, cleanOf, isGlobalObjectId, newGlobalObjectId } from '../world/global-object-id.ts';
import type { Address, Body, ItemContent } from '../world/item.ts';
import type { Mailbox } from '../world/mailbox.ts';
import { plainContent } from '../world/plain-content.ts';
import { key, type Property, type PropertyKey, tagKey } from '../world/property.ts';
import { readIcalendar } from '../world/read-icalendar.ts';
import {
  checkRecurrence,
  dayNumber,
  dayOfNumber,
  dayOfWall,
  firstDayOf,
  type Recurrence,
} from '../world/recurrence.ts';
import { instantOf, utc, wallOf, windowsZone, type Zone } from '../world/zone.ts';
import { readZoneBlob } from '../world/zone-blob.ts';
import type { Context } from './context.ts';
import { EwsError } from './ews-error.ts';
import { readRecurrence } from './recurrence-xml.ts';
import { child, childText, isTrue, kids, serialize } from './request.ts';
import { readMeetingTimeZone, readZoneDefinition } from './zone-xml.ts';

export const busyStatuses = ['Free', 'Tentative', 'Busy', 'OOF', 'WorkingElsewhere'] as const;

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** (EWS doc: ErrorCalendarDurationIsTooLong: five years) */
const durationMaxMs = 5 * 366 * dayMs;
const earliestMs = Date.UTC(1601, 0, 1);
const latestMs = Date.UTC(4500, 8, 1);

/** What Exchange 2007 takes for a zone when a request names none: the server's own (assumed). */
const serverZone = windowsZone('W. Europe Standard Time') ?? utc;

/** Fields of appointments that only the server writes, beside those of all items. */
const readOnly: ReadonlySet<string> = new Set([
  'RecurrenceId',
  'DateTimeStamp',
  'TimeZone',
  'ConflictingMeetingCount',
  'AdjacentMeetingCount',
  'ConflictingMeetings',
  'AdjacentMeetings',
  'StartWallClock',
  'EndWallClock',
  'StartTimeZoneId',
  'EndTimeZoneId',
  'IsOrganizer',
  'JoinOnlineMeetingUrl',
  'OnlineMeetingSettings',
]);

/** Properties that the store works out: what clients send for them comes to nothing (assumed). */
const workedOut: ReadonlySet<PropertyKey> = new Set([
  calendarKey.durationMin,
  calendarKey.recurring,
  calendarKey.recurrenceKind,
  calendarKey.replacedStart,
  calendarKey.zoneStruct,
  calendarKey.zoneDescription,
  calendarKey.clipStart,
  calendarKey.clipEnd,
  calendarKey.commonStart,
  calendarKey.commonEnd,
  calendarKey.isRecurring,
  calendarKey.isException,
  calendarKey.startDate,
  calendarKey.endDate,
]);

/** Who sent or represents: an appointment is its owner's, whatever a request says. (EWS doc: organizer is read-only; tags assumed) */
const organizerKeys: ReadonlySet<PropertyKey> = new Set(
  [0x0042, 0x0064, 0x0065, 0x0041, 0x003b, 0x5d02, 0x5d01, 0x0c1a, 0x0c1e, 0x0c1f, 0x0c19, 0x0c1d, 0x5d0a, 0x5d0b].map(
    tagKey,
  ),
);

/** Scalar fields: element → property and how to read it. */
const scalars: Readonly<
  Record<string, { readonly at: PropertyKey; readonly type: string; read(text: string): Property['value'] }>
> = {
  Location: { at: calendarKey.location, type: 'String', read: (text) => text },
  IsResponseRequested: { at: calendarKey.responseRequested, type: 'Boolean', read: isTrue },
  ConferenceType: { at: calendarKey.conferenceType, type: 'Integer', read: Number },
  AllowNewTimeProposal: { at: calendarKey.noCounterProposal, type: 'Boolean', read: (text) => !isTrue(text) },
  IsOnlineMeeting: { at: calendarKey.conferencing, type: 'Boolean', read: isTrue },
  MeetingWorkspaceUrl: { at: calendarKey.workspaceUrl, type: 'String', read: (text) => text },
  NetShowUrl: { at: calendarKey.netShowUrl, type: 'String', read: (text) => text },
  ReminderIsSet: { at: key.reminderSet, type: 'Boolean', read: isTrue },
  LegacyFreeBusyStatus: {
    at: calendarKey.busyStatus,
    type: 'Integer',
    read: (text) => {
      const status = busyStatuses.indexOf(text.trim() as 'Busy');
      // `NoData` is for reading. (EWS doc: legacyfreebusystatus)
      if (status < 0) throw new EwsError('ErrorCalendarInvalidPropertyValue', 'The free/busy status cannot be set.');
      return status;
    },
  },
  IntendedFreeBusyStatus: {
    at: calendarKey.intendedBusyStatus,
    type: 'Integer',
    read: (text) => Math.max(0, busyStatuses.indexOf(text.trim() as 'Busy')),
  },
};

const roles: Readonly<Record<string, AttendeeRole>> = {
  RequiredAttendees: 'required',
  OptionalAttendees: 'optional',
  Resources: 'resource',
};

/** What the fields of a draft look like to the part of it that understands appointments. */
export interface CalendarHolder {
  readonly properties: Map<PropertyKey, Property>;
  body: Body | null;
  from: Address | null;
  put(at: PropertyKey, type: string, value: Property['value'] | null): void;
  keep(name: string, xml: string | null): void;
  setSubject(subject: string | null): void;
}

function numberIn(holder: CalendarHolder, at: PropertyKey): number | null {
  const value = holder.properties.get(at)?.value;
  return typeof value === 'number' ? value : null;
}

/** Times as sent, read when the zone is known. */
interface Asked {
  start?: string | number;
  end?: string | number;
  startZone?: Zone;
  endZone?: Zone;
  recurrence?: Pick<Recurrence, 'pattern' | 'range' | 'startDay'> | null;
  attendees?: Attendee[];
  /** PidLidAppointmentRecur, whole. */
  blob?: SeriesBlob;
}

/** The fields of an appointment being written. They depend on each other, so they are settled together, at the end. */
export class CalendarDraft {
  readonly #context: Context;
  readonly #before: ItemContent | null;
  readonly #isOccurrence: boolean;
  readonly #asked: Asked = {};
  #touchedTimes = false;

  /** @param before what is updated; null: a new appointment. */
  constructor(context: Context, before: ItemContent | null, isOccurrence: boolean) {
    this.#context = context;
    this.#before = before;
    this.#isOccurrence = isOccurrence;
  }

  /** Takes a field of appointments; false: it is one of all items. */
  set(holder: CalendarHolder, element: XmlElement): boolean {
    const { name, text } = element;
    if (readOnly.has(name)) throw new EwsError('ErrorInvalidPropertySet');
    const scalar = scalars[name];
    if (scalar !== undefined) {
      holder.put(scalar.at, scalar.type, scalar.read(text));
      return true;
    }
    const role = roles[name];
    if (role !== undefined) {
      this.#setAttendees(role, kids(element));
      return true;
    }
    switch (name) {
      case 'UID':
        if (this.#before !== null) throw new EwsError('ErrorInvalidPropertySet', 'The UID cannot be changed.');
        if (text.trim() === '') throw new EwsError('ErrorCalendarInvalidPropertyValue', 'An empty UID.');
        if (!holder.properties.has(calendarKey.cleanGlobalObjectId))
          holder.put(calendarKey.cleanGlobalObjectId, 'Binary', cleanIdOfUid(text.trim()).toString('base64'));
        return true;
      case 'Start':
        this.#asked.start = text;
        return true;
      case 'End':
        this.#asked.end = text;
        return true;
      case 'IsAllDayEvent':
        holder.put(calendarKey.allDay, 'Boolean', isTrue(text));
        this.#touchedTimes = true;
        return true;
      case 'StartTimeZone':
        this.#asked.startZone = readZoneDefinition(element, this.#context.nowMs);
        return true;
      case 'EndTimeZone':
        this.#asked.endZone = readZoneDefinition(element, this.#context.nowMs);
        return true;
      case 'MeetingTimeZone':
        this.#asked.startZone = readMeetingTimeZone(element, this.#context.nowMs);
        this.#asked.endZone = this.#asked.startZone;
        return true;
      case 'Recurrence':
        if (this.#isOccurrence)
          throw new EwsError('ErrorCalendarInvalidPropertyState', 'An occurrence has no recurrence of its own.');
        this.#asked.recurrence = readRecurrence(element);
        return true;
      case 'ReminderMinutesBeforeStart':
        holder.put(calendarKey.reminderMinutes, 'Integer', Number(text));
        return true;
      case 'ReminderDueBy':
        // Follows from the start. (EWS doc: reminderdueby)
        return true;
      case 'When':
      case 'InboxReminders':
      case 'EnhancedLocation':
        if (name === 'EnhancedLocation')
          holder.put(calendarKey.location, 'String', childText(element, 'DisplayName') ?? '');
        holder.keep(name, serialize(element));
        return true;
      default:
        return false;
    }
  }

  /** iCalendar: what an appointment is, never whose meeting it is. (EWS doc: how-to-import-items; FIELD-NOTES §5.3) */
  setMime(holder: CalendarHolder, mime: Buffer): void {
    if (this.#before !== null) throw new EwsError('ErrorInvalidPropertySet');
    const text = mime.toString();
    const event = readIcalendar(text.slice(Math.max(0, text.indexOf('BEGIN:VCALENDAR'))));
    if (event === null) throw new EwsError('ErrorMimeContentInvalid');
    this.#asked.start = event.startMs;
    this.#asked.end = event.endMs;
    this.#asked.startZone = event.zone;
    if (event.recurrence !== null) this.#asked.recurrence = event.recurrence;
    holder.setSubject(event.subject);
    if (event.location !== null) holder.put(calendarKey.location, 'String', event.location);
    holder.body = { type: 'Text', text: event.description ?? '' };
    holder.put(calendarKey.allDay, 'Boolean', event.allDay);
    holder.put(calendarKey.busyStatus, 'Integer', event.busyStatus);
    holder.put(key.reminderSet, 'Boolean', event.reminderMinutes !== null);
    holder.put(calendarKey.reminderMinutes, 'Integer', event.reminderMinutes ?? 15);
    if (event.uid !== null && event.uid !== '')
      holder.put(calendarKey.cleanGlobalObjectId, 'Binary', cleanIdOfUid(event.uid).toString('base64'));
  }

  /** Takes a field away; false: it is one of all items. */
  remove(holder: CalendarHolder, name: string): boolean {
    if (readOnly.has(name) || name === 'UID') throw new EwsError('ErrorInvalidPropertyDelete');
    const scalar = scalars[name];
    if (scalar !== undefined) {
      holder.put(scalar.at, '', null);
      return true;
    }
    const role = roles[name];
    if (role !== undefined) {
      this.#setAttendees(role, []);
      return true;
    }
    switch (name) {
      case 'Start':
      case 'End':
      case 'IsAllDayEvent':
      case 'StartTimeZone':
      case 'EndTimeZone':
        throw new EwsError('ErrorInvalidPropertyDelete');
      case 'MeetingTimeZone':
        return true;
      case 'Recurrence':
        if (this.#isOccurrence) throw new EwsError('ErrorInvalidPropertyDelete');
        this.#asked.recurrence = null;
        return true;
      case 'ReminderMinutesBeforeStart':
        holder.put(calendarKey.reminderMinutes, '', null);
        return true;
      case 'When':
      case 'InboxReminders':
      case 'EnhancedLocation':
        holder.keep(name, null);
        return true;
      default:
        return false;
    }
  }

  /** Adds attendees; false: nothing that can be added to. */
  append(element: XmlElement): boolean {
    const role = roles[element.name];
    if (role === undefined) return false;
    this.#attendees().push(...kids(element).map((one) => this.#attendee(role, one)));
    return true;
  }

  /** A property by its tag or name: true when it was taken care of, false when it is kept like any other. */
  setExtended(at: PropertyKey, property: Property): boolean {
    if (at === calendarKey.recurBlob) {
      if (!this.#isOccurrence) this.#asked.blob = seriesIn(property);
      return true;
    }
    if (workedOut.has(at) || organizerKeys.has(at)) return true;
    if (at === calendarKey.start || at === calendarKey.end || at === calendarKey.allDay) {
      this.#touchedTimes = true;
      return false;
    }
    if (at === calendarKey.globalObjectId || at === calendarKey.cleanGlobalObjectId) return this.#before !== null;
    if (at === calendarKey.zoneStart || at === calendarKey.zoneEnd || at === calendarKey.zoneRecur) {
      const zone = typeof property.value === 'string' ? readZoneBlob(Buffer.from(property.value, 'base64')) : null;
      // A definition that cannot be read is kept by nobody (assumed).
      if (zone !== null && at === calendarKey.zoneEnd) this.#asked.endZone ??= zone;
      else if (zone !== null) this.#asked.startZone ??= zone;
      return true;
    }
    return false;
  }

  #attendees(): Attendee[] {
    this.#asked.attendees ??= [...(this.#before?.calendar?.attendees ?? [])];
    return this.#asked.attendees;
  }

  #setAttendees(role: AttendeeRole, elements: readonly XmlElement[]): void {
    const all = this.#attendees();
    const next = elements.map((one) => this.#attendee(role, one));
    this.#asked.attendees = [...all.filter((one) => one.role !== role), ...next];
  }

  /** Responses are not the client's to write: what it sends for them comes to nothing. (exchangelib issue 963) */
  #attendee(role: AttendeeRole, element: XmlElement): Attendee {
    const mailbox = child(element, 'Mailbox');
    const address = (mailbox === null ? null : childText(mailbox, 'EmailAddress')) ?? '';
    const name = (mailbox === null ? null : childText(mailbox, 'Name')) ?? '';
    const itemId = mailbox === null ? null : child(mailbox, 'ItemId');
    if (address === '' && name === '' && itemId === null)
      throw new EwsError('ErrorInvalidRecipients', 'An attendee has neither name nor address.');
    const known = (this.#before?.calendar?.attendees ?? []).find(
      (one) => one.address.toLowerCase() === address.toLowerCase() && address !== '',
    );
    return {
      role,
      name,
      address,
      response: known?.response ?? responses[0],
      respondedAtMs: known?.respondedAtMs ?? null,
    };
  }

  /** Times, series, identity and state: checked together and written into the draft. */
  settle(holder: CalendarHolder, mailbox: Mailbox): CalendarPart {
    const before = this.#before;
    this.#identity(holder, mailbox);
    if (before === null) this.#beginning(holder, mailbox);
    if (holder.body?.type === 'HTML') holder.body = { type: 'HTML', text: storedHtml(holder.body.text) };
    const part = before?.calendar ?? null;
    const zones = this.#zones(part);
    const times = this.#times(holder, zones.startZone);
    const attendees = this.#asked.attendees ?? part?.attendees ?? [];
    let recurrence = part?.recurrence ?? null;
    let { startMs, endMs } = times;
    let reset = false;
    if (this.#asked.recurrence === null) {
      recurrence = null;
      reset = part?.recurrence !== null;
    } else if (this.#asked.recurrence !== undefined) {
      recurrence = this.#series(this.#asked.recurrence, startMs, endMs, zones.startZone);
      reset = true;
    } else if (recurrence !== null) {
      const moved = before !== null && (startMs !== startMsOf(before) || endMs !== endMsOf(before) || zones.changed);
      if (moved) {
        recurrence = this.#series(
          { ...recurrence, startDay: this.#movedDay(recurrence, before, startMs, zones) },
          startMs,
          endMs,
          zones.startZone,
        );
        reset = true;
      }
    }
    if (recurrence !== null && reset) {
      const first = firstDayOf(recurrence) ?? dayNumber(recurrence.startDay);
      [startMs, endMs] = patternTimes(zones.startZone, recurrence, first);
    }
    if (startMs !== numberIn(holder, calendarKey.start)) holder.put(calendarKey.start, 'SystemTime', startMs);
    if (endMs !== numberIn(holder, calendarKey.end)) holder.put(calendarKey.end, 'SystemTime', endMs);
    const { blob } = this.#asked;
    const isBlob = blob !== undefined && this.#asked.recurrence === undefined;
    const meetingBefore = part !== null && part.attendees.length > 0;
    if (attendees !== part?.attendees) this.#state(holder, attendees);
    if (before !== null && (reset || startMs !== startMsOf(before) || endMs !== endMsOf(before)) && meetingBefore)
      this.#nextSequence(holder, before);
    if (isBlob)
      return this.#seriesOfBlob(holder, blob, { startZone: zones.startZone, endZone: zones.endZone, attendees });
    return {
      startZone: zones.startZone,
      endZone: zones.endZone,
      attendees,
      recurrence,
      exceptions: reset ? [] : (part?.exceptions ?? []),
      deletedDays: reset ? [] : (part?.deletedDays ?? []),
    };
  }

  /** What is written to the store as it is: nothing checks whether it makes sense (assumed). */
  #seriesOfBlob(
    holder: CalendarHolder,
    { recurrence, deletedDays, exceptions }: SeriesBlob,
    rest: Pick<CalendarPart, 'startZone' | 'endZone' | 'attendees'>,
  ): CalendarPart {
    const part = { ...rest, recurrence, deletedDays, exceptions: [] };
    const master = plainContent({ properties: holder.properties, body: holder.body, calendar: part });
    return {
      ...part,
      exceptions: exceptions
        .map((said) => exceptionOf(master, said, null, rest.startZone, this.#context.nowMs))
        .sort((a, b) => (a.day < b.day ? -1 : 1)),
    };
  }

  /** The id of an appointment is settled when it is made and never changes. */
  #identity(holder: CalendarHolder, mailbox: Mailbox): void {
    const before = this.#before;
    if (before !== null) {
      for (const at of [calendarKey.globalObjectId, calendarKey.cleanGlobalObjectId]) {
        const old = before.properties.get(at);
        if (old !== undefined && holder.properties.get(at) !== old) holder.put(at, old.type, old.value);
      }
      return;
    }
    const given = [calendarKey.cleanGlobalObjectId, calendarKey.globalObjectId]
      .map((at) => holder.properties.get(at)?.value)
      .filter((value) => typeof value === 'string')
      .map((value) => Buffer.from(value, 'base64'));
    // Assumed: `ids-as-sent`.
    if (given.length === 2 && new Set(given.map((id) => cleanOf(id).toString('hex'))).size === 2) return;
    const id = given.find(isGlobalObjectId) ?? newGlobalObjectId(mailbox.guid, mailbox.lastCn, this.#context.nowMs);
    const clean = cleanOf(id);
    // An occurrence without its series says which day it is. [MS-OXOCAL] 2.2.1.27
    const own = Buffer.from(String(holder.properties.get(calendarKey.globalObjectId)?.value ?? ''), 'base64');
    const full =
      isGlobalObjectId(own) && cleanOf(own).equals(clean) && (this.#asked.recurrence ?? null) === null ? own : clean;
    holder.put(calendarKey.globalObjectId, 'Binary', full.toString('base64'));
    holder.put(calendarKey.cleanGlobalObjectId, 'Binary', clean.toString('base64'));
  }

  /** What a new appointment has without being told. */
  #beginning(holder: CalendarHolder, mailbox: Mailbox): void {
    const preset = (at: PropertyKey, type: string, value: Property['value']): void => {
      if (!holder.properties.has(at)) holder.put(at, type, value);
    };
    // Whoever creates it for whatever organizer, the owner of the mailbox is the organizer. (EWS doc: organizer; FIELD-NOTES)
    holder.from = { name: mailbox.displayName, address: mailbox.address };
    preset(key.receivedAt, 'SystemTime', this.#context.nowMs);
    preset(key.sentAt, 'SystemTime', this.#context.nowMs);
    preset(calendarKey.response, 'Integer', 1);
    preset(calendarKey.fInvited, 'Boolean', false);
    preset(calendarKey.sequence, 'Integer', 0);
    preset(calendarKey.allDay, 'Boolean', false);
    preset(calendarKey.busyStatus, 'Integer', 2);
    preset(calendarKey.responseRequested, 'Boolean', true);
    // (recorded: garethp-php-ews GetCalendarItem, where the request asked for no reminder)
    preset(key.reminderSet, 'Boolean', true);
    preset(calendarKey.reminderMinutes, 'Integer', 15);
  }

  #zones(part: CalendarPart | null): { readonly startZone: Zone; readonly endZone: Zone; readonly changed: boolean } {
    const context = this.#context;
    const fallback = context.timeZone ?? (context.version === '2007' ? serverZone : utc);
    const startZone = this.#asked.startZone ?? part?.startZone ?? fallback;
    const endZone =
      this.#asked.endZone ?? (this.#asked.startZone === undefined ? part?.endZone : undefined) ?? startZone;
    return { startZone, endZone, changed: part !== null && startZone.id !== part.startZone.id };
  }

  #instant(text: string | number, zone: Zone): number {
    if (typeof text === 'number') return text;
    const trimmed = text.trim();
    const wall = Date.parse(`${trimmed.replace(/(?:Z|[+-]\d\d:\d\d)$/, '')}Z`);
    if (Number.isNaN(wall)) throw new EwsError('ErrorCalendarInvalidPropertyValue', 'A time is not valid.');
    if (/(?:Z|[+-]\d\d:\d\d)$/.test(trimmed)) return Date.parse(trimmed);
    return instantOf(this.#context.timeZone ?? zone, wall);
  }

  #times(holder: CalendarHolder, zone: Zone): { readonly startMs: number; readonly endMs: number } {
    const { start, end } = this.#asked;
    const now = this.#context.nowMs;
    // Without times an appointment begins at the next half hour and lasts one (assumed).
    let startMs =
      start === undefined
        ? (numberIn(holder, calendarKey.start) ?? Math.ceil(now / (30 * minuteMs)) * 30 * minuteMs)
        : this.#instant(start, zone);
    let endMs =
      end === undefined ? (numberIn(holder, calendarKey.end) ?? startMs + 30 * minuteMs) : this.#instant(end, zone);
    if (startMs < earliestMs || startMs >= latestMs || endMs < earliestMs || endMs >= latestMs)
      throw new EwsError('ErrorCalendarOutOfRange', 'The time is outside of what a calendar can hold.');
    if (endMs < startMs)
      throw new EwsError('ErrorCalendarEndDateIsEarlierThanStartDate', 'EndDate is earlier than StartDate');
    if (endMs - startMs > durationMaxMs)
      throw new EwsError('ErrorCalendarDurationIsTooLong', 'The duration of the calendar item is too long.');
    // The store keeps minutes.
    startMs = Math.floor(startMs / minuteMs) * minuteMs;
    endMs = Math.floor(endMs / minuteMs) * minuteMs;
    const touched =
      this.#touchedTimes || start !== undefined || end !== undefined || this.#asked.startZone !== undefined;
    if (touched && holder.properties.get(calendarKey.allDay)?.value === true) {
      const first = Math.floor(wallOf(zone, startMs) / dayMs);
      const last = Math.max(first + 1, Math.ceil(wallOf(zone, endMs) / dayMs));
      startMs = instantOf(zone, first * dayMs);
      endMs = instantOf(zone, last * dayMs);
    }
    return { startMs, endMs };
  }

  #series(
    asked: Pick<Recurrence, 'pattern' | 'range' | 'startDay'>,
    startMs: number,
    endMs: number,
    zone: Zone,
  ): Recurrence {
    const startWall = wallOf(zone, startMs);
    const midnight = Math.floor(startWall / dayMs) * dayMs;
    const recurrence: Recurrence = {
      pattern: asked.pattern,
      range: asked.range,
      startDay: asked.startDay,
      startOffsetMs: startWall - midnight,
      endOffsetMs: wallOf(zone, endMs) - midnight,
    };
    checkRecurrence(recurrence);
    return recurrence;
  }

  /** Where a series begins whose first occurrence was moved: by as many days as that. */
  #movedDay(recurrence: Recurrence, before: ItemContent, startMs: number, zones: { readonly startZone: Zone }): string {
    const oldZone = before.calendar?.startZone ?? zones.startZone;
    const from = dayNumber(dayOfWall(wallOf(oldZone, startMsOf(before))));
    const to = dayNumber(dayOfWall(wallOf(zones.startZone, startMs)));
    return from === to ? recurrence.startDay : dayOfNumber(to);
  }

  /** An appointment with attendees is a meeting. */
  #state(holder: CalendarHolder, attendees: readonly Attendee[]): void {
    const flags = numberIn(holder, calendarKey.stateFlags);
    const state = flags ?? 0;
    if (attendees.length > 0 && (state & stateFlag.meeting) === 0 && (this.#before !== null || flags === null))
      holder.put(calendarKey.stateFlags, 'Integer', state | stateFlag.meeting);
  }

  /** The organizer's copy counts its changes, whether or not anybody is told of them (assumed). [MS-OXOCAL] 3.1.4.6.1 */
  #nextSequence(holder: CalendarHolder, before: ItemContent): void {
    const old = numberOf(before, calendarKey.sequence) ?? 0;
    const state = numberOf(before, calendarKey.stateFlags) ?? 0;
    if ((state & stateFlag.received) !== 0 || numberIn(holder, calendarKey.sequence) !== old) return;
    holder.put(calendarKey.sequence, 'Integer', old + 1);
    holder.put(calendarKey.ownerCriticalChange, 'SystemTime', Math.floor(this.#context.nowMs / minuteMs) * minuteMs);
  }
}

function seriesIn({ value }: Property): SeriesBlob {
  try {
    return readSeriesBlob(Buffer.from(String(value), 'base64'));
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    // What Exchange makes of an item whose series cannot be read is not published (assumed).
    throw new EwsError('ErrorCalendarInvalidRecurrence', 'The recurrence is not valid.');
  }
}

/** HTML as the store hands it back: with a head that names the character set. (practice) */
function storedHtml(html: string): string {
  if (/<meta[^>]+http-equiv/i.test(html)) return html;
  const meta = '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">';
  if (/<head[^>]*>/i.test(html)) return html.replace(/<head[^>]*>/i, (head) => `${head}\r\n${meta}`);
  if (/<html[^>]*>/i.test(html)) return html.replace(/<html[^>]*>/i, (tag) => `${tag}\r\n<head>\r\n${meta}\r\n</head>`);
  return `<html>\r\n<head>\r\n${meta}\r\n</head>\r\n<body>\r\n${html}\r\n</body>\r\n</html>\r\n`;
}
