import type { XmlElement } from '#formats/text/xml-read.ts';
import { type BusySource, type BusyTime, busySource, busyTimes, mergedStream } from '../../meetings/free-busy.ts';
import { atLeast } from '../../world/calendar-rights.ts';
import { itemIdOf } from '../../world/ids.ts';
import { instantOf, spanIn, wallOf, windowsZone, type YearlyChange, type Zone } from '../../world/zone.ts';
import { asEwsError } from '../answer.ts';
import { busyStatuses } from '../calendar-draft.ts';
import type { Context } from '../context.ts';
import { EwsError, EwsFault } from '../ews-error.ts';
import type { Operation } from '../operation.ts';
import { child, childText, kids } from '../request.ts';
import { esc, t, type Xml } from '../xml-out.ts';
import { weekdays } from '../zone-xml.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** People asked about in one request. (EWS doc: getuseravailability-operation) */
const mailboxesMax = 100;

interface Asked {
  readonly zone: Zone;
  readonly fromMs: number;
  readonly toMs: number;
  readonly intervalMs: number;
  readonly view: string;
}

/** EWS doc: getuseravailability-operation. What concerns all of the request is a SOAP fault, what concerns one person a message. */
export const getUserAvailability: Operation = {
  request: 'GetUserAvailabilityRequest',
  name: 'GetUserAvailability',
  since: 'Exchange2007',
  run(request, context): Xml {
    // Impersonation does not reach it. (blogs.msdn.com/mstehle, 24 June 2009)
    if (context.serverVersion === '2007' && context.actingAs !== context.caller.user && context.actingAs !== null)
      throw new EwsFault('ErrorImpersonationFailed', 'Availability is not asked on behalf of others.');
    const asked = readRequest(request, context);
    const mailboxes = kids(child(request, 'MailboxDataArray'));
    if (mailboxes.length === 0) throw new EwsFault('ErrorInvalidRequest', 'Nobody is asked about.');
    if (mailboxes.length > mailboxesMax)
      throw new EwsFault('ErrorExceededFindCountLimit', `No more than ${mailboxesMax} mailboxes at a time.`);
    return [
      '<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>',
      mailboxes.map((one) => answerFor(context, one, asked)),
      '</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>',
    ];
  },
};

function readRequest(request: XmlElement, context: Context): Asked {
  const given = child(request, 'TimeZone');
  const zone = given === null ? context.timeZone : readSerializableZone(given);
  if (zone === null) throw new EwsFault('ErrorTimeZone', 'The request needs a time zone.');
  const options = child(request, 'FreeBusyViewOptions');
  if (options === null) throw new EwsFault('ErrorInvalidRequest', 'FreeBusyViewOptions are missing.');
  const window = child(options, 'TimeWindow');
  const fromMs = readTime(childText(window ?? options, 'StartTime') ?? '', zone);
  const toMs = readTime(childText(window ?? options, 'EndTime') ?? '', zone);
  if (!(fromMs < toMs)) throw new EwsFault('ErrorInvalidTimeInterval', 'The time window is empty.');
  // Six weeks in 2007, two months later. (assumed from the pages on the Availability service)
  const daysMax = context.serverVersion === '2007' ? 42 : 62;
  if (toMs - fromMs > daysMax * dayMs)
    throw new EwsFault('ErrorTimeIntervalTooBig', `The time window is longer than ${daysMax} days.`);
  const minutes = Number(childText(options, 'MergedFreeBusyIntervalInMinutes') ?? 30);
  const least = context.serverVersion === '2007' || context.serverVersion === '2010' ? 6 : 5;
  if (!(minutes >= least && minutes <= 1440))
    throw new EwsFault('ErrorInvalidMergedFreeBusyInterval', `An interval has ${least} to 1440 minutes.`);
  const view = (childText(options, 'RequestedView') ?? 'MergedOnly').trim();
  if (view === 'None' || view.includes(' '))
    throw new EwsFault('ErrorInvalidFreeBusyViewType', 'This view cannot be asked for.');
  return { zone, fromMs, toMs, intervalMs: minutes * minuteMs, view };
}

