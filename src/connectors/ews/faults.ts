import { attribute, child, childText, descendants, textOf, type XmlElement } from '#formats/text/xml-read.ts';
import type { FatalCode, Fault, PoisonReason } from '#kit/fault.ts';
import { errorsNamespace, messagesNamespace, soapNamespace, typesNamespace } from './namespaces.ts';

/**
 * Whether the request writes, and what an answer is about: an item's fault can be poison, a folder's cannot, but the name that
 * somebody gave to a folder can be refused (`name`).
 */
export interface Subject {
  readonly writes: boolean;
  readonly about: 'item' | 'folder' | 'name';
}

type Reaction =
  /** `done`: whether a write answered like this may nevertheless have been carried out. */
  | { readonly kind: 'transient'; readonly done: boolean }
  | { readonly kind: 'throttled' }
  | { readonly kind: 'stale' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'cursor-lost' }
  | {
      readonly kind: 'poison';
      readonly reading: PoisonReason;
      readonly writing: PoisonReason;
      readonly otherwise: FatalCode;
    }
  | { readonly kind: 'fatal'; readonly code: FatalCode };

const poison = (
  reading: PoisonReason,
  writing: PoisonReason = reading,
  otherwise: FatalCode = 'protocol',
): Reaction => ({ kind: 'poison', reading, writing, otherwise });
const fatal = (code: FatalCode): Reaction => ({ kind: 'fatal', code });

/**
 * Response codes and what they ask of us. Source: ResponseCodeType of the messages schemas 2007 SP1 to SE, the `responsecode`
 * page of the EWS reference, and the pages on throttling and synchronization errors. A code that is not here is transient, and
 * becomes fatal when it does not pass.
 */
