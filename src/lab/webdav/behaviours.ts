import type { StoreBehaviour } from '../behaviours.ts';

type DavBehaviour = Omit<StoreBehaviour, 'versions'>;

/**
 * What the lab's Exchange 2003 does over WebDAV, and how we know. There is no server of that age to ask: `recorded` is what clients say
 * that worked against real ones, in their code or their notes; `documented` the pages of its SDK.
 */
export const davBehaviours: readonly DavBehaviour[] = [
  // Logon
  {
    id: 'forms-redirect',
    what: 'A GET without a session is sent to owalogon.asp, any other method gets 440',
    mark: 'recorded',
    source: 'evolution-exchange docs/reference/features/fba.xml',
  },
  {
    id: 'forms-fields',
    what: 'The form: owaauth.dll, destination, flags, username, password, trusted; cookies sessionid and cadata',
    mark: 'recorded',
    source: 'DavMail ExchangeFormAuthenticator; evolution-exchange fba.xml',
  },
  {
    id: 'forms-wrong-password',
    what: 'A wrong password leads back to the form with reason=2',
    mark: 'recorded',
    source: 'DavMail checkFormLoginQueryString',
  },
  {
    id: 'forms-lifetime',
    what: 'Sessions end after 24 hours without use on private computers, after 15 minutes on others',
    mark: 'documented',
    source: 'evolution-exchange fba.xml; defaults of OWA 2003',
  },
  {
    id: 'forms-and-basic',
    what: 'With forms logon on, a request with an Authorization header is signed in by it',
    mark: 'assumed',
    source: 'front ends of the time took Basic beside forms on a directory of their own',
  },
  {
    id: 'no-impersonation',
    what: 'An administrator with Receive-As opens a mailbox by its address and writes under the own name',
    mark: 'documented',
    source: 'Exchange 2003: Receive As on the mailbox store',
  },
  {
    id: 'strange-mailbox',
    what: 'A mailbox the account may not open is 403, one that is not there 404',
    mark: 'assumed',
    source: 'with Basic a challenge is as likely',
  },
  // Addresses
  {
    id: 'names-by-subject',
    what: 'Items are addressed by subject.EML, with -2, -3 when that is taken, and keep their name when the subject changes',
    mark: 'recorded',
    source: 'evolution-exchange docs/http',
  },
  {
    id: 'names-slash',
    what: 'A slash in a name is _xF8FF_ in a path',
    mark: 'recorded',
    source: 'DavMail StringUtil; FIELD-NOTES §3',
  },
  {
    id: 'names-others',
    what: 'Backslash is _xF8FE_; ? * " < > | ~ are _x003F_ and so on',
    mark: 'assumed',
    source: 'the pattern of the slash',
  },
  {
    id: 'permanent-url',
    what: 'permanenturl is -FlatUrlSpace- with the source keys of folder and item, and does not survive a move',
    mark: 'recorded',
    source: 'evolution-exchange docs/entryids',
  },
  {
    id: 'hidden-tree',
    what: 'NON_IPM_SUBTREE is reached by its name and never listed',
    mark: 'recorded',
    source: 'evolution-exchange docs/non-ipm-subtree',
  },
  {
    id: 'url-scan',
    what: 'A path that climbs or cannot be decoded is 404',
    mark: 'documented',
    source: 'URLScan 2.5; FIELD-NOTES §3',
  },
  // Answers
  {
    id: 'content-type',
    what: 'Answers of 207 are text/xml without a charset',
    mark: 'recorded',
    source: 'DavMail ExchangeDavRequest compares the whole header',
  },
  {
    id: 'status-before-prop',
    what: 'Within propstat the status comes before prop',
    mark: 'recorded',
    source: 'DavMail handlePropstat; Exchange 2000 XML pages',
  },
  {
    id: 'raw-digit-names',
    what: 'Element names that begin with a digit are written as they are, which is no XML',
    mark: 'recorded',
    source: 'evolution-exchange sanitize_bad_multistatus; DavMail ExchangeDavRequest',
  },
  {
    id: 'forbidden-characters',
    what: 'Characters that XML forbids go out as references',
    mark: 'assumed',
    source: 'recorded of EWS; here the harder case for a client',
  },
  {
    id: 'brief',
    what: 'Brief: t leaves missing properties out; without it they are in a propstat of 404',
    mark: 'recorded',
    source: 'evolution-exchange e2k-context.c',
  },
  {
    id: 'narrow-strings',
    what: 'A tag of the type 001e has question marks where code page 1252 has no letter',
    mark: 'assumed',
    source: 'FIELD-NOTES §3: 8-bit strings',
  },
  {
    id: 'gzip',
    what: 'GET is answered compressed to those who take it',
    mark: 'documented',
    source: 'Exchange 2003: data compression of OWA; DavMail asks for it',
  },
  {
    id: 'depth-infinity',
    what: 'PROPFIND goes one level deep at most: anything else is 403',
    mark: 'assumed',
    source: 'RFC 4918 9.1 allows it',
  },
  // Queries
  {
    id: 'sql-dialect',
    what: 'SELECT with aliases, SCOPE shallow, deep, hierarchical, comparisons, LIKE, IS NULL, AND, OR, NOT, CAST, ORDER BY',
    mark: 'documented',
    source: 'Exchange SDK aa123567, aa563085; queries of DavMail and evolution-exchange',
  },
  {
    id: 'sql-bad',
    what: 'What is no query is 422',
    mark: 'assumed',
    source: 'RFC 5323 leaves it open; 400 is as likely',
  },
  {
    id: 'sql-case',
    what: 'Texts are compared and sorted without their case; a missing property fulfils no comparison',
    mark: 'assumed',
    source: 'as restrictions of MAPI usually have it',
  },
  {
    id: 'row-ranges',
    what: 'Range: rows=0-99 and rows=-20, answered with Content-Range; 416 past the end',
    mark: 'recorded',
    source: 'evolution-exchange e2k-context.c; SDK page on range headers',
  },
  {
    id: 'row-range-of-nothing',
    what: 'A range that begins at 0 of an empty result is an empty answer',
    mark: 'assumed',
    source: 'DavMail asks rows=0-0 for what may not be there',
  },
  {
    id: 'series-in-queries',
    what: 'A query lists series as one item each and never their occurrences',
    mark: 'assumed',
    source: 'the SDK expands them for ranges of dates; a migration asks for none',
  },
  {
    id: 'public-shallow',
    what: 'Public folders, below /public/, are searched level by level only',
    mark: 'documented',
    source: 'SDK aa563085; DavMail getSubFolders',
  },
  // Manifests
  {
    id: 'manifest',
    what: 'An empty collblob names all, a later one what changed since; nothing new is an empty repl element',
    mark: 'documented',
    source: 'SDK ms877317 to ms877321',
  },
  {
    id: 'manifest-delete',
    what: 'A deletion is told with the repl-uid alone, moves away included',
    mark: 'documented',
    source: 'SDK ms877321',
  },
  {
    id: 'manifest-read',
    what: 'A change of a read flag is told by no manifest, and the resource tag stays as it was',
    mark: 'assumed',
    source:
      'it changes no mark of the item (evolution-exchange docs/mail); ICS would tell it: the harder case for a client',
  },
  {
    id: 'manifest-bad-blob',
    what: 'A collblob that is garbled, of another folder or too old is 400',
    mark: 'assumed',
    source: 'the SDK does not say',
  },
  {
    id: 'manifest-one-folder',
    what: 'A manifest is of one folder; only folders can be told of a whole tree',
    mark: 'assumed',
    source: 'the examples of the SDK are shallow',
  },
  // Reading and writing
  {
    id: 'flags-before-body',
    what: 'PidTagMessageFlags counts in a PROPPATCH before the first PUT only; later ones are taken and do nothing',
    mark: 'recorded',
    source: 'DavMail createMessage',
  },
  {
    id: 'put-alone-is-draft',
    what: 'A message that is put without flags is a draft',
    mark: 'assumed',
    source: 'FACTS §5: the harder case for a migration',
  },
  {
    id: 'post-is-draft',
    what: 'POST to a folder makes a message that stays a draft',
    mark: 'recorded',
    source: 'evolution-exchange docs/http',
  },
  {
    id: 'arrival',
    what: 'The time of arrival is that of the request unless datereceived is written, which it can be at any time',
    mark: 'recorded',
    source: 'DavMail updates datereceived after PUT',
  },
  {
    id: 'calendar-put',
    what: 'A message with text/calendar and the content class of an appointment is one; people in it become attendees, and nobody is told',
    mark: 'recorded',
    source: 'DavMail Event.createOrUpdate; that nobody is told is assumed',
  },
  {
    id: 'calendar-properties',
    what: 'An appointment is what its MAPI properties say, the recurrence blob 0x8216 included',
    mark: 'documented',
    source: '[MS-OXOCAL] 2.2.1; evolution-exchange reads them',
  },
  {
    id: 'calendar-unreadable-blob',
    what: 'A recurrence blob that cannot be read is refused with 400',
    mark: 'assumed',
    source: 'a store of MAPI keeps any bytes; refusing shows the mistake',
  },
  {
    id: 'has-attachments',
    what: 'PidTagHasAttachments does not count pictures inside of the body, nor modified occurrences',
    mark: 'assumed',
    source: '[MS-OXCMSG] 2.2.1.2 counts them all, EWS does not: the harder case for a client',
  },
  {
    id: 'attached-messages',
    what: 'Attached messages, exceptions of series among them, are read and written by the properties at their address, their people by to, cc and bcc; what is attached to them, one level deep, has an address below that',
    mark: 'assumed',
    source: 'attachments are addressed like this; that PROPPATCH reaches into them is a guess',
  },
  {
    id: 'recipients-by-header',
    what: 'to, cc and bcc of an appointment are its required people, optional people and resources',
    mark: 'assumed',
    source: 'as CDO maps them',
  },
  {
    id: 'patch-all-or-nothing',
    what: 'A PROPPATCH with a property that cannot be written writes none: 403 for it, 424 for the others',
    mark: 'documented',
    source: 'RFC 4918 9.2.1',
  },
  {
    id: 'etag-and-read',
    what: 'Reading a message changes neither its ETag nor its modification time',
    mark: 'recorded',
    source: 'evolution-exchange docs/mail',
  },
  {
    id: 'article-numbers',
    what: 'PidTagInternetArticleNumber grows when the body changes and stays when flags do',
    mark: 'recorded',
    source: 'evolution-exchange docs/mail',
  },
  {
    id: 'put-kind',
    what: 'A PUT or a PROPPATCH that would make another kind of an item is 403',
    mark: 'assumed',
    source: 'the lab has no item without a kind',
  },
  {
    id: 'move-clash',
    what: 'Overwrite: F is 412 on a clash, Allow-Rename: t finds another name, a missing folder is 409',
    mark: 'recorded',
    source: 'DavMail moveMessage; evolution-exchange docs/http',
  },
  {
    id: 'delete-is-soft',
    what: 'DELETE takes an item away at once; it can be recovered, and is not in Deleted Items',
    mark: 'assumed',
    source: 'deleted item retention of the time',
  },
  {
    id: 'default-folders-stay',
    what: 'Default folders are neither moved nor deleted: 403',
    mark: 'assumed',
    source: 'as other protocols of the store refuse it',
  },
  {
    id: 'locks',
    what: 'LOCK of an item keeps others out with 423 for three minutes',
    mark: 'documented',
    source: 'RFC 4918 6',
  },
  // Mail
  {
    id: 'submission',
    what: 'Mail is sent by MOVE or PUT to the submission address and in no other way; a sender that is somebody else is 403',
    mark: 'recorded',
    source: 'evolution-exchange docs/sending-mail',
  },
  {
    id: 'receipts',
    what: 'Marking as read and deleting unread mail send the receipt asked for, unless PidTagReadReceiptRequested is cleared before or with it',
    mark: 'assumed',
    source: 'the store does it for MAPI; [MS-OXCMSG] 2.2.1.29',
  },
  {
    id: 'meetings-silent',
    what: 'Whatever is done to a meeting by WebDAV tells nobody',
    mark: 'assumed',
    source: 'DavMail sends its invitations by SMTP',
  },
  // Notifications and the rest
  {
    id: 'subscriptions',
    what: 'SUBSCRIBE, POLL with 200, 204 and 412 for each, renewal, update/newmember for arrivals, delete without moves away',
    mark: 'recorded',
    source: 'evolution-exchange docs/subscriptions',
  },
  {
    id: 'subscriptions-addresses',
    what: 'SUBSCRIBE to a permanent address is 403; POLL renews, and knows only what was subscribed to at its own address',
    mark: 'documented',
    source: 'Exchange Server 2003 SDK, SUBSCRIBE Method and POLL Method; that other ids are answered 412 is assumed',
  },
  {
    id: 'subscriptions-udp',
    what: 'A Call-Back is taken, and no packet is sent',
    mark: 'assumed',
    source: 'firewalls swallow them: clients poll anyway',
  },
  {
    id: 'subscriptions-deep',
    what: 'Depth: infinity also watches the folders below',
    mark: 'assumed',
    source: 'the pages of the SDK name the header only',
  },
  {
    id: 'owa-commands',
    what: 'galfind, gallookup, freebusy and saveappt answer as OWA does',
    mark: 'recorded',
    source: 'DavMail galFind, galLookup, getFreeBusyData, loadVtimezone',
  },
  {
    id: 'free-busy-at-once',
    what: 'Free/busy follows the calendar at once; people of other organizations are unknown',
    mark: 'assumed',
    source: 'real servers publish it in a public folder, later',
  },
];
