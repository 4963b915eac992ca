import type { Instant } from '#model/mail.ts';
import type { WallTime } from '#model/wall-time.ts';
import type { ZoneRule, ZoneTransition } from '#model/zone.ts';
import type { OffsetSpan, OffsetTable } from './offset-table.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Wall time at which a transition takes place in a year; null: not in this one. */
function wallOfTransition(transition: ZoneTransition, year: number): WallTime | null {
  const minutes = transition.minuteOfDay * MINUTE_MS;
  if ('year' in transition) {
    return transition.year === year ? Date.UTC(year, transition.month - 1, transition.day) + minutes : null;
  }
  const first = Date.UTC(year, transition.month - 1, 1);
  const length = new Date(Date.UTC(year, transition.month, 0)).getUTCDate();
  const toWeekday = (transition.weekday - new Date(first).getUTCDay() + 7) % 7;
  let day = 1 + toWeekday + (transition.week - 1) * 7;
  while (day > length) day -= 7;
  return first + (day - 1) * DAY_MS + minutes;
}

const standardOf = (rule: ZoneRule): number => -(rule.biasMinutes + rule.standardBiasMinutes) * MINUTE_MS;
const daylightOf = (rule: ZoneRule): number => -(rule.biasMinutes + rule.daylightBiasMinutes) * MINUTE_MS;

/** Offsets over one year of wall time: `start` from its beginning, then the changes. */
function yearOfRule(rule: ZoneRule, year: number): { start: number; changes: readonly OffsetSpan[] } {
  const [standard, daylight] = [standardOf(rule), daylightOf(rule)];
  const toDaylight = rule.toDaylight === null ? null : wallOfTransition(rule.toDaylight, year);
  const toStandard = rule.toStandard === null ? null : wallOfTransition(rule.toStandard, year);
  // A change in one direction only makes no sense within a year (Windows wants both or none).
  if (toDaylight === null || toStandard === null) return { start: standard, changes: [] };
  // Each is told by the clock that is about to be changed.
  const begins = { from: toDaylight - standard, offsetMs: daylight };
  const ends = { from: toStandard - daylight, offsetMs: standard };
  return begins.from < ends.from
    ? { start: standard, changes: [begins, ends] }
    : { start: daylight, changes: [ends, begins] };
}

/**
 * Offsets by the rules that an item carries. The first holds for the years before it as well, the last for all after it, as Windows
 * does with its own. A rule begins with its year by the clock that the old one has left ([MS-OXOCAL] 2.2.1.41.1, wYear).
 *
 * @param rules Ordered by first year, at least one.
 */
export function offsetsOfRules(rules: readonly ZoneRule[]): OffsetTable {
  const ruleOf = (year: number): ZoneRule | undefined => rules.findLast(({ fromYear }) => fromYear <= year) ?? rules[0];
  const wallYear = (year: number) => {
    const rule = ruleOf(year);
    return rule === undefined ? { start: 0, changes: [] } : yearOfRule(rule, year);
  };
  /** Every span that begins in a year of wall time. */
  const spansOfWallYear = (year: number): readonly OffsetSpan[] => {
    const { changes: last, start: lastStart } = wallYear(year - 1);
    const leaving = last.at(-1)?.offsetMs ?? lastStart;
    const { start, changes } = wallYear(year);
    return [{ from: Date.UTC(year, 0, 1) - leaving, offsetMs: start }, ...changes];
  };
  return (year) => {
    const from: Instant = Date.UTC(year, 0, 1);
    const until: Instant = Date.UTC(year + 1, 0, 1);
    const near = [year - 1, year, year + 1].flatMap(spansOfWallYear);
    const atStart = near.findLast((span) => span.from <= from);
    const inside = near.filter((span) => span.from > from && span.from < until);
    return [{ from, offsetMs: atStart?.offsetMs ?? 0 }, ...inside];
  };
}
