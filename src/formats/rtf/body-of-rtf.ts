import type { Body } from '#model/appointment.ts';
import { decodeText } from '../mapi/code-page.ts';
import { rtfTokens } from './rtf-tokens.ts';

/** What a body was before it became RTF, or that it has always been RTF. */
export interface RtfBody {
  readonly body: Body;
  /** True: the RTF was made from that body, which loses nothing. False: of its formatting only the text is left. */
  readonly isWhole: boolean;
}

/** Destinations of which nothing is text (RTF 1.9.1); those marked `\*` are left out whatever their name. */
const silent: ReadonlySet<string> = new Set(
  'fonttbl colortbl stylesheet info pict object header headerl headerr headerf footer footerl footerr footerf footnote listtable listoverridetable revtbl rsidtbl generator xe tc themedata colorschememapping datastore latentstyles fldinst'.split(
    ' ',
  ),
);
/** Characters by word. */
const characters: ReadonlyMap<string, string> = new Map([
  ['lquote', '\u2018'],
  ['rquote', '\u2019'],
  ['ldblquote', '\u201c'],
  ['rdblquote', '\u201d'],
  ['bullet', '\u2022'],
  ['endash', '\u2013'],
  ['emdash', '\u2014'],
  ['enspace', '\u2002'],
  ['emspace', '\u2003'],
  ['~', '\u00a0'],
  ['_', '\u00ad'],
  ['\\', '\\'],
  ['{', '{'],
  ['}', '}'],
]);
const breaks: ReadonlyMap<string, string> = new Map([
  ['par', '\r\n'],
  ['line', '\r\n'],
  ['tab', '\t'],
]);
/** Only where there was no other body before the RTF: cells and pages. */
const layout: ReadonlyMap<string, string> = new Map([
  ['cell', '\t'],
  ['nestcell', '\t'],
  ['row', '\r\n'],
  ['nestrow', '\r\n'],
  ['sect', '\r\n'],
  ['page', '\r\n'],
]);
/** Of HTML as it stands in RTF: [MS-OXRTFEX] 2.1.3.1.4. */
const entities: ReadonlyMap<string, string> = new Map([
  ['~', '&nbsp;'],
  ['_', '&shy;'],
]);

/** Code pages by `\fcharset` (RTF 1.9.1, "Font Table"); 2 is the symbol font, whose bytes are no text of any page. */
const codePages: ReadonlyMap<number, number> = new Map([
  [77, 10000],
  [128, 932],
  [129, 949],
  [130, 1361],
  [134, 936],
  [136, 950],
  [161, 1253],
  [162, 1254],
  [163, 1258],
  [177, 1255],
  [178, 1256],
  [186, 1257],
  [204, 1251],
  [222, 874],
  [238, 1250],
]);

interface Group {
  /** Nothing in it is text. */
  isSilent: boolean;
  /** Inside of an `\htmltag`: HTML as it was. */
  isTag: boolean;
  /** Between `\htmlrtf` and `\htmlrtf0`: for readers of RTF only. */
  isForRtf: boolean;
  isFontTable: boolean;
  font: number;
  /** Characters that follow a `\u` for readers that do not know it. */
  skipAfterUnicode: number;
}

/** Deepest nesting that is followed; what lies deeper is left out. */
const depthMax = 2000;

/**
 * The body that RTF stands for: the HTML or the text that a server wrapped in it ([MS-OXRTFEX]), otherwise its text.
 *
 * @returns null for what is no RTF
 */
export function bodyOfRtf(source: Buffer): RtfBody | null {
  if (!source.subarray(0, 5).equals(Buffer.from('{\\rtf', 'latin1'))) return null;
  return new RtfReader().read(source);
}

