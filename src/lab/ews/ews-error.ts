/** A refusal by its EWS name: of one entry of a batch, or of the whole request. */
export class EwsError extends Error {
  override readonly name = 'EwsError';
  readonly code: string;
  /** Inside `MessageXml`: name → value. */
  readonly values: Readonly<Record<string, string>>;
  constructor(code: string, message = messages[code] ?? code, values: Readonly<Record<string, string>> = {}) {
    super(message);
    this.code = code;
    this.values = values;
  }
}

/** The request as a whole is answered with a SOAP fault. */
export class EwsFault extends Error {
  override readonly name = 'EwsFault';
  readonly code: string;
  /** Already XML, inside `MessageXml`. */
  readonly detail: string;
  /** HTTP status. */
  readonly status: number;
  constructor(code: string, message = messages[code] ?? code, detail = '', status = 500) {
    super(message);
    this.code = code;
    this.detail = detail;
    this.status = status;
  }
}

/** Texts as Exchange words them. (EWS doc: ResponseCode) */
const messages: Readonly<Record<string, string>> = {
  ErrorAccessDenied: 'Access is denied. Check credentials and try again.',
  ErrorAttachmentSizeLimitExceeded: 'The size of the attachment exceeds the limit.',
  ErrorCannotUseFolderIdForItemId: 'Id must be an item Id.',
  ErrorCannotUseItemIdForFolderId: 'Id must be a folder Id.',
  ErrorChangeKeyRequired: 'The change key is required for this operation.',
  ErrorChangeKeyRequiredForWriteOperations: 'A change key is required for this operation.',
  ErrorExceededFindCountLimit: 'The Find operation exceeded the maximum number of entries that may be returned.',
  ErrorFolderNotFound: 'The specified folder could not be found in the store.',
  ErrorImpersonateUserDenied: 'The account does not have permission to impersonate the requested user.',
  ErrorInternalServerError: 'An internal server error occurred. The operation failed.',
  ErrorInternalServerTransientError: 'An internal server error occurred. Try again later.',
  ErrorInvalidChangeKey: 'The change key is invalid.',
  ErrorInvalidExtendedProperty: 'The extended property attribute combination is invalid.',
  ErrorInvalidExtendedPropertyValue: 'The extended property value is invalid.',
  ErrorInvalidIdEmpty: 'Id is empty.',
  ErrorInvalidIdMalformed: 'Id is malformed.',
  ErrorInvalidIdTooLong: 'Id is too long.',
  ErrorInvalidPagingMaxRows: 'The maximum number of rows is invalid.',
  ErrorInvalidPropertyRequest: 'The request for the property is invalid.',
  ErrorInvalidPropertySet: 'Set action is invalid for property.',
  ErrorInvalidPropertyDelete: 'Delete action is invalid for property.',
  ErrorInvalidPropertyAppend: 'Append action is invalid for property.',
  ErrorInvalidRequest: 'The request is invalid.',
  ErrorInvalidServerVersion: 'The specified server version is invalid.',
  ErrorInvalidSmtpAddress: 'The SMTP address format is invalid.',
  ErrorInvalidSubscription: 'The subscription is not valid.',
  ErrorInvalidSyncStateData: 'Synchronization state data is corrupt or otherwise invalid.',
  ErrorInvalidWatermark: 'The watermark is invalid.',
  ErrorItemNotFound: 'The specified object was not found in the store.',
  ErrorMailRecipientNotFound: 'The mail recipient was not found.',
  ErrorMessageDispositionRequired: 'MessageDisposition attribute is required for Message objects.',
  ErrorMissedNotificationEvents: 'Some events were missed.',
  ErrorMissingEmailAddress:
    'When making a request as an account that does not have a mailbox, you must specify the mailbox primary SMTP address for any distinguished folder Ids.',
  ErrorMissingRecipients: 'At least one recipient is required.',
  ErrorNameResolutionNoResults: 'No results were found.',
  ErrorNonExistentMailbox: 'The SMTP address has no mailbox associated with it.',
  ErrorSendMeetingInvitationsRequired: 'SendMeetingInvitations attribute is required for calendar items.',
  ErrorSendMeetingCancellationsRequired: 'SendMeetingCancellations attribute is required for Calendar items.',
  ErrorSendMeetingInvitationsOrCancellationsRequired:
    'SendMeetingInvitationsOrCancellations attribute is required for calendar items.',
  ErrorAffectedTaskOccurrencesRequired: 'AffectedTaskOccurrences attribute is required for Task items.',
  ErrorServerBusy: 'The server cannot service this request right now. Try again later.',
  ErrorSubscriptionAccessDenied: 'Access to the subscription is denied.',
  ErrorSubscriptionNotFound: 'The specified subscription was not found.',
  ErrorSyncFolderNotFound: 'The folder to be synchronized could not be found.',
  ErrorTraversalNotAllowed: 'The traversal is not allowed in this folder.',
  ErrorUnsupportedPathForQuery: 'The request contains a path that cannot be used in a query.',
  ErrorUnsupportedPathForSortGroup: 'The request contains a path that cannot be used for sorting or grouping.',
  ErrorDataSizeLimitExceeded: 'The data exceeds the maximum size.',
  ErrorCorruptData: 'The data is corrupt.',
  ErrorMimeContentInvalid: 'Mime content is not valid.',
  ErrorMimeContentInvalidBase64String: 'MimeContent is not a valid base64 string.',
  ErrorIncorrectUpdatePropertyCount: 'Set and Append actions must have exactly one property.',
  ErrorUpdatePropertyMismatch: 'Property for update does not match property in object.',
  ErrorUnsupportedMimeConversion: 'The requested MIME conversion is not supported.',
  ErrorAttachmentNestLevelLimitExceeded: 'Attachments are nested too deeply.',
  ErrorBatchProcessingStopped: 'Processing of the batch stopped because of an earlier error.',
  ErrorInvalidAttachmentId: 'The attachment Id is invalid.',
  ErrorAttachmentNotFound: 'The attachment was not found.',
};
