/** The part of BER that LDAP uses: definite lengths, one byte of tag. X.690 8; RFC 4511 section 5.1 */

/** Bytes that are no such BER, or not what was to come there. */
export class BerError extends Error {
  override readonly name = 'BerError';
}

export const tag = {
  boolean: 0x01,
  integer: 0x02,
  octets: 0x04,
  null: 0x05,
  enumerated: 0x0a,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Where the first element ends, its header included; null: more bytes are needed to know. @throws BerError */
export function elementLength(bytes: Buffer): number | null {
  if (bytes.length < 2) return null;
  const first = bytes[1] as number;
  if (first < 0x80) return 2 + first;
  const count = first & 0x7f;
  if (count === 0 || count > 4) throw new BerError('a length has one to four bytes');
  return bytes.length < 2 + count ? null : 2 + count + bytes.readUIntBE(2, count);
}

/** Reads elements one after the other. */
export class BerReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }
  /** Tag of the next element; null at the end. */
  get tag(): number | null {
    return this.#bytes[this.#at] ?? null;
  }

  /** The contents of the next element. @throws BerError another tag, or bytes that end too early */
  take(expected: number): Buffer {
    const rest = this.#bytes.subarray(this.#at);
    const length = elementLength(rest);
    if (length === null || length > rest.length) throw new BerError('an element ends too early');
    if (rest[0] !== expected) throw new BerError(`expected an element 0x${expected.toString(16)}, found ${rest[0]}`);
    this.#at += length;
    const long = (rest[1] as number) & 0x80 ? (rest[1] as number) & 0x7f : 0;
    return rest.subarray(2 + long, length);
  }
  enter(expected: number = tag.sequence): BerReader {
    return new BerReader(this.take(expected));
  }
  integer(expected: number = tag.integer): number {
    const bytes = this.take(expected);
    if (bytes.length === 0 || bytes.length > 6) throw new BerError('a number has one to six bytes here');
    return bytes.readIntBE(0, bytes.length);
  }
  boolean(expected: number = tag.boolean): boolean {
    const bytes = this.take(expected);
    if (bytes.length !== 1) throw new BerError('a truth value has one byte');
    return bytes[0] !== 0;
  }
  octets(expected: number = tag.octets): Buffer {
    return this.take(expected);
  }
  text(expected: number = tag.octets): string {
    return this.take(expected).toString('utf8');
  }
}

export function element(tagByte: number, ...parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  let head: Buffer;
  if (length < 0x80) head = Buffer.from([tagByte, length]);
  else if (length < 0x100) head = Buffer.from([tagByte, 0x81, length]);
  else if (length < 0x10000) head = Buffer.from([tagByte, 0x82, length >> 8, length & 0xff]);
  else {
    head = Buffer.alloc(6);
    head[0] = tagByte;
    head[1] = 0x84;
    head.writeUInt32BE(length, 2);
  }
  return Buffer.concat([head, ...parts]);
}
export const sequence = (...parts: readonly Buffer[]): Buffer => element(tag.sequence, ...parts);
export const octets = (value: string | Buffer, tagByte: number = tag.octets): Buffer =>
  element(tagByte, typeof value === 'string' ? Buffer.from(value) : value);
export function integer(value: number, tagByte: number = tag.integer): Buffer {
  let length = 1;
  while (length < 6 && (value >= 2 ** (8 * length - 1) || value < -(2 ** (8 * length - 1)))) length++;
  const bytes = Buffer.alloc(length);
  bytes.writeIntBE(value, 0, length);
  return element(tagByte, bytes);
}
