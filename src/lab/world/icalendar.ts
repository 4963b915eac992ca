import { contentOfOccurrence, endMsOf, numberOf, occurrenceOn, patternTimes, startMsOf } from './appointment.ts';
import { calendarKey, stateFlag } from './calendar-keys.ts';
import type { Attendee, CalendarPart } from './calendar-part.ts';
import { uidOf } from './global-object-id.ts';
import type { Item, ItemContent } from './item.ts';
import { key } from './property.ts';
import { type DayKind, dayNumber, type Recurrence } from './recurrence.ts';
import { instantOf, spanIn, wallOf, type YearlyChange, type Zone } from './zone.ts';

// How Exchange writes appointments as iCalendar. [MS-OXCICAL] 2.1.3

const weekdays = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'] as const;
const two = (n: number): string => String(n).padStart(2, '0');

/** `20310313T090000` */
const digits = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace(/[-:]/g, '');
const zulu = (ms: number): string => `${digits(ms)}Z`;
const escaped = (text: string): string => text.replace(/[\\;,]/g, '\\$&').replace(/\r\n|\r|\n/g, '\\n');

/** Lines of at most 75 bytes. RFC 5545 3.1 */
function fold(line: string): string {
  const out: string[] = [];
  let part = '';
  let bytes = 0;
  for (const c of line) {
    const size = Buffer.byteLength(c);
    if (bytes + size > 74) {
      out.push(part);
      part = ' ';
      bytes = 1;
    }
    part += c;
    bytes += size;
  }
  return [...out, part].join('\r\n');
}

const offset = (minutes: number): string =>
  `${minutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}${two(Math.abs(minutes) % 60)}`;

function zoneLines(zone: Zone, year: number): readonly string[] {
  const span = spanIn(zone, year);
  const observance = (name: string, change: YearlyChange | null, fromMin: number, toMin: number): readonly string[] => [
    `BEGIN:${name}`,
    `DTSTART:16010101T${change === null ? '000000' : new Date(change.timeMs).toISOString().slice(11, 19).replaceAll(':', '')}`,
    `TZOFFSETFROM:${offset(fromMin)}`,
    `TZOFFSETTO:${offset(toMin)}`,
    ...(change === null
      ? []
      : [
          `RRULE:FREQ=YEARLY;INTERVAL=1;${change.weekday === null ? `BYMONTHDAY=${change.day}` : `BYDAY=${change.day > 4 ? -1 : change.day}${weekdays[change.weekday]}`};BYMONTH=${change.month}`,
        ]),
    `END:${name}`,
  ];
  const daylight = span.changes.find(({ offsetMin }) => offsetMin !== span.offsetMin) ?? null;
  const standard = span.changes.find(({ offsetMin }) => offsetMin === span.offsetMin) ?? null;
  return [
    'BEGIN:VTIMEZONE',
    `TZID:${zone.id}`,
    ...observance('STANDARD', standard, daylight?.offsetMin ?? span.offsetMin, span.offsetMin),
    ...observance('DAYLIGHT', daylight, span.offsetMin, daylight?.offsetMin ?? span.offsetMin),
    'END:VTIMEZONE',
  ];
}

function byDay(kind: DayKind): string {
  switch (kind) {
    case 'day':
      return 'SU,MO,TU,WE,TH,FR,SA';
    case 'weekday':
      return 'MO,TU,WE,TH,FR';
    case 'weekend':
      return 'SU,SA';
    default:
      return weekdays[kind] ?? 'SU';
  }
}