/** Without an offset a time is one of the request's zone. */
function readTime(text: string, zone: Zone): number {
  const hasOffset = /(?:Z|[+-]\d\d:\d\d)$/.test(text);
  const ms = Date.parse(hasOffset ? text : `${text}Z`);
  if (!Number.isFinite(ms)) throw new EwsFault('ErrorInvalidTimeInterval', 'The time window is not valid.');
  return hasOffset ? ms : instantOf(zone, ms);
}

/** `t:SerializableTimeZone`: biases are minutes to be added to local time. (EWS doc: timezone-availability) */
function readSerializableZone(element: XmlElement): Zone {
  const bias = Number(childText(element, 'Bias') ?? 0);
  const change = (name: string): YearlyChange | null => {
    const inner = child(element, name);
    if (inner === null) return null;
    const [hours = 0, minutes = 0] = (childText(inner, 'Time') ?? '00:00').split(':').map(Number);
    const nth = Number(childText(inner, 'DayOrder') ?? 1);
    const year = childText(inner, 'Year');
    return {
      month: Number(childText(inner, 'Month') ?? 0),
      // With a year the day is one of the month, otherwise the nth weekday.
      weekday: year === null ? weekdays.indexOf((childText(inner, 'DayOfWeek') ?? 'Sunday') as 'Sunday') : null,
      day: year === null && nth === 5 ? -1 : nth,
      timeMs: (hours * 60 + minutes) * minuteMs,
      offsetMin: -(bias + Number(childText(inner, 'Bias') ?? 0)),
    };
  };
  const changes = [change('DaylightTime'), change('StandardTime')].filter((one) => one !== null);
  const isYearly = changes.length === 2 && changes.every(({ month }) => month >= 1 && month <= 12);
  const offsetMin = isYearly ? Math.min(...changes.map((one) => one.offsetMin)) : -bias;
  return {
    id: 'Customized Time Zone',
    name: '',
    spans: [{ fromMs: null, offsetMin, changes: isYearly ? changes : [] }],
  };
}

const ok = '<m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>';

function answerFor(context: Context, data: XmlElement, asked: Asked): Xml {
  try {
    const address = (childText(child(data, 'Email') ?? data, 'Address') ?? '').trim();
    const viewer = context.actingAs;
    const source = busySource(context.organization, address, viewer, (mailbox) =>
      context.organization.mayOpen(viewer ?? context.caller.user, mailbox.address),
    );
    if (source === null) throw new EwsError('ErrorMailRecipientNotFound');
    if (source.level === 'None') throw new EwsError('ErrorNoFreeBusyAccess', 'The caller may not see this free/busy.');
    const times = busyTimes(source, viewer, asked.fromMs, asked.toMs);
    return ['<m:FreeBusyResponse>', ok, viewXml(times, source, asked), '</m:FreeBusyResponse>'];
  } catch (thrown) {
    const error = asEwsError(thrown);
    return `<m:FreeBusyResponse><m:ResponseMessage ResponseClass="Error"><m:MessageText>${esc(error.message)}</m:MessageText><m:ResponseCode>${error.code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey></m:ResponseMessage><m:FreeBusyView><t:FreeBusyViewType>None</t:FreeBusyViewType></m:FreeBusyView></m:FreeBusyResponse>`;
  }
}

