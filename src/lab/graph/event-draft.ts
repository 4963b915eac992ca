import { endMsOf, numberOf, patternTimes, startMsOf } from '../world/appointment.ts';
import { calendarKey, stateFlag } from '../world/calendar-keys.ts';
import type { Attendee, AttendeeRole, CalendarPart } from '../world/calendar-part.ts';
import type { Item, ItemContent } from '../world/item.ts';
import type { Mailbox } from '../world/mailbox.ts';
import { appointmentOf } from '../world/make-appointment.ts';
import { key, type Property, type PropertyKey, serverOwned } from '../world/property.ts';
import { checkRecurrence, dayNumber, firstDayOf, type Recurrence } from '../world/recurrence.ts';
import { utc, wallOf, type Zone } from '../world/zone.ts';
import type { Context } from './context.ts';
import { sensitivities, showAs, transactionKey } from './event-shape.ts';
import { readExtendedProperties } from './extended-json.ts';
import { badRequest, GraphError } from './graph-error.ts';
import { readAttachment, readBody, readRecipient } from './message-draft.ts';
import { importances } from './message-shape.ts';
import { readRecurrence } from './recurrence-json.ts';
import type { Json } from './route.ts';
import { readZoned, type ZonedTime } from './zoned-time.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;

const readOnly: ReadonlySet<string> = new Set([
  'id',
  'createddatetime',
  'lastmodifieddatetime',
  'changekey',
  'bodypreview',
  'hasattachments',
  'icaluid',
  'uid',
  'iscancelled',
  'isdraft',
  'isorganizer',
  'occurrenceid',
  'onlinemeeting',
  'onlinemeetingurl',
  'organizer',
  'originalstart',
  'originalstarttimezone',
  'originalendtimezone',
  'responsestatus',
  'seriesmasterid',
  'type',
  'weblink',
  'cancelledoccurrences',
  'exceptionoccurrences',
  'singlevalueextendedproperties',
  'multivalueextendedproperties',
]);

/** Who an appointment is whose: what requests say of it comes to nothing. (event: organizer is read-only) */
const organizerKeys: ReadonlySet<PropertyKey> = new Set([
  '0x0042',
  '0x0064',
  '0x0065',
  '0x5d02',
  '0x0c1a',
  '0x0c1e',
  '0x0c1f',
  '0x5d01',
]);
/** What the store works out. (assumed, as over EWS) */
const workedOut: ReadonlySet<PropertyKey> = new Set([
  calendarKey.globalObjectId,
  calendarKey.cleanGlobalObjectId,
  calendarKey.start,
  calendarKey.end,
  calendarKey.recurBlob,
  calendarKey.recurring,
  calendarKey.durationMin,
]);

/** Fields of a request, read but not yet brought together. */
interface Asked {
  start?: ZonedTime;
  end?: ZonedTime;
  recurrence?: Pick<Recurrence, 'pattern' | 'range' | 'startDay'> | null;
  attendees?: readonly Attendee[];
}

const roles: ReadonlySet<string> = new Set(['required', 'optional', 'resource']);

/** An event being written out of JSON. */
export class EventDraft {
  readonly #context: Context;
  readonly #before: ItemContent | null;
  readonly #isOccurrence: boolean;
  readonly #asked: Asked = {};
  readonly #properties: Map<PropertyKey, Property>;
  #body: ItemContent['body'];
  #attachments: ItemContent['attachments'];

  /** @param item what is changed; null: a new event. */
  constructor(context: Context, item: Item | null) {
    this.#context = context;
    this.#before = item?.content ?? null;
    this.#isOccurrence = item !== null && item.occurrence !== null;
    this.#properties = new Map(item?.content.properties);
    this.#body = item?.content.body ?? null;
    this.#attachments = item?.content.attachments ?? [];
  }

