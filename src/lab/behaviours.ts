import { calendarBehaviours } from './calendar-behaviours.ts';
import type { EwsVersion } from './seams.ts';
import { settingsBehaviours } from './settings-behaviours.ts';

/**
 * How we know what the lab imitates: `recorded` (a recording or a published sample), `documented` (a page or a specification),
 * `assumed` (experience or a guess, which `causeway probe` can settle).
 */
export type Mark = 'recorded' | 'documented' | 'assumed';

export interface StoreBehaviour {
  readonly id: string;
  readonly what: string;
  /** Versions in which it is so; absent: all. */
  readonly versions?: readonly EwsVersion[];
  readonly mark: Mark;
  readonly source: string;
}

const since2010: readonly EwsVersion[] = ['2010', '2013', '2016', 'se'];
const since2013: readonly EwsVersion[] = ['2013', '2016', 'se'];

/** What the lab's store and its EWS do, and how we know. The edge (sign-in, throttling, HTTP) has a table of its own. */
export const storeBehaviours: readonly StoreBehaviour[] = [
  {
    id: 'type-of-a-file',
    what: 'A file that came without a type is shown as application/octet-stream',
    mark: 'assumed',
    source: 'a store of MAPI has none; that something is made of it is the harder case for who compares',
  },
  // Receipts
  {
    id: 'receipt-on-read',
    what: 'Marking a mail as read sends the read receipt that was asked for',
    mark: 'documented',
    source: 'EWS doc: isread; [MS-OXOMSG] 2.2.1.20',
  },
  {
    id: 'receipt-on-delete',
    what: 'Deleting unread mail sends a not-read receipt, whatever the kind of deletion',
    mark: 'documented',
    source: '[MS-OXOMSG] 2.2.1.20, 3.2.5.2',
  },
  {
    id: 'receipt-on-folder-delete',
    what: 'DeleteFolder and EmptyFolder send not-read receipts, with no way to suppress them',
    mark: 'assumed',
    source: 'the operations have no such attribute',
  },
  {
    id: 'receipt-suppressed-by-attribute',
    what: 'SuppressReadReceipts on UpdateItem, DeleteItem and MarkAllItemsAsRead',
    versions: since2013,
    mark: 'documented',
    source: 'EWS doc: updateitem, deleteitem',
  },
  {
    id: 'receipt-suppressed-by-object',
    what: 'CreateItem of SuppressReadReceipt takes the pending request back',
    mark: 'documented',
    source: 'EWS doc: suppressreadreceipt',
  },
  {
    id: 'receipt-pending-bits',
    what: 'Message flags 0x100 and 0x200 show a pending receipt',
    mark: 'assumed',
    source: 'practice; [MS-OXCMSG] 2.2.1.6 names the bits',
  },
  {
    id: 'receipt-pending-on-create',
    what: 'An unread, non-draft message created through EWS with a receipt request has it pending',
    mark: 'assumed',
    source: 'the harder case for a migration',
  },
  // Identity
  {
    id: 'move-changes-id',
    what: 'A move gives an item another id: a deletion in one feed, a creation in the other; folder ids stay',
    mark: 'documented',
    source: 'EWS doc: ews-identifiers-in-exchange',
  },
  {
    id: 'search-key-shared',
    what: 'Copies of a message share PidTagSearchKey',
    mark: 'documented',
    source: '[MS-OXCPRPT] 2.2.1.9',
  },
  {
    id: 'search-key-read-only',
    what: 'A search key sent with CreateItem is taken and ignored',
    mark: 'assumed',
    source: '[MS-OXCPRPT] calls it read-only, an older MAPI page does not',
  },
  {
    id: 'server-owned',
    what: 'Creation and modification time, creator, change key, entry id and size sent by a client are taken and ignored',
    mark: 'assumed',
    source: 'no public source says what CreateItem does with them',
  },
  // Creation
  {
    id: 'draft-by-default',
    what: 'Without 0x0E07 a created message is UNSENT and UNMODIFIED',
    mark: 'documented',
    source: 'EWS doc: how-to-import-items; KDE ewscreatemailjob.cpp',
  },
  {
    id: 'flags-at-create',
    what: '0x0E07 counts in the create request only; UpdateItem takes it and does nothing',
    mark: 'documented',
    source: 'EWS doc: how-to-import-items; [MS-OXCMSG] 2.2.1.6',
  },
  {
    id: 'flags-2007',
    what: '0x0E07 behaves as if it were 0; read state goes by IsRead',
    versions: ['2007'],
    mark: 'recorded',
    source: 'evolution-ews e-ews-camel-common.c',
  },
  {
    id: 'arrival-is-now',
    what: 'Without 0x0E06 the time of arrival is that of the request',
    mark: 'documented',
    source: 'EWS doc: how-to-import-items',
  },
  {
    id: 'sent-items-now',
    what: 'Created straight in Sent Items, a message without 0x0039 gets the present as its date',
    mark: 'recorded',
    source: 'KDE ewscreatemailjob.cpp works around it',
  },
  {
    id: 'class-by-mime',
    what: 'Reports, meeting messages and signed mail get their message class from the MIME, unless one is given',
    mark: 'documented',
    source: '[MS-OXCMAIL] 2.2.3, [MS-OXOSMIME] 2.1.1',
  },
  {
    id: 'mime-kept',
    what: 'MIME is handed out as it was given (switch: rebuilt on each export)',
    mark: 'assumed',
    source: 'Exchange rebuilds it; keeping it is for tests of byte identity',
  },
  {
    id: 'size-limit',
    what: 'A message over the organization’s limit is ErrorMessageSizeExceeded',
    mark: 'documented',
    source: 'EWS doc: responsecode',
  },
  {
    id: 'size-limit-default',
    what: '10 MiB in 2007 and 2010, 36 MiB later',
    mark: 'assumed',
    source: 'limits for transport, which some servers apply to saved items',
  },
  {
    id: 'request-limit',
    what: 'Requests over 13 MiB (2007), 35 MiB (2010), 64 MiB (later) are answered with HTTP 413',
    mark: 'assumed',
    source: 'EXDOC client-message-size-limits names 64 MB; the status is a guess',
  },
  {
    id: 'quota',
    what: 'A full mailbox answers ErrorQuotaExceeded',
    mark: 'documented',
    source: 'EWS doc: responsecode',
  },
  {
    id: 'folder-limit',
    what: 'A folder with a million items takes no more',
    versions: since2013,
    mark: 'documented',
    source: 'EXDOC exchange-limits',
  },
  // Change
  {
    id: 'never-overwrite',
    what: 'NeverOverwrite with an old change key is ErrorIrresolvableConflict',
    mark: 'documented',
    source: 'EWS doc: updateitem',
  },
  {
    id: 'auto-resolve',
    what: 'AutoResolve with an old change key succeeds; fields that both changed go to the later writer',
    mark: 'assumed',
    source: 'EWS doc: updateitem names it, not its rules',
  },
  {
    id: 'delete-ignores-key',
    what: 'DeleteItem ignores change keys',
    mark: 'documented',
    source: 'EWS doc: deleteitem',
  },
  {
    id: 'read-flag-apart',
    what: 'A change of the read flag alone is a ReadFlagChange and leaves the change key and PR_LOCAL_COMMIT_TIME_MAX alone',
    mark: 'assumed',
    source: '[MS-OXCFXICS] keeps read state apart; that EWS shows it so is the harder case',
  },
  {
    id: 'later-touch',
    what: 'The server may touch an item again after a write: the change key moves',
    mark: 'assumed',
    source: 'practice; a fault that tests ask for',
  },
  // Feed
  {
    id: 'sync-page',
    what: 'SyncFolderItems gives 1 to 512 changes a page',
    mark: 'documented',
    source: 'EWS doc: mailbox-synchronization-and-ews-in-exchange',
  },
  {
    id: 'sync-lost',
    what: 'A state of another mailbox, folder or time line is ErrorInvalidSyncStateData, a deleted folder ErrorSyncFolderNotFound',
    mark: 'documented',
    source: 'EWS doc: handling-synchronization-related-errors-in-ews-in-exchange',
  },
  {
    id: 'sync-repeats',
    what: 'What changes while a first enumeration is being paged comes again afterwards',
    mark: 'assumed',
    source: 'allowed by the protocol; clients must bear it',
  },
  {
    id: 'sync-no-body',
    what: 'Feeds and finds never show bodies, recipients or MIME',
    mark: 'documented',
    source: 'EWS doc: property-sets-and-response-shapes-in-ews-in-exchange',
  },
  {
    id: 'forbidden-references',
    what: 'Characters that XML 1.0 forbids go out as references',
    mark: 'recorded',
    source: 'ews/fixtures/malformed',
  },
  {
    id: 'find-limit',
    what: 'Over the find limit old clients are refused, new ones get a short page',
    versions: since2010,
    mark: 'documented',
    source: 'EWS doc: ews-throttling-in-exchange',
  },
  // Deletion
  {
    id: 'recoverable-folder',
    what: 'Soft deletion puts items into Recoverable Items\\Deletions',
    versions: since2010,
    mark: 'documented',
    source: 'EWS doc: deleting-items-by-using-ews-in-exchange',
  },
  {
    id: 'dumpster-2007',
    what: 'Softly deleted items stay aside, found by the SoftDeleted traversal',
    versions: ['2007'],
    mark: 'documented',
    source: 'EWS doc: deleting-items-by-using-ews-in-exchange',
  },
  {
    id: 'hold',
    what: 'On hold, hard deletion puts items into Purges',
    versions: since2010,
    mark: 'documented',
    source: 'EXDOC recoverable items folder',
  },
  // Requests
  {
    id: 'schema-checked',
    what: 'Requests are checked against the XSD of the version they ask for; ErrorSchemaValidation is a SOAP fault',
    mark: 'documented',
    source: 'EWS doc: responsecode',
  },
  {
    id: 'schema-of-asked-version',
    what: 'Elements newer than RequestServerVersion are refused like unknown ones',
    mark: 'assumed',
    source: 'by the XSDs; real servers may be more lenient',
  },
  {
    id: 'version-newer',
    what: 'A RequestServerVersion newer than the server is ErrorInvalidServerVersion',
    mark: 'documented',
    source: 'EWS doc: responsecode',
  },
  {
    id: 'version-absent',
    what: 'Without RequestServerVersion a request is read as Exchange2007_SP1',
    mark: 'documented',
    source: 'EWS doc: requestserverversion',
  },
  {
    id: 'operation-newer',
    what: 'An operation newer than the request’s version is ErrorInvalidRequest',
    mark: 'assumed',
    source: 'no page names the code',
  },
  {
    id: 'impersonation',
    what: 'ExchangeImpersonation needs the right; ErrorImpersonateUserDenied, ErrorNonExistentMailbox',
    mark: 'documented',
    source: 'EWS doc: exchangeimpersonation',
  },
  {
    id: 'foreign-id',
    what: 'An id of another mailbox without rights there is ErrorAccessDenied',
    mark: 'assumed',
    source: 'some servers say ErrorItemNotFound',
  },
  {
    id: 'oof-impersonation',
    what: 'Out-of-office operations refuse impersonation',
    versions: ['2007'],
    mark: 'documented',
    source: 'blogs.msdn.com/mstehle, 24 June 2009',
  },
  {
    id: 'upload-limit',
    what: 'UploadItems takes 25 MB of base64',
    versions: ['2010'],
    mark: 'assumed',
    source: 'gsexdev.blogspot.com 2011/02, of SP1',
  },
  {
    id: 'upload-newer',
    what: 'A stream of a newer server is refused',
    versions: since2010,
    mark: 'assumed',
    source: 'streams downwards are unproven',
  },
  {
    id: 'stream-opaque',
    what: 'Exported streams have Exchange’s record frame around content of the lab’s own',
    versions: since2010,
    mark: 'recorded',
    source: 'ews/fixtures/ms-docs/uploaditems-operation-UploadItems.xml, the frame only',
  },
  {
    id: 'streaming-envelopes',
    what: 'Streaming answers are whole envelopes: OK, notifications, Closed',
    versions: since2010,
    mark: 'recorded',
    source: 'ews/fixtures/composed; EWS doc: getstreamingevents',
  },
  {
    id: 'streaming-namespace',
    what: 'm:Notification in streaming answers, against the schema',
    versions: since2010,
    mark: 'recorded',
    source: 'ews-managed-api GetStreamingEventsResults.cs',
  },
  ...calendarBehaviours,
  ...settingsBehaviours,
];
