import type { Instant } from '#model/mail.ts';
import type { WallTime } from '#model/wall-time.ts';
import type { Zone, ZoneRule } from '#model/zone.ts';
import { offsetsOfIana, rulesOfIana } from './iana-offsets.ts';
import { instantOfWall, type OffsetSpan, type OffsetTable, offsetAt } from './offset-table.ts';
import { offsetsOfRules } from './rule-offsets.ts';
import { ianaOf } from './windows-ids.ts';

/** Why a zone has no clock of its own. */
export const zoneProblems = {
  'no-zone': 'the item names no time zone',
  'unknown-zone': 'neither Windows nor IANA has a zone of this name, and the item brings no rules',
  'broken-rules': 'the rules that the item brings are out of range, and nobody knows the name of the zone',
} as const;
export type ZoneProblem = keyof typeof zoneProblems;

/** What the clocks of a zone show. */
export interface ZoneClock {
  /** Not null: nothing is known about the zone, and the clock shows UTC. The item keeps what it came with. */
  readonly problem: ZoneProblem | null;
  toWall(instant: Instant): WallTime;
  /** Gaps and overlaps: see `instantOfWall`. */
  toInstant(wall: WallTime): Instant;
}

/** Far above what the zones of a company need, far below what a hostile calendar could make us keep. */
const [zonesMax, yearsMax] = [1_000, 600];

function remembered(table: OffsetTable): OffsetTable {
  const years = new Map<number, readonly OffsetSpan[]>();
  return (year) => {
    const known = years.get(year);
    if (known !== undefined) return known;
    if (years.size >= yearsMax) years.clear();
    const spans = table(year);
    years.set(year, spans);
    return spans;
  };
}

function clockOfTable(table: OffsetTable, problem: ZoneProblem | null): ZoneClock {
  const years = remembered(table);
  return {
    problem,
    toWall: (instant) => instant + offsetAt(years, instant),
    toInstant: (wall) => instantOfWall(years, wall),
  };
}

const utc: OffsetTable = (year) => [{ from: Date.UTC(year, 0, 1), offsetMs: 0 }];

const isSaneTransition = (transition: ZoneRule['toStandard']): boolean =>
  transition === null ||
  (transition.month >= 1 &&
    transition.month <= 12 &&
    transition.minuteOfDay >= 0 &&
    transition.minuteOfDay <= 1440 &&
    ('year' in transition
      ? transition.day >= 1 && transition.day <= 31
      : transition.week >= 1 && transition.week <= 5 && transition.weekday >= 0 && transition.weekday <= 6));

/** No place is more than a day from UTC. */
const isSane = (rule: ZoneRule): boolean =>
  [rule.standardBiasMinutes, rule.daylightBiasMinutes].every((bias) => Math.abs(rule.biasMinutes + bias) <= 1440) &&
  isSaneTransition(rule.toStandard) &&
  isSaneTransition(rule.toDaylight);

const byKey = new Map<string, ZoneClock>();
/** The same object again, as it is for all occurrences of a series: no need to write its rules out to find it. */
const byZone = new WeakMap<Zone, ZoneClock>();

/**
 * The clock of a zone: by the rules that the item carries, otherwise by its name. Made once per zone; asking again is a look-up.
 */
export function clockOf(zone: Zone | null): ZoneClock {
  const same = zone === null ? undefined : byZone.get(zone);
  if (same !== undefined) return same;
  const clock = clockByKey(zone);
  if (zone !== null) byZone.set(zone, clock);
  return clock;
}

function clockByKey(zone: Zone | null): ZoneClock {
  const key = zone === null ? '' : zone.rules === null ? zone.id : `${zone.id}\0${JSON.stringify(zone.rules)}`;
  const known = byKey.get(key);
  if (known !== undefined) return known;
  if (byKey.size >= zonesMax) byKey.clear();
  const clock = makeClock(zone);
  byKey.set(key, clock);
  return clock;
}

function makeClock(zone: Zone | null): ZoneClock {
  const rules = zone?.rules ?? [];
  if (rules.length > 0 && rules.every(isSane)) return clockOfTable(offsetsOfRules(rules), null);
  const iana = zone === null ? null : ianaOf(zone.id);
  if (iana !== null) return clockOfTable(offsetsOfIana(iana), null);
  const isNameless = zone === null || (zone.id.trim() === '' && rules.length === 0);
  return clockOfTable(utc, isNameless ? 'no-zone' : rules.length > 0 ? 'broken-rules' : 'unknown-zone');
}

/** Last year for which rules by name are written out; later ones are as this one. */
const lastRuleYear = 2037;

const rulesByIana = new Map<string, readonly ZoneRule[]>();

/**
 * Rules of a zone for formats that carry them: its own, otherwise those of its name.
 *
 * @returns null when there are none: the zone is unknown
 */
export function rulesOf(zone: Zone): readonly ZoneRule[] | null {
  if (zone.rules !== null && zone.rules.length > 0) return zone.rules;
  const iana = ianaOf(zone.id);
  if (iana === null) return null;
  const known = rulesByIana.get(iana);
  if (known !== undefined) return known;
  const rules = rulesOfIana(iana, lastRuleYear);
  rulesByIana.set(iana, rules);
  return rules;
}

/** The rule that holds in a year. */
export const ruleInYear = (rules: readonly ZoneRule[], year: number): ZoneRule | undefined =>
  rules.findLast(({ fromYear }) => fromYear <= year) ?? rules[0];
