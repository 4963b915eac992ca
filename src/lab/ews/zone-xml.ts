import type { XmlElement } from '#formats/text/xml-read.ts';
import { spanIn, windowsZone, type YearlyChange, type Zone, type ZoneSpan } from '../world/zone.ts';
import { EwsError } from './ews-error.ts';
import { attribute, child, childText, kids } from './request.ts';
import { esc } from './xml-out.ts';

const bad = (why: string): EwsError => new EwsError('ErrorTimeZone', why);

export const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;
export const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;
export const nths = ['First', 'Second', 'Third', 'Fourth', 'Last'] as const;

/** Minutes of an `xs:duration` such as `-PT60M`, `PT1H`, `P0DT0H0M0S`. */
function durationMin(text: string): number {
  const match = /^(-)?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?$/.exec(text.trim());
  if (match === null) throw bad('A duration of the time zone is not valid.');
  const [, sign, days = '0', hours = '0', minutes = '0', seconds = '0'] = match;
  const total = Number(days) * 1440 + Number(hours) * 60 + Number(minutes) + Number(seconds) / 60;
  return (sign === '-' ? -1 : 1) * Math.round(total);
}
const timeMsOf = (text: string): number => {
  const [hours = 0, minutes = 0, seconds = 0] = text.trim().split(':').map(Number);
  return ((hours * 60 + minutes) * 60 + Math.floor(seconds)) * 1000;
};

const sameSpan = (a: ZoneSpan, b: ZoneSpan): boolean =>
  a.offsetMin === b.offsetMin && JSON.stringify(sorted(a.changes)) === JSON.stringify(sorted(b.changes));
const sorted = (changes: readonly YearlyChange[]): readonly string[] =>
  changes.map((one) => JSON.stringify([one.month, one.weekday, one.day, one.timeMs, one.offsetMin])).sort();

/** A definition of a zone that the server knows with the same rules is that zone. */
function settled(zone: Zone, nowMs: number): Zone {
  const known = windowsZone(zone.id);
  if (known === null || zone.spans === null) return zone;
  const year = new Date(nowMs).getUTCFullYear();
  return sameSpan(spanIn(known, year), spanIn(zone, year)) ? known : zone;
}

/** `t:StartTimeZone`, `t:EndTimeZone`, `t:TimeZoneDefinition`. (EWS doc: timezonedefinition) */
export function readZoneDefinition(element: XmlElement, nowMs: number): Zone {
  const id = attribute(element, 'Id') ?? '';
  const periods = child(element, 'Periods');
  if (periods === null) {
    const known = windowsZone(id);
    if (known === null) throw bad('The time zone is not known.');
    return known;
  }
  const offsets = new Map(
    kids(periods).map((one) => [attribute(one, 'Id') ?? '', -durationMin(attribute(one, 'Bias') ?? '')] as const),
  );
  const offsetOf = (target: string): number => {
    const offset = offsets.get(target);
    if (offset === undefined) throw bad('A transition leads to no period.');
    return offset;
  };
  const groups = new Map<string, Omit<ZoneSpan, 'fromMs'>>();
  for (const group of kids(child(element, 'TransitionsGroups'))) {
    const changes: YearlyChange[] = [];
    let fixed: number | null = null;
    for (const transition of kids(group)) {
      const offsetMin = offsetOf(childText(transition, 'To') ?? '');
      if (transition.name === 'Transition' || transition.name === 'AbsoluteDateTransition') {
        fixed = offsetMin;
        continue;
      }
      const month = Number(childText(transition, 'Month'));
      const timeMs = durationMin(childText(transition, 'TimeOffset') ?? '') * 60_000;
      const byDay = transition.name === 'RecurringDateTransition';
      const weekday = byDay ? null : weekdays.indexOf((childText(transition, 'DayOfWeek') ?? '') as 'Sunday');
      const day = Number(childText(transition, byDay ? 'Day' : 'Occurrence'));
      if (!(month >= 1 && month <= 12) || (weekday !== null && weekday < 0) || !Number.isInteger(day))
        throw bad('A transition of the time zone is not valid.');
      changes.push({ month, weekday, day, timeMs, offsetMin });
    }
    if (changes.length !== 0 && changes.length !== 2) throw bad('A year has two transitions or none.');
    if (changes.length === 0 && fixed === null) throw bad('A group without transitions.');
    const offsetMin = changes.length === 0 ? (fixed ?? 0) : Math.min(...changes.map((one) => one.offsetMin));
    groups.set(attribute(group, 'Id') ?? '', { offsetMin, changes });
  }
  const spans: ZoneSpan[] = [];
  for (const transition of kids(child(element, 'Transitions'))) {
    const to = child(transition, 'To');
    const target = to?.text ?? '';
    const group =
      to !== null && attribute(to, 'Kind') === 'Period'
        ? { offsetMin: offsetOf(target), changes: [] }
        : groups.get(target);
    if (group === undefined) throw bad('A transition leads to no group.');
    const at = childText(transition, 'DateTime');
    const fromMs = at === null ? null : Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(at) ? at : `${at}Z`);
    spans.push({ ...group, fromMs });
  }
  if (spans.length === 0) {
    const [first] = groups.values();
    const [offset] = offsets.values();
    spans.push({ fromMs: null, ...(first ?? { offsetMin: offset ?? 0, changes: [] }) });
  }
  return settled({ id: id === '' ? 'Customized Time Zone' : id, name: attribute(element, 'Name') ?? id, spans }, nowMs);
}

