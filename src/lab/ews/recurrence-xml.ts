import type { XmlElement } from '#formats/text/xml-read.ts';
import { type DayKind, dayNumber, type Pattern, type Range, type Recurrence } from '../world/recurrence.ts';
import { offsetMsAt, offsetText, type Zone } from '../world/zone.ts';
import { EwsError } from './ews-error.ts';
import { childText } from './request.ts';
import { t } from './xml-out.ts';
import { months, nths, weekdays } from './zone-xml.ts';

const dayKinds: Readonly<Record<string, DayKind>> = {
  ...Object.fromEntries(weekdays.map((name, index) => [name, index])),
  Day: 'day',
  Weekday: 'weekday',
  WeekendDay: 'weekend',
};
const nameOfKind = (kind: DayKind): string => Object.keys(dayKinds).find((name) => dayKinds[name] === kind) ?? 'Day';

const invalid = (): EwsError => new EwsError('ErrorCalendarInvalidRecurrence', 'The recurrence is not valid.');

function integer(element: XmlElement, name: string): number {
  const value = Number(childText(element, name));
  if (!Number.isInteger(value)) throw invalid();
  return value;
}
const monthOf = (element: XmlElement): number => months.indexOf((childText(element, 'Month') ?? '') as 'January') + 1;
const nthOf = (element: XmlElement): number => {
  const index = nths.indexOf((childText(element, 'DayOfWeekIndex') ?? '') as 'First');
  return index === 4 ? -1 : index + 1;
};
function kindOf(element: XmlElement): DayKind {
  const kind = dayKinds[childText(element, 'DaysOfWeek') ?? ''];
  if (kind === undefined) throw invalid();
  return kind;
}

function readPattern(element: XmlElement): Pattern {
  switch (element.name) {
    case 'DailyRecurrence':
      return { kind: 'daily', interval: integer(element, 'Interval') };
    case 'WeeklyRecurrence': {
      const days = (childText(element, 'DaysOfWeek') ?? '')
        .trim()
        .split(/\s+/)
        .filter((name) => name !== '');
      const kinds = days.map((name) => dayKinds[name]);
      // `Day`, `Weekday` and `WeekendDay` are for relative patterns only. (EWS doc: ErrorCalendarInvalidDayForWeeklyRecurrence)
      const numbers = kinds.filter((kind) => typeof kind === 'number');
      if (numbers.length !== kinds.length || kinds.length === 0)
        throw new EwsError(
          'ErrorCalendarInvalidDayForWeeklyRecurrence',
          'A weekly recurrence takes days of the week only.',
        );
      const firstDay = dayKinds[childText(element, 'FirstDayOfWeek') ?? 'Sunday'];
      return {
        kind: 'weekly',
        interval: integer(element, 'Interval'),
        days: [...new Set(numbers)].sort(),
        firstDay: typeof firstDay === 'number' ? firstDay : 0,
      };
    }
    case 'AbsoluteMonthlyRecurrence':
      return { kind: 'monthly', interval: integer(element, 'Interval'), day: integer(element, 'DayOfMonth') };
    case 'RelativeMonthlyRecurrence':
      return { kind: 'monthly-nth', interval: integer(element, 'Interval'), day: kindOf(element), nth: nthOf(element) };
    case 'AbsoluteYearlyRecurrence':
      return { kind: 'yearly', month: monthOf(element), day: integer(element, 'DayOfMonth') };
    case 'RelativeYearlyRecurrence':
      return { kind: 'yearly-nth', month: monthOf(element), day: kindOf(element), nth: nthOf(element) };
    default:
      throw invalid();
  }
}

/** Dates count by their digits; what stands behind them is the zone they were written in. */
const dayText = (text: string | null): string => {
  const day = /^\d{4}-\d\d-\d\d/.exec((text ?? '').trim())?.[0];
  if (day === undefined || Number.isNaN(dayNumber(day))) throw invalid();
  return day;
};

/** `t:Recurrence` of a calendar item, without the times of day. (EWS doc: recurrence-recurrencetype) */
export function readRecurrence(element: XmlElement): Pick<Recurrence, 'pattern' | 'range' | 'startDay'> {
  const [patternElement, rangeElement] = element.children;
  if (patternElement === undefined || rangeElement === undefined) throw invalid();
  const range: Range =
    rangeElement.name === 'EndDateRecurrence'
      ? { kind: 'until', lastDay: dayText(childText(rangeElement, 'EndDate')) }
      : rangeElement.name === 'NumberedRecurrence'
        ? { kind: 'count', count: integer(rangeElement, 'NumberOfOccurrences') }
        : { kind: 'endless' };
  return { pattern: readPattern(patternElement), range, startDay: dayText(childText(rangeElement, 'StartDate')) };
}

function patternXml(pattern: Pattern, withFirstDay: boolean): string {
  const relative = (p: { readonly day: DayKind; readonly nth: number }): string =>
    t('DaysOfWeek', nameOfKind(p.day)) + t('DayOfWeekIndex', nths[p.nth < 0 ? 4 : p.nth - 1] ?? 'Last');
  switch (pattern.kind) {
    case 'daily':
      return `<t:DailyRecurrence>${t('Interval', pattern.interval)}</t:DailyRecurrence>`;
    case 'weekly':
      return `<t:WeeklyRecurrence>${t('Interval', pattern.interval)}${t('DaysOfWeek', pattern.days.map((day) => weekdays[day]).join(' '))}${withFirstDay ? t('FirstDayOfWeek', weekdays[pattern.firstDay] ?? 'Sunday') : ''}</t:WeeklyRecurrence>`;
    case 'monthly':
      return `<t:AbsoluteMonthlyRecurrence>${t('Interval', pattern.interval)}${t('DayOfMonth', pattern.day)}</t:AbsoluteMonthlyRecurrence>`;
    case 'monthly-nth':
      return `<t:RelativeMonthlyRecurrence>${t('Interval', pattern.interval)}${relative(pattern)}</t:RelativeMonthlyRecurrence>`;
    case 'yearly':
      return `<t:AbsoluteYearlyRecurrence>${t('DayOfMonth', pattern.day)}${t('Month', months[pattern.month - 1] ?? 'January')}</t:AbsoluteYearlyRecurrence>`;
    case 'yearly-nth':
      return `<t:RelativeYearlyRecurrence>${relative(pattern)}${t('Month', months[pattern.month - 1] ?? 'January')}</t:RelativeYearlyRecurrence>`;
  }
}

/** @param withFirstDay the schema of 2007 has no FirstDayOfWeek. */
export function recurrenceXml({ pattern, range, startDay }: Recurrence, zone: Zone, withFirstDay: boolean): string {
  // Dates carry the offset of the series' zone on that day. (recorded: garethp-php-ews RecurringEventSupport, pyexchange)
  const date = (day: string): string => {
    const offset = offsetMsAt(zone, Date.parse(`${day}T12:00:00Z`)) / 60_000;
    return `${day}${offset === 0 ? 'Z' : offsetText(offset)}`;
  };
  const start = t('StartDate', date(startDay));
  const rangeXml =
    range.kind === 'until'
      ? `<t:EndDateRecurrence>${start}${t('EndDate', date(range.lastDay))}</t:EndDateRecurrence>`
      : range.kind === 'count'
        ? `<t:NumberedRecurrence>${start}${t('NumberOfOccurrences', range.count)}</t:NumberedRecurrence>`
        : `<t:NoEndRecurrence>${start}</t:NoEndRecurrence>`;
  return `<t:Recurrence>${patternXml(pattern, withFirstDay)}${rangeXml}</t:Recurrence>`;
}
