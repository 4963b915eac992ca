import type { Instant } from '#model/mail.ts';
import type { Zone } from '#model/zone.ts';
import { firstWindowsYear, offsetsOfIana } from './iana-offsets.ts';
import type { OffsetSpan, OffsetTable } from './offset-table.ts';
import { offsetsOfRules } from './rule-offsets.ts';
import { ianaOf, windowsIdOf } from './windows-ids.ts';

/** Years over which rules and name are compared: servers carry one rule or many, and few of them of the past. */
const lastComparedYear = 2035;

/** Years in which the clock of a zone counts. */
interface Years {
  readonly first: number;
  readonly last: number;
}
/** All that rules and name can be expected to agree about. */
const allYears: Years = { first: firstWindowsYear + 1, last: lastComparedYear };

/** Those of what begins at one instant and ends, or repeats until, another; null: for ever. */
export function yearsOf(start: Instant, end: Instant | null): Years {
  const first = new Date(start).getUTCFullYear();
  const last = end === null ? lastComparedYear : Math.min(new Date(end).getUTCFullYear(), lastComparedYear);
  return { first, last: Math.max(first, last) };
}

const changes = (table: OffsetTable, year: number): readonly OffsetSpan[] =>
  table(year).filter((span, at, all) => at === 0 || span.offsetMs !== all[at - 1]?.offsetMs);

function sameClock(a: OffsetTable, b: OffsetTable, { first, last }: Years): boolean {
  for (let year = first; year <= last; year++) {
    const [left, right] = [changes(a, year), changes(b, year)];
    if (left.length !== right.length) return false;
    if (left.some((span, at) => span.from !== right[at]?.from || span.offsetMs !== right[at]?.offsetMs)) return false;
  }
  return true;
}

/** Far above the zones of a company; hostile ones cannot make us keep more. */
const knownMax = 1_000;
const known = new Map<string, Zone>();

/**
 * The shortest way to say the same zone: a Windows id alone where the rules that come with it are those of the id. So zones compare equal
 * that came by protocols of which one carries rules and another does not. A custom zone stays as it is.
 *
 * @param years That count: those of an event, whose zone may come with the rules of these alone.
 */
export function simplifyZone(zone: Zone, years: Years = allYears): Zone {
  const key = JSON.stringify([zone, zone.rules === null ? null : [years.first, years.last]]);
  const found = known.get(key);
  if (found !== undefined) return found;
  if (known.size >= knownMax) known.clear();
  const simple = simplified(zone, years);
  known.set(key, simple);
  return simple;
}

function simplified(zone: Zone, years: Years): Zone {
  const iana = ianaOf(zone.id);
  const id = windowsIdOf(zone.id);
  if (iana === null || id === null) return zone;
  if (zone.rules === null || zone.rules.length === 0) return { id, rules: null };
  const [own, named] = [offsetsOfRules(zone.rules), offsetsOfIana(iana)];
  return sameClock(own, named, years) || sameClock(own, named, allYears) ? { id, rules: null } : zone;
}