/** `t:MeetingTimeZone`, the way of Exchange 2007. Offsets are to be added to local time. (EWS doc: meetingtimezone) */
export function readMeetingTimeZone(element: XmlElement, nowMs: number): Zone {
  const id = attribute(element, 'TimeZoneName') ?? '';
  const base = childText(element, 'BaseOffset');
  if (base === null) {
    const known = windowsZone(id);
    if (known === null) throw new EwsError('ErrorCalendarInvalidTimeZone', 'The time zone is not known.');
    return known;
  }
  const change = (name: string): YearlyChange | null => {
    const inner = child(element, name);
    if (inner === null) return null;
    const relative = child(inner, 'RelativeYearlyRecurrence');
    const offsetMin = -(durationMin(base) + durationMin(childText(inner, 'Offset') ?? 'PT0M'));
    const timeMs = timeMsOf(childText(inner, 'Time') ?? '00:00:00');
    if (relative !== null) {
      const days = childText(relative, 'DaysOfWeek') ?? '';
      const weekday = weekdays.indexOf(days as 'Sunday');
      if (weekday < 0)
        throw new EwsError('ErrorCalendarInvalidDayForTimeChangePattern', 'A change of the clock needs one weekday.');
      const nth = nths.indexOf((childText(relative, 'DayOfWeekIndex') ?? '') as 'First');
      return {
        month: months.indexOf((childText(relative, 'Month') ?? '') as 'January') + 1,
        weekday,
        day: nth === 4 ? -1 : nth + 1,
        timeMs,
        offsetMin,
      };
    }
    const date = childText(inner, 'AbsoluteDate');
    if (date === null) return null;
    return { month: Number(date.slice(5, 7)), weekday: null, day: Number(date.slice(8, 10)), timeMs, offsetMin };
  };
  const changes = [change('Daylight'), change('Standard')].filter((one) => one !== null);
  const span: ZoneSpan =
    changes.length === 2 && changes[0]?.offsetMin !== changes[1]?.offsetMin
      ? { fromMs: null, offsetMin: Math.min(...changes.map(({ offsetMin }) => offsetMin)), changes }
      : { fromMs: null, offsetMin: -durationMin(base), changes: [] };
  return settled({ id: id === '' ? 'Customized Time Zone' : id, name: id, spans: [span] }, nowMs);
}

/** `PT60M`, `-PT60M`: what is to be added to local time to get UTC. */
const biasText = (offsetMin: number): string => `${offsetMin > 0 ? '-' : ''}PT${Math.abs(offsetMin)}M`;
const timeText = (ms: number): string => new Date(ms).toISOString().slice(11, 19);
const durationText = (ms: number): string => {
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor(ms / 60_000) % 60;
  return `PT${hours}H${minutes === 0 ? '' : `${minutes}M`}`;
};

const nthText = (day: number): string => nths[day < 0 || day > 4 ? 4 : day - 1] ?? 'Last';

