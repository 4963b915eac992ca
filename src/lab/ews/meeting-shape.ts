import { meetingKey, meetingType } from '../meetings/meeting-keys.ts';
import { answerOf } from '../meetings/meeting-message.ts';
import {
  cleanIdOf,
  findMeeting,
  idDayOf,
  isCancellation,
  isMeetingMessage,
  isOrganizers,
  isRequest,
  isResponse,
  numberOf,
  propertyValue,
} from '../meetings/meeting-view.ts';
import { calendarKey } from '../world/calendar-keys.ts';
import { itemChangeKeyOf, itemIdOf } from '../world/ids.ts';
import type { Item } from '../world/item.ts';
import { dateTime, t, type Xml } from './xml-out.ts';

/** `t:MeetingRequestType` by PidLidMeetingType. (EWS doc: meetingrequesttype) */
function requestType(item: Item): string {
  const type = numberOf(item.content, meetingKey.meetingType) ?? meetingType.request;
  if ((type & meetingType.outOfDate) !== 0) return 'Outdated';
  if ((type & meetingType.delegatorCopy) !== 0) return 'PrincipalWantsCopy';
  if ((type & meetingType.full) !== 0) return 'FullUpdate';
  if ((type & meetingType.informational) !== 0) return 'InformationalUpdate';
  return 'NewMeetingRequest';
}

/** The appointment a message is about. (EWS doc: associatedcalendaritemid) */
function associated(item: Item): Item | null {
  const cleanId = cleanIdOf(item.content);
  return cleanId === null ? null : (findMeeting(item.folder.mailbox, cleanId)[0] ?? null);
}

/** A field of a meeting message; null: it is one of all items, or of appointments. */
export function writeMeetingField(item: Item, field: string): Xml | null {
  if (!isMeetingMessage(item)) return null;
  const { content } = item;
  switch (field) {
    case 'AssociatedCalendarItemId': {
      const appointment = associated(item);
      return appointment === null
        ? ''
        : `<t:${field} Id="${itemIdOf(appointment)}" ChangeKey="${itemChangeKeyOf(appointment)}"/>`;
    }
    case 'IsDelegated':
      return t(field, propertyValue(content, meetingKey.receivedFor) !== null);
    case 'IsOutOfDate':
      return t(field, numberOf(content, meetingKey.meetingType) === meetingType.outOfDate);
    case 'HasBeenProcessed':
      return t(
        field,
        propertyValue(content, meetingKey.processed) === true ||
          propertyValue(content, meetingKey.serverProcessed) === true,
      );
    case 'ResponseType':
      return t(field, isResponse(item) ? (answerOf(content) ?? 'Unknown') : 'NoResponseReceived');
    case 'RecurrenceId':
      return idDayOf(content) === null
        ? ''
        : t(field, dateTime(numberOf(content, calendarKey.replacedStart) ?? numberOf(content, calendarKey.start) ?? 0));
    case 'MeetingRequestType':
      return isRequest(item) ? t(field, requestType(item)) : '';
    case 'IsOrganizer': {
      const appointment = associated(item);
      return t(field, appointment !== null && isOrganizers(appointment.content));
    }
    case 'CalendarItemType':
      return idDayOf(content) === null ? null : t(field, 'Exception');
    case 'ResponseObjects': {
      if (isRequest(item))
        return '<t:ResponseObjects><t:AcceptItem/><t:TentativelyAcceptItem/><t:DeclineItem/><t:ReplyToItem/><t:ReplyAllToItem/><t:ForwardItem/></t:ResponseObjects>';
      const remove = isCancellation(item) ? '<t:RemoveItem/>' : '';
      return `<t:ResponseObjects>${remove}<t:ReplyToItem/><t:ReplyAllToItem/><t:ForwardItem/></t:ResponseObjects>`;
    }
    // Flags and reminders are the message's own.
    case 'ReminderIsSet':
    case 'ReminderDueBy':
    case 'ReminderMinutesBeforeStart':
    case 'ReminderNextTime':
      return field === 'ReminderIsSet' ? t(field, false) : '';
    default:
      return null;
  }
}
