import { attribute, child, children, childText, type XmlElement } from '#formats/text/xml-read.ts';
import { escapeAttribute } from '#formats/text/xml-write.ts';
import { ruleInYear } from '#formats/zones/zone-clock.ts';
import { weekdays } from '#model/recurrence.ts';
import type { Zone, ZoneRule, ZoneTransition } from '#model/zone.ts';
import { typesNamespace } from '../namespaces.ts';
import { dayName, dayNamed, indexName, indexNamed, monthName, monthNamed } from '../typed/recurrence-codec.ts';

/**
 * Time zones as EWS writes them: `t:TimeZoneDefinitionType` from 2010 on, `t:TimeZoneType` before.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/starttimezone
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/meetingtimezone
 */

/** Rules hold from the first year that Exchange knows. */
const firstYear = 1601;
/** More than any zone had, and a bound for hostile answers. */
const rulesMax = 256;
/** Id of a zone that no registry has; the rules are what counts. */
const customId = 'tzone://Microsoft/Custom';

/** Minutes of an xs:duration without years and months: `-PT60M`, `PT1H30M`, `P0D`. */
function readMinutes(text: string | null): number | undefined {
  const match = /^(-?)P(?:(\d{1,3})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,6})(?:\.\d+)?S)?)?$/.exec(
    (text ?? '').trim(),
  );
  if (match === null) return undefined;
  const [, sign, days = '0', hours = '0', minutes = '0', seconds = '0'] = match;
  const total = Number(days) * 1440 + Number(hours) * 60 + Number(minutes) + Number(seconds) / 60;
  return total === 0 ? 0 : sign === '-' ? -Math.round(total) : Math.round(total);
}
const writeMinutes = (minutes: number): string => `${minutes < 0 ? '-' : ''}PT${Math.abs(minutes)}M`;

/** `t:StartTimeZone` or `t:EndTimeZone`; null for one that says nothing. Rules that cannot be read are left out. */
export function readZoneDefinition(element: XmlElement): Zone | null {
  const id = attribute(element, 'Id') ?? '';
  const rules = readRules(element);
  return id === '' && rules === null ? null : { id: id === customId ? '' : id, rules };
}

function readRules(element: XmlElement): readonly ZoneRule[] | null {
  const periods = new Map<string, { readonly bias: number; readonly isStandard: boolean }>();
  for (const period of inside(element, 'Periods', 'Period')) {
    const bias = readMinutes(attribute(period, 'Bias'));
    const id = attribute(period, 'Id') ?? '';
    // Names and ids of servers end in Standard or Daylight: `trule:Microsoft/Registry/W. Europe Standard Time/1-Daylight`.
    const isStandard = !/daylight$/i.test(attribute(period, 'Name') ?? '') && !/daylight$/i.test(id);
    if (bias !== undefined) periods.set(id, { bias, isStandard });
  }
  const groups = new Map(
    inside(element, 'TransitionsGroups', 'TransitionsGroup').map((group) => [attribute(group, 'Id') ?? '', group]),
  );
  const rules: ZoneRule[] = [];
  for (const transition of child(element, typesNamespace, 'Transitions')?.children ?? []) {
    const group = groups.get(childText(transition, typesNamespace, 'To')?.trim() ?? '');
    const from = childText(transition, typesNamespace, 'DateTime');
    const fromYear = Number(from?.trim().slice(0, 4)) || firstYear;
    const rule = group === undefined ? null : readGroup(group, periods, fromYear);
    if (rule === null || rules.length >= rulesMax) return null;
    rules.push(rule);
  }
  return rules.length === 0 ? null : rules;
}

function readGroup(
  group: XmlElement,
  periods: ReadonlyMap<string, { readonly bias: number; readonly isStandard: boolean }>,
  fromYear: number,
): ZoneRule | null {
  let standard: { readonly bias: number; readonly at: ZoneTransition | null } | null = null;
  let daylight: { readonly bias: number; readonly at: ZoneTransition | null } | null = null;
  for (const transition of group.children) {
    const period = periods.get(childText(transition, typesNamespace, 'To')?.trim() ?? '');
    const at = readTransition(transition, fromYear);
    if (period === undefined || at === undefined) return null;
    if (period.isStandard) standard = { bias: period.bias, at };
    else daylight = { bias: period.bias, at };
  }
  const only = standard ?? daylight;
  if (only === null) return null;
  const both = standard !== null && daylight !== null;
  return {
    fromYear,
    biasMinutes: only.bias,
    standardBiasMinutes: 0,
    daylightBiasMinutes: both && daylight !== null ? daylight.bias - only.bias : 0,
    toStandard: both ? (standard?.at ?? null) : null,
    toDaylight: both ? (daylight?.at ?? null) : null,
  };
}

