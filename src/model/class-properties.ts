import { clientIntent } from './client-intent.ts';
import { type MapiProperty, propertySets } from './property-row.ts';

/** A property that messages of a class have besides what their MIME says. */
export interface ClassProperty {
  /** As in [MS-OXPROPS]. */
  readonly name: string;
  readonly property: MapiProperty;
}

/** Messages that are more than mail: MIME says something of them, and loses the rest. */
export interface ClassRow {
  /** In the plural, for documents. */
  readonly title: string;
  /** Of whole classes and of what is below them, in small letters. */
  readonly classes: readonly string[];
  /** Sections that define the properties. */
  readonly source: string;
  readonly note?: string;
  readonly properties: readonly ClassProperty[];
}

type Type = MapiProperty['type'];
const { appointment, meeting, common, calendarAssistant, task, publicStrings } = propertySets;
const unifiedMessaging = '4442858e-a9e3-4e80-b900-317a210cc15b';

const tag = (name: string, number: number, type: Type): ClassProperty => ({ name, property: { tag: number, type } });
const lid = (set: string, name: string, number: number, type: Type): ClassProperty => ({
  name,
  property: { set, lid: number, type },
});
const named = (set: string, name: string, own: string, type: Type): ClassProperty => ({
  name,
  property: { set, name: own, type },
});

/** Properties of meeting messages that are looked at or written one by one, too. */
export const meetingProperties = {
  globalObjectId: { set: meeting, lid: 0x0003, type: 'binary' },
  cleanGlobalObjectId: { set: meeting, lid: 0x0023, type: 'binary' },
  meetingType: { set: meeting, lid: 0x0026, type: 'integer' },
  ownerCriticalChange: { set: meeting, lid: 0x001a, type: 'time' },
  sequence: { set: appointment, lid: 0x8201, type: 'integer' },
  startWhole: { set: appointment, lid: 0x820d, type: 'time' },
  endWhole: { set: appointment, lid: 0x820e, type: 'time' },
  stateFlags: { set: appointment, lid: 0x8217, type: 'integer' },
  fInvited: { set: appointment, lid: 0x8229, type: 'boolean' },
  commonStart: { set: common, lid: 0x8516, type: 'time' },
  commonEnd: { set: common, lid: 0x8517, type: 'time' },
} as const satisfies Record<string, MapiProperty>;

/** For whom a copy came: by it a client knows a delegate's copy and leaves it alone ([MS-OXODLGT] 3.1.4.6). */
const receivedFor: readonly ClassProperty[] = [
  tag('PidTagReceivedRepresentingName', 0x0044, 'string'),
  tag('PidTagReceivedRepresentingAddressType', 0x0077, 'string'),
  tag('PidTagReceivedRepresentingEmailAddress', 0x0078, 'string'),
];

/**
 * What is read of a message by its properties when its class says that it is more than mail, and written beside its MIME. The state of
 * the person (`processed`, `serverProcessed`) is in the property table of mail. Left out are columns of recipients, which no connector
 * shows, and what the store keeps about the copy itself.
 */
