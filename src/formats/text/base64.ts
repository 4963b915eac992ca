import './native-slices.ts';

/** 0…63: the digit, 64: white space, 65: `=`, 255: nothing that belongs into base64 (RFC 4648 §4). */
const digits = new Uint8Array(256).fill(255);
const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
for (let i = 0; i < 64; i++) digits[alphabet[i] as number] = i;
for (const space of [0x20, 0x09, 0x0a, 0x0d]) digits[space] = 64;
digits[0x3d] = 65;

const CR = 0x0d;
const LF = 0x0a;

/** Why a text is not base64. */
export type Base64Problem =
  /** Holds a character outside of the alphabet (the URL alphabet is another one). */
  | 'alphabet'
  /** `=` in the middle, or more of them than there can be. */
  | 'padding'
  /** Its length, white space left out, is no multiple of 4. */
  | 'length';

const scratch = Buffer.allocUnsafeSlow(49_152);

/** True when `bytes[from, to)` holds only digits and their number is a multiple of 4. Eight times as fast as looking at each. */
function allDigits(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at += 65_536) {
    const end = Math.min(to, at + 65_536);
    // Node's decoder skips what it does not know, so only digits give the full length; but it also knows the URL alphabet.
    if (scratch.base64Write(bytes.latin1Slice(at, end), 0) !== ((end - at) >> 2) * 3) return false;
  }
  const slice = bytes.subarray(from, to);
  return ((to - from) & 3) === 0 && slice.indexOf(0x2d) < 0 && slice.indexOf(0x5f) < 0;
}

/** Copies `bytes[from, to)` without its line ends to `out`; returns where the copy ends. */
function joinLines(bytes: Buffer, from: number, to: number, out: Buffer, at: number): number {
  let o = at;
  for (let i = from; i < to; ) {
    const lf = bytes.indexOf(LF, i);
    const next = lf < 0 || lf >= to ? to : lf;
    const end = next < to && next > i && bytes[next - 1] === CR ? next - 1 : next;
    bytes.copy(out, o, i, end);
    o += end - i;
    i = next + 1;
  }
  return o;
}

/**
 * Takes base64 text in pieces cut anywhere and makes it canonical: white space dropped, alphabet and padding checked, unused bits
 * of the last digit cleared. Bounded memory.
 */
export class Base64Checker {
  /** Digits and padding of the quartet that is not complete yet. */
  readonly #quartet = Buffer.alloc(4);
  #filled = 0;
  #padding = 0;
  #problem: Base64Problem | null = null;
  #written = 0;

  /** What is wrong so far; what comes after the first problem is ignored. */
  get problem(): Base64Problem | null {
    return this.#problem;
  }

  /** Length of the canonical text so far. */
  get length(): number {
    return this.#written;
  }

