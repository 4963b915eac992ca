import { lidKey, sets, tagKey } from '../world/property.ts';

/** Properties of meeting messages, and what assistants note on appointments. [MS-OXOCAL] 2.2 */
export const meetingKey = {
  /** PidLidMeetingType: see `meetingType`. */
  meetingType: lidKey(sets.Meeting, 0x26),
  /** PidLidAppointmentSequenceTime: when the organizer last sent. */
  sequenceTime: lidKey(sets.Appointment, 0x8202),
  proposedStart: lidKey(sets.Appointment, 0x8250),
  proposedEnd: lidKey(sets.Appointment, 0x8251),
  counterProposal: lidKey(sets.Appointment, 0x8257),
  /** PidLidPromptSendUpdate, on responses to something outdated. */
  promptSendUpdate: lidKey(sets.Common, 0x8045),
  /** PidLidClientIntent: see `clientIntent`. */
  clientIntent: lidKey(sets.CalendarAssistant, 0x15),
  serverProcessed: lidKey(sets.CalendarAssistant, 0x85cc),
  serverProcessingActions: lidKey(sets.CalendarAssistant, 0x85cd),
  /** PidTagProcessed */
  processed: tagKey(0x7d01),
  /** PidTagReceivedRepresentingEmailAddress: whose request a delegate's copy is. */
  receivedFor: tagKey(0x0078),
} as const;

/** PidLidMeetingType. [MS-OXOCAL] 2.2.6.5 */
export const meetingType = {
  request: 0x1,
  full: 0x10000,
  informational: 0x20000,
  outOfDate: 0x80000,
  delegatorCopy: 0x100000,
} as const;

/** Bits of PidLidClientIntent. [MS-OXOCAL] 2.2.2.4 */
export const clientIntent = {
  manager: 0x1,
  delegate: 0x2,
  deletedWithNoResponse: 0x4,
  deletedExceptionWithNoResponse: 0x8,
  respondedTentative: 0x10,
  respondedAccept: 0x20,
  respondedDecline: 0x40,
  modifiedStart: 0x80,
  modifiedEnd: 0x100,
  modifiedLocation: 0x200,
  respondedExceptionDecline: 0x400,
  cancelled: 0x800,
  exceptionCancelled: 0x1000,
} as const;

/** PidLidServerProcessingActions: the calendar item was made, or brought up to date. [MS-OXOCAL] 2.2.5.5 */
export const processingAction = { createdItem: 0x10, updatedItem: 0x20, processedResponse: 0x100 } as const;

/** PidLidBusyStatus. [MS-OXOCAL] 2.2.1.2 */
export const busy = { free: 0, tentative: 1, busy: 2, away: 3 } as const;

export const messageClass = {
  request: 'IPM.Schedule.Meeting.Request',
  cancellation: 'IPM.Schedule.Meeting.Canceled',
  accept: 'IPM.Schedule.Meeting.Resp.Pos',
  decline: 'IPM.Schedule.Meeting.Resp.Neg',
  tentative: 'IPM.Schedule.Meeting.Resp.Tent',
} as const;
