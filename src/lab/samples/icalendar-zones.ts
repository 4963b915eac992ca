import {
  type Component,
  componentsNamed,
  knownZone,
  lineNamed,
  ruleParts,
  timeOf,
  weekdayNames,
} from '../world/icalendar-text.ts';
import { utc, type YearlyChange, type Zone, type ZoneSpan } from '../world/zone.ts';

/** Minutes east of UTC, however absurd; null: it cannot be read. [RFC 5545] 3.3.14 */
function offsetMinutes(text: string | undefined): number | null {
  const match = /^([+-])(\d\d):?(\d\d)/.exec((text ?? '').trim());
  if (match === null) return null;
  const [, sign, hours, minutes] = match;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

/** A change that comes back each year; null: this one does not, or cannot be read. */
function changeOf(observance: Component): YearlyChange | null {
  const offsetMin = offsetMinutes(lineNamed(observance, 'TZOFFSETTO')?.value);
  const start = timeOf(lineNamed(observance, 'DTSTART')?.value ?? '', undefined, () => utc);
  const parts = ruleParts(lineNamed(observance, 'RRULE')?.value ?? '');
  const [, nth, name] = /^([+-]?\d)?([A-Z]{2})$/.exec(parts.get('BYDAY') ?? '') ?? [];
  const month = Number(parts.get('BYMONTH'));
  const weekday = weekdayNames.indexOf((name ?? '') as 'SU');
  if (offsetMin === null || start === null || parts.get('FREQ') !== 'YEARLY') return null;
  if (!(month >= 1 && month <= 12) || weekday < 0 || nth === undefined) return null;
  return {
    month,
    weekday,
    day: Number(nth),
    timeMs: start.wallMs - Math.floor(start.wallMs / 86_400_000) * 86_400_000,
    offsetMin,
  };
}

function spansOf(definition: Component): readonly ZoneSpan[] {
  const [standard] = [...componentsNamed(definition.children, 'STANDARD')].reverse();
  const [daylight] = [...componentsNamed(definition.children, 'DAYLIGHT')].reverse();
  const only = standard ?? daylight;
  const offsetMin = only === undefined ? null : offsetMinutes(lineNamed(only, 'TZOFFSETTO')?.value);
  if (offsetMin === null) return [];
  const changes = [daylight, standard].map((one) => (one === undefined ? null : changeOf(one)));
  const both = changes.filter((change) => change !== null);
  return [{ fromMs: null, offsetMin, changes: both.length === 2 ? both : [] }];
}

/**
 * What stands behind the zone names of a stream: zones of the server where it knows the name, otherwise what the stream itself says,
 * and a name without rules when it says nothing that can be read. Times are taken for UTC then.
 */
export function icalendarZones(stream: readonly Component[]): (id: string) => Zone {
  const zones = new Map<string, Zone>();
  const own = (id: string, spans: readonly ZoneSpan[]): Zone => ({ id, name: id, spans });
  for (const definition of componentsNamed(stream, 'VTIMEZONE')) {
    const id = lineNamed(definition, 'TZID')?.value ?? '';
    zones.set(id, knownZone(id) ?? own(id, spansOf(definition)));
  }
  return (id) => zones.get(id) ?? knownZone(id) ?? own(id, []);
}
