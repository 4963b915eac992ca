import { spanIn, windowsZone, type YearlyChange, type Zone, type ZoneSpan } from './zone.ts';

// PidLidAppointmentTimeZoneDefinitionStartDisplay and its like. [MS-OXOCAL] 2.2.1.41

const ruleBytes = 66;

/** SYSTEMTIME of a change: without a year, `day` is which of the weekdays, 5 the last. */
function writeChange(into: Buffer, at: number, change: YearlyChange | undefined): void {
  if (change === undefined) return;
  into.writeUInt16LE(change.month, at + 2);
  into.writeUInt16LE(change.weekday ?? 0, at + 4);
  into.writeUInt16LE(change.day < 0 || change.day > 4 ? 5 : change.day, at + 6);
  const minutes = Math.floor(change.timeMs / 60_000);
  into.writeUInt16LE(Math.floor(minutes / 60), at + 8);
  into.writeUInt16LE(minutes % 60, at + 10);
}

/** The definition of a zone as the store keeps it, with the rules of one year where the zone is a known one. */
export function writeZoneBlob(zone: Zone, year: number): Buffer {
  const spans = zone.spans ?? [spanIn(zone, year)];
  const name = Buffer.from(zone.id, 'utf16le');
  const head = Buffer.alloc(8);
  head.set([2, 1]);
  head.writeUInt16LE(6 + name.length, 2);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(zone.id.length, 6);
  const count = Buffer.alloc(2);
  count.writeUInt16LE(spans.length);
  const rules = spans.map((span, index) => {
    const rule = Buffer.alloc(ruleBytes);
    rule.set([2, 1]);
    rule.writeUInt16LE(0x3e, 2);
    // The last rule is the one in effect.
    rule.writeUInt16LE(index === spans.length - 1 ? 2 : 0, 4);
    rule.writeUInt16LE(span.fromMs === null ? 1601 : new Date(span.fromMs).getUTCFullYear(), 6);
    rule.writeInt32LE(-span.offsetMin, 22);
    const daylight = span.changes.find(({ offsetMin }) => offsetMin !== span.offsetMin);
    const standard = span.changes.find(({ offsetMin }) => offsetMin === span.offsetMin);
    rule.writeInt32LE(daylight === undefined ? 0 : span.offsetMin - daylight.offsetMin, 30);
    writeChange(rule, 34, standard);
    writeChange(rule, 50, daylight);
    return rule;
  });
  return Buffer.concat([head, name, count, ...rules]);
}

function readChange(bytes: Buffer, at: number, offsetMin: number): YearlyChange | null {
  const month = bytes.readUInt16LE(at + 2);
  if (month < 1 || month > 12) return null;
  const day = bytes.readUInt16LE(at + 6);
  return {
    month,
    weekday: bytes.readUInt16LE(at + 4) % 7,
    day: day === 5 ? -1 : day,
    timeMs: (bytes.readUInt16LE(at + 8) * 60 + bytes.readUInt16LE(at + 10)) * 60_000,
    offsetMin,
  };
}

/** Null: not readable. A definition whose rules are those of a zone the server knows is that zone. */
export function readZoneBlob(bytes: Buffer): Zone | null {
  if (bytes.length < 10 || bytes[0] !== 2) return null;
  const letters = bytes.readUInt16LE(6);
  const at = 8 + 2 * letters;
  if (bytes.length < at + 2) return null;
  const id = bytes.subarray(8, at).toString('utf16le');
  const count = bytes.readUInt16LE(at);
  if (count === 0 || bytes.length < at + 2 + count * ruleBytes) return null;
  const spans: ZoneSpan[] = [];
  for (let index = 0; index < count; index++) {
    const from = at + 2 + index * ruleBytes;
    const base = 0 - bytes.readInt32LE(from + 22);
    const standard = readChange(bytes, from + 34, base - bytes.readInt32LE(from + 26));
    const daylight = readChange(bytes, from + 50, base - bytes.readInt32LE(from + 30));
    const year = bytes.readUInt16LE(from + 6);
    spans.push({
      fromMs: index === 0 || year <= 1601 ? null : Date.UTC(year, 0, 1),
      offsetMin: standard?.offsetMin ?? base,
      changes: standard === null || daylight === null ? [] : [daylight, standard],
    });
  }
  // By its name a zone is known whatever year the rules are of (assumed): they differ only in years past.
  const known = windowsZone(id);
  return known ?? { id, name: id, spans };
}

/**
 * PidLidTimeZoneStruct: the one rule that old clients know, and the text that people see for its name. Null: not readable. A zone that
 * the server knows by that name is that zone. [MS-OXOCAL] 2.2.1.39
 */
export function readZoneStruct(bytes: Buffer, name: string): Zone | null {
  if (bytes.length < 48) return null;
  const base = 0 - bytes.readInt32LE(0);
  const standard = readChange(bytes, 14, base - bytes.readInt32LE(4));
  const daylight = readChange(bytes, 32, base - bytes.readInt32LE(8));
  const changes = standard === null || daylight === null ? [] : [daylight, standard];
  const span: ZoneSpan = { fromMs: null, offsetMin: standard?.offsetMin ?? base, changes };
  return windowsZone(name) ?? { id: name === '' ? 'Customized Time Zone' : name, name, spans: [span] };
}