export const classRows: readonly ClassRow[] = [
  {
    title: 'Meeting requests, answers, cancellations',
    classes: ['ipm.schedule.meeting'],
    source: '[MS-OXOCAL] 2.2.1, 2.2.5 to 2.2.9; [MS-OXOMSG] 2.2.1.25 to 2.2.1.27',
    note: 'A reminder is no part of the message (0x8503), so nothing rings for it.',
    properties: [
      { name: 'PidLidAppointmentSequence', property: meetingProperties.sequence },
      lid(appointment, 'PidLidAppointmentSequenceTime', 0x8202, 'time'),
      lid(appointment, 'PidLidAppointmentLastSequence', 0x8203, 'integer'),
      lid(appointment, 'PidLidBusyStatus', 0x8205, 'integer'),
      lid(appointment, 'PidLidAppointmentAuxiliaryFlags', 0x8207, 'integer'),
      lid(appointment, 'PidLidLocation', 0x8208, 'string'),
      lid(appointment, 'PidLidMeetingWorkspaceUrl', 0x8209, 'string'),
      { name: 'PidLidAppointmentStartWhole', property: meetingProperties.startWhole },
      { name: 'PidLidAppointmentEndWhole', property: meetingProperties.endWhole },
      lid(appointment, 'PidLidAppointmentDuration', 0x8213, 'integer'),
      lid(appointment, 'PidLidAppointmentSubType', 0x8215, 'boolean'),
      lid(appointment, 'PidLidAppointmentRecur', 0x8216, 'binary'),
      { name: 'PidLidAppointmentStateFlags', property: meetingProperties.stateFlags },
      lid(appointment, 'PidLidResponseStatus', 0x8218, 'integer'),
      lid(appointment, 'PidLidAppointmentReplyTime', 0x8220, 'time'),
      lid(appointment, 'PidLidRecurring', 0x8223, 'boolean'),
      lid(appointment, 'PidLidIntendedBusyStatus', 0x8224, 'integer'),
      lid(appointment, 'PidLidAppointmentUpdateTime', 0x8226, 'time'),
      lid(appointment, 'PidLidExceptionReplaceTime', 0x8228, 'time'),
      { name: 'PidLidFInvited', property: meetingProperties.fInvited },
      lid(appointment, 'PidLidFExceptionalAttendees', 0x822b, 'boolean'),
      lid(appointment, 'PidLidOwnerName', 0x822e, 'string'),
      lid(appointment, 'PidLidAppointmentReplyName', 0x8230, 'string'),
      lid(appointment, 'PidLidRecurrenceType', 0x8231, 'integer'),
      lid(appointment, 'PidLidRecurrencePattern', 0x8232, 'string'),
      lid(appointment, 'PidLidTimeZoneStruct', 0x8233, 'binary'),
      lid(appointment, 'PidLidTimeZoneDescription', 0x8234, 'string'),
      lid(appointment, 'PidLidClipStart', 0x8235, 'time'),
      lid(appointment, 'PidLidClipEnd', 0x8236, 'time'),
      lid(appointment, 'PidLidAllAttendeesString', 0x8238, 'string'),
      lid(appointment, 'PidLidToAttendeesString', 0x823b, 'string'),
      lid(appointment, 'PidLidCcAttendeesString', 0x823c, 'string'),
      lid(appointment, 'PidLidConferencingCheck', 0x8240, 'boolean'),
      lid(appointment, 'PidLidConferencingType', 0x8241, 'integer'),
      lid(appointment, 'PidLidNetShowUrl', 0x8248, 'string'),
      lid(appointment, 'PidLidAppointmentProposedStartWhole', 0x8250, 'time'),
      lid(appointment, 'PidLidAppointmentProposedEndWhole', 0x8251, 'time'),
      lid(appointment, 'PidLidAppointmentProposedDuration', 0x8256, 'integer'),
      lid(appointment, 'PidLidAppointmentCounterProposal', 0x8257, 'boolean'),
      lid(appointment, 'PidLidAppointmentProposalNumber', 0x8259, 'integer'),
      lid(appointment, 'PidLidAppointmentNotAllowPropose', 0x825a, 'boolean'),
      lid(appointment, 'PidLidAppointmentTimeZoneDefinitionStartDisplay', 0x825e, 'binary'),
      lid(appointment, 'PidLidAppointmentTimeZoneDefinitionEndDisplay', 0x825f, 'binary'),
      lid(appointment, 'PidLidAppointmentTimeZoneDefinitionRecur', 0x8260, 'binary'),
      lid(meeting, 'PidLidAttendeeCriticalChange', 0x0001, 'time'),
      lid(meeting, 'PidLidWhere', 0x0002, 'string'),
      { name: 'PidLidGlobalObjectId', property: meetingProperties.globalObjectId },
      lid(meeting, 'PidLidIsSilent', 0x0004, 'boolean'),
      lid(meeting, 'PidLidIsRecurring', 0x0005, 'boolean'),
      lid(meeting, 'PidLidIsException', 0x000a, 'boolean'),
      { name: 'PidLidOwnerCriticalChange', property: meetingProperties.ownerCriticalChange },
      lid(meeting, 'PidLidCalendarType', 0x001c, 'integer'),
      { name: 'PidLidCleanGlobalObjectId', property: meetingProperties.cleanGlobalObjectId },
      lid(meeting, 'PidLidAppointmentMessageClass', 0x0024, 'string'),
      { name: 'PidLidMeetingType', property: meetingProperties.meetingType },
      lid(meeting, 'PidLidOldLocation', 0x0028, 'string'),
      lid(meeting, 'PidLidOldWhenStartWhole', 0x0029, 'time'),
      lid(meeting, 'PidLidOldWhenEndWhole', 0x002a, 'time'),
      lid(common, 'PidLidPromptSendUpdate', 0x8045, 'boolean'),
      lid(common, 'PidLidReminderDelta', 0x8501, 'integer'),
      lid(common, 'PidLidSideEffects', 0x8510, 'integer'),
      { name: 'PidLidCommonStart', property: meetingProperties.commonStart },
      { name: 'PidLidCommonEnd', property: meetingProperties.commonEnd },
      { name: 'PidLidClientIntent', property: clientIntent },
      lid(calendarAssistant, 'PidLidServerProcessingActions', 0x85cd, 'integer'),
      named(publicStrings, 'PidNameOnlineMeetingExternalLink', 'OnlineMeetingExternalLink', 'string'),
      tag('PidTagStartDate', 0x0060, 'time'),
      tag('PidTagEndDate', 0x0061, 'time'),
      tag('PidTagOwnerAppointmentId', 0x0062, 'integer'),
      tag('PidTagResponseRequested', 0x0063, 'boolean'),
      tag('PidTagReplyRequested', 0x0c17, 'boolean'),
      ...receivedFor,
    ],
  },
  {
    title: 'Requests to take over a task, and answers to them',
    classes: ['ipm.taskrequest'],
    source: '[MS-OXOTASK] 2.2.3',
    note: 'The task itself is an attached item.',
    properties: [
      lid(common, 'PidLidTaskMode', 0x8518, 'integer'),
      lid(common, 'PidLidTaskGlobalId', 0x8519, 'binary'),
      lid(common, 'PidLidSideEffects', 0x8510, 'integer'),
      lid(task, 'PidLidTaskAccepted', 0x8108, 'boolean'),
      lid(task, 'PidLidTaskAssigner', 0x8121, 'string'),
      ...receivedFor,
    ],
  },
  {
    title: 'Receipts and reports of delivery',
    classes: ['report'],
    source: '[MS-OXOMSG] 2.2.2',
    note: 'What was said of each recipient stands in columns of recipients and travels in the MIME only.',
    properties: [
      tag('PidTagReceiptTime', 0x002a, 'time'),
      tag('PidTagReportTag', 0x0031, 'binary'),
      tag('PidTagReportTime', 0x0032, 'time'),
      tag('PidTagReportName', 0x003a, 'string'),
      tag('PidTagOriginalSubject', 0x0049, 'string'),
      tag('PidTagOriginalAuthorName', 0x004d, 'string'),
      tag('PidTagOriginalSubmitTime', 0x004e, 'time'),
      tag('PidTagOriginalDeliveryTime', 0x0055, 'time'),
      tag('PidTagOriginalSenderName', 0x005a, 'string'),
      tag('PidTagOriginalDisplayBcc', 0x0072, 'string'),
      tag('PidTagOriginalDisplayCc', 0x0073, 'string'),
      tag('PidTagOriginalDisplayTo', 0x0074, 'string'),
      tag('PidTagReportDisposition', 0x0080, 'string'),
      tag('PidTagReportDispositionMode', 0x0081, 'string'),
      tag('PidTagReportText', 0x1001, 'string'),
      tag('PidTagOriginalMessageId', 0x1046, 'string'),
    ],
  },
  {
    title: 'Voice mail, missed calls, faxes',
    classes: [
      'ipm.note.microsoft.voicemail.um',
      'ipm.note.microsoft.voicemail.um.ca',
      'ipm.note.microsoft.missed.voice',
      'ipm.note.microsoft.fax',
      'ipm.note.microsoft.conversation.voice',
      'ipm.note.rpmsg.microsoft.voicemail.um',
    ],
    source: '[MS-OXOUM] 2.2.5',
    properties: [
      tag('PidTagVoiceMessageDuration', 0x6801, 'integer'),
      tag('PidTagSenderTelephoneNumber', 0x6802, 'string'),
      tag('PidTagVoiceMessageSenderName', 0x6803, 'string'),
      tag('PidTagFaxNumberOfPages', 0x6804, 'integer'),
      tag('PidTagVoiceMessageAttachmentOrder', 0x6805, 'string'),
      tag('PidTagCallId', 0x6806, 'string'),
      named(unifiedMessaging, 'PidNameAudioNotes', 'UMAudioNotes', 'string'),
    ],
  },
];

/** What is to be read of messages of this class besides their MIME; null: they are mail and nothing more. */
export function rowOfClass(itemClass: string): ClassRow | null {
  const name = itemClass.toLowerCase();
  return classRows.find(({ classes }) => classes.some((one) => name === one || name.startsWith(`${one}.`))) ?? null;
}

/** Whether it asks, answers or calls off a meeting: what its iCalendar says its properties say, and more. */
export const isMeetingClass = (itemClass: string): boolean => /^ipm\.schedule\.meeting(?:\.|$)/i.test(itemClass);

const names: ReadonlySet<string> = new Set(classRows.flatMap(({ properties }) => properties.map(({ name }) => name)));

/** Whether a name of [MS-OXPROPS] is that of a property of some class. */
export const isClassProperty = (name: string): boolean => names.has(name);