export function meetingTimeZoneXml(zone: Zone, year: number): string {
  const span = spanIn(zone, year);
  const changes = span.changes
    .map((change) => {
      const daylight = change.offsetMin !== span.offsetMin;
      const name = daylight ? 'Daylight' : 'Standard';
      const when =
        change.weekday === null
          ? `<t:AbsoluteDate>${year}-${String(change.month).padStart(2, '0')}-${String(change.day).padStart(2, '0')}</t:AbsoluteDate>`
          : `<t:RelativeYearlyRecurrence><t:DaysOfWeek>${weekdays[change.weekday]}</t:DaysOfWeek><t:DayOfWeekIndex>${nthText(change.day)}</t:DayOfWeekIndex><t:Month>${months[change.month - 1]}</t:Month></t:RelativeYearlyRecurrence>`;
      const offset = span.offsetMin - change.offsetMin;
      return {
        name,
        xml: `<t:${name} TimeZoneName="${name}"><t:Offset>${offset < 0 ? '-' : ''}PT${Math.abs(offset)}M</t:Offset>${when}<t:Time>${timeText(change.timeMs)}</t:Time></t:${name}>`,
      };
    })
    .sort((a, b) => (a.name > b.name ? -1 : 1));
  return `<t:MeetingTimeZone TimeZoneName="${esc(zone.id)}"><t:BaseOffset>${biasText(span.offsetMin)}</t:BaseOffset>${changes.map(({ xml }) => xml).join('')}</t:MeetingTimeZone>`;
}

function transitionsXml(span: Omit<ZoneSpan, 'fromMs'>, period: (offsetMin: number) => string): string {
  if (span.changes.length === 0)
    return `<t:Transition><t:To Kind="Period">${esc(period(span.offsetMin))}</t:To></t:Transition>`;
  return [...span.changes]
    .sort((a, b) => a.month - b.month)
    .map((change) => {
      const to = `<t:To Kind="Period">${esc(period(change.offsetMin))}</t:To><t:TimeOffset>${durationText(change.timeMs)}</t:TimeOffset><t:Month>${change.month}</t:Month>`;
      return change.weekday === null
        ? `<t:RecurringDateTransition>${to}<t:Day>${change.day}</t:Day></t:RecurringDateTransition>`
        : `<t:RecurringDayTransition>${to}<t:DayOfWeek>${weekdays[change.weekday]}</t:DayOfWeek><t:Occurrence>${change.day > 4 ? -1 : change.day}</t:Occurrence></t:RecurringDayTransition>`;
    })
    .join('');
}

/** Content of a definition: periods, groups, transitions. */
export function zoneDefinitionXml(name: string, zone: Zone, year: number, full: boolean): string {
  const attributes = ` Id="${esc(zone.id)}" Name="${esc(zone.name)}"`;
  // A name without rules is all there is of a broken definition (assumed).
  if (!full || zone.spans?.length === 0) return `<t:${name}${attributes}/>`;
  const spans = zone.spans ?? [spanIn(zone, year)];
  const periods = new Map<string, string>();
  const groups: string[] = [];
  const transitions: string[] = [];
  for (const [index, span] of spans.entries()) {
    const period = (offsetMin: number): string => {
      const kind = offsetMin === span.offsetMin ? 'Standard' : 'Daylight';
      const id = `trule:${zone.id}/${index}-${kind}`;
      periods.set(id, `<t:Period Bias="${biasText(offsetMin)}" Name="${kind}" Id="${esc(id)}"/>`);
      return id;
    };
    groups.push(`<t:TransitionsGroup Id="${index}">${transitionsXml(span, period)}</t:TransitionsGroup>`);
    transitions.push(
      span.fromMs === null
        ? `<t:Transition><t:To Kind="Group">${index}</t:To></t:Transition>`
        : `<t:AbsoluteDateTransition><t:To Kind="Group">${index}</t:To><t:DateTime>${new Date(span.fromMs).toISOString().slice(0, 19)}</t:DateTime></t:AbsoluteDateTransition>`,
    );
  }
  return `<t:${name}${attributes}><t:Periods>${[...periods.values()].join('')}</t:Periods><t:TransitionsGroups>${groups.join('')}</t:TransitionsGroups><t:Transitions>${transitions.join('')}</t:Transitions></t:${name}>`;
}