/** Views become as poor as the rights of the asker: the answer says which one it is. (EWS doc: freebusyviewtype) */
function viewXml(times: readonly BusyTime[], source: BusySource, { view, zone, fromMs, toMs, intervalMs }: Asked): Xml {
  const detailed = view.startsWith('Detailed') && atLeast(source.level, 'FreeBusyTimeAndSubjectAndLocation');
  const merged = view === 'MergedOnly' || view.endsWith('Merged');
  const listed = view !== 'MergedOnly';
  const shown = !listed ? view : `${detailed ? 'Detailed' : 'FreeBusy'}${merged ? 'Merged' : ''}`;
  const events = times.map((one) => eventXml(one, zone, detailed));
  return [
    `<m:FreeBusyView><t:FreeBusyViewType>${shown}</t:FreeBusyViewType>`,
    merged ? t('MergedFreeBusy', mergedStream(times, fromMs, toMs, intervalMs)) : '',
    listed && events.length > 0 ? ['<t:CalendarEventArray>', events, '</t:CalendarEventArray>'] : '',
    source.external ? '' : workingHoursXml(new Date(fromMs).getUTCFullYear()),
    '</m:FreeBusyView>',
  ];
}

/** Times of the request's zone, without an offset. (recorded: viewpoint ews_soap_free_busy_response_spec) */
const local = (ms: number, zone: Zone): string => new Date(wallOf(zone, ms)).toISOString().slice(0, 19);

function eventXml({ startMs, endMs, busyStatus, details }: BusyTime, zone: Zone, detailed: boolean): Xml {
  const status = busyStatuses[busyStatus > 3 ? 0 : busyStatus] ?? 'Busy';
  const head = `${t('StartTime', local(startMs, zone))}${t('EndTime', local(endMs, zone))}${t('BusyType', status)}`;
  if (!detailed || details === null) return `<t:CalendarEvent>${head}</t:CalendarEvent>`;
  const { item, subject, location } = details;
  const words = [
    item === null ? '' : t('ID', Buffer.from(itemIdOf(item), 'base64').toString('hex').toUpperCase()),
    subject === null ? '' : t('Subject', subject),
    location === null ? '' : t('Location', location),
    t('IsMeeting', details.isMeeting),
    t('IsRecurring', details.isRecurring),
    t('IsException', details.isException),
    t('IsReminderSet', details.isReminderSet),
    t('IsPrivate', details.isPrivate),
  ];
  return `<t:CalendarEvent>${head}<t:CalendarEventDetails>${words.join('')}</t:CalendarEventDetails></t:CalendarEvent>`;
}

/** Working hours as mailboxes are made: Monday to Friday, eight to five. (recorded: EWS doc getuseravailability-operation) */
function workingHoursXml(year: number): string {
  const zone = windowsZone('W. Europe Standard Time');
  const span = zone === null ? { offsetMin: 0, changes: [] } : spanIn(zone, year);
  const part = (name: string, change: YearlyChange | undefined, biasMin: number): string => {
    const time = new Date(change?.timeMs ?? 0).toISOString().slice(11, 19);
    const nth = change === undefined ? 0 : change.day < 0 ? 5 : change.day;
    return `<t:${name}>${t('Bias', biasMin)}${t('Time', time)}${t('DayOrder', nth)}${t('Month', change?.month ?? 0)}${t('DayOfWeek', weekdays[change?.weekday ?? 0] ?? 'Sunday')}</t:${name}>`;
  };
  const daylight = span.changes.find(({ offsetMin }) => offsetMin !== span.offsetMin);
  const standard = span.changes.find(({ offsetMin }) => offsetMin === span.offsetMin);
  return `<t:WorkingHours><t:TimeZone>${t('Bias', -span.offsetMin)}${part('StandardTime', standard, 0)}${part('DaylightTime', daylight, daylight === undefined ? 0 : span.offsetMin - daylight.offsetMin)}</t:TimeZone><t:WorkingPeriodArray><t:WorkingPeriod><t:DayOfWeek>Monday Tuesday Wednesday Thursday Friday</t:DayOfWeek><t:StartTimeInMinutes>480</t:StartTimeInMinutes><t:EndTimeInMinutes>1020</t:EndTimeInMinutes></t:WorkingPeriod></t:WorkingPeriodArray></t:WorkingHours>`;
}
