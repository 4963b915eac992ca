import {
  endMsOf,
  endsOf,
  isMaster,
  numberOf,
  type Occurrence,
  occurrenceItem,
  occurrenceOn,
  patternTimes,
  startMsOf,
} from '../world/appointment.ts';
import { calendarKey, stateFlag } from '../world/calendar-keys.ts';
import { type Attendee, type AttendeeRole, type CalendarPart, responses } from '../world/calendar-part.ts';
import { uidOf } from '../world/global-object-id.ts';
import { itemChangeKeyOf, itemIdOf } from '../world/ids.ts';
import type { Item } from '../world/item.ts';
import { key, type PropertyKey } from '../world/property.ts';
import { dayNumber } from '../world/recurrence.ts';
import { offsetMsAt, offsetText, wallOf } from '../world/zone.ts';
import { busyStatuses } from './calendar-draft.ts';
import type { Context } from './context.ts';
import { recurrenceXml } from './recurrence-xml.ts';
import { dateTime, t, type Xml } from './xml-out.ts';
import { meetingTimeZoneXml, zoneDefinitionXml } from './zone-xml.ts';

/** Fields of series that neither finds nor feeds show. (EWS doc: property-sets-and-response-shapes-in-ews-in-exchange) */
export const calendarNotInLists: ReadonlySet<string> = new Set([
  'Recurrence',
  'FirstOccurrence',
  'LastOccurrence',
  'ModifiedOccurrences',
  'DeletedOccurrences',
  'RequiredAttendees',
  'OptionalAttendees',
  'Resources',
]);

/** Shown only when asked for by name. (recorded: AllProperties in garethp-php-ews has none of them) */
export const calendarNeverUnasked: ReadonlySet<string> = new Set([
  'StartTimeZone',
  'EndTimeZone',
  'MeetingTimeZone',
  'StartTimeZoneId',
  'EndTimeZoneId',
  'StartWallClock',
  'EndWallClock',
  'EnhancedLocation',
  'IntendedFreeBusyStatus',
  'IsOrganizer',
  'When',
  'InboxReminders',
  'ConflictingMeetings',
  'AdjacentMeetings',
  'ConflictingMeetingCount',
  'AdjacentMeetingCount',
]);

/** `PT1H30M`, `P2D` */
function durationText(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  const days = Math.floor(minutes / 1440);
  const hours = Math.floor((minutes % 1440) / 60);
  const rest = minutes % 60;
  const time = `${hours === 0 ? '' : `${hours}H`}${rest === 0 ? '' : `${rest}M`}`;
  if (days === 0 && time === '') return 'PT0S';
  return `P${days === 0 ? '' : `${days}D`}${time === '' ? '' : `T${time}`}`;
}

const attendeeXml = (context: Context, { name, address, response, respondedAtMs }: Attendee): string =>
  `<t:Attendee><t:Mailbox>${t('Name', name || address)}${address === '' ? '' : t('EmailAddress', address)}<t:RoutingType>SMTP</t:RoutingType></t:Mailbox>${t('ResponseType', response)}${
    respondedAtMs === null ? '' : t('LastResponseTime', dateTime(respondedAtMs, context.precise))
  }</t:Attendee>`;

function occurrenceXml(context: Context, name: string, master: Item, occurrence: Occurrence | null): Xml {
  if (occurrence === null) return '';
  const view = occurrenceItem(master, occurrence.day);
  return `<t:${name}><t:ItemId Id="${itemIdOf(view)}" ChangeKey="${itemChangeKeyOf(view)}"/>${t('Start', dateTime(occurrence.startMs, context.precise))}${t('End', dateTime(occurrence.endMs, context.precise))}${t('OriginalStart', dateTime(occurrence.originalStartMs, context.precise))}</t:${name}>`;
}

