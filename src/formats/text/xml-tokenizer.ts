import { isUtf8 } from 'node:buffer';
import './native-slices.ts';
import { defaultXmlLimits, XmlFault, type XmlFaultReason, type XmlLimits, type XmlRepair } from './xml-fault.ts';
import {
  type RawName,
  rawNameAt,
  rootScope,
  Scope,
  XmlAttributes,
  type XmlName,
  xmlNamespace,
  xmlnsNamespace,
} from './xml-names.ts';

/** What a reader is told, in document order. A text may arrive in several pieces, cut anywhere. */
export interface XmlHandler {
  open(name: XmlName, attributes: XmlAttributes): void;
  text(value: string): void;
  close(name: XmlName): void;
  /** Comes before the `open` or `text` that holds it. */
  repair?(repair: XmlRepair): void;
  /** True: the text directly inside the element just opened goes to `raw` as bytes, unread, instead of to `text`. */
  wantsRaw?(name: XmlName): boolean;
  /** `bytes[start, end)` is only valid during the call. */
  raw?(bytes: Buffer, start: number, end: number): void;
}

const textPlain = 0;
const textHigh = 1;
const textLess = 2;
const textOther = 3;
/** Bytes in text: plain, 0x80 and above, `<`, and those that need a look (`&`, CR, forbidden characters). */
const textClass = new Uint8Array(256);
/** The same for attribute values, where tab and newline also need a look; quotes are told apart by the caller. */
const attributeClass = new Uint8Array(256);
/** 1: may stand in a name (checked exactly when the name is first met), 2: white space. */
const nameClass = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  const control = byte < 0x20 && byte !== 0x09 && byte !== 0x0a;
  textClass[byte] =
    byte >= 0x80 ? textHigh : byte === 0x3c ? textLess : control || byte === 0x26 ? textOther : textPlain;
  attributeClass[byte] = byte === 0x09 || byte === 0x0a ? textOther : (textClass[byte] ?? 0);
  const letter = (byte >= 0x30 && byte <= 0x3a) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
  nameClass[byte] = letter || byte >= 0x80 || byte === 0x2d || byte === 0x2e || byte === 0x5f ? 1 : 0;
}
for (const space of [0x20, 0x09, 0x0a, 0x0d]) nameClass[space] = 2;

/** Longest reference that is waited for; `&#x0010FFFF;` has 12 bytes, and leading zeros are legal. */
const referenceMax = 64;

/**
 * XML 1.0 with namespaces, from bytes in chunks of any size to events, without recursion and without regular expressions
 * over the input. Not a validating processor: no document type, no entities but the five predefined.
 *
 * Beyond the standard it accepts what servers send: characters that XML 1.0 forbids become U+FFFD and are reported as
 * repairs, ill-formed UTF-8 likewise; `]]>` in text and `--` in comments are taken as they are.
 */
export class XmlTokenizer {
  readonly #handler: XmlHandler;
  readonly #limits: XmlLimits;
  /** Bytes not used up yet: the chunk itself, or what was left over joined with it. */
  #buffer: Buffer = Buffer.alloc(0);
  #end = 0;
  #pos = 0;
  /** Left-over bytes are kept here, so that a tag that arrives byte by byte is not copied each time. */
  #held: Buffer = Buffer.alloc(0);
  #heldLength = 0;
  /** Offset in the document of `#buffer[0]`. */
  #base = 0;
  /** Where the search for the end of an unfinished tag goes on, relative to its `<`, and the quote it is inside of. */
  #seen = 0;
  #seenQuote = 0;
  #mode: 'prolog' | 'content' | 'comment' | 'cdata' | 'instruction' = 'prolog';
  #started = false;
  #rootSeen = false;
  readonly #names: XmlName[] = [];
  readonly #raws: RawName[] = [];
  readonly #scopes: Scope[] = [];
  readonly #textBytes: number[] = [];
  #depth = 0;
  #scope: Scope = rootScope;
  #rawMode = false;
  readonly #rawModes: boolean[] = [];
  #rawBytes = 0;
  #elements = 0;
  #repairs = 0;
  #scratch: Buffer = Buffer.allocUnsafe(4096);
  /** The attributes of the tag being read: names, and where their values stand. */
  readonly #attributes: RawName[] = [];
  readonly #valueFrom: number[] = [];
  readonly #valueTo: number[] = [];
  readonly #valueHigh: boolean[] = [];
  readonly #valueOther: boolean[] = [];

