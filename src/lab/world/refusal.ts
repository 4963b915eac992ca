/** Why the store refuses, by the name Exchange gives it in EWS; other protocols translate. */
export type RefusalCode =
  | CalendarRefusalCode
  | 'ErrorAccessDenied'
  | 'ErrorCannotDeleteObject'
  | 'ErrorCreateItemAccessDenied'
  | 'ErrorDeleteDistinguishedFolder'
  | 'ErrorFolderExists'
  | 'ErrorFolderNotFound'
  | 'ErrorInvalidFolderId'
  | 'ErrorInvalidOperation'
  | 'ErrorIrresolvableConflict'
  | 'ErrorItemNotFound'
  | 'ErrorItemSave'
  | 'ErrorMessageSizeExceeded'
  | 'ErrorMoveCopyFailed'
  | 'ErrorMoveDistinguishedFolder'
  | 'ErrorNameResolutionNoResults'
  | 'ErrorObjectTypeChanged'
  | 'ErrorQuotaExceeded'
  | 'ErrorFolderSave'
  | 'ErrorCannotEmptyFolder'
  | 'ErrorItemSavePropertyError'
  | 'ErrorFolderSavePropertyError';

type CalendarRefusalCode =
  | 'ErrorCalendarCannotMoveOrCopyOccurrence'
  | 'ErrorCalendarCannotUpdateDeletedItem'
  | 'ErrorCalendarDurationIsTooLong'
  | 'ErrorCalendarEndDateIsEarlierThanStartDate'
  | 'ErrorCalendarInvalidDayForWeeklyRecurrence'
  | 'ErrorCalendarInvalidPropertyState'
  | 'ErrorCalendarInvalidPropertyValue'
  | 'ErrorCalendarInvalidRecurrence'
  | 'ErrorCalendarInvalidTimeZone'
  | 'ErrorCalendarIsCancelledForAccept'
  | 'ErrorCalendarIsCancelledForDecline'
  | 'ErrorCalendarIsCancelledForRemove'
  | 'ErrorCalendarIsCancelledForTentative'
  | 'ErrorCalendarIsNotOrganizer'
  | 'ErrorCalendarIsOrganizerForAccept'
  | 'ErrorCalendarIsOrganizerForDecline'
  | 'ErrorCalendarIsOrganizerForRemove'
  | 'ErrorCalendarIsOrganizerForTentative'
  | 'ErrorCalendarMeetingRequestIsOutOfDate'
  | 'ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange'
  | 'ErrorCalendarOccurrenceIsDeletedFromRecurrence'
  | 'ErrorCalendarOutOfRange'
  | 'ErrorOccurrenceCrossingBoundary'
  | 'ErrorOccurrenceTimeSpanTooBig'
  | 'ErrorRecurrenceEndDateTooBig'
  | 'ErrorRecurrenceHasNoOccurrence'
  | 'ErrorTimeZone'
  | 'ErrorUnsupportedRecurrence';

/** The store says no. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  constructor(code: RefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}