const groups: readonly { readonly reaction: Reaction; readonly codes: string }[] = [
  {
    // Refused before anything was done.
    reaction: { kind: 'transient', done: false },
    codes: `ErrorADOperation ErrorADSessionFilter ErrorADUnavailable ErrorBatchProcessingStopped
      ErrorCrossSiteRequest ErrorInsufficientResources
      ErrorLogonAsNetworkServiceFailed ErrorMailboxLogonFailed ErrorMailboxMoveInProgress
      ErrorNoApplicableProxyCASServersAvailable ErrorNoRespondingCASInDestinationSite
      ErrorNotEnoughMemory ErrorTooManyObjectsOpened ErrorProxyTokenExpired
      ErrorServiceDiscoveryFailed ErrorProxyServiceDiscoveryFailed ErrorAutoDiscoverFailed ErrorMissedNotificationEvents
      ErrorReadEventsFailed ErrorSubscriptionNotFound ErrorSubscriptionUnsubscribed ErrorExpiredSubscription
      ErrorInvalidSubscription ErrorInvalidPullSubscriptionId ErrorInvalidWatermark ErrorEventNotFound
      ErrorNewEventStreamConnectionOpened ErrorProxiedSubscriptionCallFailure ErrorFreeBusyGenerationFailed ErrorUnableToGetUserOofSettings`,
  },
  {
    // The server gave up somewhere, or a front end lost its back end: nothing says on which side of the commit.
    reaction: { kind: 'transient', done: true },
    codes: `ErrorInternalServerError ErrorInternalServerTransientError ErrorMailboxStoreUnavailable ErrorMailboxFailover
      ErrorConnectionFailed ErrorDataSourceOperation ErrorServiceUnavailable ErrorTimeoutExpired ErrorClientDisconnected ErrorRequestAborted ErrorProxyCallFailed
      ErrorProxyRequestProcessingFailed ErrorProxySoapException ErrorMoveCopyFailed ErrorDeleteItemsFailed
      ErrorCannotDeleteObject ErrorFolderSaveFailed ErrorItemPropertyRequestFailed
      ErrorFolderPropertRequestFailed ErrorPropertyUpdate ErrorWebRequestInInvalidState ErrorWin32InteropError
      ErrorResponseSchemaValidation ErrorParsingXMLResponse`,
  },
  {
    reaction: { kind: 'throttled' },
    codes: `ErrorServerBusy ErrorExceededConnectionCount ErrorExceededFindCountLimit ErrorExceededSubscriptionCount
      ErrorExceededMessageLimit ErrorExceededMessageLimitShowTierUpgrade ErrorIndividualMailboxLimitReached`,
  },
  {
    reaction: { kind: 'stale' },
    codes: `ErrorIrresolvableConflict ErrorStaleObject ErrorChangeKeyRequired ErrorChangeKeyRequiredForWriteOperations
      ErrorInvalidChangeKey ErrorFolderExists ErrorDuplicateInputFolderNames ErrorCalendarCannotUseIdForOccurrenceId
      ErrorOutlookRuleBlobExists ErrorDelegateAlreadyExists`,
  },
  {
    reaction: { kind: 'gone' },
    codes: `ErrorItemNotFound ErrorFolderNotFound ErrorParentFolderNotFound ErrorToFolderNotFound ErrorSavedItemFolderNotFound
      ErrorSyncFolderNotFound ErrorManagedFolderNotFound ErrorCannotAccessDeletedPublicFolder ErrorCalendarOccurrenceIsDeletedFromRecurrence
      ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange ErrorMailboxHoldNotFound ErrorReadReceiptNotPending
      ErrorCalendarCannotUpdateDeletedItem ErrorNameResolutionNoResults`,
  },
  { reaction: { kind: 'cursor-lost' }, codes: 'ErrorInvalidSyncStateData' },
  {
    reaction: poison('too-large', 'too-large'),
    codes: `ErrorMessageSizeExceeded ErrorRequestStreamTooBig ErrorAttachmentSizeLimitExceeded ErrorDataSizeLimitExceeded
      ErrorResultSetTooBig ErrorAttachmentNestLevelLimitExceeded ErrorExceededMaxRecipientLimit ErrorExceededMaxRecipientLimitBlock
      ErrorExceededMaxRecipientLimitShowTierUpgrade ErrorRulesOverQuota`,
  },
  {
    // On the way out the item is broken; on the way in the server does not like what it contains.
    reaction: poison('corrupt', 'refused-by-target'),
    codes: `ErrorCorruptData ErrorItemCorrupt ErrorFolderCorrupt ErrorMimeContentInvalid ErrorMimeContentInvalidBase64String
      ErrorMimeContentConversionFailed ErrorContentConversionFailed ErrorCannotOpenFileAttachment ErrorCannotFindFileAttachment
      ErrorVirusDetected ErrorVirusMessageDeleted ErrorFolderSave ErrorFolderSavePropertyError ErrorItemSave ErrorItemSavePropertyError ErrorInvalidPropertySet
      ErrorInvalidValueForProperty ErrorInvalidExtendedProperty ErrorInvalidExtendedPropertyValue ErrorPropertyValidationFailure
      ErrorRequiredPropertyMissing ErrorInvalidPropertyAppend ErrorInvalidPropertyDelete ErrorInvalidPropertyForOperation
      ErrorInvalidPropertyUpdateSentMessage ErrorInvalidPropertyRequest ErrorUpdatePropertyMismatch ErrorIncorrectUpdatePropertyCount
      ErrorInvalidRecipients ErrorInvalidSmtpAddress ErrorMissingEmailAddress ErrorMissingInformationEmailAddress ErrorInvalidRoutingType
      ErrorUnsupportedPropertyDefinition ErrorUnsupportedMapiPropertyType ErrorNoPropertyTagForCustomProperties ErrorUnsupportedCulture
      ErrorInvalidInternetHeaderChildNodes ErrorInvalidReferenceItem ErrorMessageBlocked ErrorSentMeetingRequestUpdate ErrorSentTaskRequestUpdate
      ErrorInvalidCompleteDate ErrorInvalidPercentCompleteValue ErrorCalendarInvalidPropertyState ErrorCalendarInvalidPropertyValue
      ErrorCalendarInvalidAttributeValue ErrorCalendarInvalidTimeZone ErrorCalendarOutOfRange ErrorTimeZone ErrorMissingRecipients
      ErrorDistributionListMemberNotExist ErrorOccurrenceCrossingBoundary ErrorOccurrenceTimeSpanTooBig ErrorRecurrenceEndDateTooBig
      ErrorRecurrenceHasNoOccurrence ErrorUnsupportedRecurrence ErrorCalendarInvalidRecurrence ErrorCalendarInvalidDayForTimeChangePattern
      ErrorCalendarInvalidDayForWeeklyRecurrence ErrorCalendarDurationIsTooLong ErrorCalendarEndDateIsEarlierThanStartDate
      ErrorInboxRulesValidationError ErrorInvalidPermissionSettings ErrorInvalidUserInfo ErrorDuplicateUserIdsSpecified
      ErrorInvalidUserOofSettings ErrorInvalidOofParameter ErrorInvalidScheduledOofDuration ErrorDelegateMissingConfiguration
      ErrorDelegateCannotAddOwner ErrorDelegateValidationFailed ErrorInvalidDelegatePermission ErrorInvalidDelegateUserId
      ErrorAddDelegatesFailed ErrorUpdateDelegatesFailed ErrorRemoveDelegatesFailed ErrorPermissionNotAllowedByPolicy`,
  },
  {
    reaction: poison('corrupt', 'class-refused'),
    codes: `ErrorUnsupportedMimeConversion ErrorUnsupportedTypeForConversion ErrorInvalidItemForOperationCreateItem ErrorObjectTypeChanged
      ErrorCannotCreateCalendarItemInNonCalendarFolder ErrorCannotCreateContactInNonContactFolder
      ErrorCannotCreatePostItemInNonMailFolder ErrorCannotCreateTaskInNonTaskFolder ErrorInvalidFolderTypeForOperation
      ErrorVoiceMailNotImplemented ErrorInvalidItemForOperationCreateItemAttachment ErrorMissingItemForCreateItemAttachment`,
  },
  { reaction: poison('access-denied', 'send-only-folder', 'access-denied'), codes: 'ErrorCreateItemAccessDenied' },
  {
    reaction: poison('access-denied', 'access-denied', 'access-denied'),
    codes: `ErrorAccessDenied ErrorAccessDeniedDueToCompliance ErrorRecoverableItemsAccessDenied ErrorCreateSubfolderAccessDenied
      ErrorMoveDistinguishedFolder ErrorDeleteDistinguishedFolder ErrorCannotEmptyFolder ErrorOperationNotAllowedWithPublicFolderRoot`,
  },
  {
    reaction: fatal('quota'),
    codes: `ErrorQuotaExceeded ErrorQuotaExceededOnDelete ErrorMessagePerFolderCountReceiveQuotaExceeded ErrorSubmissionQuotaExceeded`,
  },
  {
    reaction: fatal('mailbox-gone'),
    codes: `ErrorNonExistentMailbox ErrorMissingExchangePrincipal ErrorNonPrimarySmtpAddress ErrorInvalidMailbox ErrorMailRecipientNotFound
      ErrorArchiveMailboxNotEnabled ErrorMailboxConfiguration ErrorCannotFindUser`,
  },
  {
    reaction: fatal('access-denied'),
    codes: `ErrorImpersonateUserDenied ErrorImpersonationDenied ErrorImpersonationFailed ErrorInvalidExchangeImpersonationHeaderData
      ErrorInvalidUserPrincipalName ErrorInvalidUserSid ErrorInvalidSid ErrorOrganizationAccessBlocked ErrorUserNotAllowedByPolicy
      ErrorNotDelegate ErrorDelegateNoUser ErrorSubscriptionAccessDenied ErrorSubscriptionDelegateAccessNotSupported
      ErrorNoFreeBusyAccess ErrorSendAsDenied ErrorInvalidManagementRoleHeader ErrorDistinguishedUserNotSupported ErrorProxyRequestNotAllowed`,
  },
  {
    reaction: fatal('auth'),
    codes: `ErrorAccountDisabled ErrorAccountSuspend ErrorAccountSuspendShowTierUpgrade ErrorPasswordExpired ErrorPasswordChangeRequired
      ErrorCallerIsInvalidADAccount ErrorInvalidLogonType ErrorInvalidClientSecurityContext ErrorInvalidAuthorizationContext
      ErrorInvalidClientAccessTokenRequest ErrorUnauthorizedClientAccessTokenRequest ErrorTokenSerializationDenied ErrorInvalidLicense
      ErrorInvalidProxySecurityContext ErrorInvalidSerializedAccessToken ErrorInvalidNetworkServiceContext ErrorNoOAuthServerAvailableForRequest`,
  },
  {
    reaction: fatal('unsupported'),
    codes: `ErrorInvalidServerVersion ErrorIncorrectSchemaVersion ErrorInvalidSchemaVersionForMailboxVersion ErrorWrongServerVersion
      ErrorWrongServerVersionDelegate ErrorNoDestinationCASDueToKerberosRequirements ErrorNoDestinationCASDueToSSLRequirements
      ErrorNoDestinationCASDueToVersionMismatch ErrorCrossMailboxMoveCopy ErrorInvalidOperation ErrorSubscriptionsDisabledForGroup ErrorCalendarIsGroupMailboxForSuppressReadReceipt
      ErrorUnsupportedPathForQuery ErrorUnsupportedPathForSortGroup ErrorUnsupportedQueryFilter ErrorUnsupportedSubFilter`,
  },
  {
    // Our request was wrong: trying again changes nothing.
    reaction: fatal('protocol'),
    codes: `ErrorSchemaValidation ErrorInvalidRequest ErrorInvalidArgument ErrorMissingArgument ErrorDuplicateSOAPHeader ErrorInvalidId
      ErrorInvalidIdEmpty ErrorInvalidIdMalformed ErrorInvalidIdMalformedEwsLegacyIdFormat ErrorInvalidIdMonikerTooLong
      ErrorInvalidIdNotAnItemAttachmentId ErrorInvalidIdReturnedByResolveNames ErrorInvalidIdStoreObjectIdTooLong
      ErrorInvalidIdTooManyAttachmentLevels ErrorInvalidIdXml ErrorInvalidFolderId ErrorInvalidAttachmentId ErrorCannotUseFolderIdForItemId
      ErrorCannotUseItemIdForFolderId ErrorMessageDispositionRequired ErrorSendMeetingInvitationsRequired
      ErrorSendMeetingCancellationsRequired ErrorSendMeetingInvitationsOrCancellationsRequired ErrorAffectedTaskOccurrencesRequired
      ErrorInvalidSendItemSaveSettings ErrorInvalidParentFolder ErrorParentFolderIdRequired ErrorInvalidRestriction ErrorRestrictionTooComplex
      ErrorRestrictionTooLong ErrorQueryFilterTooLong ErrorContainsFilterWrongType ErrorInvalidExcludesRestriction ErrorInvalidValueForFilter
      ErrorInvalidPropertyForExists ErrorInvalidIndexedPagingParameters ErrorInvalidFractionalPagingParameters ErrorInvalidPagingMaxRows
      ErrorValueOutOfRange ErrorInvalidSubscriptionRequest ErrorAccessModeSpecified ErrorMoreThanOneAccessModeSpecified
      ErrorCannotSpecifySearchFolderAsSourceFolder ErrorSearchFolderNotInitialized ErrorDuplicateTransactionId
      ErrorNoFolderClassOverride ErrorCalendarCannotMoveOrCopyOccurrence ErrorCalendarCannotUseIdForRecurringMasterId
      ErrorInvalidFreeBusyViewType ErrorInvalidMergedFreeBusyInterval`,
  },
];