class RtfReader {
  readonly #out: string[] = [];
  readonly #pages = new Map<number, number>();
  readonly #stack: Group[] = [];
  #group: Group = {
    isSilent: false,
    isTag: false,
    isForRtf: false,
    isFontTable: false,
    font: -1,
    skipAfterUnicode: 1,
  };
  #tooDeep = 0;
  #from: 'html' | 'text' | 'rtf' = 'rtf';
  #page = 1252;
  #defaultFont = -1;
  #pending: Buffer[] = [];
  #toSkip = 0;
  /** A `\*` was just read: the destination that follows may be left out. */
  #isOptional = false;

  read(source: Buffer): RtfBody {
    for (const token of rtfTokens(source)) {
      if (token.kind === 'bytes') this.#text(token.bytes);
      else if (token.kind === 'open') this.#open();
      else if (token.kind === 'close') this.#close();
      else this.#word(token.word, token.number);
      // Behind the last brace there is a zero, or what was there before.
      if (token.kind === 'close' && this.#stack.length === 0) break;
    }
    this.#flush();
    const text = this.#out.join('');
    const body: Body = { type: this.#from === 'html' ? 'html' : 'text', text };
    return { body, isWhole: this.#from !== 'rtf' };
  }

  #open(): void {
    this.#flush();
    this.#toSkip = 0;
    if (this.#stack.length >= depthMax) {
      this.#tooDeep++;
      return;
    }
    this.#stack.push(this.#group);
    this.#group = { ...this.#group };
    this.#isOptional = false;
  }

  #close(): void {
    this.#flush();
    this.#toSkip = 0;
    if (this.#tooDeep > 0) {
      this.#tooDeep--;
      return;
    }
    this.#group = this.#stack.pop() ?? this.#group;
  }

  get #isHeard(): boolean {
    const { isSilent, isForRtf } = this.#group;
    return !isSilent && !isForRtf && this.#tooDeep === 0;
  }

  #text(bytes: Buffer): void {
    this.#isOptional = false;
    if (!this.#isHeard) return;
    const skipped = Math.min(this.#toSkip, bytes.length);
    this.#toSkip -= skipped;
    if (bytes.length > skipped) this.#pending.push(bytes.subarray(skipped));
  }

  /** Characters of several bytes may be written byte by byte. */
  #flush(): void {
    if (this.#pending.length === 0) return;
    const page = this.#pages.get(this.#group.font < 0 ? this.#defaultFont : this.#group.font) ?? this.#page;
    this.#out.push(decodeText(Buffer.concat(this.#pending), page));
    this.#pending = [];
  }

  #say(text: string): void {
    if (!this.#isHeard) return;
    if (this.#toSkip > 0) {
      this.#toSkip--;
      return;
    }
    this.#flush();
    this.#out.push(text);
  }

  #word(word: string, number: number | null): void {
    const isOptional = this.#isOptional;
    this.#isOptional = false;
    if (word === '*') {
      this.#isOptional = true;
      return;
    }
    if (isOptional || silent.has(word)) {
      this.#destination(word);
      return;
    }
    const said =
      (this.#from === 'html' && !this.#group.isTag ? entities.get(word) : undefined) ??
      characters.get(word) ??
      breaks.get(word) ??
      (this.#from === 'rtf' ? layout.get(word) : undefined);
    if (said !== undefined) this.#say(said);
    else this.#setting(word, number);
  }

  #destination(word: string): void {
    this.#flush();
    if (word === 'htmltag') {
      this.#group.isTag = true;
      return;
    }
    this.#group.isSilent = true;
    if (word === 'fonttbl') this.#group.isFontTable = true;
  }

  #setting(word: string, number: number | null): void {
    const group = this.#group;
    switch (word) {
      case 'fromhtml':
        this.#from = 'html';
        break;
      case 'fromtext':
        this.#from = 'text';
        break;
      case 'htmlrtf':
        this.#flush();
        group.isForRtf = number !== 0;
        break;
      case 'ansicpg':
        // 0 says nothing.
        if (number !== null && number > 0) this.#page = number;
        break;
      case 'deff':
        this.#defaultFont = number ?? -1;
        break;
      case 'f':
        this.#flush();
        group.font = number ?? -1;
        break;
      case 'plain':
        this.#flush();
        group.font = -1;
        break;
      case 'fcharset':
        if (group.isFontTable) this.#fontPage(number ?? 0);
        break;
      case 'cpg':
        if (group.isFontTable && number !== null && number > 0) this.#pages.set(group.font, number);
        break;
      case 'uc':
        group.skipAfterUnicode = Math.max(0, number ?? 1);
        break;
      case 'u':
        this.#unicode(number ?? 0);
        break;
      default:
    }
  }

  #fontPage(charset: number): void {
    const page = codePages.get(charset);
    if (page !== undefined) this.#pages.set(this.#group.font, page);
    else if (charset === 0) this.#pages.set(this.#group.font, 1252);
  }

  /** A unit of UTF-16, as a signed number. */
  #unicode(number: number): void {
    this.#toSkip = 0;
    this.#say(String.fromCharCode(number & 0xffff));
    this.#toSkip = this.#group.skipAfterUnicode;
  }
}