function seriesXml(context: Context, item: Item, part: CalendarPart, field: string): Xml {
  const { content } = item;
  const { recurrence } = part;
  if (recurrence === null) return '';
  switch (field) {
    case 'Recurrence':
      return recurrenceXml(recurrence, part.startZone, context.version !== '2007');
    case 'FirstOccurrence':
      return occurrenceXml(context, field, item, endsOf(content).first);
    case 'LastOccurrence':
      return occurrenceXml(context, field, item, endsOf(content).last);
    case 'ModifiedOccurrences': {
      if (part.exceptions.length === 0) return '';
      const all = part.exceptions.map(({ day }) =>
        occurrenceXml(context, 'Occurrence', item, occurrenceOn(content, day)),
      );
      return ['<t:ModifiedOccurrences>', all, '</t:ModifiedOccurrences>'];
    }
    default: {
      if (part.deletedDays.length === 0) return '';
      const all = part.deletedDays.map((day) => {
        const [startMs] = patternTimes(part.startZone, recurrence, dayNumber(day));
        return `<t:DeletedOccurrence>${t('Start', dateTime(startMs, context.precise))}</t:DeletedOccurrence>`;
      });
      return ['<t:DeletedOccurrences>', all, '</t:DeletedOccurrences>'];
    }
  }
}

const roles: Readonly<Record<string, AttendeeRole>> = {
  RequiredAttendees: 'required',
  OptionalAttendees: 'optional',
  Resources: 'resource',
};

