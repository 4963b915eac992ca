/** Why bytes are not what they ought to be. A named outcome: whoever reads keeps the bytes raw and says so. */
export const blobProblems = {
  truncated: 'it ends before what it announces',
  'not-this-structure': 'it does not begin as such a structure does',
  'out-of-range': 'a count, a length or a date in it is out of range',
  'calendar-not-supported': 'its pattern counts in another calendar than the Gregorian one',
  'pattern-not-supported': 'its pattern is none that a recurrence can have',
  'no-occurrences': 'its pattern has no occurrence',
} as const;
export type BlobProblem = keyof typeof blobProblems;

export class BlobError extends Error {
  override readonly name = 'BlobError';
  readonly problem: BlobProblem;
  constructor(problem: BlobProblem, where: string) {
    super(`${where}: ${blobProblems[problem]}`);
    this.problem = problem;
  }
}

/** Little-endian fields one after the other. Throws `BlobError` at the end of the bytes, never reads past it. */
export class ByteReader {
  at = 0;
  readonly #bytes: Buffer;
  readonly #where: string;
  constructor(bytes: Uint8Array, where: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#where = where;
  }

  get left(): number {
    return this.#bytes.length - this.at;
  }
  fail(problem: BlobProblem): never {
    throw new BlobError(problem, this.#where);
  }
  bytes(length: number): Buffer {
    if (length > this.left) this.fail('truncated');
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }
  u8(): number {
    return this.bytes(1).readUInt8();
  }
  u16(): number {
    return this.bytes(2).readUInt16LE();
  }
  u32(): number {
    return this.bytes(4).readUInt32LE();
  }
  i32(): number {
    return this.bytes(4).readInt32LE();
  }
  /** A count of things that take at least `leastBytes` each: refused before anything is made for it. */
  count(value: number, leastBytes: number): number {
    if (value * leastBytes > this.left) this.fail('truncated');
    return value;
  }
  /** @param length in characters of two bytes */
  utf16(length: number): string {
    return this.bytes(length * 2).toString('utf16le');
  }
}

/** The fields of a structure, appended one after the other. */
export class ByteWriter {
  readonly #parts: Buffer[] = [];

  bytes(part: Uint8Array): this {
    this.#parts.push(Buffer.from(part.buffer, part.byteOffset, part.byteLength));
    return this;
  }
  u8(value: number): this {
    return this.bytes(Buffer.of(value & 0xff));
  }
  u16(value: number): this {
    const part = Buffer.alloc(2);
    part.writeUInt16LE(value & 0xffff);
    return this.bytes(part);
  }
  u32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeUInt32LE(value >>> 0);
    return this.bytes(part);
  }
  done(): Buffer {
    return Buffer.concat(this.#parts);
  }
}
