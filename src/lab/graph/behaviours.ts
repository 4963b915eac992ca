import type { StoreBehaviour } from '../behaviours.ts';

type GraphBehaviour = Omit<StoreBehaviour, 'versions'>;

/** What the lab's Exchange Online does over Graph, and how we know: pages of the documentation, its samples, tools that live from it. */
export const graphBehaviours: readonly GraphBehaviour[] = [
  // Sign-in and permissions
  {
    id: 'app-only',
    what: 'Tokens by client credentials only; /me is refused',
    mark: 'documented',
    source: 'learn.microsoft.com/graph/auth-v2-service',
  },
  {
    id: 'bearer-refused',
    what: 'No, a malformed, an expired, a misdirected or another tenant’s token: 401 InvalidAuthenticationToken',
    mark: 'assumed',
    source: 'texts as in reports; the page on errors names the code',
  },
  {
    id: 'token-revoked',
    what: 'A token that was revoked: 401 with a claims challenge; a new one is taken',
    mark: 'documented',
    source: 'learn.microsoft.com/entra/identity-platform/app-resilience-continuous-access-evaluation',
  },
  {
    id: 'role-missing',
    what: 'A token without the role of the call: 403 ErrorAccessDenied',
    mark: 'documented',
    source: 'learn.microsoft.com/graph/permissions-reference; CORSO errors.go',
  },
  {
    id: 'rbac-scope',
    what: 'RBAC for Applications limits mail, calendars, contacts and settings to some mailboxes; consents of Entra add up',
    mark: 'documented',
    source: 'learn.microsoft.com/exchange/permissions-exo/application-rbac',
  },
  {
    id: 'rbac-no-import',
    what: 'Import and export cannot be limited to some mailboxes',
    mark: 'assumed',
    source: 'FIELD-NOTES §3: no role was found for it',
  },
  {
    id: 'not-enabled',
    what: 'A mailbox on premises, inactive or without a licence: 404 MailboxNotEnabledForRESTAPI',
    mark: 'documented',
    source: 'CORSO errors.go; learn.microsoft.com/graph/resolve-auth-errors',
  },
  { id: 'ews-off', what: 'EWS answers 403 unless it is switched on', mark: 'documented', source: 'FACTS §3' },
  {
    id: 'tenant-id',
    what: 'Ids of mailboxes for import and export are MBX:GUID@tenant',
    mark: 'recorded',
    source: 'learn.microsoft.com/graph/api/mailbox-createimportsession, sample',
  },
  // Limits
  {
    id: 'throttling',
    what: '10,000 requests in 10 minutes, 150 MB of uploads in 5 minutes, 4 at a time for an application and a mailbox',
    mark: 'documented',
    source: 'GDOC concepts/throttling-limits',
  },
  {
    id: 'throttling-window',
    what: 'Windows slide; refused requests do not count',
    mark: 'assumed',
    source: 'the shape of the windows is published nowhere',
  },
  {
    id: 'retry-after',
    what: '429 with Retry-After in seconds, also with fractions, and every other time without',
    mark: 'documented',
    source: 'GDOC concepts/throttling; FACTS §4',
  },
  {
    id: 'import-charged',
    what: 'Requests to import URLs count for the mailbox like all others',
    mark: 'assumed',
    source: 'the pages do not say that they are free',
  },
  {
    id: 'request-4mb',
    what: 'Requests over 4 MB: 413',
    mark: 'documented',
    source: 'GDOC concepts/outlook-large-attachments',
  },
  {
    id: 'import-4mb',
    what: 'The same limit holds for an import URL (a setting)',
    mark: 'assumed',
    source: 'no page names another one',
  },
  {
    id: 'batch',
    what: 'At most 20 requests, each throttled by itself, 4 at a time; dependsOn, and 424 after a failure',
    mark: 'documented',
    source: 'learn.microsoft.com/graph/json-batching; GDOC concepts/throttling-limits',
  },
  // Ids, lists, feeds
  {
    id: 'ids-move',
    what: 'Ids change with a move; immutable ones stay inside of a mailbox, and are not for folders',
    mark: 'documented',
    source: 'GDOC concepts/outlook-immutable-id',
  },
  {
    id: 'id-foreign',
    what: 'An id of another mailbox is ErrorItemNotFound, what is none ErrorInvalidIdMalformed',
    mark: 'assumed',
    source: 'no page tells them apart',
  },
  {
    id: 'delta',
    what: 'Feeds of folders with opaque links that carry the query; @removed with reason deleted',
    mark: 'recorded',
    source: 'fixtures delta-query-messages',
  },
  {
    id: 'delta-whole',
    what: 'A changed item is shown with all selected properties, a marked one too',
    mark: 'assumed',
    source: 'the pages promise at least what was changed',
  },
  {
    id: 'delta-lost',
    what: 'A forgotten state, or another mailbox under the address: 410 SyncStateNotFound with Location',
    mark: 'documented',
    source: 'GDOC concepts/delta-query-overview; CORSO errors.go',
  },
  {
    id: 'delta-garbled',
    what: 'A token that never was: 400 SyncStateInvalid',
    mark: 'assumed',
    source: 'CORSO errors.go names the code, not the status',
  },
  {
    id: 'page-size',
    what: '10 entries without $top, 1000 at most; odata.maxpagesize for feeds',
    mark: 'documented',
    source: 'GDOC concepts/paging; FACTS §4',
  },
  {
    id: 'if-match',
    what: 'PATCH and DELETE heed If-Match: 412 ErrorIrresolvableConflict',
    mark: 'assumed',
    source: 'the service gives etags; the pages do not promise it for mail',
  },
  // Mail
  {
    id: 'mail-folders-only',
    what: 'mailFolders shows folders of mail, hidden ones with includeHiddenFolders; wellKnownName in beta only',
    mark: 'documented',
    source: 'learn.microsoft.com/graph/api/resources/mailfolder',
  },
  {
    id: 'mime-draft',
    what: 'MIME becomes a draft in Drafts, and cannot be posted to another folder',
    mark: 'documented',
    source: 'FACTS §5',
  },
  {
    id: 'flags-once',
    what: '0x0E07 counts when a message is made and never later',
    mark: 'recorded',
    source: 'CORSO consts.go; FACTS §5',
  },
  {
    id: 'receipts',
    what: 'Marking sends the read receipt that was asked for, deleting unread mail the other; nothing suppresses them',
    mark: 'assumed',
    source: 'FIELD-NOTES §1: no suppression was found',
  },
  {
    id: 'delete-moves',
    what: 'DELETE moves to Deleted Items, and from there to the recoverable part; permanentDelete purges',
    mark: 'assumed',
    source: 'learn.microsoft.com/graph/api/message-permanentdelete; reports on DELETE',
  },
  {
    id: 'mime-rebuilt',
    what: '$value of an imported message is put together from its properties',
    mark: 'documented',
    source: '[MS-OXCMAIL] 2.1',
  },
  {
    id: 'transport-headers',
    what: 'Header fields that no property holds come from PidTagTransportMessageHeaders',
    mark: 'assumed',
    source: '[MS-OXCMAIL] leaves it to servers',
  },
  {
    id: 'two-texts',
    what: 'A stream with plain text and HTML keeps both',
    mark: 'assumed',
    source: '[MS-OXBBODY] 2.1.3.1 presumes several; stores may derive one from the other',
  },
  {
    id: 'own-headers',
    what: 'internetMessageHeaders of a create begin with X-: InvalidInternetMessageHeader otherwise',
    mark: 'documented',
    source: 'learn.microsoft.com/graph/outlook-create-send-messages',
  },
  {
    id: 'upload-session',
    what: 'Files up to 150 MB by ranges; the last one answers 201 with Location',
    mark: 'recorded',
    source: 'fixtures outlook-large-attachments',
  },
  {
    id: 'upload-session-state',
    what: 'The address of a session says by nextExpectedRanges where it stands; a setting refuses the question',
    mark: 'assumed',
    source:
      'msgraph-sdk-design tasks/FileUploadTask.md asks before it resumes, for files of OneDrive and attachments alike; GDOC shows PUT and DELETE only',
  },
  {
    id: 'upload-session-order',
    what: 'A range that is not the next one is refused (416), and what was received stays',
    mark: 'assumed',
    source:
      'GDOC attachment-createuploadsession: a transfer can be resumed when a connection is dropped; ranges are sequential',
  },
  {
    id: 'upload-files-only',
    what: 'A session takes files: ErrorAttachmentSessionIsSupportedOnlyForFileAttachments for an item',
    mark: 'recorded',
    source: 'microsoft-graph-docs-contrib#710',
  },
  {
    id: 'upload-from-3mb',
    what: 'A session for a file under 3 MB is refused',
    mark: 'assumed',
    source:
      'GDOC concepts/outlook-large-attachments gives sessions for 3 to 150 MB; what smaller ones get is said nowhere',
  },
  {
    id: 'attach-to-no-draft',
    what: 'A message that is no draft takes attachments, an imported one too; a setting refuses them',
    mark: 'assumed',
    source: 'CORSO mail_restore.go attaches to messages it made as no drafts; of imported ones nobody says anything',
  },
  {
    id: 'message-35mb',
    what: 'A message with its attachments has 35 MB unless the tenant says otherwise: ErrorMessageSizeExceeded',
    mark: 'documented',
    source: 'learn.microsoft.com/graph/api/attachment-createuploadsession',
  },
  // Import and export
  {
    id: 'export-20',
    what: 'exportItems takes 20 ids; one that fails has an error of its own',
    mark: 'documented',
    source: 'learn.microsoft.com/graph/api/mailbox-exportitems',
  },
  {
    id: 'import-url',
    what: 'The import URL is of another host, carries its own token and runs out; no Authorization header is looked at',
    mark: 'documented',
    source: 'learn.microsoft.com/graph/import-exchange-mailbox-item',
  },
  {
    id: 'import-foreign',
    what: 'Streams that no Exchange made are taken when they can be read; a setting refuses them',
    mark: 'assumed',
    source: 'FACTS §4: found nowhere; FIELD-NOTES §5.8',
  },
  {
    id: 'import-update',
    what: 'An update replaces the whole item and needs its change key',
    mark: 'documented',
    source: 'learn.microsoft.com/graph/import-exchange-mailbox-item',
  },
  {
    id: 'import-silent',
    what: 'An import sends nothing, whatever is imported',
    mark: 'assumed',
    source: 'as UploadItems of EWS; FACTS §4',
  },
  {
    id: 'national-clouds',
    what: 'Other clouds have no import and export: 404',
    mark: 'documented',
    source: 'learn.microsoft.com/graph/api/mailbox-createimportsession, national clouds',
  },
  // Calendars
  {
    id: 'meetings-mail',
    what: 'POST, PATCH and DELETE of an event with attendees send mail; plain appointments do not',
    mark: 'documented',
    source: 'learn.microsoft.com/graph/api/user-post-events, event-delete',
  },
  {
    id: 'owner-organizes',
    what: 'Whatever a request says, the owner of the calendar is the organizer',
    mark: 'documented',
    source: 'FACTS §4: organizer, isOrganizer and responseStatus cannot be set',
  },
  {
    id: 'pattern-wipes',
    what: 'A new pattern erases changed and deleted occurrences',
    mark: 'documented',
    source: '[MS-OXOCAL] 3.1.4.7.3.5',
  },
  {
    id: 'event-feed',
    what: 'With a window a feed shows occurrences beside their series, without one the series only',
    mark: 'documented',
    source: 'GDOC concepts/delta-query-events; FACTS §4',
  },
  {
    id: 'cancelled-occurrences',
    what: 'cancelledOccurrences are OID.series.day, and shown when selected',
    mark: 'recorded',
    source: 'CORSO events_instance_restore.go; event resource',
  },
  {
    id: 'icaluid-per-day',
    what: 'iCalUId of an occurrence has its day in it; uid of beta has not',
    mark: 'documented',
    source: 'FACTS §7',
  },
  {
    id: 'transaction-again',
    what: 'A second create with one transactionId is refused',
    mark: 'assumed',
    source: 'the page says that it is not made twice, not what is answered',
  },
  {
    id: 'todo-poor',
    what: 'To Do has no work, owner or contacts of a task, and writes no recurrence here',
    mark: 'assumed',
    source: 'FIELD-NOTES §3; the lab leaves patterns of tasks to import',
  },
  // Notifications
  {
    id: 'webhook-validation',
    what: 'An address must echo a token within 10 seconds, or there is no subscription',
    mark: 'documented',
    source: 'GDOC concepts/change-notifications-delivery-webhooks',
  },
  {
    id: 'subscription-life',
    what: '4230 minutes at most, 1000 for a mailbox; they keep the kind of ids they were made with',
    mark: 'documented',
    source: 'FACTS §4',
  },
  {
    id: 'redelivery',
    what: 'What is not taken within 3 seconds is sent again for 4 hours, then the client is told that it missed something',
    mark: 'documented',
    source: 'GDOC concepts/change-notifications-delivery-webhooks, -lifecycle-events',
  },
  {
    id: 'move-twice',
    what: 'A move is a deletion and a creation, also for who watches the whole mailbox',
    mark: 'assumed',
    source: 'the pages speak of folders only',
  },
  // Directory
  {
    id: 'directory-read-only',
    what: 'proxyAddresses, mail, sign-in names from on premises and all of orgContacts are read-only',
    mark: 'documented',
    source: 'GDOC resources/user, resources/orgcontact; FACTS §8',
  },
  {
    id: 'directory-mail-groups',
    what: 'Distribution lists and mail-enabled security groups can neither be made nor changed, nor their members',
    mark: 'recorded',
    source: 'microsoftgraph/microsoft-graph-docs issues 14827, 14899, 4210; msgraph docs-contrib 8276',
  },
  {
    id: 'directory-synced',
    what: 'What Entra Connect brings is refused: on-premises mastered Directory Sync objects',
    mark: 'recorded',
    source: 'support.okta.com, timmcmic.blog: the text of the 400',
  },
  {
    id: 'directory-delta',
    what: 'Feeds of users, groups and contacts by $select and ids; members@delta and manager@delta; large groups in pieces',
    mark: 'documented',
    source: 'GDOC concepts/delta-query-overview, delta-query-groups; api/group-delta',
  },
  {
    id: 'directory-delta-partial',
    what: 'Of an object that comes again a feed tells the properties that were written, and no others; null is one that lost its value',
    mark: 'assumed',
    source:
      'GDOC concepts/delta-query-overview: at least the properties that were updated, others may be there as well',
  },
  {
    id: 'directory-delta-while-reading',
    what: 'What is written or deleted during a first round comes at the end of that round, and the link does not tell it again',
    mark: 'assumed',
    source: 'GDOC concepts/delta-query-overview: an object may come any number of times, in any order',
  },
  {
    id: 'directory-delta-lost',
    what: 'Tokens are good for seven days and then 410 syncStateNotFound; one that was never given out is 400',
    mark: 'assumed',
    source: 'FACTS §4 for the days; no page lists the codes of the directory',
  },
  {
    id: 'directory-removed',
    what: '@removed says changed for users and groups that can be restored, deleted for contacts',
    mark: 'assumed',
    source: 'GDOC concepts/delta-query-overview; nothing is said of contacts',
  },
  {
    id: 'directory-filter',
    what: 'At most 15 clauses and values of 120 letters, more with ConsistencyLevel: eventual; letters are compared without case',
    mark: 'documented',
    source: 'developer.microsoft.com/graph/known-issues, query parameters; GDOC concepts/aad-advanced-queries',
  },
  {
    id: 'directory-at-once',
    what: 'What is written is shown at once, by Graph and by Exchange alike; the real ones take minutes',
    mark: 'assumed',
    source: 'FIELD-NOTES §5: delayed tenant sync is not imitated here',
  },
  {
    id: 'directory-purpose',
    what: 'userPurpose of a mailbox tells people, rooms, equipment and shared mailboxes apart; without a mailbox 404',
    mark: 'documented',
    source: 'GDOC resources/mailboxsettings; learn.microsoft.com/graph/resolve-auth-errors',
  },
];