function ruleOf({ pattern, range, startOffsetMs }: Recurrence, zone: Zone): string {
  const parts: string[] = [];
  const nth = (p: { readonly day: DayKind; readonly nth: number }): readonly string[] =>
    typeof p.day === 'number' ? [`BYDAY=${p.nth}${byDay(p.day)}`] : [`BYDAY=${byDay(p.day)}`, `BYSETPOS=${p.nth}`];
  /** The last day of months too short for the one asked for. */
  const onDay = (day: number): readonly string[] =>
    day <= 28
      ? [`BYMONTHDAY=${day}`]
      : [`BYMONTHDAY=${Array.from({ length: day - 27 }, (_, at) => 28 + at).join(',')}`, 'BYSETPOS=-1'];
  switch (pattern.kind) {
    case 'daily':
      parts.push('FREQ=DAILY', `INTERVAL=${pattern.interval}`);
      break;
    case 'weekly':
      parts.push(
        'FREQ=WEEKLY',
        `INTERVAL=${pattern.interval}`,
        `BYDAY=${pattern.days.map((day) => weekdays[day]).join(',')}`,
        `WKST=${weekdays[pattern.firstDay]}`,
      );
      break;
    case 'monthly':
      parts.push('FREQ=MONTHLY', `INTERVAL=${pattern.interval}`, ...onDay(pattern.day));
      break;
    case 'monthly-nth':
      parts.push('FREQ=MONTHLY', `INTERVAL=${pattern.interval}`, ...nth(pattern));
      break;
    case 'yearly':
      parts.push('FREQ=YEARLY', 'INTERVAL=1', ...onDay(pattern.day), `BYMONTH=${pattern.month}`);
      break;
    case 'yearly-nth':
      parts.push('FREQ=YEARLY', 'INTERVAL=1', ...nth(pattern), `BYMONTH=${pattern.month}`);
      break;
  }
  if (range.kind === 'count') parts.splice(1, 0, `COUNT=${range.count}`);
  if (range.kind === 'until')
    parts.splice(1, 0, `UNTIL=${zulu(instantOf(zone, dayNumber(range.lastDay) * 86_400_000 + startOffsetMs))}`);
  return parts.join(';');
}

const busyTexts = ['FREE', 'TENTATIVE', 'BUSY', 'OOF', 'WORKINGELSEWHERE'] as const;
const partStats: Readonly<Record<Attendee['response'], string>> = {
  Unknown: 'NEEDS-ACTION',
  NoResponseReceived: 'NEEDS-ACTION',
  Organizer: 'ACCEPTED',
  Accept: 'ACCEPTED',
  Tentative: 'TENTATIVE',
  Decline: 'DECLINED',
};
const roleTexts = { required: 'REQ-PARTICIPANT', optional: 'OPT-PARTICIPANT', resource: 'NON-PARTICIPANT' } as const;

const plainBody = ({ body }: ItemContent): string =>
  body === null ? '' : body.type === 'Text' ? body.text : body.text.replace(/<[^>]*>/g, '').trim();

