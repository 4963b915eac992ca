import type { Property, PropertyType, PropertyValue } from '../world/property.ts';
import { type ByteCursor, Malformed, u16, u32 } from './byte-cursor.ts';

// Property types and how their values lie in bytes. [MS-OXCDATA] 2.11

type One = string | number | boolean;

/** Of 100 nanoseconds between 1601 and 1970. */
const fileTimeEpoch = 116_444_736_000_000_000n;
const textTypes: ReadonlySet<number> = new Set([0x001e, 0x001f]);
const multiple = 0x1000;
/** Strings in a stream say in which code page they are: the high bit, and its number. [MS-OXCFXICS] 2.2.4.1.1.1 */
const codePaged = 0x8000;
const codePages = { utf16: 1200 } as const;

const names: Readonly<Record<number, PropertyType>> = {
  2: 'Short',
  3: 'Integer',
  4: 'Float',
  5: 'Double',
  6: 'Currency',
  7: 'ApplicationTime',
  10: 'Error',
  11: 'Boolean',
  20: 'Long',
  30: 'String',
  31: 'String',
  64: 'SystemTime',
  72: 'CLSID',
  258: 'Binary',
};
/** What is written. */
const codes = new Map(Object.entries(names).map(([code, name]) => [name, Number(code)] as const));

const guidText = (bytes: Buffer): string => {
  const hex = Buffer.concat([
    Buffer.from(bytes.subarray(0, 4)).reverse(),
    Buffer.from(bytes.subarray(4, 6)).reverse(),
    Buffer.from(bytes.subarray(6, 8)).reverse(),
    bytes.subarray(8, 16),
  ]).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
};
export const guidBytes = (text: string): Buffer => {
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex');
  if (bytes.length !== 16) throw new Malformed('no GUID');
  return Buffer.concat([
    bytes.subarray(0, 4).reverse(),
    bytes.subarray(4, 6).reverse(),
    bytes.subarray(6, 8).reverse(),
    bytes.subarray(8),
  ]);
};
export const readGuid = (cursor: ByteCursor): string => guidText(cursor.take(16));

/** A text in the code page that its type names. */
export function decodeString(bytes: Buffer, isWide: boolean): string {
  const text = isWide ? bytes.toString('utf16le') : bytes.toString('latin1');
  return text.endsWith('\0') ? text.slice(0, -1) : text;
}

/** The value of a fixed length that these bytes are. @param code property type without flags */
export function readFixed(cursor: ByteCursor, code: number): One {
  switch (code) {
    case 2:
      return cursor.take(2).readInt16LE();
    case 3:
    case 10:
      return cursor.take(4).readInt32LE();
    case 4:
      return cursor.take(4).readFloatLE();
    case 5:
    case 7:
      return cursor.take(8).readDoubleLE();
    case 6:
    case 20:
      return cursor.take(8).readBigInt64LE().toString();
    case 11:
      return cursor.take(2)[0] !== 0;
    case 64:
      return Number((cursor.take(8).readBigInt64LE() - fileTimeEpoch) / 10_000n);
    case 72:
      return readGuid(cursor);
    default:
      throw new Malformed(`a property of the type 0x${code.toString(16)}`);
  }
}

export const isVariable = (code: number): boolean => textTypes.has(code) || code === 0x0102 || code === 0x000d;
export const typeName = (code: number): PropertyType => names[code] ?? 'Binary';

function readOne(cursor: ByteCursor, code: number, isWide: boolean): One {
  if (!isVariable(code)) return readFixed(cursor, code);
  const bytes = cursor.take(cursor.u32());
  return textTypes.has(code) ? decodeString(bytes, isWide) : bytes.toString('base64');
}

/** A value as a stream has it. @param type as it stands in front of the property, with its flags */
export function readValue(cursor: ByteCursor, type: number): Property {
  const isPaged = (type & codePaged) !== 0;
  const isMany = (type & multiple) !== 0;
  const bare = type & ~codePaged & ~multiple;
  const isWide = isPaged ? bare === codePages.utf16 : bare === 0x001f;
  const code = isPaged ? 0x001f : bare;
  if (!isMany) return { type: typeName(code), value: readOne(cursor, code, isWide) };
  const value = cursor.times(cursor.u32(), 2, () => readOne(cursor, code, isWide));
  return { type: `${typeName(code)}Array`, value };
}

function writeOne(value: One, code: number): Buffer {
  switch (code) {
    case 2:
      return u16(Number(value));
    case 3:
    case 10:
      return u32(Number(value));
    case 4:
    case 5:
    case 7: {
      const bytes = Buffer.alloc(code === 4 ? 4 : 8);
      if (code === 4) bytes.writeFloatLE(Number(value));
      else bytes.writeDoubleLE(Number(value));
      return bytes;
    }
    case 6:
    case 20: {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt.asIntN(64, BigInt(String(value))));
      return bytes;
    }
    case 11:
      return u16(value === true ? 1 : 0);
    case 64: {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(Math.round(Number(value))) * 10_000n + fileTimeEpoch);
      return bytes;
    }
    case 72:
      return guidBytes(String(value));
    default: {
      const bytes =
        code === 0x001f ? Buffer.from(`${String(value)}\0`, 'utf16le') : Buffer.from(String(value), 'base64');
      return Buffer.concat([u32(bytes.length), bytes]);
    }
  }
}

/** Type and value as a stream has them; null: a kind of value that no stream has. */
export function writeValue({ type, value }: Property): { readonly type: number; readonly bytes: Buffer } | null {
  const isMany = type.endsWith('Array');
  const code = codes.get(isMany ? type.slice(0, -5) : type);
  if (code === undefined) return null;
  const written = code === 0x001f ? codePaged | codePages.utf16 : code;
  if (!isMany) return { type: written, bytes: writeOne(value as One, code) };
  const all = value as PropertyValue & readonly One[];
  return {
    type: (code === 0x001f ? code : written) | multiple,
    bytes: Buffer.concat([u32(all.length), ...all.map((one) => writeOne(one, code))]),
  };
}
