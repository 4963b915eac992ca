import type { EwsVersion } from '../seams.ts';
import {
  createAppointment,
  deleteItem,
  field,
  getItems,
  itemId,
  updateAppointment,
  view,
} from './calendar-requests.ts';
import type { RefusalRow, RefusalStage } from './refusals.ts';

const since2010: readonly EwsVersion[] = ['2010', '2013', '2016', 'se'];

type Row = Omit<RefusalRow, 'kind' | 'source'>;
const message = (source: string, rows: readonly Row[]): readonly RefusalRow[] =>
  rows.map((row) => ({ ...row, kind: 'message', source }));

const times = '<t:Start>2031-03-13T08:00:00Z</t:Start><t:End>2031-03-13T09:00:00Z</t:End>';
const numbered = (count = 3, start = '2031-03-13'): string =>
  `<t:NumberedRecurrence><t:StartDate>${start}</t:StartDate><t:NumberOfOccurrences>${count}</t:NumberOfOccurrences></t:NumberedRecurrence>`;
const until = (start: string, end: string): string =>
  `<t:EndDateRecurrence><t:StartDate>${start}</t:StartDate><t:EndDate>${end}</t:EndDate></t:EndDateRecurrence>`;
const series =
  (pattern: string, range = numbered(), when = times) =>
  (): string =>
    createAppointment(`${when}<t:Recurrence>${pattern}${range}</t:Recurrence>`);
const daily = (interval: number): string =>
  `<t:DailyRecurrence><t:Interval>${interval}</t:Interval></t:DailyRecurrence>`;
const weekly = (days: string, interval = 1): string =>
  `<t:WeeklyRecurrence><t:Interval>${interval}</t:Interval><t:DaysOfWeek>${days}</t:DaysOfWeek></t:WeeklyRecurrence>`;
const monthly = (day: number, interval = 1): string =>
  `<t:AbsoluteMonthlyRecurrence><t:Interval>${interval}</t:Interval><t:DayOfMonth>${day}</t:DayOfMonth></t:AbsoluteMonthlyRecurrence>`;
const occurrence = (s: RefusalStage, index: number): string =>
  `<t:OccurrenceItemId RecurringMasterId="${s.series}" InstanceIndex="${index}"/>`;
const calendar = '<t:DistinguishedFolderId Id="calendar"/>';
const attendee = '<t:Mailbox><t:EmailAddress>a@x.test</t:EmailAddress></t:Mailbox>';
const moveTo = (operation: string, id: string): string =>
  `<m:${operation}><m:ToFolderId>${calendar}</m:ToFolderId><m:ItemIds>${id}</m:ItemIds></m:${operation}>`;

/** Fields of an appointment that only the server writes. (EWS doc: calendaritem; FACTS §2) */
const serverFields: Readonly<Record<string, string>> = {
  Organizer: `<t:Organizer>${attendee}</t:Organizer>`,
  IsMeeting: '<t:IsMeeting>true</t:IsMeeting>',
  IsCancelled: '<t:IsCancelled>true</t:IsCancelled>',
  IsRecurring: '<t:IsRecurring>true</t:IsRecurring>',
  MeetingRequestWasSent: '<t:MeetingRequestWasSent>true</t:MeetingRequestWasSent>',
  CalendarItemType: '<t:CalendarItemType>Exception</t:CalendarItemType>',
  MyResponseType: '<t:MyResponseType>Accept</t:MyResponseType>',
  Duration: '<t:Duration>PT1H</t:Duration>',
  TimeZone: '<t:TimeZone>UTC</t:TimeZone>',
  AppointmentReplyTime: '<t:AppointmentReplyTime>2031-01-01T00:00:00Z</t:AppointmentReplyTime>',
  AppointmentSequenceNumber: '<t:AppointmentSequenceNumber>3</t:AppointmentSequenceNumber>',
  AppointmentState: '<t:AppointmentState>3</t:AppointmentState>',
  OriginalStart: '<t:OriginalStart>2031-01-01T00:00:00Z</t:OriginalStart>',
  ConflictingMeetingCount: '<t:ConflictingMeetingCount>1</t:ConflictingMeetingCount>',
};