  constructor(handler: XmlHandler, limits: Partial<XmlLimits> = {}) {
    this.#handler = handler;
    this.#limits = { ...defaultXmlLimits, ...limits };
  }

  /** How many characters were replaced so far. */
  get repairs(): number {
    return this.#repairs;
  }

  /** Throws XmlFault. The chunk is not kept. */
  write(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#heldLength > 0) {
      const length = this.#heldLength + chunk.length;
      if (length > this.#held.length) {
        const grown = Buffer.allocUnsafe(Math.max(length, this.#held.length * 2));
        this.#held.copy(grown, 0, 0, this.#heldLength);
        this.#held = grown;
      }
      this.#held.set(chunk, this.#heldLength);
      this.#buffer = this.#held;
      this.#end = length;
    } else {
      this.#buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      this.#end = chunk.length;
    }
    this.#pos = 0;
    this.#run(false);
    this.#keepRest();
  }

  /** Says that no more bytes come. Throws XmlFault when the document is not complete. */
  finish(): void {
    this.#buffer = this.#held;
    this.#end = this.#heldLength;
    this.#pos = 0;
    // What is left over inside an element is a token without its end; outside it may be a very short document or white space.
    if (this.#depth === 0) this.#run(true);
    if (!this.#rootSeen) throw this.#fault('truncated', 'the document is empty', this.#end);
    if (this.#depth > 0)
      throw this.#fault('truncated', `the document ends inside <${this.#raws[this.#depth - 1]?.local}>`, this.#end);
    if (this.#pos < this.#end || this.#mode !== 'content')
      throw this.#fault('truncated', 'the document ends inside markup', this.#end);
  }

  #keepRest(): void {
    const rest = this.#end - this.#pos;
    this.#base += this.#pos;
    if (this.#base - this.#rawBytes > this.#limits.bytesMax)
      throw this.#fault('too-large', `more than ${this.#limits.bytesMax} bytes`, 0);
    if (rest > 0) {
      if (rest > this.#limits.tagBytesMax)
        throw this.#fault('too-large', `a tag of more than ${this.#limits.tagBytesMax} bytes`, 0);
      if (this.#buffer === this.#held) this.#held.copyWithin(0, this.#pos, this.#end);
      else {
        if (this.#held.length < rest) this.#held = Buffer.allocUnsafe(Math.max(1024, rest * 2));
        this.#buffer.copy(this.#held, 0, this.#pos, this.#end);
      }
    }
    this.#heldLength = rest;
    this.#pos = 0;
    this.#end = rest;
    this.#buffer = this.#held;
  }

  #fault(reason: XmlFaultReason, detail: string, at: number): XmlFault {
    return new XmlFault(reason, detail, this.#base + at);
  }

  /** Uses up what it can; what is left over starts at a token that is not complete. */
  #run(final: boolean): void {
    while (this.#pos < this.#end) {
      const before = this.#pos;
      const mode = this.#mode;
      if (mode === 'content') {
        if (this.#rawMode ? !this.#readRaw(final) : !this.#readText(final)) return;
        if (this.#pos < this.#end && !this.#readMarkup(final)) return;
      } else if (mode === 'prolog') {
        if (!this.#readProlog(final)) return;
      } else if (mode === 'cdata') {
        if (!this.#readCData(final)) return;
      } else if (!this.#skip(mode)) return;
      if (this.#pos === before && this.#mode === mode) return;
    }
  }

  /** Byte order mark, then the first byte that counts. */
  #readProlog(final: boolean): boolean {
    const buffer = this.#buffer;
    if (!this.#started) {
      if (this.#end < 4 && !final) return false;
      const [a, b, c] = [buffer[0], buffer[1], buffer[2]];
      if ((a === 0xfe && b === 0xff) || (a === 0xff && b === 0xfe) || a === 0 || (b === 0 && this.#end > 1)) {
        throw this.#fault('encoding', 'the document is in UTF-16 or UTF-32; only UTF-8 is read', 0);
      }
      // At the very end this may be a mark that was cut off.
      if (a === 0xef && this.#end < 3) this.#pos = this.#end;
      else if (a === 0xef && b === 0xbb && c === 0xbf) this.#pos = 3;
      this.#started = true;
    }
    while (this.#pos < this.#end && nameClass[buffer[this.#pos] ?? 0] === 2) this.#pos++;
    if (this.#pos === this.#end) return true;
    if (buffer[this.#pos] !== 0x3c) throw this.#fault('not-xml', 'the answer does not begin with markup', this.#pos);
    if (this.#end - this.#pos >= 5 && buffer.latin1Slice(this.#pos, this.#pos + 5) === '<?xml') {
      const close = buffer.indexOf('?>', this.#pos, 'latin1');
      if (close < 0 || close + 2 > this.#end) {
        if (this.#end - this.#pos > 1024) throw this.#fault('malformed', 'the XML declaration has no end', this.#pos);
        return false;
      }
      const declaration = buffer.latin1Slice(this.#pos, close);
      const encoding = /\sencoding\s*=\s*["']([^"']*)["']/.exec(declaration)?.[1]?.toLowerCase();
      if (encoding !== undefined && encoding !== 'utf-8' && encoding !== 'utf8' && encoding !== 'us-ascii') {
        throw this.#fault('encoding', 'the XML declaration names an encoding other than UTF-8', this.#pos);
      }
      this.#pos = close + 2;
    } else if (this.#end - this.#pos < 5 && !final) return false;
    this.#mode = 'content';
    return true;
  }

  /** To the next `<`, or as far as the text can be read for certain. False: wait for more. */
  #readText(final: boolean): boolean {
    const buffer = this.#buffer;
    const end = this.#end;
    const from = this.#pos;
    let high = false;
    let other = false;
    let i = from;
    for (; i < end; i++) {
      const c = textClass[buffer[i] as number];
      if (c === textPlain) continue;
      if (c === textLess) break;
      if (c === textHigh) high = true;
      else other = true;
    }
    let to = i;
    if (i === end && !final) to = this.#safeEnd(from, end, other);
    if (to > from) {
      this.#pos = to;
      this.#emitText(from, to, high, other);
    }
    return i < end || to === end;
  }

  /** The last place before `end` where a text can be cut: not in a character, a reference or a CR LF. */
  #safeEnd(from: number, end: number, other: boolean): number {
    const buffer = this.#buffer;
    if (other) {
      const low = Math.max(from, end - referenceMax);
      for (let i = end - 1; i >= low; i--) {
        const byte = buffer[i];
        if (byte === 0x3b) break;
        if (byte === 0x26) return i;
      }
      if (buffer[end - 1] === 0x0d) return end - 1;
    }
    for (let back = 1; back <= 3 && end - back >= from; back++) {
      const byte = buffer[end - back] as number;
      if (byte < 0x80) break;
      if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? end - back : end;
    }
    return end;
  }

  #emitText(from: number, to: number, high: boolean, other: boolean): void {
    if (this.#depth === 0) {
      for (let i = from; i < to; i++) {
        if (nameClass[this.#buffer[i] as number] === 2) continue;
        throw this.#fault(this.#rootSeen ? 'malformed' : 'not-xml', 'text outside of the root element', i);
      }
      return;
    }
    const bytes = (this.#textBytes[this.#depth - 1] ?? 0) + to - from;
    if (bytes > this.#limits.textBytesMax)
      throw this.#fault('too-large', `a text of more than ${this.#limits.textBytesMax} bytes`, from);
    this.#textBytes[this.#depth - 1] = bytes;
    const value = other
      ? this.#decode(from, to, high, false, null)
      : high
        ? this.#utf8(this.#buffer, from, to, from, null)
        : this.#buffer.latin1Slice(from, to);
    if (value !== '') this.#handler.text(value);
  }

  #repair(offset: number, raw: string, attribute: string | null): void {
    this.#repairs++;
    this.#handler.repair?.({ offset: this.#base + offset, raw, attribute });
  }

  /** @param at where the bytes stood in the current buffer, for the report. */
  #utf8(bytes: Buffer, from: number, to: number, at: number, attribute: string | null): string {
    let text = bytes.utf8Slice(from, to);
    if (text.includes('\uFFFD') && !isUtf8(bytes.subarray(from, to))) this.#repair(at, 'bytes', attribute);
    if (/[\uFFFE\uFFFF]/.test(text)) {
      text = text.replace(/[\uFFFE\uFFFF]/g, (character) => {
        this.#repair(at, `U+${character.charCodeAt(0).toString(16).toUpperCase()}`, attribute);
        return '\uFFFD';
      });
    }
    return text;
  }

  /** Text with references, line ends or forbidden characters in it. All references in the span are complete. */
  #decode(from: number, to: number, high: boolean, inAttribute: boolean, attribute: string | null): string {
    const buffer = this.#buffer;
    // The longest growth is a raw control character, 1 byte to 3.
    if (this.#scratch.length < (to - from) * 3) this.#scratch = Buffer.allocUnsafe((to - from) * 3 + 4096);
    const out = this.#scratch;
    const classes = inAttribute ? attributeClass : textClass;
    let wide = high;
    let o = 0;
    let i = from;
    while (i < to) {
      const byte = buffer[i] as number;
      if ((classes[byte] as number) < textLess) {
        out[o++] = byte;
        i++;
      } else if (byte === 0x26) {
        const semicolon = this.#referenceEnd(i, to);
        const point = this.#referencePoint(i, semicolon);
        const legal = isCharacter(point);
        if (!legal) this.#repair(i, buffer.latin1Slice(i, semicolon + 1), attribute);
        const code = legal ? point : 0xfffd;
        if (code < 0x80) out[o++] = code;
        else {
          wide = true;
          if (code < 0x800) out[o++] = 0xc0 | (code >> 6);
          else {
            if (code < 0x10000) out[o++] = 0xe0 | (code >> 12);
            else {
              out[o++] = 0xf0 | (code >> 18);
              out[o++] = 0x80 | ((code >> 12) & 0x3f);
            }
            out[o++] = 0x80 | ((code >> 6) & 0x3f);
          }
          out[o++] = 0x80 | (code & 0x3f);
        }
        i = semicolon + 1;
      } else if (byte === 0x0d) {
        out[o++] = inAttribute ? 0x20 : 0x0a;
        i += buffer[i + 1] === 0x0a && i + 1 < to ? 2 : 1;
      } else if (byte === 0x09 || byte === 0x0a) {
        out[o++] = 0x20;
        i++;
      } else {
        this.#repair(i, `U+00${byte.toString(16).toUpperCase().padStart(2, '0')}`, attribute);
        wide = true;
        out[o++] = 0xef;
        out[o++] = 0xbf;
        out[o++] = 0xbd;
        i++;
      }
    }
    return wide ? this.#utf8(out, 0, o, from, attribute) : out.latin1Slice(0, o);
  }

  /** Where the reference at `at` has its semicolon. */
  #referenceEnd(at: number, to: number): number {
    const limit = Math.min(to, at + referenceMax);
    for (let i = at + 1; i < limit; i++) if (this.#buffer[i] === 0x3b) return i;
    throw this.#fault('malformed', 'a & that begins no reference', at);
  }

  #referencePoint(at: number, semicolon: number): number {
    const buffer = this.#buffer;
    if (buffer[at + 1] === 0x23) {
      const hex = buffer[at + 2] === 0x78;
      let point = 0;
      let i = at + (hex ? 3 : 2);
      if (i >= semicolon) throw this.#fault('malformed', 'a character reference without a number', at);
      for (; i < semicolon; i++) {
        const byte = buffer[i] as number;
        const digit =
          byte >= 0x30 && byte <= 0x39
            ? byte - 0x30
            : hex && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66
              ? (byte | 0x20) - 0x57
              : -1;
        if (digit < 0) throw this.#fault('malformed', 'a character reference with something else than digits', at);
        point = Math.min(point * (hex ? 16 : 10) + digit, 0x110000);
      }
      return point;
    }
    switch (buffer.latin1Slice(at + 1, semicolon)) {
      case 'amp':
        return 0x26;
      case 'lt':
        return 0x3c;
      case 'gt':
        return 0x3e;
      case 'quot':
        return 0x22;
      case 'apos':
        return 0x27;
      default:
        throw this.#fault('doctype', 'an entity that is not predefined', at);
    }
  }

  /** Text that is handed on as bytes. References in it are resolved, for writers that escape line ends. */
  #readRaw(final: boolean): boolean {
    const buffer = this.#buffer;
    const found = buffer.indexOf(0x3c, this.#pos);
    const stop = found < 0 || found > this.#end ? this.#end : found;
    const complete = stop < this.#end || final;
    while (this.#pos < stop) {
      const at = buffer.indexOf(0x26, this.#pos);
      const to = at < 0 || at > stop ? stop : at;
      if (to > this.#pos) this.#emitRaw(buffer, this.#pos, to);
      this.#rawBytes += to - this.#pos;
      this.#pos = to;
      if (to === stop) break;
      const semicolonAt = buffer.indexOf(0x3b, to);
      if (!complete && (semicolonAt < 0 || semicolonAt >= stop) && stop - to < referenceMax) return false;
      const semicolon = this.#referenceEnd(to, stop);
      const resolved = Buffer.from(String.fromCodePoint(Math.min(this.#referencePoint(to, semicolon), 0x10ffff)));
      this.#emitRaw(resolved, 0, resolved.length);
      this.#rawBytes += semicolon + 1 - to;
      this.#pos = semicolon + 1;
    }
    return true;
  }

  #emitRaw(bytes: Buffer, from: number, to: number): void {
    this.#handler.raw?.(bytes, from, to);
  }

  /** At a `<`. False: not complete. */
  #readMarkup(final: boolean): boolean {
    const buffer = this.#buffer;
    const at = this.#pos;
    if (at + 1 >= this.#end) return false;
    const next = buffer[at + 1];
    if (next === 0x2f) return this.#readEndTag();
    if (next === 0x3f) {
      this.#pos += 2;
      this.#mode = 'instruction';
      return true;
    }
    if (next === 0x21) {
      const head = buffer.latin1Slice(at, Math.min(at + 9, this.#end));
      if (head.startsWith('<!--')) {
        this.#pos += 4;
        this.#mode = 'comment';
        return true;
      }
      if (head === '<![CDATA[') {
        if (this.#depth === 0) throw this.#fault('malformed', 'text outside of the root element', at);
        this.#pos += 9;
        this.#mode = 'cdata';
        return true;
      }
      if (head.toUpperCase() === '<!DOCTYPE') {
        if (this.#end - at < 14 && !final) return false;
        const page = /^<!DOCTYPE\s+html/i.test(buffer.latin1Slice(at, Math.min(at + 64, this.#end)));
        throw this.#fault(
          page ? 'not-xml' : 'doctype',
          page ? 'the answer is an HTML page' : 'a document type declaration',
          at,
        );
      }
      // At the very end it was cut off, which `finish` says.
      if ('<!--'.startsWith(head) || '<![CDATA['.startsWith(head) || '<!DOCTYPE'.startsWith(head.toUpperCase()))
        return false;
      throw this.#fault('malformed', 'a markup declaration', at);
    }
    return this.#readStartTag();
  }

  /** Up to the end of a comment or processing instruction. */
  #skip(mode: 'comment' | 'instruction'): boolean {
    const mark = mode === 'comment' ? '-->' : '?>';
    const found = this.#buffer.indexOf(mark, this.#pos, 'latin1');
    if (found < 0 || found + mark.length > this.#end) {
      this.#pos = Math.max(this.#pos, this.#end - mark.length + 1);
      return false;
    }
    this.#pos = found + mark.length;
    this.#mode = 'content';
    return true;
  }

  #readCData(final: boolean): boolean {
    const buffer = this.#buffer;
    const from = this.#pos;
    const found = buffer.indexOf(']]>', from, 'latin1');
    const complete = found >= 0 && found + 3 <= this.#end;
    if (!complete && final) return false;
    let to = complete ? found : Math.max(from, this.#end - 2);
    if (!complete) to = this.#cdataSafeEnd(from, to);
    if (to > from) {
      this.#pos = to;
      if (this.#rawMode) {
        this.#rawBytes += to - from;
        this.#emitRaw(buffer, from, to);
      } else this.#emitCData(from, to);
    }
    if (!complete) return false;
    this.#pos = found + 3;
    this.#mode = 'content';
    return true;
  }

  #cdataSafeEnd(from: number, end: number): number {
    if (end > from && this.#buffer[end - 1] === 0x0d) return end - 1;
    return this.#safeEnd(from, end, false);
  }

  /** Markup characters mean nothing here, so the pieces between `&` and `<` go through the ordinary text. */
  #emitCData(from: number, to: number): void {
    const buffer = this.#buffer;
    let start = from;
    for (let i = from; i <= to; i++) {
      const byte = i < to ? buffer[i] : -1;
      if (byte !== 0x26 && byte !== 0x3c && i < to) continue;
      if (i > start) this.#emitText(start, i, true, true);
      if (i < to) {
        this.#textBytes[this.#depth - 1] = (this.#textBytes[this.#depth - 1] ?? 0) + 1;
        this.#handler.text(byte === 0x26 ? '&' : '<');
      }
      start = i + 1;
    }
  }

  #readEndTag(): boolean {
    const buffer = this.#buffer;
    const at = this.#pos;
    const depth = this.#depth;
    if (depth === 0) throw this.#fault('malformed', 'an end tag without a start tag', at);
    const raw = this.#raws[depth - 1] as RawName;
    const bytes = raw.bytes;
    const length = bytes.length;
    let i = at + 2;
    const available = this.#end - i;
    const known = Math.min(length, available);
    let k = 0;
    while (k < known && bytes[k] === buffer[i + k]) k++;
    if (k < known) throw this.#fault('malformed', `<${raw.local}> is closed by another name`, at);
    i += k;
    while (i < this.#end && nameClass[buffer[i] as number] === 2) i++;
    if (i >= this.#end) {
      if (i - at > this.#limits.tagBytesMax) throw this.#fault('too-large', 'an end tag without an end', at);
      return false;
    }
    if (buffer[i] !== 0x3e) throw this.#fault('malformed', `<${raw.local}> is closed by another name`, at);
    this.#pos = i + 1;
    this.#closeTop();
    return true;
  }

  #closeTop(): void {
    const depth = --this.#depth;
    this.#scope = this.#scopes[depth] as Scope;
    this.#rawMode = this.#rawModes[depth] as boolean;
    this.#handler.close(this.#names[depth] as XmlName);
  }

  /** True when the whole tag at `#pos` is here. Remembers how far it looked. */
  #tagComplete(): boolean {
    const buffer = this.#buffer;
    let i = this.#pos + Math.max(1, this.#seen);
    let quote = this.#seenQuote;
    for (; i < this.#end; i++) {
      const byte = buffer[i];
      if (quote !== 0) {
        if (byte === quote) quote = 0;
      } else if (byte === 0x22 || byte === 0x27) quote = byte;
      else if (byte === 0x3e) {
        this.#seen = 0;
        this.#seenQuote = 0;
        return true;
      }
    }
    this.#seen = i - this.#pos;
    this.#seenQuote = quote;
    if (this.#seen > this.#limits.tagBytesMax)
      throw this.#fault('too-large', `a tag of more than ${this.#limits.tagBytesMax} bytes`, this.#pos);
    return false;
  }

  #readStartTag(): boolean {
    if (this.#seen > 0 && !this.#tagComplete()) return false;
    const buffer = this.#buffer;
    const end = this.#end;
    const at = this.#pos;
    let i = at + 1;
    let hash = 0;
    while (i < end && nameClass[buffer[i] as number] === 1) hash = (Math.imul(hash, 31) + (buffer[i++] as number)) | 0;
    if (i >= end) return this.#waitForTag();
    if (i === at + 1) throw this.#fault('malformed', 'a < that begins no tag', at);
    const raw = rawNameAt(buffer, at + 1, i, hash);
    if (raw === null) throw this.#fault('malformed', 'an element with an impossible name', at);
    let count = 0;
    let declares = false;
    let empty = false;
    for (;;) {
      const gap = i;
      while (i < end && nameClass[buffer[i] as number] === 2) i++;
      if (i >= end) return this.#waitForTag();
      const byte = buffer[i] as number;
      if (byte === 0x3e) {
        i++;
        break;
      }
      if (byte === 0x2f) {
        if (i + 1 >= end) return this.#waitForTag();
        if (buffer[i + 1] !== 0x3e) throw this.#fault('malformed', 'a / in the middle of a tag', i);
        empty = true;
        i += 2;
        break;
      }
      if (gap === i) throw this.#fault('malformed', 'attributes that are not separated', i);
      const nameFrom = i;
      hash = 0;
      while (i < end && nameClass[buffer[i] as number] === 1)
        hash = (Math.imul(hash, 31) + (buffer[i++] as number)) | 0;
      const nameTo = i;
      while (i < end && nameClass[buffer[i] as number] === 2) i++;
      if (i >= end) return this.#waitForTag();
      if (buffer[i] !== 0x3d || nameTo === nameFrom)
        throw this.#fault('malformed', 'an attribute without a value', nameFrom);
      i++;
      while (i < end && nameClass[buffer[i] as number] === 2) i++;
      if (i >= end) return this.#waitForTag();
      const quote = buffer[i] as number;
      if (quote !== 0x22 && quote !== 0x27) throw this.#fault('malformed', 'an attribute value without quotes', i);
      const valueFrom = ++i;
      let high = false;
      let other = false;
      for (; i < end; i++) {
        const value = buffer[i] as number;
        if (value === quote) break;
        const c = attributeClass[value];
        if (c === textPlain) continue;
        if (c === textHigh) high = true;
        else if (c === textOther) other = true;
        else throw this.#fault('malformed', 'a < in an attribute value', i);
      }
      if (i >= end) return this.#waitForTag();
      const attribute = rawNameAt(buffer, nameFrom, nameTo, hash);
      if (attribute === null) throw this.#fault('malformed', 'an attribute with an impossible name', nameFrom);
      if (count >= this.#limits.attributesMax)
        throw this.#fault('too-large', `more than ${this.#limits.attributesMax} attributes`, at);
      if (isDeclaration(attribute)) declares = true;
      this.#attributes[count] = attribute;
      this.#valueFrom[count] = valueFrom;
      this.#valueTo[count] = i;
      this.#valueHigh[count] = high;
      this.#valueOther[count] = other;
      count++;
      i++;
    }
    this.#openTag(raw, i, count, declares);
    if (empty) this.#closeTop();
    return true;
  }

  #waitForTag(): false {
    this.#tagComplete();
    return false;
  }

  #openTag(raw: RawName, next: number, count: number, declares: boolean): void {
    const at = this.#pos;
    if (this.#depth === 0 && this.#rootSeen) throw this.#fault('malformed', 'a second root element', at);
    if (this.#depth >= this.#limits.depthMax)
      throw this.#fault('too-deep', `more than ${this.#limits.depthMax} elements inside each other`, at);
    if (++this.#elements > this.#limits.elementsMax)
      throw this.#fault('too-large', `more than ${this.#limits.elementsMax} elements`, at);
    const outer = this.#scope;
    const scope = declares ? this.#declare(outer, count) : outer;
    const name = scope.element(raw);
    if (name === null) throw this.#fault('malformed', 'an element with an undeclared prefix', at);
    if (!this.#rootSeen) {
      if (raw.local.toLowerCase() === 'html') throw this.#fault('not-xml', 'the answer is an HTML page', at);
      this.#rootSeen = true;
    }
    let attributes = XmlAttributes.none;
    if (count > 0) {
      // Of the exact length: a list that grows would keep room for sixteen more.
      const flat = new Array<string>(2 * count);
      let used = 0;
      for (let k = 0; k < count; k++) {
        const attribute = this.#attributes[k] as RawName;
        if (declares && isDeclaration(attribute)) continue;
        let key = attribute.local;
        if (attribute.prefix !== '') {
          const ns = scope.namespaceOf(attribute.prefix);
          if (ns === undefined) throw this.#fault('malformed', 'an attribute with an undeclared prefix', at);
          key = `${ns}|${attribute.local}`;
        }
        for (let j = 0; j < used; j += 2)
          if (flat[j] === key) throw this.#fault('malformed', 'an attribute given twice', at);
        flat[used] = key;
        flat[used + 1] = this.#value(k, key);
        used += 2;
      }
      flat.length = used;
      if (flat.length > 0) attributes = new XmlAttributes(flat);
    }
    const depth = this.#depth++;
    this.#names[depth] = name;
    this.#raws[depth] = raw;
    this.#scopes[depth] = outer;
    this.#rawModes[depth] = this.#rawMode;
    this.#textBytes[depth] = 0;
    this.#scope = scope;
    this.#pos = next;
    this.#handler.open(name, attributes);
    this.#rawMode = this.#handler.wantsRaw?.(name) ?? false;
  }

  #value(k: number, key: string): string {
    const from = this.#valueFrom[k] as number;
    const to = this.#valueTo[k] as number;
    const high = this.#valueHigh[k] as boolean;
    if (this.#valueOther[k]) return this.#decode(from, to, high, true, key);
    return high ? this.#utf8(this.#buffer, from, to, from, key) : this.#buffer.latin1Slice(from, to);
  }

  #declare(outer: Scope, count: number): Scope {
    const declared = new Map<string, string>();
    for (let k = 0; k < count; k++) {
      const attribute = this.#attributes[k] as RawName;
      if (!isDeclaration(attribute)) continue;
      const prefix = attribute.prefix === '' ? '' : attribute.local;
      const ns = this.#value(k, `${xmlnsNamespace}|${prefix}`).trim();
      const legal =
        ns !== xmlnsNamespace &&
        prefix !== 'xmlns' &&
        (prefix === 'xml') === (ns === xmlNamespace) &&
        (prefix === '' || ns !== '');
      if (!legal || declared.has(prefix))
        throw this.#fault('malformed', 'an impossible namespace declaration', this.#pos);
      declared.set(prefix, ns);
    }
    return new Scope(outer, declared);
  }
}

/** Char of XML 1.0. */
function isCharacter(point: number): boolean {
  if (point < 0x20) return point === 0x09 || point === 0x0a || point === 0x0d;
  return point < 0xd800 || (point > 0xdfff && point < 0xfffe) || (point > 0xffff && point <= 0x10ffff);
}

function isDeclaration(attribute: RawName): boolean {
  return attribute.prefix === '' ? attribute.local === 'xmlns' : attribute.prefix === 'xmlns';
}
