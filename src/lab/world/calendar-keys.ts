import { lidKey, sets, tagKey } from './property.ts';

/** Properties of appointments that the lab itself reads or writes. [MS-OXOCAL] 2.2.1 */
export const calendarKey = {
  // PSETID_Appointment
  sequence: lidKey(sets.Appointment, 0x8201),
  busyStatus: lidKey(sets.Appointment, 0x8205),
  location: lidKey(sets.Appointment, 0x8208),
  workspaceUrl: lidKey(sets.Appointment, 0x8209),
  start: lidKey(sets.Appointment, 0x820d),
  end: lidKey(sets.Appointment, 0x820e),
  durationMin: lidKey(sets.Appointment, 0x8213),
  allDay: lidKey(sets.Appointment, 0x8215),
  recurBlob: lidKey(sets.Appointment, 0x8216),
  stateFlags: lidKey(sets.Appointment, 0x8217),
  response: lidKey(sets.Appointment, 0x8218),
  repliedAt: lidKey(sets.Appointment, 0x8220),
  recurring: lidKey(sets.Appointment, 0x8223),
  intendedBusyStatus: lidKey(sets.Appointment, 0x8224),
  /** When the occurrence would have been, on exceptions. */
  replacedStart: lidKey(sets.Appointment, 0x8228),
  fInvited: lidKey(sets.Appointment, 0x8229),
  recurrenceKind: lidKey(sets.Appointment, 0x8231),
  zoneStruct: lidKey(sets.Appointment, 0x8233),
  zoneDescription: lidKey(sets.Appointment, 0x8234),
  clipStart: lidKey(sets.Appointment, 0x8235),
  clipEnd: lidKey(sets.Appointment, 0x8236),
  conferencing: lidKey(sets.Appointment, 0x8240),
  conferenceType: lidKey(sets.Appointment, 0x8241),
  netShowUrl: lidKey(sets.Appointment, 0x8248),
  noCounterProposal: lidKey(sets.Appointment, 0x825a),
  zoneStart: lidKey(sets.Appointment, 0x825e),
  zoneEnd: lidKey(sets.Appointment, 0x825f),
  zoneRecur: lidKey(sets.Appointment, 0x8260),
  // PSETID_Common
  reminderMinutes: lidKey(sets.Common, 0x8501),
  reminderTime: lidKey(sets.Common, 0x8502),
  private: lidKey(sets.Common, 0x8506),
  commonStart: lidKey(sets.Common, 0x8516),
  commonEnd: lidKey(sets.Common, 0x8517),
  reminderSignalTime: lidKey(sets.Common, 0x8560),
  // PSETID_Meeting
  attendeeCriticalChange: lidKey(sets.Meeting, 0x01),
  globalObjectId: lidKey(sets.Meeting, 0x03),
  isRecurring: lidKey(sets.Meeting, 0x05),
  isException: lidKey(sets.Meeting, 0x0a),
  ownerCriticalChange: lidKey(sets.Meeting, 0x1a),
  cleanGlobalObjectId: lidKey(sets.Meeting, 0x23),
  // Tags
  responseRequested: tagKey(0x0063),
  replyRequested: tagKey(0x0c17),
  ownerAppointmentId: tagKey(0x0062),
  startDate: tagKey(0x0060),
  endDate: tagKey(0x0061),
} as const;

/** Bits of PidLidAppointmentStateFlags. [MS-OXOCAL] 2.2.1.10 */
export const stateFlag = { meeting: 1, received: 2, cancelled: 4 } as const;
