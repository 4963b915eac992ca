import type { Zone } from '#model/zone.ts';
import { firstWindowsYear, offsetsOfIana } from './iana-offsets.ts';
import type { OffsetSpan, OffsetTable } from './offset-table.ts';
import { offsetsOfRules } from './rule-offsets.ts';
import { ianaOf, windowsIdOf } from './windows-ids.ts';

/** Years over which rules and name are compared: servers carry one rule or many, and few of them of the past. */
const lastComparedYear = 2035;

const changes = (table: OffsetTable, year: number): readonly OffsetSpan[] =>
  table(year).filter((span, at, all) => at === 0 || span.offsetMs !== all[at - 1]?.offsetMs);

function sameClock(a: OffsetTable, b: OffsetTable, onlyIn: number | null): boolean {
  for (let year = onlyIn ?? firstWindowsYear + 1; year <= (onlyIn ?? lastComparedYear); year++) {
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
 * @param onlyIn The year that counts, for protocols that carry the rule of one year only; null: all of them.
 */
export function simplifyZone(zone: Zone, onlyIn: number | null = null): Zone {
  const key = JSON.stringify([zone, zone.rules === null ? null : onlyIn]);
  const found = known.get(key);
  if (found !== undefined) return found;
  if (known.size >= knownMax) known.clear();
  const simple = simplified(zone, onlyIn);
  known.set(key, simple);
  return simple;
}

function simplified(zone: Zone, onlyIn: number | null): Zone {
  const iana = ianaOf(zone.id);
  const id = windowsIdOf(zone.id);
  if (iana === null || id === null) return zone;
  const isOwn =
    zone.rules !== null && zone.rules.length > 0 && !sameClock(offsetsOfRules(zone.rules), offsetsOfIana(iana), onlyIn);
  return isOwn ? zone : { id, rules: null };
}
