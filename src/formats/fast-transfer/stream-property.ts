import type { Instant } from '#model/mail.ts';
import type { MapiProperty, MapiType } from '#model/property-row.ts';
import { decodeText } from '../mapi/code-page.ts';
import { readFileTime, writeFileTime } from '../mapi/file-time.ts';
import type { MapiScalar, MapiValue, OpaqueProperty } from '../mapi/mapi-message.ts';

export type PropertyName =
  | { readonly set: string; readonly lid: number }
  | { readonly set: string; readonly name: string };

/** One property of a stream with its bytes: type, id, name where it has one, value ([MS-OXCFXICS] 2.2.4.1). */
export interface StreamProperty {
  readonly kind: 'property';
  readonly type: number;
  /** From 0x8000 on only a number within this stream, told apart by the name. */
  readonly id: number;
  readonly name: PropertyName | null;
  readonly raw: Buffer;
  /** Where in `raw` the value begins, its length or count included. */
  readonly valueAt: number;
}

/** Bytes of values of a fixed size. A boolean takes two here. */
const fixedSizes: ReadonlyMap<number, number> = new Map([
  [0x0002, 2],
  [0x0003, 4],
  [0x0004, 4],
  [0x0005, 8],
  [0x0006, 8],
  [0x0007, 8],
  [0x000a, 4],
  [0x000b, 2],
  [0x0014, 8],
  [0x0040, 8],
  [0x0048, 16],
]);
const variableTypes: ReadonlySet<number> = new Set([0x001e, 0x001f, 0x0102, 0x000d, 0x00fb]);
const MULTIPLE = 0x1000;
/** A string in the code page that the other bits name: 1200 is UTF-16 ([MS-OXCFXICS] 2.2.4.1.1.1). */
const CODE_PAGE = 0x8000;
const utf16 = 1200;

export const isNamedId = (id: number): boolean => id >= 0x8000;
const isVariable = (type: number): boolean => variableTypes.has(type) || (type & CODE_PAGE) !== 0;

/** Why a property cannot be read. */
export type PropertyFlaw = 'truncated' | 'unknown-type' | 'bad-name';

/** Reads the property that begins at `at`. */
export function readProperty(bytes: Buffer, at: number): StreamProperty | PropertyFlaw {
  if (at + 4 > bytes.length) return 'truncated';
  const type = bytes.readUInt16LE(at);
  const id = bytes.readUInt16LE(at + 2);
  let valueAt = at + 4;
  let name: PropertyName | null = null;
  if (isNamedId(id)) {
    const read = readName(bytes, valueAt);
    if (typeof read === 'string') return read;
    name = read.name;
    valueAt = read.end;
  }
  const end = endOfValue(bytes, valueAt, type);
  if (typeof end === 'string') return end;
  return { kind: 'property', type, id, name, raw: bytes.subarray(at, end), valueAt: valueAt - at };
}

/** Longest name of a property, in characters. */
const nameMax = 1024;

function readName(bytes: Buffer, at: number): { name: PropertyName; end: number } | PropertyFlaw {
  if (at + 17 > bytes.length) return 'truncated';
  const set = guidText(bytes.subarray(at, at + 16));
  const kind = bytes[at + 16];
  if (kind === 0) {
    if (at + 21 > bytes.length) return 'truncated';
    return { name: { set, lid: bytes.readUInt32LE(at + 17) }, end: at + 21 };
  }
  if (kind !== 1) return 'bad-name';
  for (let end = at + 17; ; end += 2) {
    if (end + 2 > bytes.length) return 'truncated';
    if (end - at > 17 + 2 * nameMax) return 'bad-name';
    if (bytes.readUInt16LE(end) === 0)
      return { name: { set, name: bytes.toString('utf16le', at + 17, end) }, end: end + 2 };
  }
}

function endOfValue(bytes: Buffer, at: number, type: number): number | PropertyFlaw {
  const fixed = fixedSizes.get(type);
  if (fixed !== undefined) return at + fixed <= bytes.length ? at + fixed : 'truncated';
  const skip = (from: number): number | null => {
    if (from + 4 > bytes.length) return null;
    const end = from + 4 + bytes.readUInt32LE(from);
    return end <= bytes.length ? end : null;
  };
  if (isVariable(type)) return skip(at) ?? 'truncated';
  if ((type & MULTIPLE) === 0) return 'unknown-type';
  const element = type & ~MULTIPLE;
  if (at + 4 > bytes.length) return 'truncated';
  const count = bytes.readUInt32LE(at);
  const size = fixedSizes.get(element);
  if (size !== undefined) {
    const end = at + 4 + count * size;
    return end <= bytes.length ? end : 'truncated';
  }
  if (!variableTypes.has(element)) return 'unknown-type';
  let end = at + 4;
  for (let n = 0; n < count; n++) {
    const next = skip(end);
    if (next === null) return 'truncated';
    end = next;
  }
  return end;
}

