/** What the Calendar Attendant and the assistants do in a mailbox: Set-CalendarProcessing and Set-Mailbox. */
export interface CalendarSettings {
  /** User mailboxes: always AutoUpdate in reality; None is for mailboxes of machines. */
  readonly automateProcessing: 'None' | 'AutoUpdate' | 'AutoAccept';
  /** A room or equipment: ProcessExternalMeetingMessages counts here only. */
  readonly isResource: boolean;
  readonly addNewRequestsTentatively: boolean;
  readonly processExternalMeetingMessages: boolean;
  readonly removeOldMeetingMessages: boolean;
  readonly removeForwardedMeetingNotifications: boolean;
  /** Of resources. */
  readonly allowConflicts: boolean;
  readonly bookingWindowInDays: number;
  readonly maximumDurationInMinutes: number;
  readonly deleteSubject: boolean;
  readonly addOrganizerToSubject: boolean;
  readonly deleteComments: boolean;
  readonly removePrivateProperty: boolean;
  /** Keeps the Calendar Repair Assistant out of the mailbox. */
  readonly calendarRepairDisabled: boolean;
  /** Set-Mailbox -CalendarVersionStoreDisabled: the assistant cannot see that a deletion was meant. */
  readonly calendarVersionStoreDisabled: boolean;
}

/** As mailboxes are made. (PSDOC Set-CalendarProcessing) */
export const userDefaults: CalendarSettings = {
  automateProcessing: 'AutoUpdate',
  isResource: false,
  addNewRequestsTentatively: true,
  processExternalMeetingMessages: false,
  removeOldMeetingMessages: true,
  removeForwardedMeetingNotifications: false,
  allowConflicts: false,
  bookingWindowInDays: 180,
  maximumDurationInMinutes: 1440,
  deleteSubject: true,
  addOrganizerToSubject: true,
  deleteComments: true,
  removePrivateProperty: true,
  calendarRepairDisabled: false,
  calendarVersionStoreDisabled: false,
};

/** A room that books itself. */
export const roomDefaults: CalendarSettings = { ...userDefaults, automateProcessing: 'AutoAccept', isResource: true };