const reactions: ReadonlyMap<string, Reaction> = new Map(
  groups.flatMap(({ reaction, codes }) =>
    codes
      .split(/\s+/)
      .filter(Boolean)
      .map((code) => [code, reaction] as const),
  ),
);

/** Whether somebody has thought about the code. */
export const isKnownCode = (code: string): boolean => reactions.has(code);

/** Waits when the server says none, or zero; and at most this long, whatever it says. */
const backOffMs = { unnamed: 1_000, max: 900_000 } as const;

/** What a response code means for us. `text` is for people; servers put no content of items into it. */
export function faultOfCode(
  code: string,
  text: string,
  subject: Subject,
  details: ReadonlyMap<string, string> = new Map(),
): Fault {
  const reaction = reactions.get(code) ?? { kind: 'transient', done: true };
  const detail = text === '' ? code : `${code}: ${text.slice(0, 500)}`;
  switch (reaction.kind) {
    case 'throttled': {
      const named = Number(details.get('BackOffMilliseconds') ?? Number.NaN);
      return {
        kind: 'throttled',
        retryAfterMs: named > 0 ? Math.min(named, backOffMs.max) : backOffMs.unnamed,
        limit: details.get('Policy') ?? policyIn(text) ?? code,
      };
    }
    case 'transient': {
      // A general failure may hide a busy answer: `ErrorInternalServerError` with an inner `ErrorServerBusy`.
      if (details.get('InnerErrorResponseCode') === 'ErrorServerBusy')
        return faultOfCode('ErrorServerBusy', text, subject, details);
      return { kind: 'transient', detail, mayHaveHappened: reaction.done && subject.writes };
    }
    case 'poison':
      if (subject.about === 'name' && reaction.writing === 'refused-by-target')
        return { kind: 'poison', reason: 'name-refused', detail };
      if (subject.about !== 'item') return { kind: 'fatal', code: reaction.otherwise, detail };
      return { kind: 'poison', reason: subject.writes ? reaction.writing : reaction.reading, detail };
    case 'fatal':
      return { kind: 'fatal', code: reaction.code, detail };
    case 'cursor-lost':
      return { kind: 'cursor-lost' };
    case 'stale':
      return { kind: 'stale', detail: code === 'ErrorFolderExists' ? 'a folder of this name exists' : detail };
    case 'gone':
      return { kind: 'gone', detail };
  }
}

