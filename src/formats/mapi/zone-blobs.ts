import type { Zone, ZoneRule, ZoneTransition } from '#model/zone.ts';
import { windowsIdOf } from '../zones/windows-ids.ts';
import { rulesOf } from '../zones/zone-clock.ts';
import { ByteReader, ByteWriter } from './byte-reader.ts';

/** SYSTEMTIME as rules use it ([MS-OXOCAL] 2.2.1.39): month 0 for none, year 0 for every year. */
function readTransition(reader: ByteReader): ZoneTransition | null {
  const [year, month, weekday, day] = [reader.u16(), reader.u16(), reader.u16(), reader.u16()];
  const [hour, minute, second] = [reader.u16(), reader.u16(), reader.u16()];
  reader.u16();
  if (month === 0) return null;
  // Windows writes the midnight at the end of a day as 23:59:59.999.
  const minuteOfDay = hour * 60 + minute + (second === 59 ? 1 : 0);
  if (month > 12 || minuteOfDay > 1440) reader.fail('out-of-range');
  if (year !== 0) return day >= 1 && day <= 31 ? { year, month, day, minuteOfDay } : reader.fail('out-of-range');
  if (day < 1 || day > 5 || weekday > 6) reader.fail('out-of-range');
  return { month, week: day as 1 | 2 | 3 | 4 | 5, weekday, minuteOfDay };
}

function writeTransition(writer: ByteWriter, transition: ZoneTransition | null): void {
  if (transition === null) {
    writer.bytes(Buffer.alloc(16));
    return;
  }
  const isMidnightAtEnd = transition.minuteOfDay >= 1440;
  const minutes = isMidnightAtEnd ? 1439 : transition.minuteOfDay;
  const isOnce = 'year' in transition;
  writer.u16(isOnce ? transition.year : 0).u16(transition.month);
  writer.u16(isOnce ? 0 : transition.weekday).u16(isOnce ? transition.day : transition.week);
  writer.u16(Math.floor(minutes / 60)).u16(minutes % 60);
  writer.u16(isMidnightAtEnd ? 59 : 0).u16(isMidnightAtEnd ? 999 : 0);
}

const yearIn = (transition: ZoneTransition | null): number =>
  transition !== null && 'year' in transition ? transition.year : 0;

/** First year that Windows knows. */
const firstYear = 1601;

/**
 * PidLidTimeZoneStruct ([MS-OXOCAL] 2.2.1.39): one rule, without a name.
 *
 * @throws BlobError
 */
export function readTimeZoneStruct(bytes: Uint8Array): ZoneRule {
  const reader = new ByteReader(bytes, 'PidLidTimeZoneStruct');
  const [biasMinutes, standardBiasMinutes, daylightBiasMinutes] = [reader.i32(), reader.i32(), reader.i32()];
  reader.u16();
  const toStandard = readTransition(reader);
  reader.u16();
  const toDaylight = readTransition(reader);
  return { fromYear: firstYear, biasMinutes, standardBiasMinutes, daylightBiasMinutes, toStandard, toDaylight };
}

export function writeTimeZoneStruct(rule: ZoneRule): Buffer {
  const writer = new ByteWriter();
  writer.u32(rule.biasMinutes).u32(rule.standardBiasMinutes).u32(rule.daylightBiasMinutes);
  writer.u16(yearIn(rule.toStandard));
  writeTransition(writer, rule.toStandard);
  writer.u16(yearIn(rule.toDaylight));
  writeTransition(writer, rule.toDaylight);
  return writer.done();
}

/** TZRule flags. */
const [matchesStruct, effective] = [0x0001, 0x0002];
/** More than any zone had. */
const rulesMax = 1024;

/** A definition with what tells its rules apart. */
export interface ZoneDefinition {
  readonly zone: Zone;
  /** Place among the rules of the one by which the item's times were converted; null: none is marked. */
  readonly effectiveRule: number | null;
}

/**
 * PidLidAppointmentTimeZoneDefinitionRecur, …StartDisplay, …EndDisplay ([MS-OXOCAL] 2.2.1.41 to 2.2.1.43).
 *
 * @throws BlobError
 */
export function readZoneDefinition(bytes: Uint8Array): ZoneDefinition {
  const reader = new ByteReader(bytes, 'PidLidAppointmentTimeZoneDefinition');
  if (reader.u8() !== 2) reader.fail('not-this-structure');
  reader.u8();
  const header = new ByteReader(reader.bytes(reader.u16()), 'PidLidAppointmentTimeZoneDefinition');
  header.u16();
  const id = header.utf16(header.u16());
  const count = header.u16();
  if (count > rulesMax) reader.fail('out-of-range');
  const rules: ZoneRule[] = [];
  const marked: ZoneRule[] = [];
  for (let n = 0; n < count; n++) {
    if (reader.u8() !== 2) reader.fail('not-this-structure');
    reader.u8();
    const rule = new ByteReader(reader.bytes(reader.u16()), 'TZRule');
    const [flags, year] = [rule.u16(), rule.u16()];
    rule.bytes(14);
    const [biasMinutes, standardBiasMinutes, daylightBiasMinutes] = [rule.i32(), rule.i32(), rule.i32()];
    const [toStandard, toDaylight] = [readTransition(rule), readTransition(rule)];
    const read = { fromYear: year, biasMinutes, standardBiasMinutes, daylightBiasMinutes, toStandard, toDaylight };
    rules.push(read);
    if ((flags & effective) !== 0) marked.push(read);
  }
  rules.sort((a, b) => a.fromYear - b.fromYear);
  const at = marked[0] === undefined ? -1 : rules.indexOf(marked[0]);
  // The first rule holds for all the years before as well.
  const ordered = rules.map((rule, n) => (n === 0 ? { ...rule, fromYear: firstYear } : rule));
  return { zone: { id, rules: ordered.length > 0 ? ordered : null }, effectiveRule: at < 0 ? null : at };
}

/**
 * @param year Of the start of the item: the rule that holds then is marked as the one in effect.
 * @param withStruct PidLidTimeZoneStruct of the item holds the same rule (series only).
 * @returns null for a zone of which neither name nor rules are known
 */
export function writeZoneDefinition(zone: Zone, year: number, withStruct: boolean): Buffer | null {
  const rules = rulesOf(zone)?.slice(0, rulesMax) ?? null;
  if (rules === null) return null;
  const id = (zone.rules === null ? windowsIdOf(zone.id) : null) ?? zone.id;
  const current = Math.max(
    0,
    rules.findLastIndex(({ fromYear }) => fromYear <= year),
  );
  const name = Buffer.from(id.slice(0, 260), 'utf16le');
  const writer = new ByteWriter().u8(2).u8(1);
  writer
    .u16(2 + 2 + name.length + 2)
    .u16(2)
    .u16(name.length / 2)
    .bytes(name)
    .u16(rules.length);
  for (const [at, rule] of rules.entries()) {
    const flags = at === current ? effective | (withStruct ? matchesStruct : 0) : 0;
    writer.u8(2).u8(1).u16(0x3e).u16(flags);
    writer.u16(rule.fromYear).bytes(Buffer.alloc(14));
    writer.u32(rule.biasMinutes).u32(rule.standardBiasMinutes).u32(rule.daylightBiasMinutes);
    writeTransition(writer, rule.toStandard);
    writeTransition(writer, rule.toDaylight);
  }
  return writer.done();
}