/** A field of an appointment; null: it is one of all items. */
export function writeCalendarField(context: Context, item: Item, field: string): Xml | null {
  const { content } = item;
  const part = content.calendar;
  if (part === undefined) return null;
  const time = (ms: number): Xml => t(field, dateTime(ms, context.precise));
  const flag = (at: PropertyKey, fallback = false): Xml =>
    t(field, (content.properties.get(at)?.value ?? fallback) === true);
  const text = (at: PropertyKey): Xml => {
    const value = item.text(at);
    return value === null ? '' : t(field, value);
  };
  const integer = (at: PropertyKey): Xml => {
    const value = item.number(at);
    return value === null ? '' : t(field, value);
  };
  const state = numberOf(content, calendarKey.stateFlags) ?? 0;
  const reminderMinutes = item.number(calendarKey.reminderMinutes) ?? 15;
  switch (field) {
    case 'UID': {
      const clean = item.text(calendarKey.cleanGlobalObjectId);
      return clean === null ? '' : t(field, uidOf(Buffer.from(clean, 'base64')));
    }
    case 'RecurrenceId':
    case 'OriginalStart':
      return item.occurrence === null ? '' : time(item.number(calendarKey.replacedStart) ?? startMsOf(content));
    case 'DateTimeStamp':
      return time(item.number(calendarKey.ownerCriticalChange) ?? item.createdAtMs);
    case 'Start':
      return time(startMsOf(content));
    case 'End':
      return time(endMsOf(content));
    case 'IsAllDayEvent':
      return flag(calendarKey.allDay);
    case 'LegacyFreeBusyStatus': {
      const status = item.number(calendarKey.busyStatus) ?? 2;
      // Working elsewhere is younger than 2013.
      return t(
        field,
        busyStatuses[status === 4 && (context.version === '2007' || context.version === '2010') ? 0 : status] ?? 'Busy',
      );
    }
    case 'IntendedFreeBusyStatus':
      return t(field, busyStatuses[item.number(calendarKey.intendedBusyStatus) ?? 2] ?? 'Busy');
    case 'Location':
      return text(calendarKey.location);
    case 'EnhancedLocation': {
      const kept = content.typed.get(field);
      if (kept !== undefined) return kept;
      const location = item.text(calendarKey.location);
      return location === null
        ? ''
        : `<t:EnhancedLocation>${t('DisplayName', location)}<t:Annotation/><t:PostalAddress><t:Type>Business</t:Type><t:LocationSource>None</t:LocationSource></t:PostalAddress></t:EnhancedLocation>`;
    }
    case 'IsMeeting':
      return t(field, (state & stateFlag.meeting) !== 0);
    case 'IsCancelled':
      return t(field, (state & stateFlag.cancelled) !== 0);
    case 'IsRecurring':
      // Of occurrences, not of their master. (recorded: garethp-php-ews RecurringEventSupport, pyexchange)
      return t(field, item.occurrence !== null);
    case 'MeetingRequestWasSent':
      return flag(calendarKey.fInvited);
    case 'IsResponseRequested':
      return flag(calendarKey.responseRequested, true);
    case 'CalendarItemType':
      return t(
        field,
        item.occurrence !== null
          ? item.occurrence.isException
            ? 'Exception'
            : 'Occurrence'
          : isMaster(content)
            ? 'RecurringMaster'
            : 'Single',
      );
    case 'MyResponseType':
      return t(field, responses[item.number(calendarKey.response) ?? 0] ?? 'Unknown');
    case 'Organizer': {
      const { from } = content;
      return from === null
        ? ''
        : `<t:Organizer><t:Mailbox>${t('Name', from.name || from.address)}${from.address === '' ? '' : t('EmailAddress', from.address)}<t:RoutingType>SMTP</t:RoutingType></t:Mailbox></t:Organizer>`;
    }
    case 'RequiredAttendees':
    case 'OptionalAttendees':
    case 'Resources': {
      const all = part.attendees.filter(({ role }) => role === roles[field]);
      return all.length === 0 ? '' : [`<t:${field}>`, all.map((one) => attendeeXml(context, one)), `</t:${field}>`];
    }
    case 'Duration':
      return t(field, durationText(endMsOf(content) - startMsOf(content)));
    case 'TimeZone':
      return t(field, part.startZone.name);
    case 'AppointmentReplyTime': {
      const at = item.number(calendarKey.repliedAt);
      return at === null ? '' : time(at);
    }
    case 'AppointmentSequenceNumber':
      return t(field, item.number(calendarKey.sequence) ?? 0);
    case 'AppointmentState':
      return t(field, state);
    case 'Recurrence':
    case 'FirstOccurrence':
    case 'LastOccurrence':
    case 'ModifiedOccurrences':
    case 'DeletedOccurrences':
      return seriesXml(context, item, part, field);
    case 'MeetingTimeZone':
      return meetingTimeZoneXml(part.startZone, new Date(startMsOf(content)).getUTCFullYear());
    case 'StartTimeZone':
    case 'EndTimeZone': {
      const zone = field === 'StartTimeZone' ? part.startZone : part.endZone;
      // What the server knows goes by its name; what a client made up must be spelt out.
      return zoneDefinitionXml(field, zone, new Date(startMsOf(content)).getUTCFullYear(), zone.spans !== null);
    }
    case 'StartTimeZoneId':
      return t(field, part.startZone.id);
    case 'EndTimeZoneId':
      return t(field, part.endZone.id);
    case 'StartWallClock':
    case 'EndWallClock': {
      const [ms, zone] =
        field === 'StartWallClock' ? [startMsOf(content), part.startZone] : [endMsOf(content), part.endZone];
      return t(
        field,
        `${new Date(wallOf(zone, ms)).toISOString().slice(0, 19)}${offsetText(offsetMsAt(zone, ms) / 60_000)}`,
      );
    }
    case 'ConferenceType':
      return integer(calendarKey.conferenceType);
    case 'AllowNewTimeProposal': {
      const refused = content.properties.get(calendarKey.noCounterProposal)?.value;
      return refused === undefined ? '' : t(field, refused !== true);
    }
    case 'IsOnlineMeeting':
      return flag(calendarKey.conferencing);
    case 'MeetingWorkspaceUrl':
      return text(calendarKey.workspaceUrl);
    case 'NetShowUrl':
      return text(calendarKey.netShowUrl);
    case 'IsOrganizer':
      return t(field, (state & stateFlag.received) === 0);
    case 'ReminderIsSet':
      return flag(key.reminderSet);
    case 'ReminderMinutesBeforeStart':
      return t(field, reminderMinutes);
    case 'ReminderDueBy':
    case 'ReminderNextTime':
      if (content.properties.get(key.reminderSet)?.value !== true) return '';
      return time(startMsOf(content) - (field === 'ReminderNextTime' ? reminderMinutes * 60_000 : 0));
    case 'ResponseObjects':
      return (state & stateFlag.received) === 0
        ? `<t:ResponseObjects>${(state & stateFlag.meeting) === 0 ? '' : '<t:CancelCalendarItem/>'}<t:ForwardItem/></t:ResponseObjects>`
        : '<t:ResponseObjects><t:AcceptItem/><t:TentativelyAcceptItem/><t:DeclineItem/><t:ReplyToItem/><t:ReplyAllToItem/><t:ForwardItem/></t:ResponseObjects>';
    default:
      return null;
  }
}