/** The throttling policy's part that a text names: for people only, nothing steers by it. */
function policyIn(text: string): string | null {
  return /policy part '(\w+)'/.exec(text)?.[1] ?? null;
}

function detailsIn(element: XmlElement | null): ReadonlyMap<string, string> {
  const details = new Map<string, string>();
  if (element !== null)
    for (const value of descendants(element, typesNamespace, 'Value'))
      details.set(attribute(value, 'Name') ?? '', value.text.trim());
  return details;
}

/** The fault of one response message, or null when it is a success or a mere warning. */
export function faultOfMessage(message: XmlElement, subject: Subject): Fault | null {
  const responseClass = attribute(message, 'ResponseClass');
  const code = (childText(message, messagesNamespace, 'ResponseCode') ?? '').trim();
  if (responseClass === 'Success' || (responseClass !== 'Error' && (code === '' || code === 'NoError'))) return null;
  // Warnings say that something was done and more could be said, but for this one, which says that nothing was done.
  if (responseClass === 'Warning' && code !== 'ErrorBatchProcessingStopped') return null;
  const text = (childText(message, messagesNamespace, 'MessageText') ?? '').trim();
  return faultOfCode(
    code === '' ? 'an error without a code' : code,
    text,
    subject,
    detailsIn(child(message, messagesNamespace, 'MessageXml')),
  );
}

/** The fault of a `s:Fault`. Faults of SOAP itself (VersionMismatch, Client, Server) carry no response code. */
export function faultOfSoapFault(fault: XmlElement, subject: Subject): Fault {
  const detail = child(fault, '', 'detail');
  const code = (detail === null ? null : childText(detail, errorsNamespace, 'ResponseCode'))?.trim() ?? null;
  const text =
    (detail === null ? null : childText(detail, errorsNamespace, 'Message'))?.trim() ||
    (childText(fault, '', 'faultstring') ?? '').trim();
  const qualified = (childText(fault, '', 'faultcode') ?? '').trim();
  const name = code ?? qualified.slice(qualified.indexOf(':') + 1);
  return faultOfCode(
    name === '' ? `a SOAP fault without a code ${textOf(fault).trim().slice(0, 100)}` : name,
    text,
    subject,
    detailsIn(detail),
  );
}

/** Where a fault stands in `s:Body`; null when there is none. */
export const soapFaultIn = (body: XmlElement): XmlElement | null => child(body, soapNamespace, 'Fault');
