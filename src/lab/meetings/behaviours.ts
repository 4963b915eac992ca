import type { StoreBehaviour } from '../behaviours.ts';
import type { EwsVersion } from '../seams.ts';

const since2010: readonly EwsVersion[] = ['2010', '2013', '2016', 'se'];

/** What the lab's meetings do — transport, attendants, assistants, clients, free/busy — and how we know. */
export const meetingBehaviours: readonly StoreBehaviour[] = [
  // Sending
  {
    id: 'meeting-send-choice',
    what: 'Invitations, updates and cancellations are sent by the SendMeeting… choice of the request, and by nothing else',
    mark: 'documented',
    source: 'EWS doc: createitem, updateitem, deleteitem',
  },
  {
    id: 'meeting-sent-marks',
    what: 'Sending sets PidLidFInvited, sequence, critical change and sequence time of the organizer’s copy',
    mark: 'documented',
    source: '[MS-OXOCAL] 3.1.4.6, 3.1.4.7',
  },
  {
    id: 'meeting-full-update',
    what: 'Another time or pattern is a full update and takes answers back; other changes are informational and do not',
    mark: 'documented',
    source: '[MS-OXOCAL] 2.2.6.5, 3.1.4.7.3',
  },
  {
    id: 'meeting-tracking-reset',
    what: 'With a full update the organizer’s tracking begins anew',
    mark: 'assumed',
    source: 'practice with Outlook',
  },
  {
    id: 'meeting-cancel-unsent',
    what: 'What was never sent is not cancelled with anybody',
    mark: 'assumed',
    source: 'follows from PidLidFInvited in [MS-OXOCAL]',
  },
  // Attendant
  {
    id: 'attendant-tentative',
    what: 'A request makes a tentative appointment at delivery, before anybody opens it',
    mark: 'documented',
    source: 'PSDOC Set-CalendarProcessing: AutomateProcessing, AddNewRequestsTentatively',
  },
  {
    id: 'room-processing-stored',
    what: 'Whether a room books is what its calendar options dictionary says (AutomateProcessing), whoever wrote it',
    mark: 'documented',
    source: '[MS-OXOCFG] 2.2.5.1.1',
  },
  {
    id: 'attendant-order',
    what: 'Messages are matched by CleanGlobalObjectId and day, and ordered by sequence and owner’s critical change',
    mark: 'documented',
    source: '[MS-OXOCAL] 3.1.5.1, 3.1.5.2',
  },
  {
    id: 'attendant-newer-wins',
    what: 'A copy without critical change times counts as older than any request of its sequence',
    mark: 'assumed',
    source: '[MS-OXOCAL] 3.1.5.2 says nothing of a missing value; the harder case',
  },
  {
    id: 'attendant-cancel',
    what: 'A cancelled appointment stays, free, with state 4 and “Canceled:” before its subject',
    mark: 'documented',
    source: '[MS-OXOCAL] 3.1.4.9.3; FACTS §9',
  },
  {
    id: 'attendant-response',
    what: 'Answers are tracked unless they are outdated; who answers uninvited becomes an optional attendee',
    mark: 'documented',
    source: '[MS-OXOCAL] 3.1.4.8.5.2',
  },
  {
    id: 'attendant-old-messages',
    what: 'RemoveOldMeetingMessages moves outdated requests and answers to Deleted Items',
    mark: 'documented',
    source: 'PSDOC Set-CalendarProcessing',
  },
  {
    id: 'attendant-external',
    what: 'ProcessExternalMeetingMessages keeps resource mailboxes from strangers’ requests; user mailboxes take all',
    mark: 'documented',
    source: 'PSDOC Set-CalendarProcessing; FIELD-NOTES §2',
  },
  {
    id: 'attendant-delay',
    what: 'The attendant works in the turn of the delivery (setting: later)',
    mark: 'assumed',
    source: 'it is event driven; how long it takes is not published',
  },
  {
    id: 'booking',
    what: 'A room that accepts by itself declines conflicts, what is too long or too far ahead, and keeps the organizer’s name for a subject',
    mark: 'documented',
    source: 'PSDOC Set-CalendarProcessing, defaults',
  },
  // Clients
  {
    id: 'client-unprocessed',
    what: 'A client processes requests and answers in the Inbox that lack PidTagProcessed, whoever put them there',
    mark: 'documented',
    source: '[MS-OXOCAL] 3.1.4.7.4.1, 3.1.4.8.5.1',
  },
  {
    id: 'client-sends-unsent',
    what: 'A meeting with PidLidFInvited false is offered for sending when its owner edits it, and people send it',
    mark: 'assumed',
    source: 'FIELD-NOTES §2, practice',
  },
  {
    id: 'client-reminders',
    what: 'Reminders ring by PidLidReminderSignalTime, also those of the past',
    mark: 'documented',
    source: '[MS-OXORMDR] 3.1.4.1',
  },
  {
    id: 'phone-recreates',
    what: 'A phone may change an event by deleting it and making it again, without sequence, critical changes and named properties',
    mark: 'assumed',
    source: '[MS-ASCAL] 2.2.2 has no such elements; that programs do it is practice',
  },
  // Repair Assistant
  {
    id: 'repair-window',
    what: 'The Repair Assistant opens each user mailbox once a day and looks 30 days ahead (2010, 2013) or 7',
    versions: since2010,
    mark: 'documented',
    source: 'PSDOC Set-MailboxServer',
  },
  {
    id: 'repair-window-back',
    what: 'and three days back',
    versions: since2010,
    mark: 'assumed',
    source: 'KB 3019798 speaks of a few days',
  },
  {
    id: 'repair-truth',
    what: 'The organizer’s copy is right, but for the attendee’s answer',
    versions: since2010,
    mark: 'documented',
    source: 'learn.microsoft.com ee424432(v=exchg.140)',
  },
  {
    id: 'repair-messages',
    what: 'It corrects by messages that are processed at once and put into Deleted Items',
    versions: since2010,
    mark: 'documented',
    source: 'learn.microsoft.com ee424432(v=exchg.140)',
  },
  {
    id: 'repair-intent',
    what: 'It makes a missing copy again unless the version store knows that it was declined or deleted on purpose; deletions through EWS do not tell',
    versions: since2010,
    mark: 'assumed',
    source: 'ee424432 names the record, [MS-OXOCAL] 2.2.2.4 its bits; which clients write them is practice',
  },
  {
    id: 'repair-organizer-missing',
    what: 'A copy whose organizer does not have the meeting, or does not list the attendee, is cancelled',
    versions: since2010,
    mark: 'assumed',
    source: 'FACTS §9; the pages name the case, not the message',
  },
  {
    id: 'repair-own-organizer',
    what: 'An attendee’s copy that names the owner of its own mailbox as organizer is compared with nothing',
    versions: since2010,
    mark: 'assumed',
    source: 'programs that make copies over EWS leave such everywhere, and nobody tells that they were cancelled',
  },
  {
    id: 'repair-inside',
    what: 'It compares mailboxes of its own organization only, and skips resources and disabled mailboxes',
    versions: since2010,
    mark: 'documented',
    source: 'PSDOC Set-Mailbox: CalendarRepairDisabled; ee424432',
  },
  {
    id: 'repair-recipients',
    what: 'It knows people by every proxy address that the directory has of them, organizers and attendees alike',
    versions: since2010,
    mark: 'assumed',
    source: 'EXDOC recipient-resolution says it of all recipients; nobody says it of the assistant by name',
  },
  {
    id: 'repair-flags',
    what: 'Names of inconsistencies in its log',
    versions: since2010,
    mark: 'assumed',
    source: 'no complete public list was found',
  },
  // Transport
  {
    id: 'target-address',
    what: 'targetAddress redirects everything and leaves no copy; repair messages follow it too',
    mark: 'documented',
    source: 'EXDOC recipient-resolution; FIELD-NOTES §5',
  },
  {
    id: 'hop-count',
    what: 'A message passes 30 servers (2007, 2010) or 60 at most, then it bounces',
    mark: 'documented',
    source: 'PSDOC Set-ReceiveConnector: MaxHopCount (60); 30 in older versions is practice',
  },
  {
    id: 'tnef-loss',
    what: 'Without TNEF between organizations meetings arrive as iMIP or as text (setting)',
    mark: 'documented',
    source: 'PSDOC Set-RemoteDomain: TNEFEnabled; [MS-OXCICAL]',
  },
  // Free/busy and delegates
  {
    id: 'free-busy-levels',
    what: 'Views become as poor as the rights of the asker; the answer says which view it is',
    mark: 'documented',
    source: 'EWS doc: freebusyviewtype',
  },
  {
    id: 'free-busy-opaque',
    what: 'Another organization answers with times and status only, without working hours',
    mark: 'assumed',
    source: 'availability address spaces can be given more; the poorer case',
  },
  {
    id: 'free-busy-local-times',
    what: 'Event times are those of the request’s zone, without an offset',
    mark: 'recorded',
    source: 'ews/fixtures/viewpoint ews_soap_free_busy_response_spec',
  },
  {
    id: 'free-busy-window',
    what: 'A window of more than 42 (2007) or 62 days is ErrorTimeIntervalTooBig',
    mark: 'assumed',
    source: 'EWS doc: responsecode names it, not the number',
  },
  {
    id: 'delegate-copies',
    what: 'Delegates who are to get them receive copies of requests, which do nothing to their own calendars',
    mark: 'documented',
    source: '[MS-OXODLGT]; EWS doc: delivermeetingrequests',
  },
];
