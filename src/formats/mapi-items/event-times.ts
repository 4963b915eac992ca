import type { When } from '#model/appointment.ts';
import { eventProperties as rows } from '#model/event-properties.ts';
import type { Instant } from '#model/mail.ts';
import { type MapiProperty, propertySets } from '#model/property-row.ts';
import type { Zone, ZoneRule } from '#model/zone.ts';
import { BlobError } from '../mapi/byte-reader.ts';
import type { MapiPropertyValue } from '../mapi/mapi-message.ts';
import { readTimeZoneStruct, readZoneDefinition, writeZoneDefinition } from '../mapi/zone-blobs.ts';
import { simplifyZone, yearsOf } from '../zones/simplify-zone.ts';
import { type Get, isNumber, isText } from './property-values.ts';

const { appointment, common } = propertySets;

/** What follows from the times of an event and stands in no row of its own. */
export const timeProperties = {
  startDate: { tag: 0x0060, type: 'time' },
  endDate: { tag: 0x0061, type: 'time' },
  commonStart: { set: common, lid: 0x8516, type: 'time' },
  commonEnd: { set: common, lid: 0x8517, type: 'time' },
  durationMinutes: { set: appointment, lid: 0x8213, type: 'integer' },
} as const satisfies Record<string, MapiProperty>;
const derived = timeProperties;

const [start, end, isAllDay, startZone, endZone, zoneStruct, zoneText] = rows.when.mapi;
const [, , reminderTime, reminderSignal] = rows.reminder.mapi;

export function writeWhen(when: When): readonly MapiPropertyValue[] {
  const times = [
    [start, when.start],
    [end, when.end],
    [derived.startDate, when.start],
    [derived.endDate, when.end],
    [derived.commonStart, when.start],
    [derived.commonEnd, when.end],
  ] as const;
  return [
    ...times.map(([property, value]) => ({ property, value })),
    { property: isAllDay, value: when.isAllDay },
    { property: derived.durationMinutes, value: Math.max(0, Math.round((when.end - when.start) / 60_000)) },
  ];
}

/** When a reminder rings: it is the signal time that Outlook looks for. */
export const writeReminderTimes = (rings: {
  readonly start: Instant;
  readonly signal: Instant;
}): readonly MapiPropertyValue[] => [
  { property: reminderTime, value: rings.start },
  { property: reminderSignal, value: rings.signal },
];

const yearOf = (instant: Instant): number => new Date(instant).getUTCFullYear();
const zoneBlob = (property: MapiProperty, zone: Zone | null, at: Instant): readonly MapiPropertyValue[] => {
  const value = zone === null ? null : writeZoneDefinition(zone, yearOf(at), false);
  return value === null ? [] : [{ property, value }];
};

/** A zone of which nothing is known goes as its name alone, in the text that people see. */
export function writeZones(when: When): readonly MapiPropertyValue[] {
  const edits = [...zoneBlob(startZone, when.startZone, when.start), ...zoneBlob(endZone, when.endZone, when.end)];
  const name = when.startZone?.id ?? '';
  return name === '' ? edits : [...edits, { property: zoneText, value: name }];
}

/** Reads a zone; a definition that is broken is none, and its problem is named. */
function readZone(get: Get, property: MapiProperty, years: Years, problems: string[]): Zone | null {
  const bytes = get(property);
  if (!Buffer.isBuffer(bytes)) return null;
  try {
    return simplifyZone(readZoneDefinition(bytes).zone, years);
  } catch (error) {
    if (!(error instanceof BlobError)) throw error;
    problems.push(error.message);
    return null;
  }
}

/** The one rule that old clients write, without a name, and only into series. */
function readOldRule(get: Get, problems: string[]): ZoneRule | null {
  const bytes = get(zoneStruct);
  if (!Buffer.isBuffer(bytes)) return null;
  try {
    return readTimeZoneStruct(bytes);
  } catch (error) {
    if (!(error instanceof BlobError)) throw error;
    problems.push(error.message);
    return null;
  }
}

type Years = ReturnType<typeof yearsOf>;
const sameRule = (a: ZoneRule, b: ZoneRule): boolean =>
  JSON.stringify({ ...a, fromYear: 0 }) === JSON.stringify({ ...b, fromYear: 0 });

/**
 * The zone by which a series repeats. An old client that changes a series knows the single rule only; where the rule in effect is another
 * than that, the single rule is right ([MS-OXOCAL] 2.2.1.41).
 */
function readSeriesZone(get: Get, years: Years, problems: string[]): Zone | null {
  const rule = readOldRule(get, problems);
  const bytes = get(rows.recurrence.mapi[4]);
  const name = get(zoneText);
  const id = isText(name) ? name : '';
  if (Buffer.isBuffer(bytes)) {
    try {
      const { zone, effectiveRule } = readZoneDefinition(bytes);
      const current = effectiveRule === null ? undefined : zone.rules?.[effectiveRule];
      const isOverruled = rule !== null && current !== undefined && !sameRule(rule, current);
      return simplifyZone(isOverruled ? { id, rules: [rule] } : zone, years);
    } catch (error) {
      if (!(error instanceof BlobError)) throw error;
      problems.push(error.message);
    }
  }
  if (rule !== null) return simplifyZone({ id, rules: [rule] }, years);
  return id === '' ? null : simplifyZone({ id, rules: null });
}

/** @returns null for a message without a start */
export function readWhen(get: Get, problems: string[]): When | null {
  const [from, to] = [get(start), get(end)];
  if (!isNumber(from)) return null;
  const isSeries = get(rows.recurrence.mapi[0]) !== undefined;
  const until = isNumber(to) ? to : from;
  const years = yearsOf(from, isSeries ? null : until);
  // A series repeats in a zone of its own properties; what it is shown in ought to be the same.
  const repeats = isSeries ? readSeriesZone(get, years, problems) : null;
  const shown = repeats ?? readZone(get, startZone, years, problems);
  return {
    start: from,
    end: until,
    isAllDay: get(isAllDay) === true,
    startZone: shown ?? (isSeries ? null : readSeriesZone(get, years, problems)),
    endZone: readZone(get, endZone, years, problems),
  };
}