/** What Exchange refuses about appointments. */
export const calendarRefusals: readonly RefusalRow[] = [
  ...message('EWS doc: responsecode', [
    {
      id: 'calendar-end-before-start',
      request: () => createAppointment('<t:Start>2031-03-13T08:00:00Z</t:Start><t:End>2031-03-13T07:00:00Z</t:End>'),
      code: 'ErrorCalendarEndDateIsEarlierThanStartDate',
    },
    {
      id: 'calendar-update-end-before-start',
      request: (s) => updateAppointment(itemId(s.single), [['calendar:End', '<t:End>2001-01-01T00:00:00Z</t:End>']]),
      code: 'ErrorCalendarEndDateIsEarlierThanStartDate',
    },
    {
      id: 'calendar-too-long',
      request: () => createAppointment('<t:Start>2031-03-13T08:00:00Z</t:Start><t:End>2036-05-13T08:00:00Z</t:End>'),
      code: 'ErrorCalendarDurationIsTooLong',
    },
    {
      id: 'calendar-before-1601',
      request: () => createAppointment('<t:Start>1500-03-13T08:00:00Z</t:Start><t:End>1500-03-13T09:00:00Z</t:End>'),
      code: 'ErrorCalendarOutOfRange',
    },
    {
      id: 'calendar-after-4500',
      request: () => createAppointment('<t:Start>4501-03-13T08:00:00Z</t:Start><t:End>4501-03-13T09:00:00Z</t:End>'),
      code: 'ErrorCalendarOutOfRange',
    },
    {
      id: 'calendar-weekly-on-weekday',
      request: series(weekly('Weekday')),
      code: 'ErrorCalendarInvalidDayForWeeklyRecurrence',
    },
    {
      id: 'calendar-range-backwards',
      request: series(daily(1), until('2031-03-13', '2031-03-12')),
      code: 'ErrorCalendarEndDateIsEarlierThanStartDate',
    },
    {
      id: 'calendar-no-occurrence',
      request: series(weekly('Monday'), until('2031-03-13', '2031-03-15')),
      code: 'ErrorRecurrenceHasNoOccurrence',
    },
    {
      id: 'calendar-occurrences-overlap',
      request: series(
        daily(1),
        numbered(),
        '<t:Start>2031-03-13T08:00:00Z</t:Start><t:End>2031-03-14T09:00:00Z</t:End>',
      ),
      code: 'ErrorOccurrenceTimeSpanTooBig',
    },
    {
      id: 'calendar-index-zero',
      request: (s) => getItems(occurrence(s, 0)),
      code: 'ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange',
    },
    {
      id: 'calendar-index-beyond',
      request: (s) => getItems(occurrence(s, 7)),
      code: 'ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange',
    },
    {
      id: 'calendar-get-deleted-occurrence',
      request: (s) => getItems(occurrence(s, 5)),
      code: 'ErrorCalendarOccurrenceIsDeletedFromRecurrence',
    },
    {
      id: 'calendar-update-deleted-occurrence',
      request: (s) => updateAppointment(occurrence(s, 5), [['item:Subject', '<t:Subject>x</t:Subject>']]),
      code: 'ErrorCalendarOccurrenceIsDeletedFromRecurrence',
    },
    {
      id: 'calendar-delete-deleted-occurrence',
      request: (s) => deleteItem(occurrence(s, 5)),
      code: 'ErrorCalendarOccurrenceIsDeletedFromRecurrence',
    },
    {
      id: 'calendar-index-of-single',
      request: (s) => getItems(`<t:OccurrenceItemId RecurringMasterId="${s.single}" InstanceIndex="1"/>`),
      code: 'ErrorCalendarCannotUseIdForRecurringMasterId',
    },
    {
      id: 'calendar-index-of-occurrence',
      request: (s) => getItems(`<t:OccurrenceItemId RecurringMasterId="${s.occurrence}" InstanceIndex="1"/>`),
      code: 'ErrorCalendarCannotUseIdForRecurringMasterId',
    },
    {
      id: 'calendar-master-of-master',
      request: (s) => getItems(`<t:RecurringMasterItemId OccurrenceId="${s.series}"/>`),
      code: 'ErrorCalendarCannotUseIdForOccurrenceId',
    },
    {
      id: 'calendar-move-occurrence',
      request: (s) => moveTo('MoveItem', occurrence(s, 1)),
      code: 'ErrorCalendarCannotMoveOrCopyOccurrence',
    },
    {
      id: 'calendar-copy-occurrence',
      request: (s) => moveTo('CopyItem', itemId(s.occurrence)),
      code: 'ErrorCalendarCannotMoveOrCopyOccurrence',
    },
    {
      id: 'calendar-cross-next',
      request: (s) =>
        updateAppointment(occurrence(s, 1), [
          ['calendar:Start', '<t:Start>2031-03-28T08:00:00Z</t:Start>'],
          ['calendar:End', '<t:End>2031-03-28T09:00:00Z</t:End>'],
        ]),
      code: 'ErrorOccurrenceCrossingBoundary',
    },
    {
      id: 'calendar-overlap-next',
      request: (s) => updateAppointment(occurrence(s, 1), [['calendar:End', '<t:End>2031-03-20T08:30:00Z</t:End>']]),
      code: 'ErrorOccurrenceCrossingBoundary',
    },
    {
      id: 'calendar-unknown-zone',
      versions: since2010,
      request: () => createAppointment(`${times}<t:StartTimeZone Id="Middle Earth Standard Time"/>`),
      code: 'ErrorTimeZone',
    },
    {
      id: 'calendar-zone-change-on-weekday',
      request: () =>
        createAppointment(
          `${times}<t:MeetingTimeZone TimeZoneName="Mine"><t:BaseOffset>PT60M</t:BaseOffset>${['Standard', 'Daylight']
            .map(
              (name) =>
                `<t:${name} TimeZoneName="x"><t:Offset>PT0M</t:Offset><t:RelativeYearlyRecurrence><t:DaysOfWeek>Weekday</t:DaysOfWeek><t:DayOfWeekIndex>Last</t:DayOfWeekIndex><t:Month>March</t:Month></t:RelativeYearlyRecurrence><t:Time>02:00:00</t:Time></t:${name}>`,
            )
            .join('')}</t:MeetingTimeZone>`,
        ),
      code: 'ErrorCalendarInvalidDayForTimeChangePattern',
    },
    {
      id: 'calendar-view-too-wide',
      request: () => view('2031-01-01T00:00:00Z', '2033-02-01T00:00:00Z'),
      code: 'ErrorCalendarViewRangeTooBig',
    },
    {
      id: 'calendar-view-backwards',
      request: () => view('2031-02-01T00:00:00Z', '2031-01-01T00:00:00Z'),
      code: 'ErrorCalendarEndDateIsEarlierThanStartDate',
    },
    {
      id: 'calendar-in-inbox',
      request: () => createAppointment(times, undefined, '<t:DistinguishedFolderId Id="inbox"/>'),
      code: 'ErrorCannotCreateCalendarItemInNonCalendarFolder',
    },
  ]),
  ...message('EWS doc: responsecode, calendaritem; which of the codes is assumed', [
    { id: 'calendar-daily-zero', request: series(daily(0)), code: 'ErrorCalendarInvalidRecurrence' },
    { id: 'calendar-daily-1000', request: series(daily(1000)), code: 'ErrorCalendarInvalidRecurrence' },
    { id: 'calendar-weekly-100', request: series(weekly('Monday', 100)), code: 'ErrorCalendarInvalidRecurrence' },
    { id: 'calendar-monthly-100', request: series(monthly(3, 100)), code: 'ErrorCalendarInvalidRecurrence' },
    { id: 'calendar-monthly-on-0', request: series(monthly(0)), code: 'ErrorCalendarInvalidRecurrence' },
    { id: 'calendar-monthly-on-32', request: series(monthly(32)), code: 'ErrorCalendarInvalidRecurrence' },
    { id: 'calendar-no-times', request: series(daily(1), numbered(0)), code: 'ErrorCalendarInvalidRecurrence' },
    { id: 'calendar-1000-times', request: series(daily(1), numbered(1000)), code: 'ErrorCalendarInvalidRecurrence' },
    {
      id: 'calendar-busy-nodata',
      request: () => createAppointment(`${times}<t:LegacyFreeBusyStatus>NoData</t:LegacyFreeBusyStatus>`),
      code: 'ErrorCalendarInvalidPropertyValue',
    },
    {
      id: 'calendar-uid-empty',
      request: () => createAppointment(`<t:UID></t:UID>${times}`),
      code: 'ErrorCalendarInvalidPropertyValue',
    },
    {
      id: 'calendar-uid-fixed',
      request: (s) => updateAppointment(itemId(s.single), [['calendar:UID', '<t:UID>x</t:UID>']]),
      code: 'ErrorInvalidPropertySet',
    },
    {
      id: 'calendar-uid-not-removed',
      request: (s) => removeField(s.single, 'calendar:UID'),
      code: 'ErrorInvalidPropertyDelete',
    },
    {
      id: 'calendar-start-not-removed',
      request: (s) => removeField(s.single, 'calendar:Start'),
      code: 'ErrorInvalidPropertyDelete',
    },
    {
      id: 'calendar-series-in-occurrence',
      request: (s) =>
        updateAppointment(occurrence(s, 1), [
          ['calendar:Recurrence', `<t:Recurrence>${daily(1)}${numbered()}</t:Recurrence>`],
        ]),
      code: 'ErrorCalendarInvalidPropertyState',
    },
    {
      id: 'calendar-last-occurrence-stays',
      request: (s) => deleteItem(`<t:OccurrenceItemId RecurringMasterId="${s.lonelySeries}" InstanceIndex="1"/>`),
      code: 'ErrorRecurrenceHasNoOccurrence',
    },
    {
      id: 'calendar-attendee-without-address',
      request: () =>
        createAppointment(`${times}<t:RequiredAttendees><t:Attendee><t:Mailbox/></t:Attendee></t:RequiredAttendees>`),
      code: 'ErrorInvalidRecipients',
    },
    {
      id: 'calendar-occurrence-garbled',
      request: (s) => getItems(itemId(`${s.occurrence.slice(0, -1)}${s.occurrence.endsWith('A') ? 'B' : 'A'}`)),
      code: 'ErrorInvalidIdMalformed',
    },
    {
      id: 'calendar-export-occurrence',
      versions: since2010,
      request: (s) => `<m:ExportItems><m:ItemIds>${itemId(s.occurrence)}</m:ItemIds></m:ExportItems>`,
      code: 'ErrorCalendarCannotMoveOrCopyOccurrence',
    },
    {
      id: 'calendar-view-no-rows',
      request: () => view('2031-01-01T00:00:00Z', '2031-02-01T00:00:00Z', ' MaxEntriesReturned="0"'),
      code: 'ErrorInvalidPagingMaxRows',
    },
  ]),
  ...message(
    'EWS doc: calendaritem (read-only properties)',
    Object.entries(serverFields).map(([name, xml]) => ({
      id: `calendar-read-only-${name.toLowerCase()}`,
      request: () => createAppointment(xml),
      code: 'ErrorInvalidPropertySet',
    })),
  ),
];

function removeField(id: string, uri: string): string {
  return `<m:UpdateItem ConflictResolution="AlwaysOverwrite" SendMeetingInvitationsOrCancellations="SendToNone"><m:ItemChanges><t:ItemChange>${itemId(id)}<t:Updates><t:DeleteItemField>${field(uri)}</t:DeleteItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`;
}