/** GUID in memory order to text: the first three groups are little-endian ([MS-DTYP] 2.3.4). */
function guidText(bytes: Buffer): string {
  const [a, b, c] = [bytes.readUInt32LE(0), bytes.readUInt16LE(4), bytes.readUInt16LE(6)];
  const hex = (value: number, width: number) => value.toString(16).padStart(width, '0');
  const tail = bytes.subarray(8, 16).toString('hex');
  return `${hex(a, 8)}-${hex(b, 4)}-${hex(c, 4)}-${tail.slice(0, 4)}-${tail.slice(4)}`;
}

function writeGuid(text: string, to: Buffer, at: number): void {
  const [a = '', b = '', c = '', d = '', e = ''] = text.split('-');
  to.fill(0, at, at + 16);
  to.writeUInt32LE(Number.parseInt(a, 16), at);
  to.writeUInt16LE(Number.parseInt(b, 16), at + 4);
  to.writeUInt16LE(Number.parseInt(c, 16), at + 6);
  to.write(d + e, at + 8, 'hex');
}

/** Strings end with a zero that belongs to their length. */
const untilZero = (text: string): string => (text.endsWith('\0') ? text.slice(0, -1) : text);

function scalar(bytes: Buffer, type: number): MapiScalar {
  switch (type) {
    case 0x0002:
      return bytes.readInt16LE();
    case 0x0003:
    case 0x000a:
      return bytes.readInt32LE();
    case 0x0004:
      return bytes.readFloatLE();
    case 0x0005:
    case 0x0007:
      return bytes.readDoubleLE();
    case 0x000b:
      return bytes.readUInt16LE() !== 0;
    case 0x0006:
    case 0x0014:
      return bytes.readBigInt64LE();
    case 0x0040:
      return readFileTime(bytes);
    case 0x0048:
      return guidText(bytes);
    case 0x001f:
      return untilZero(bytes.toString('utf16le'));
    case 0x001e:
      return untilZero(decodeText(bytes, 1252));
    default:
      return (type & CODE_PAGE) !== 0 ? untilZero(decodeText(bytes, type & ~CODE_PAGE)) : bytes;
  }
}

/** Value of a property: times as instants, integers of 64 bits as bigint, binary as a view of the stream. */
export function propertyValue({ raw, type, valueAt }: StreamProperty): MapiValue {
  const bytes = raw.subarray(valueAt);
  if (fixedSizes.has(type)) return scalar(bytes, type);
  if (isVariable(type)) return scalar(bytes.subarray(4), type);
  const element = type & ~MULTIPLE;
  const count = bytes.readUInt32LE();
  const size = fixedSizes.get(element);
  const values: MapiScalar[] = [];
  for (let n = 0, at = 4; n < count; n++) {
    const length = size ?? bytes.readUInt32LE(at);
    const from = size === undefined ? at + 4 : at;
    values.push(scalar(bytes.subarray(from, from + length), element));
    at = from + length;
  }
  return values;
}

/** Whether a property of a stream is the one meant, whatever type it has there. */
export function isProperty(property: StreamProperty, wanted: MapiProperty): boolean {
  const { name } = property;
  if ('tag' in wanted) return name === null && property.id === wanted.tag;
  if (name === null || name.set !== wanted.set.toLowerCase()) return false;
  return 'lid' in wanted ? 'lid' in name && name.lid === wanted.lid : 'name' in name && name.name === wanted.name;
}

/** Types that a property of ours has, by those of a stream: such that it is written in the type that it had, or in Unicode. */
const typeNames: ReadonlyMap<number, MapiType> = new Map([
  [0x001e, 'string'],
  [0x001f, 'string'],
  [0x101e, 'strings'],
  [0x101f, 'strings'],
  [0x0003, 'integer'],
  [0x000b, 'boolean'],
  [0x0040, 'time'],
  [0x000d, 'binary'],
  [0x0102, 'binary'],
  [0x0014, 'long'],
  [0x0005, 'double'],
  [0x0048, 'guid'],
]);

/** @returns null for a property of a type that none of ours has */
export function mapiPropertyOf({ type, id, name }: StreamProperty): MapiProperty | null {
  const known = typeNames.get(type) ?? ((type & CODE_PAGE) !== 0 ? 'string' : undefined);
  if (known === undefined) return null;
  return name === null ? { tag: id, type: known } : { ...name, type: known };
}

export const typeCodes: Readonly<Record<MapiType, number>> = {
  string: CODE_PAGE | utf16,
  strings: MULTIPLE | 0x001f,
  integer: 0x0003,
  boolean: 0x000b,
  time: 0x0040,
  binary: 0x0102,
  long: 0x0014,
  double: 0x0005,
  guid: 0x0048,
};