  #put(at: PropertyKey, type: string, value: Property['value'] | null): void {
    if (value === null) this.#properties.delete(at);
    else this.#properties.set(at, { type, value });
  }

  /** @throws GraphError */
  take(json: Json): void {
    for (const [name, value] of Object.entries(json))
      if (!name.startsWith('@') && !readOnly.has(name.toLowerCase())) this.#set(name, value);
    for (const [at, property] of readExtendedProperties(json))
      if (!serverOwned.has(at) && !organizerKeys.has(at) && !workedOut.has(at)) this.#properties.set(at, property);
  }

  #set(name: string, value: unknown): void {
    const text = (): string => {
      if (typeof value !== 'string') throw badRequest(`'${name}' is a text.`);
      return value;
    };
    const flag = (): boolean => {
      if (typeof value !== 'boolean') throw badRequest(`'${name}' is true or false.`);
      return value;
    };
    const oneOf = (names: readonly string[]): number => {
      const at = names.findIndex((one) => one.toLowerCase() === String(value).toLowerCase());
      if (at < 0) throw badRequest(`'${String(value)}' is no value of '${name}'.`);
      return at;
    };
    switch (name) {
      case 'subject':
        this.#put(key.subject, 'String', value === null ? '' : text());
        this.#put(key.normalizedSubject, 'String', value === null ? '' : text());
        return;
      case 'body':
        this.#body = readBody(value);
        return;
      case 'start':
        this.#asked.start = readZoned(value, name);
        return;
      case 'end':
        this.#asked.end = readZoned(value, name);
        return;
      case 'isAllDay':
        this.#put(calendarKey.allDay, 'Boolean', flag());
        return;
      case 'location':
        this.#put(calendarKey.location, 'String', String((value as Json | null)?.['displayName'] ?? ''));
        return;
      case 'locations': {
        if (!Array.isArray(value)) throw badRequest('Locations are a list.');
        const names = (value as readonly Json[]).map((one) => String(one['displayName'] ?? ''));
        this.#put(calendarKey.location, 'String', names.join('; '));
        return;
      }
      case 'showAs':
        this.#put(calendarKey.busyStatus, 'Integer', oneOf(showAs));
        return;
      case 'sensitivity':
        this.#put(key.sensitivity, 'Integer', oneOf(sensitivities));
        return;
      case 'importance':
        this.#put(key.importance, 'Integer', oneOf(importances));
        return;
      case 'isReminderOn':
        this.#put(key.reminderSet, 'Boolean', flag());
        return;
      case 'reminderMinutesBeforeStart':
        if (typeof value !== 'number') throw badRequest(`'${name}' is a number.`);
        this.#put(calendarKey.reminderMinutes, 'Integer', value);
        return;
      case 'categories':
        if (!Array.isArray(value)) throw badRequest('Categories are texts.');
        this.#put(key.keywords, 'StringArray', value.length === 0 ? null : value.map(String));
        return;
      case 'responseRequested':
        this.#put(calendarKey.responseRequested, 'Boolean', flag());
        return;
      case 'allowNewTimeProposals':
        this.#put(calendarKey.noCounterProposal, 'Boolean', !flag());
        return;
      case 'transactionId':
        this.#put(transactionKey, 'String', value === null ? null : text());
        return;
      case 'recurrence':
        if (this.#isOccurrence && value !== null)
          throw new GraphError(400, 'ErrorCalendarInvalidPropertyState', 'An occurrence has no recurrence of its own.');
        if (!this.#isOccurrence) this.#asked.recurrence = value === null ? null : readRecurrence(value);
        return;
      case 'attendees':
        if (!Array.isArray(value)) throw badRequest('Attendees are a list.');
        this.#asked.attendees = value.map((one) => this.#attendee(one as Json));
        return;
      case 'attachments':
        if (!Array.isArray(value)) throw badRequest('Attachments are a list.');
        this.#attachments = value.map((one, at) => readAttachment(one as Json, at + 1, this.#context));
        return;
      case 'isOnlineMeeting':
      case 'onlineMeetingProvider':
      case 'hideAttendees':
        return;
      default:
        throw badRequest(`The property '${name}' does not exist on type 'microsoft.graph.event'.`);
    }
  }

  #attendee(json: Json): Attendee {
    const person = readRecipient(json);
    const type = String(json['type'] ?? 'required').toLowerCase();
    if (!roles.has(type)) throw badRequest(`'${type}' is no type of an attendee.`);
    if (person.address === '')
      throw new GraphError(400, 'ErrorInvalidRecipients', 'At least one recipient is not valid.');
    const known = this.#before?.calendar?.attendees.find(
      (one) => one.address.toLowerCase() === person.address.toLowerCase(),
    );
    // Who answered what is the service's to say: what the request has for it comes to nothing.
    return {
      ...person,
      role: type as AttendeeRole,
      response: known?.response ?? 'Unknown',
      respondedAtMs: known?.respondedAtMs ?? null,
    };
  }

  /** Everything brought together. @throws GraphError, Refusal */
  content(mailbox: Mailbox): ItemContent {
    return this.#before === null ? this.#created(mailbox) : this.#changed(this.#before);
  }

  #created(mailbox: Mailbox): ItemContent {
    const { start, end, recurrence, attendees = [] } = this.#asked;
    if (start === undefined || end === undefined)
      throw new GraphError(400, 'ErrorPropertyValidationFailure', 'Required property start or end is missing.');
    const allDay = this.#properties.get(calendarKey.allDay)?.value === true;
    checkTimes(start.ms, end.ms, allDay, start.zone);
    const subject = this.#properties.get(key.subject)?.value;
    const content = appointmentOf({
      subject: typeof subject === 'string' ? subject : '',
      startMs: wholeMinute(start.ms),
      endMs: wholeMinute(end.ms),
      zone: start.zone,
      // Whoever creates it for whatever organizer, the owner of the mailbox is the organizer.
      organizer: { name: mailbox.displayName, address: mailbox.address },
      idFor: [mailbox.guid, mailbox.lastCn, mailbox.nowMs],
      body: this.#body ?? { type: 'Text', text: '' },
      attachments: this.#attachments ?? [],
      attendees,
      properties: this.#properties,
      ...(recurrence === undefined || recurrence === null ? {} : { recurrence }),
    });
    const series = content.calendar?.recurrence ?? null;
    if (series !== null) checkRecurrence(series);
    return {
      ...content,
      calendar: { ...(content.calendar as CalendarPart), endZone: end.zone },
    };
  }

  #changed(before: ItemContent): ItemContent {
    const part = before.calendar as CalendarPart;
    const zone = this.#asked.start?.zone ?? part.startZone;
    const endZone = this.#asked.end?.zone ?? part.endZone;
    const attendees = this.#asked.attendees ?? part.attendees;
    let startMs = wholeMinute(this.#asked.start?.ms ?? startMsOf(before));
    let endMs = wholeMinute(this.#asked.end?.ms ?? endMsOf(before) + startMs - startMsOf(before));
    const allDay = this.#properties.get(calendarKey.allDay)?.value === true;
    const isMoved = startMs !== startMsOf(before) || endMs !== endMsOf(before);
    if (isMoved) checkTimes(startMs, endMs, allDay, zone);
    let { recurrence } = part;
    let reset = false;
    const asked = this.#asked.recurrence;
    if (asked === null) {
      reset = recurrence !== null;
      recurrence = null;
    } else if (asked !== undefined || (recurrence !== null && isMoved)) {
      const midnight = Math.floor(wallOf(zone, startMs) / dayMs) * dayMs;
      recurrence = {
        ...(asked ?? (recurrence as Recurrence)),
        startOffsetMs: wallOf(zone, startMs) - midnight,
        endOffsetMs: wallOf(zone, endMs) - midnight,
      };
      checkRecurrence(recurrence);
      // A new pattern erases every exception. [MS-OXOCAL] 3.1.4.7.3.5
      reset = JSON.stringify(recurrence) !== JSON.stringify(part.recurrence);
      [startMs, endMs] = patternTimes(zone, recurrence, firstDayOf(recurrence) ?? dayNumber(recurrence.startDay));
    }
    this.#put(calendarKey.start, 'SystemTime', startMs);
    this.#put(calendarKey.end, 'SystemTime', endMs);
    const state = numberOf(before, calendarKey.stateFlags) ?? 0;
    if (attendees.length > 0 && (state & stateFlag.meeting) === 0)
      this.#put(calendarKey.stateFlags, 'Integer', state | stateFlag.meeting);
    if ((reset || isMoved) && part.attendees.length > 0 && (state & stateFlag.received) === 0) {
      this.#put(calendarKey.sequence, 'Integer', (numberOf(before, calendarKey.sequence) ?? 0) + 1);
      this.#put(calendarKey.ownerCriticalChange, 'SystemTime', wholeMinute(this.#context.nowMs));
    }
    return {
      ...before,
      properties: this.#properties,
      body: this.#body,
      attachments: this.#attachments,
      calendar: {
        startZone: zone,
        endZone,
        attendees,
        recurrence,
        exceptions: reset ? [] : part.exceptions,
        deletedDays: reset ? [] : part.deletedDays,
      },
    };
  }
}

const wholeMinute = (ms: number): number => Math.floor(ms / minuteMs) * minuteMs;

function checkTimes(startMs: number, endMs: number, allDay: boolean, zone: Zone): void {
  if (endMs < startMs)
    throw new GraphError(
      400,
      'ErrorPropertyValidationFailure',
      "At least one property failed validation: 'start' must be before 'end'.",
    );
  // (event: isAllDay: start and end must be midnight, in the same zone)
  const isMidnight = (ms: number): boolean => wallOf(zone, ms) % dayMs === 0 || wallOf(utc, ms) % dayMs === 0;
  if (allDay && (!isMidnight(startMs) || !isMidnight(endMs) || startMs === endMs))
    throw new GraphError(
      400,
      'ErrorPropertyValidationFailure',
      'The Event.Start property for an all-day event needs to be set to midnight.',
    );
}
