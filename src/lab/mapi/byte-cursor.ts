/** Bytes are not what they are said to be. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}

/** Little-endian numbers and pieces one after the other; beyond the end it throws. */
export class ByteCursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }
  get left(): number {
    return this.#bytes.length - this.#at;
  }
  take(length: number): Buffer {
    if (length > this.left) throw new Malformed(`${length} bytes wanted where ${this.left} are left`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
  u16(): number {
    return this.take(2).readUInt16LE();
  }
  u32(): number {
    return this.take(4).readUInt32LE();
  }
  /** The next number without taking it; null: there are fewer bytes. */
  peekU32(): number | null {
    return this.left < 4 ? null : this.#bytes.readUInt32LE(this.#at);
  }
  /** So many things of at least that size. */
  times<T>(count: number, least: number, read: () => T): T[] {
    if (count * least > this.left) throw new Malformed(`${count} of something where ${this.left} bytes are left`);
    return Array.from({ length: count }, read);
  }
}

export const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value & 0xffff);
  return bytes;
};
export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};