/** @param id Of a named property: any from 0x8000 on that no other name has in this stream. */
export function makeProperty(property: MapiProperty, value: MapiValue, id: number): StreamProperty {
  const type = typeCodes[property.type];
  const isNamed = !('tag' in property);
  const ownId = isNamed ? id : property.tag;
  const valueAt = isNamed ? 4 + nameLength(property) : 4;
  const raw = Buffer.allocUnsafe(valueAt + valueLength(property.type, value));
  raw.writeUInt16LE(type, 0);
  raw.writeUInt16LE(ownId, 2);
  if (isNamed) writeName(property, raw, 4);
  writeValue(property.type, value, raw, valueAt);
  return { kind: 'property', type, id: ownId, name: isNamed ? nameOf(property) : null, raw, valueAt };
}

/** A property of a type that no value of ours has, from the bytes of its value. */
export function makeOpaque({ property, typeCode, bytes }: OpaqueProperty, id: number): StreamProperty {
  const blank = makeProperty({ ...property, type: 'boolean' }, false, id);
  const head = Buffer.from(blank.raw.subarray(0, blank.valueAt));
  head.writeUInt16LE(typeCode, 0);
  return { ...blank, type: typeCode, raw: Buffer.concat([head, bytes]) };
}

/** The same as it came. */
export function opaqueOf({ type, id, name, raw, valueAt }: StreamProperty): OpaqueProperty {
  const property = name === null ? { tag: id, type: 'binary' as const } : { ...name, type: 'binary' as const };
  return { property, typeCode: type, bytes: raw.subarray(valueAt) };
}

type NamedProperty = Exclude<MapiProperty, { tag: number }>;
const nameOf = (property: NamedProperty): PropertyName =>
  'lid' in property
    ? { set: property.set.toLowerCase(), lid: property.lid }
    : { set: property.set.toLowerCase(), name: property.name };

const nameLength = (property: NamedProperty): number => ('name' in property ? 17 + 2 * property.name.length + 2 : 21);

function writeName(property: NamedProperty, to: Buffer, at: number): void {
  writeGuid(property.set, to, at);
  if ('name' in property) {
    to[at + 16] = 1;
    writeText(property.name, to, at + 17);
  } else {
    to[at + 16] = 0;
    to.writeUInt32LE(property.lid, at + 17);
  }
}

/** A text as it is written; it ends with a zero that belongs to its length. */
const textOf = (value: MapiScalar): string => String(value ?? '');
const textLength = (text: string): number => 2 * text.length + 2;
function writeText(text: string, to: Buffer, at: number): void {
  const end = at + to.write(text, at, 'utf16le');
  to.writeUInt16LE(0, end);
}

/** Bytes of a value with its length or count. */
function valueLength(type: MapiType, value: MapiValue): number {
  switch (type) {
    case 'string':
      return 4 + textLength(textOf(value as MapiScalar));
    case 'strings':
      return (value as readonly string[]).reduce((sum, one) => sum + 4 + textLength(textOf(one)), 4);
    case 'binary':
      return 4 + (value as Buffer).length;
    case 'boolean':
      return 2;
    case 'integer':
      return 4;
    case 'time':
    case 'long':
    case 'double':
      return 8;
    case 'guid':
      return 16;
    default:
      throw new TypeError(`no such type: ${String(type satisfies never)}`);
  }
}

/** @returns where it ends */
function writeLengthAndText(text: string, to: Buffer, at: number): number {
  const length = textLength(text);
  to.writeUInt32LE(length, at);
  writeText(text, to, at + 4);
  return at + 4 + length;
}

function writeValue(type: MapiType, value: MapiValue, to: Buffer, at: number): void {
  switch (type) {
    case 'string':
      writeLengthAndText(textOf(value as MapiScalar), to, at);
      return;
    case 'strings': {
      const texts = value as readonly string[];
      to.writeUInt32LE(texts.length, at);
      let next = at + 4;
      for (const one of texts) next = writeLengthAndText(textOf(one), to, next);
      return;
    }
    case 'integer':
      to.writeInt32LE(Number(value) | 0, at);
      return;
    case 'boolean':
      to.writeUInt16LE(value === true ? 1 : 0, at);
      return;
    case 'time':
      writeFileTime(value as Instant).copy(to, at);
      return;
    case 'binary':
      to.writeUInt32LE((value as Buffer).length, at);
      (value as Buffer).copy(to, at + 4);
      return;
    case 'long':
      to.writeBigInt64LE(BigInt.asIntN(64, BigInt(value as bigint)), at);
      return;
    case 'double':
      to.writeDoubleLE(value as number, at);
      return;
    case 'guid':
      writeGuid(value as string, to, at);
      return;
    default:
      throw new TypeError(`no such type: ${String(type satisfies never)}`);
  }
}