/** Null: in force from the beginning. Undefined: cannot be read. */
function readTransition(transition: XmlElement, year: number): ZoneTransition | null | undefined {
  const text = (name: string) => childText(transition, typesNamespace, name)?.trim() ?? '';
  const minuteOfDay = readMinutes(text('TimeOffset'));
  const month = Number(text('Month'));
  switch (transition.name) {
    case 'Transition':
      return null;
    case 'RecurringDayTransition': {
      const weekday = weekdays.indexOf(dayNamed(text('DayOfWeek')) as (typeof weekdays)[number]);
      const occurrence = Number(text('Occurrence'));
      const week = occurrence === -1 ? 5 : occurrence;
      if (minuteOfDay === undefined || !(month >= 1 && month <= 12) || weekday < 0) return undefined;
      return week === 1 || week === 2 || week === 3 || week === 4 || week === 5
        ? { month, week, weekday, minuteOfDay }
        : undefined;
    }
    case 'RecurringDateTransition': {
      const day = Number(text('Day'));
      const isDate = month >= 1 && month <= 12 && day >= 1 && day <= 31;
      return minuteOfDay === undefined || !isDate ? undefined : { year, month, day, minuteOfDay };
    }
    default:
      return undefined;
  }
}

const inside = (element: XmlElement, list: string, name: string): readonly XmlElement[] => {
  const found = child(element, typesNamespace, list);
  return found === null ? [] : children(found, typesNamespace, name);
};

/** The same back. Without rules the id alone: the server knows what it stands for. */
export function writeZoneDefinition(name: 'StartTimeZone' | 'EndTimeZone', zone: Zone): string {
  const id = escapeAttribute(zone.id === '' ? customId : zone.id);
  if (zone.rules === null || zone.rules.length === 0) return `<t:${name} Id="${id}"/>`;
  let periods = '';
  let groups = '';
  let transitions = '';
  for (const [at, rule] of zone.rules.entries()) {
    const [standard, daylight] = [`${at}-Standard`, `${at}-Daylight`];
    periods += period(standard, 'Standard', rule.biasMinutes + rule.standardBiasMinutes);
    const to = (period: string) => `<t:To Kind="Period">${period}</t:To>`;
    if (rule.toStandard === null || rule.toDaylight === null) {
      groups += `<t:TransitionsGroup Id="${at}"><t:Transition>${to(standard)}</t:Transition></t:TransitionsGroup>`;
    } else {
      periods += period(daylight, 'Daylight', rule.biasMinutes + rule.daylightBiasMinutes);
      groups += `<t:TransitionsGroup Id="${at}">${writeTransition(rule.toStandard, to(standard))}${writeTransition(rule.toDaylight, to(daylight))}</t:TransitionsGroup>`;
    }
    const group = `<t:To Kind="Group">${at}</t:To>`;
    transitions +=
      at === 0
        ? `<t:Transition>${group}</t:Transition>`
        : `<t:AbsoluteDateTransition>${group}<t:DateTime>${String(rule.fromYear).padStart(4, '0')}-01-01T00:00:00</t:DateTime></t:AbsoluteDateTransition>`;
  }
  return `<t:${name} Id="${id}" Name="${id}"><t:Periods>${periods}</t:Periods><t:TransitionsGroups>${groups}</t:TransitionsGroups><t:Transitions>${transitions}</t:Transitions></t:${name}>`;
}

const period = (id: string, name: string, bias: number): string =>
  `<t:Period Bias="${writeMinutes(bias)}" Name="${name}" Id="${id}"/>`;

function writeTransition(transition: ZoneTransition, to: string): string {
  const when = `${to}<t:TimeOffset>${writeMinutes(transition.minuteOfDay)}</t:TimeOffset><t:Month>${transition.month}</t:Month>`;
  if ('year' in transition)
    return `<t:RecurringDateTransition>${when}<t:Day>${transition.day}</t:Day></t:RecurringDateTransition>`;
  const day = dayName(weekdays[transition.weekday] ?? 'sunday');
  const occurrence = transition.week === 5 ? -1 : transition.week;
  return `<t:RecurringDayTransition>${when}<t:DayOfWeek>${day}</t:DayOfWeek><t:Occurrence>${occurrence}</t:Occurrence></t:RecurringDayTransition>`;
}

