import { hash } from 'node:crypto';

/**
 * Which items of a folder are in some state, in as few bytes as they take: a cursor carries it. Items are the segments of their ids,
 * `GUID-COUNTER`; each may have a mark, of which four bytes of a hash are kept.
 */
export type ItemSet = ReadonlyMap<string, string>;

const guidForm = /^([0-9a-f]{32})-([0-9a-f]{1,12})$/;

/** Four bytes that tell marks apart, in hex. */
export const shortMark = (mark: string): string => hash('sha256', mark, 'hex').slice(0, 8);

/** Base64: for each GUID its bytes, how many, and the counters in order as differences, each with its mark. */
export function writeItemSet(set: ItemSet, withMarks: boolean): string {
  const byGuid = new Map<string, (readonly [number, string])[]>();
  for (const [segment, mark] of set) {
    const [, guid, counter] = guidForm.exec(segment) ?? [];
    if (guid === undefined || counter === undefined) continue;
    const list = byGuid.get(guid) ?? [];
    list.push([Number.parseInt(counter, 16), mark]);
    byGuid.set(guid, list);
  }
  const out: number[] = [withMarks ? 1 : 0];
  for (const [guid, items] of byGuid) {
    out.push(...Buffer.from(guid, 'hex'));
    putNumber(out, items.length);
    let last = 0;
    for (const [counter, mark] of items.sort(([a], [b]) => a - b)) {
      putNumber(out, counter - last);
      if (withMarks) out.push(...Buffer.from(mark.padEnd(8, '0').slice(0, 8), 'hex'));
      last = counter;
    }
  }
  return Buffer.from(out).toString('base64');
}

/** Null for what `writeItemSet` did not write. */
export function readItemSet(text: string): ItemSet | null {
  const bytes = Buffer.from(text, 'base64');
  const set = new Map<string, string>();
  const reader = { at: 1 };
  const withMarks = bytes[0] === 1;
  if (bytes.length === 0 || (bytes[0] ?? 2) > 1) return null;
  while (reader.at < bytes.length) {
    if (reader.at + 16 > bytes.length) return null;
    const guid = bytes.toString('hex', reader.at, reader.at + 16);
    reader.at += 16;
    const count = takeNumber(bytes, reader);
    if (count === null || count > bytes.length) return null;
    let counter = 0;
    for (let n = 0; n < count; n++) {
      const step = takeNumber(bytes, reader);
      if (step === null || (withMarks && reader.at + 4 > bytes.length)) return null;
      counter += step;
      set.set(`${guid}-${counter.toString(16)}`, withMarks ? bytes.toString('hex', reader.at, reader.at + 4) : '');
      if (withMarks) reader.at += 4;
    }
  }
  return set;
}

/** Seven bits a byte, the last one without the eighth. Counters have 48 bits, so no shifts. */
function putNumber(out: number[], value: number): void {
  let left = value;
  while (left >= 0x80) {
    out.push((left % 0x80) | 0x80);
    left = Math.floor(left / 0x80);
  }
  out.push(left);
}

function takeNumber(bytes: Buffer, reader: { at: number }): number | null {
  let value = 0;
  for (let scale = 1; scale <= 0x80 ** 7; scale *= 0x80) {
    const byte = bytes[reader.at++];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
  }
  return null;
}