  /** Length of what the canonical text so far stands for. */
  get decodedLength(): number {
    return (this.#written / 4) * 3 - this.#padding;
  }

  /** Canonical text goes to `out` at `at`, which must have room for `to - from + 4` bytes. Returns how much it was. */
  push(bytes: Buffer, from: number, to: number, out: Buffer, at: number): number {
    if (this.#problem !== null) return 0;
    let i = from;
    let o = at;
    let slowUntil = from;
    while (i < to) {
      // Runs that need no look at each byte: their lines are put together in `out` and checked as a whole. The last quartet
      // may be padded, so it goes the slow way.
      if (this.#filled === 0 && this.#padding === 0 && to - i >= 64 && i >= slowUntil) {
        const end = Math.min(to, i + 65_536);
        const joined = joinLines(bytes, i, end - 4, out, o);
        const whole = (joined - o) & ~3;
        if (whole >= 32 && allDigits(out, o, o + whole)) {
          let next = end - 4;
          for (let left = (joined - o) & 3; left > 0; ) {
            next--;
            const isLineEnd =
              bytes[next] === LF || (bytes[next] === CR && next + 1 < end - 4 && bytes[next + 1] === LF);
            if (!isLineEnd) left--;
          }
          o += whole;
          i = next;
          continue;
        }
        slowUntil = end;
      }
      const byte = bytes[i++] as number;
      const digit = digits[byte] as number;
      if (digit < 64) {
        if (this.#padding > 0) return this.#fail('padding');
        this.#quartet[this.#filled++] = byte;
      } else if (digit === 65) {
        if (this.#filled < 2) return this.#fail('padding');
        this.#padding++;
        this.#quartet[this.#filled++] = byte;
      } else if (digit === 64) continue;
      else return this.#fail('alphabet');
      if (this.#filled === 4) {
        if (this.#padding > 0) {
          const last = 3 - this.#padding;
          const mask = this.#padding === 2 ? 0x30 : 0x3c;
          this.#quartet[last] = alphabet[(digits[this.#quartet[last] as number] as number) & mask] as number;
        }
        this.#quartet.copy(out, o);
        o += 4;
        this.#filled = 0;
      }
    }
    this.#written += o - at;
    return o - at;
  }

  /** What is wrong with the whole. */
  finish(): Base64Problem | null {
    if (this.#problem === null && this.#filled !== 0) this.#problem = 'length';
    return this.#problem;
  }

  #fail(problem: Base64Problem): 0 {
    this.#problem = problem;
    return 0;
  }
}

/** The text without white space and with its unused bits cleared, or what is wrong with it. */
export function canonicalBase64(text: Uint8Array | string): Buffer | Base64Problem {
  const bytes =
    typeof text === 'string' ? Buffer.from(text, 'latin1') : Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  const checker = new Base64Checker();
  const out = Buffer.allocUnsafe(bytes.length + 4);
  const length = checker.push(bytes, 0, bytes.length, out, 0);
  return checker.finish() ?? out.subarray(0, length);
}

/** Length of the base64 text of so many bytes. */
export function base64Length(sizeBytes: number): number {
  return Math.ceil(sizeBytes / 3) * 4;
}

/** Canonical base64 text in chunks whose lengths are multiples of 4, of bytes in chunks of any length. */
export async function* encodeBase64(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const bytes = rest.length > 0 ? Buffer.concat([rest, view]) : view;
    const whole = bytes.length - (bytes.length % 3);
    if (whole > 0) yield Buffer.from(bytes.toString('base64', 0, whole), 'latin1');
    rest = Buffer.from(bytes.subarray(whole));
  }
  if (rest.length > 0) yield Buffer.from(rest.toString('base64'), 'latin1');
}

/** The bytes behind canonical base64 text in chunks of any length. The text must have been checked: what is wrong in it is skipped. */
export async function* decodeBase64(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const text = rest.length > 0 ? Buffer.concat([rest, view]) : view;
    const whole = text.length & ~3;
    if (whole > 0) yield Buffer.from(text.latin1Slice(0, whole), 'base64');
    rest = Buffer.from(text.subarray(whole));
  }
  if (rest.length > 0) yield Buffer.from(rest.latin1Slice(0, rest.length), 'base64');
}

/** What a tolerant reader of mail sees (RFC 2045 §6.8): characters outside of the alphabet are skipped, text after padding is read on. */
export class LenientBase64 {
  #bits = 0;
  #held = 0;

  /** The bytes that the next piece of text completes. */
  push(text: Buffer): Buffer {
    const out = Buffer.allocUnsafe(Math.ceil((text.length / 4) * 3) + 3);
    let o = 0;
    let bits = this.#bits;
    let held = this.#held;
    for (let i = 0; i < text.length; i++) {
      const digit = digits[text[i] as number] as number;
      if (digit < 64) {
        held = ((held << 6) | digit) & 0xffffff;
        bits += 6;
        if (bits >= 8) {
          bits -= 8;
          out[o++] = (held >> bits) & 0xff;
        }
      } else if (digit === 65) bits = 0;
    }
    this.#bits = bits;
    this.#held = held;
    return out.subarray(0, o);
  }
}

export const decodeBase64Leniently = (text: Buffer): Buffer => new LenientBase64().push(text);
