import { knownZone } from '../world/icalendar-text.ts';
import { instantOf, utc, wallOf, windowsZone, windowsZoneIds, type Zone } from '../world/zone.ts';
import { badRequest, GraphError } from './graph-error.ts';

// learn.microsoft.com/graph/api/resources/datetimetimezone

/** A zone by its Windows or IANA name; null: nobody knows it. */
const zoneByName = (name: string): Zone | null =>
  /^(?:utc|etc\/utc|gmt|etc\/gmt)$/i.test(name)
    ? utc
    : (windowsZone(name) ??
      windowsZone(windowsZoneIds.find((id) => id.toLowerCase() === name.toLowerCase()) ?? '') ??
      knownZone(name));

/** @throws GraphError */
export function zoneOf(name: string): Zone {
  const zone = zoneByName(name);
  if (zone === null)
    throw new GraphError(
      400,
      'TimeZoneNotSupportedException',
      `The time zone '${name.slice(0, 80)}' is not supported.`,
    );
  return zone;
}

/** `{dateTime: 2026-03-02T09:00:00.0000000, timeZone: UTC}` */
export const zonedJson = (ms: number, zone: Zone): { readonly dateTime: string; readonly timeZone: string } => ({
  dateTime: `${new Date(wallOf(zone, ms)).toISOString().replace('Z', '')}0000`,
  timeZone: zone.id,
});

export interface ZonedTime {
  readonly ms: number;
  readonly zone: Zone;
}

/** A time with its zone out of JSON; an offset in the text wins over the zone. @throws GraphError */
export function readZoned(value: unknown, name: string): ZonedTime {
  const { dateTime, timeZone } = (value ?? {}) as { readonly dateTime?: unknown; readonly timeZone?: unknown };
  if (typeof dateTime !== 'string') throw badRequest(`'${name}' needs a dateTime.`);
  const zone = typeof timeZone === 'string' && timeZone !== '' ? zoneOf(timeZone) : utc;
  const hasOffset = /(?:Z|[+-]\d\d:?\d\d)$/.test(dateTime);
  const ms = Date.parse(hasOffset ? dateTime : `${dateTime.replace(/(\.\d{3})\d+$/, '$1')}Z`);
  if (Number.isNaN(ms)) throw badRequest(`The dateTime of '${name}' is no time.`);
  return { ms: hasOffset ? ms : instantOf(zone, ms), zone };
}
