import { Temporal } from 'temporal-polyfill';
import type { ZoneRule, ZoneTransition } from '#model/zone.ts';
import type { OffsetSpan, OffsetTable } from './offset-table.ts';
import { offsetsOfRules } from './rule-offsets.ts';

const MINUTE_MS = 60_000;
const NS_PER_MS = 1e6;

/**
 * Windows knows the rules of a zone from about 2006 on and applies its first one to every year before; Exchange converts by that
 * data. The history of IANA would put a birthday of 1950 on another day and give 1601 offsets of seconds.
 */
export const firstWindowsYear = 2006;

function transitions(iana: string, year: number): readonly OffsetSpan[] {
  const from = Date.UTC(year, 0, 1);
  const until = Date.UTC(year + 1, 0, 1);
  const spans: OffsetSpan[] = [];
  let at: Temporal.ZonedDateTime | null = Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(iana);
  spans.push({ from, offsetMs: at.offsetNanoseconds / NS_PER_MS });
  // No zone changes more than a few times a year; the bound is against data that nobody has seen.
  for (let n = 0; n < 12; n++) {
    at = at.getTimeZoneTransition('next');
    if (at === null || at.epochMilliseconds >= until) break;
    if (at.epochMilliseconds > from)
      spans.push({ from: at.epochMilliseconds, offsetMs: at.offsetNanoseconds / NS_PER_MS });
  }
  return spans;
}

function transitionAt(wall: number): ZoneTransition {
  const date = new Date(wall);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
  const isInLastWeek = day + 7 > new Date(Date.UTC(year, month, 0)).getUTCDate();
  return {
    month,
    week: isInLastWeek ? 5 : (Math.ceil(day / 7) as 1 | 2 | 3 | 4),
    weekday: date.getUTCDay(),
    minuteOfDay: date.getUTCHours() * 60 + date.getUTCMinutes(),
  };
}

/** The rule of one year in the shape that Windows has for it. The smaller offset is standard time, also where the law says otherwise. */
function ruleOfYear(spans: readonly OffsetSpan[], fromYear: number): ZoneRule {
  const [first, second, third] = spans;
  const base = { fromYear, standardBiasMinutes: 0 };
  const none = { daylightBiasMinutes: 0, toStandard: null, toDaylight: null };
  if (first === undefined || second === undefined || third === undefined || spans.length !== 3)
    return {
      ...base,
      ...none,
      biasMinutes: -Math.round(((fromYear === 1601 ? spans[0] : spans.at(-1))?.offsetMs ?? 0) / MINUTE_MS),
    };
  const standard = Math.min(first.offsetMs, second.offsetMs);
  const daylight = Math.max(first.offsetMs, second.offsetMs);
  const [toDaylight, toStandard] = second.offsetMs === daylight ? [second, third] : [third, second];
  return {
    ...base,
    biasMinutes: -Math.round(standard / MINUTE_MS),
    daylightBiasMinutes: -Math.round((daylight - standard) / MINUTE_MS),
    toStandard: transitionAt(toStandard.from + daylight),
    toDaylight: transitionAt(toDaylight.from + standard),
  };
}

/** Offsets of an IANA zone; before `firstWindowsYear` by the rule of that year. */
export function offsetsOfIana(iana: string): OffsetTable {
  const early = offsetsOfRules([ruleOfYear(transitions(iana, firstWindowsYear), 1601)]);
  return (year) => (year < firstWindowsYear ? early(year) : transitions(iana, year));
}

const sameRule = (a: ZoneRule, b: ZoneRule): boolean =>
  JSON.stringify({ ...a, fromYear: 0 }) === JSON.stringify({ ...b, fromYear: 0 });

/**
 * Rules of an IANA zone in the shape that items carry, for the years that people's calendars are about.
 *
 * @returns ordered by first year; the first one holds from 1601 on
 */
export function rulesOfIana(iana: string, lastYear: number): readonly ZoneRule[] {
  const rules: ZoneRule[] = [ruleOfYear(transitions(iana, firstWindowsYear), 1601)];
  for (let year = firstWindowsYear + 1; year <= lastYear; year++) {
    const rule = ruleOfYear(transitions(iana, year), year);
    const last = rules.at(-1);
    if (last === undefined || !sameRule(last, rule)) rules.push(rule);
  }
  return rules;
}
