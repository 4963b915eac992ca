/**
 * Named properties have names that begin with a digit (`<d:0x8570>`), and servers write them as they are, which no XML parser takes.
 * Here the digit becomes `_x0030_` on its way to the parser, as the specification of XML names in these products has it.
 */

const LESS = 0x3c;
const SLASH = 0x2f;
const BANG = 0x21;
const COLON = 0x3a;

/** Longest prefix that is looked at; those of these servers have one letter. */
const prefixMax = 64;
const cdataStart = Buffer.from('<![CDATA[');
const commentStart = Buffer.from('<!--');

const isNameByte = (byte: number): boolean =>
  (byte >= 0x61 && byte <= 0x7a) ||
  (byte >= 0x41 && byte <= 0x5a) ||
  (byte >= 0x30 && byte <= 0x39) ||
  byte === 0x5f ||
  byte === 0x2d ||
  byte === 0x2e ||
  byte >= 0x80;
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/** The same bytes with valid names. `onRepair` is told of every element, not of its end tag. */
export async function* repairNames(bytes: AsyncIterable<Uint8Array>, onRepair: () => void): AsyncGenerator<Uint8Array> {
  const repairer = new NameRepairer(onRepair);
  for await (const chunk of bytes) yield* repairer.push(chunk);
  yield* repairer.end();
}

class NameRepairer {
  readonly #onRepair: () => void;
  /** Bytes from an unfinished `<` on. */
  #held: Buffer = Buffer.alloc(0);
  /** What ends the section that is skipped; null outside of one. */
  #until: Buffer | null = null;

  constructor(onRepair: () => void) {
    this.#onRepair = onRepair;
  }

  push(chunk: Uint8Array): readonly Uint8Array[] {
    const fresh = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    return this.#take(this.#held.length === 0 ? fresh : Buffer.concat([this.#held, fresh]), false);
  }

  end(): readonly Uint8Array[] {
    return this.#take(this.#held, true);
  }

  #take(bytes: Buffer, final: boolean): readonly Uint8Array[] {
    const out: Uint8Array[] = [];
    let done = 0;
    let at = 0;
    this.#held = Buffer.alloc(0);
    while (at < bytes.length) {
      if (this.#until !== null) {
        const end = bytes.indexOf(this.#until, at);
        if (end < 0) {
          // The end mark may be cut in two.
          at = final ? bytes.length : Math.max(at, bytes.length - this.#until.length + 1);
          break;
        }
        at = end + this.#until.length;
        this.#until = null;
        continue;
      }
      const open = bytes.indexOf(LESS, at);
      if (open < 0) {
        at = bytes.length;
        break;
      }
      const name = this.#nameAt(bytes, open);
      if (name === null && !final) {
        at = open;
        break;
      }
      if (name === null) {
        at = bytes.length;
        break;
      }
      at = name.next;
      if (name.digit === null) continue;
      out.push(bytes.subarray(done, name.digit), Buffer.from(`_x00${(bytes[name.digit] as number).toString(16)}_`));
      done = name.digit + 1;
      if (bytes[open + 1] !== SLASH) this.#onRepair();
    }
    if (at > done) out.push(bytes.subarray(done, at));
    if (at < bytes.length) this.#held = Buffer.from(bytes.subarray(at));
    return out;
  }

  /** Where the digit stands that a name begins with, if it does. Null: the tag is not here far enough to say. */
  #nameAt(bytes: Buffer, open: number): { readonly digit: number | null; readonly next: number } | null {
    let at = open + 1;
    if (at >= bytes.length) return null;
    if (bytes[at] === BANG) {
      if (bytes.length - open < cdataStart.length) return null;
      if (bytes.subarray(open, open + cdataStart.length).equals(cdataStart)) this.#until = Buffer.from(']]>');
      else if (bytes.subarray(open, open + commentStart.length).equals(commentStart)) this.#until = Buffer.from('-->');
      return { digit: null, next: open + commentStart.length };
    }
    if (bytes[at] === SLASH) at++;
    if (at >= bytes.length) return null;
    if (isDigit(bytes[at] as number)) return { digit: at, next: at + 1 };
    const start = at;
    while (at < bytes.length && at - start < prefixMax && isNameByte(bytes[at] as number)) at++;
    if (at >= bytes.length) return null;
    if (bytes[at] !== COLON) return { digit: null, next: at };
    at++;
    if (at >= bytes.length) return null;
    return { digit: isDigit(bytes[at] as number) ? at : null, next: at };
  }
}
