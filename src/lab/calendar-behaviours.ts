import type { StoreBehaviour } from './behaviours.ts';
import type { EwsVersion } from './seams.ts';

const since2010: readonly EwsVersion[] = ['2010', '2013', '2016', 'se'];

/** How appointments behave, and how we know. What becomes of invitations and answers is in the table of meetings. */
export const calendarBehaviours: readonly StoreBehaviour[] = [
  // Series
  {
    id: 'series-one-item',
    what: 'Feeds and finds show a series as one item; its occurrences are seen through CalendarView and by id or place',
    mark: 'documented',
    source: 'EWS doc: calendarview, occurrenceitemid; FACTS §2',
  },
  {
    id: 'series-feed-fields',
    what: 'Feeds and finds leave out Body, Recurrence, first, last, modified and deleted occurrences, and attendees',
    mark: 'documented',
    source: 'EWS doc: property-sets-and-response-shapes-in-ews-in-exchange; first, last and attendees assumed',
  },
  {
    id: 'series-wall-time',
    what: 'A series keeps its wall time in its zone over changes of the clock',
    mark: 'documented',
    source: '[MS-OXOCAL] 2.2.1.44.5: offsets are minutes after midnight of the day',
  },
  {
    id: 'series-short-months',
    what: 'A month too short for the day of a pattern has it on its last day',
    mark: 'documented',
    source: '[MS-OXOCAL] 2.2.1.44.1.3; EWS doc: dayofmonth',
  },
  {
    id: 'series-new-pattern',
    what: 'A Recurrence in an update erases every exception and deletion with its attachments, also when it is the old one again',
    mark: 'documented',
    source: '[MS-OXOCAL] 3.1.4.7.3.5; that an equal one does so too is assumed',
  },
  {
    id: 'series-moved',
    what: 'Another start, end or zone of a series erases every exception and deletion',
    mark: 'assumed',
    source: '[MS-OXOCAL] 3.1.4.7.3.5 speaks of the pattern; the times of day are part of it',
  },
  {
    id: 'series-start-snaps',
    what: 'A series starts at the first day from its StartDate on that fits the pattern, at the time of day of Start',
    mark: 'assumed',
    source: '[MS-OXOCAL] 2.2.1.44.1: FirstDateTime',
  },
  {
    id: 'series-index',
    what: 'An occurrence keeps its InstanceIndex when others are deleted; a deleted one is an error of its own',
    mark: 'documented',
    source: 'EWS doc: occurrenceitemid; ErrorCalendarOccurrenceIsDeletedFromRecurrence',
  },
  {
    id: 'exception-overrides',
    what: 'An exception holds what differs; other changes of the master show through',
    mark: 'documented',
    source: '[MS-OXOCAL] 2.2.1.44.2: override flags',
  },
  {
    id: 'exception-change-key',
    what: 'A change of an exception moves the change key of its master, which exceptions share',
    mark: 'documented',
    source: 'EWS doc: occurrenceitemid',
  },
  {
    id: 'exception-class',
    what: 'Occurrences have the class IPM.Appointment.Occurrence, exceptions IPM.OLE.CLASS.{00061055-…}',
    mark: 'recorded',
    source: 'pyexchange GET_EVENT_OCCURRENCE; [MS-OXOCAL] 2.2.10.1.6 for exceptions',
  },
  {
    id: 'exception-crossing',
    what: 'An occurrence can neither cross nor overlap a neighbour, nor lie on its day',
    mark: 'documented',
    source: 'EWS doc: ErrorOccurrenceCrossingBoundary',
  },
  {
    id: 'occurrence-deleted-for-good',
    what: 'A deleted occurrence goes nowhere; the last one of a series cannot be deleted',
    mark: 'assumed',
    source: 'practice; no page names the code',
  },
  {
    id: 'is-recurring',
    what: 'IsRecurring is true of occurrences and exceptions, false of masters',
    mark: 'recorded',
    source: 'garethp-php-ews RecurringEventSupport; pyexchange',
  },
  {
    id: 'view-two-years',
    what: 'A CalendarView spans two years at most and goes with no restriction',
    mark: 'documented',
    source: 'EWS doc: calendarview',
  },
  // Zones and times
  {
    id: 'zone-rules',
    what: 'Zones have the rules of IANA’s zone for the Windows one, in past and future years',
    mark: 'assumed',
    source: 'Windows keeps rules of its own per year, mostly the same',
  },
  {
    id: 'zone-gap',
    what: 'A wall time that the clock skips is moved forward; of one that comes twice the first counts',
    mark: 'assumed',
    source: 'no page says it',
  },
  {
    id: 'zone-default',
    what: 'Without a zone in request or TimeZoneContext, UTC counts; in 2007 the server’s zone, here W. Europe',
    mark: 'assumed',
    source: 'EWS doc: timezonecontext; recorded for later versions (TimeZone is UTC) in garethp-php-ews',
  },
  {
    id: 'zone-custom',
    what: 'Definitions of zones that the server does not know are kept and spelt out when asked for',
    mark: 'documented',
    source: 'EWS doc: timezonedefinition, meetingtimezone',
  },
  {
    id: 'zone-asked-only',
    what: 'StartTimeZone, EndTimeZone and MeetingTimeZone are shown when asked for by name only',
    mark: 'recorded',
    source: 'garethp-php-ews GetCalendarItem; pyexchange shows MeetingTimeZone',
  },
  {
    id: 'times-in-minutes',
    what: 'Seconds of start and end are cut off',
    mark: 'assumed',
    source: '[MS-OXOCAL] counts in minutes',
  },
  {
    id: 'all-day-midnights',
    what: 'All-day appointments are stretched to midnights of their start zone',
    mark: 'documented',
    source: 'EWS doc: isalldayevent; [MS-OXOCAL] 2.2.1.9',
  },
  // Identity and meetings
  {
    id: 'uid-once',
    what: 'UID and global object ids say the same; given at creation by one of them, fixed afterwards: a UID in an update is refused, the properties are ignored',
    mark: 'documented',
    source: 'EWS doc: uid; [MS-OXOCAL] 2.2.1.27, 28; that the properties are ignored is assumed',
  },
  {
    id: 'uid-wrapped',
    what: 'A UID that is no global object id is wrapped into one, and shown as it was',
    mark: 'documented',
    source: '[MS-OXOCAL] 2.2.1.27; [MS-OXCICAL] 2.1.3.1.1.20.26',
  },
  {
    id: 'owner-organizes',
    what: 'Whoever is named in 0x0042, 0x0065 and their like, the owner of the mailbox is the organizer of what is created',
    mark: 'assumed',
    source: 'Organizer is read-only (EWS doc: organizer); the properties are unproven, so the worse case',
  },
  {
    id: 'finvited-false',
    what: 'PidLidFInvited is false unless the request sets it',
    mark: 'documented',
    source: '[MS-OXOCAL] 2.2.1.44; FIELD-NOTES §2',
  },
  {
    id: 'state-as-sent',
    what: 'State flags, response, sequence, critical changes and reply time are kept as the creating request sets them by their properties',
    mark: 'assumed',
    source: 'extended properties are written to the store as they are (EWS doc: properties-and-extended-properties)',
  },
  {
    id: 'ids-as-sent',
    what: 'Global object id and clean global object id are kept as the creating request says them, also where they do not belong together; one that it does not say follows from the other, or from the UID',
    mark: 'assumed',
    source:
      'extended properties are written to the store as they are (EWS doc: properties-and-extended-properties); that a server mends one by the other is the easier case',
  },
  {
    id: 'attendee-response-ignored',
    what: 'Responses of attendees cannot be written: they come out as Unknown, those known before stay',
    mark: 'recorded',
    source: 'exchangelib issue 963',
  },
  {
    id: 'sequence-counts',
    what: 'Another time or pattern of an organizer’s meeting raises the sequence and the owner’s critical change, also with SendToNone',
    mark: 'assumed',
    source: '[MS-OXOCAL] 3.1.4.6.1 raises it when updates are sent; the worse case for who compares',
  },
  {
    id: 'mime-drops-meeting',
    what: 'iCalendar in MimeContent makes an appointment: attendees, organizer and exceptions are not taken over',
    mark: 'documented',
    source: 'EWS doc: how-to-import-items-by-using-ews-in-exchange; exceptions assumed',
  },
  {
    id: 'calendar-html',
    what: 'HTML bodies of appointments come back with a head that names the character set',
    mark: 'assumed',
    source: 'practice',
  },
  {
    id: 'reminder-default',
    what: 'Without a word about it a created appointment reminds 15 minutes before, also in the past',
    mark: 'recorded',
    source: 'garethp-php-ews GetCalendarItem',
  },
  {
    id: 'recur-blob',
    what: 'PidLidAppointmentRecur shows the series with its exceptions; written, it is the series as it stands there, whether or not that makes sense; one that cannot be read is refused',
    mark: 'assumed',
    source: '[MS-OXOCAL] 2.2.1.44; that it can be written over EWS, and the refusal, are assumed',
  },
  {
    id: 'calendar-stream',
    what: 'Streams carry appointments whole: organizer, attendees with responses, exceptions with attachments',
    versions: since2010,
    mark: 'documented',
    source: 'EWS doc: exporting-and-importing-items-by-using-ews-in-exchange; [MS-OXCFXICS] 2.2.4',
  },
  {
    id: 'stream-refused',
    what: 'A stream that ends too soon, has records, types or parts that nobody knows, pieces over 32 KiB, or a series that cannot be read is refused with ErrorCorruptData; nothing else of it is checked',
    versions: since2010,
    mark: 'assumed',
    source: 'no page says it',
  },
  {
    id: 'stream-organizer-row',
    what: 'The row of an organizer who has no answer is no attendee',
    versions: since2010,
    mark: 'assumed',
    source: '[MS-OXOCAL] 2.2.4.10.1 requires the row',
  },
];