function eventLines(
  content: ItemContent,
  part: CalendarPart,
  stampMs: number,
  original: number | null,
): readonly string[] {
  const { startZone, endZone, recurrence } = part;
  const text = (at: string): string => {
    const value = content.properties.get(at)?.value;
    return typeof value === 'string' ? value : '';
  };
  const allDay = content.properties.get(calendarKey.allDay)?.value === true;
  const when = (ms: number, zone: Zone): string =>
    allDay ? `;VALUE=DATE:${digits(wallOf(zone, ms)).slice(0, 8)}` : `;TZID=${zone.id}:${digits(wallOf(zone, ms))}`;
  const state = numberOf(content, calendarKey.stateFlags) ?? 0;
  const busy = busyTexts[numberOf(content, calendarKey.busyStatus) ?? 2] ?? 'BUSY';
  const clean = Buffer.from(text(calendarKey.cleanGlobalObjectId), 'base64');
  const cn = (name: string): string => (name === '' ? '' : `;CN="${name.replaceAll('"', "'")}"`);
  const lines = ['BEGIN:VEVENT'];
  if ((state & stateFlag.meeting) !== 0 && content.from !== null) {
    lines.push(`ORGANIZER${cn(content.from.name)}:MAILTO:${content.from.address}`);
    for (const one of part.attendees)
      lines.push(
        `ATTENDEE;ROLE=${roleTexts[one.role]};PARTSTAT=${partStats[one.response]};RSVP=TRUE${cn(one.name)}:MAILTO:${one.address}`,
      );
  }
  lines.push(`DESCRIPTION;LANGUAGE=en-US:${escaped(plainBody(content))}`);
  if (recurrence !== null) {
    lines.push(`RRULE:${ruleOf(recurrence, startZone)}`);
    for (const day of part.deletedDays)
      lines.push(`EXDATE${when(patternTimes(startZone, recurrence, dayNumber(day))[0], startZone)}`);
  }
  lines.push(`UID:${uidOf(clean)}`);
  if (original !== null) lines.push(`RECURRENCE-ID${when(original, startZone)}`);
  lines.push(
    `SUMMARY;LANGUAGE=en-US:${escaped(text(key.subject))}`,
    `DTSTART${when(startMsOf(content), startZone)}`,
    `DTEND${when(endMsOf(content), endZone)}`,
    `CLASS:${['PUBLIC', 'PERSONAL', 'PRIVATE', 'CONFIDENTIAL'][numberOf(content, key.sensitivity) ?? 0]}`,
    `PRIORITY:${[9, 5, 1][numberOf(content, key.importance) ?? 1]}`,
    `DTSTAMP:${zulu(stampMs)}`,
    `TRANSP:${busy === 'FREE' ? 'TRANSPARENT' : 'OPAQUE'}`,
    `STATUS:${(state & stateFlag.cancelled) === 0 ? 'CONFIRMED' : 'CANCELLED'}`,
    `SEQUENCE:${numberOf(content, calendarKey.sequence) ?? 0}`,
    `LOCATION;LANGUAGE=en-US:${escaped(text(calendarKey.location))}`,
    `X-MICROSOFT-CDO-APPT-SEQUENCE:${numberOf(content, calendarKey.sequence) ?? 0}`,
    `X-MICROSOFT-CDO-BUSYSTATUS:${busy}`,
    `X-MICROSOFT-CDO-ALLDAYEVENT:${String(allDay).toUpperCase()}`,
    `X-MICROSOFT-CDO-INSTTYPE:${original !== null ? 3 : recurrence === null ? 0 : 1}`,
  );
  const keywords = content.properties.get(key.keywords)?.value;
  if (Array.isArray(keywords)) lines.push(`CATEGORIES:${keywords.map((one) => escaped(String(one))).join(',')}`);
  if (content.properties.get(key.reminderSet)?.value === true)
    lines.push(
      'BEGIN:VALARM',
      'DESCRIPTION:REMINDER',
      `TRIGGER;RELATED=START:-PT${numberOf(content, calendarKey.reminderMinutes) ?? 15}M`,
      'ACTION:DISPLAY',
      'END:VALARM',
    );
  lines.push('END:VEVENT');
  return lines;
}

/**
 * When what it says was said: of a meeting message when it was sent, whatever was done to the message since. [MS-OXCICAL] 2.1.3.1.1.20.9
 */
function stampOf({ itemClass, content, modifiedAtMs }: Item): number {
  if (!itemClass.startsWith('IPM.Schedule.')) return modifiedAtMs;
  const at = itemClass.startsWith('IPM.Schedule.Meeting.Resp.')
    ? calendarKey.attendeeCriticalChange
    : calendarKey.ownerCriticalChange;
  return numberOf(content, at) ?? modifiedAtMs;
}

/** An appointment as iCalendar: a series with its exceptions beside it. */
export function icalendarOf(item: Item, part: CalendarPart): Buffer {
  const { content } = item;
  const zones = new Map([part.startZone, part.endZone].map((zone) => [zone.id, zone]));
  const year = new Date(startMsOf(content)).getUTCFullYear();
  const meeting = ((numberOf(content, calendarKey.stateFlags) ?? 0) & stateFlag.meeting) !== 0;
  const lines = [
    'BEGIN:VCALENDAR',
    `METHOD:${meeting ? 'REQUEST' : 'PUBLISH'}`,
    'PRODID:Microsoft Exchange Server 2010',
    'VERSION:2.0',
    ...[...zones.values()].flatMap((zone) => zoneLines(zone, year)),
    ...eventLines(
      content,
      part,
      stampOf(item),
      item.occurrence === null ? null : numberOf(content, calendarKey.replacedStart),
    ),
  ];
  for (const { day } of part.exceptions) {
    const occurrence = occurrenceOn(content, day);
    if (occurrence === null) continue;
    const view = contentOfOccurrence(content, occurrence);
    lines.push(
      ...eventLines(
        view,
        view.calendar ?? part,
        occurrence.exception?.modifiedAtMs ?? stampOf(item),
        occurrence.originalStartMs,
      ),
    );
  }
  lines.push('END:VCALENDAR');
  return Buffer.from(`${lines.map(fold).join('\r\n')}\r\n`);
}