/** `t:MeetingTimeZone`, all that 2007 has: one rule for all years. Null for one that says nothing. */
export function readMeetingZone(element: XmlElement): Zone | null {
  const id = attribute(element, 'TimeZoneName') ?? '';
  const bias = readMinutes(childText(element, typesNamespace, 'BaseOffset'));
  if (bias === undefined) return id === '' ? null : { id, rules: null };
  const standard = readChange(child(element, typesNamespace, 'Standard'));
  const daylight = readChange(child(element, typesNamespace, 'Daylight'));
  const both = standard !== null && daylight !== null;
  const rule: ZoneRule = {
    fromYear: firstYear,
    biasMinutes: bias,
    standardBiasMinutes: standard?.bias ?? 0,
    daylightBiasMinutes: both ? daylight.bias : 0,
    toStandard: both ? standard.at : null,
    toDaylight: both ? daylight.at : null,
  };
  return { id, rules: [rule] };
}

function readChange(element: XmlElement | null): { readonly bias: number; readonly at: ZoneTransition | null } | null {
  const bias = element === null ? undefined : readMinutes(childText(element, typesNamespace, 'Offset'));
  if (element === null || bias === undefined) return null;
  const [, hours = '0', minutes = '0'] =
    /^(\d\d):(\d\d)/.exec((childText(element, typesNamespace, 'Time') ?? '').trim()) ?? [];
  const minuteOfDay = Number(hours) * 60 + Number(minutes);
  const date = /^(\d{4})-(\d\d)-(\d\d)/.exec((childText(element, typesNamespace, 'AbsoluteDate') ?? '').trim());
  if (date !== null)
    return { bias, at: { year: Number(date[1]), month: Number(date[2]), day: Number(date[3]), minuteOfDay } };
  const yearly = child(element, typesNamespace, 'RelativeYearlyRecurrence');
  if (yearly === null) return { bias, at: null };
  const weekday = weekdays.indexOf(
    dayNamed(childText(yearly, typesNamespace, 'DaysOfWeek')) as (typeof weekdays)[number],
  );
  const week = indexNamed(childText(yearly, typesNamespace, 'DayOfWeekIndex'));
  const month = monthNamed(childText(yearly, typesNamespace, 'Month'));
  return weekday < 0 || week === undefined || month === undefined
    ? { bias, at: null }
    : { bias, at: { month, week, weekday, minuteOfDay } };
}

/** The same back: the rule that holds in `year`. */
export function writeMeetingZone(zone: Zone, year: number): string {
  const id = escapeAttribute(zone.id);
  const rule = ruleInYear(zone.rules ?? [], year);
  if (rule === undefined) return `<t:MeetingTimeZone TimeZoneName="${id}"/>`;
  const { toStandard, toDaylight } = rule;
  const changes =
    toStandard === null || toDaylight === null
      ? ''
      : writeChange('Standard', rule.standardBiasMinutes, toStandard) +
        writeChange('Daylight', rule.daylightBiasMinutes, toDaylight);
  const base = rule.biasMinutes + (changes === '' ? rule.standardBiasMinutes : 0);
  return `<t:MeetingTimeZone TimeZoneName="${id}"><t:BaseOffset>${writeMinutes(base)}</t:BaseOffset>${changes}</t:MeetingTimeZone>`;
}

function writeChange(name: 'Standard' | 'Daylight', bias: number, at: ZoneTransition): string {
  const day =
    'year' in at
      ? `<t:AbsoluteDate>${[String(at.year).padStart(4, '0'), ...[at.month, at.day].map((part) => String(part).padStart(2, '0'))].join('-')}</t:AbsoluteDate>`
      : `<t:RelativeYearlyRecurrence><t:DaysOfWeek>${dayName(weekdays[at.weekday] ?? 'sunday')}</t:DaysOfWeek><t:DayOfWeekIndex>${indexName(at.week)}</t:DayOfWeekIndex><t:Month>${monthName(at.month)}</t:Month></t:RelativeYearlyRecurrence>`;
  const time = `${String(Math.floor(at.minuteOfDay / 60)).padStart(2, '0')}:${String(at.minuteOfDay % 60).padStart(2, '0')}:00`;
  return `<t:${name} TimeZoneName="${name}"><t:Offset>${writeMinutes(bias)}</t:Offset>${day}<t:Time>${time}</t:Time></t:${name}>`;
}
