import type { Payload } from '#kit/payload.ts';
import { base64Length } from './base64.ts';

/** What may need a look: quick, and wrong about surrogates that are in order. */
const suspicious = /[&<>"'\u0000-\u001f\ud800-\udfff\ufffe\uffff]/;
/** What must not stand as it is in text or in an attribute; forbidden characters and lone surrogates among it. */
const specials =
  /[&<>"'\r\t\n\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const references: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\r': '&#13;',
};

/** How many characters of a text had to be replaced by U+FFFD, because XML 1.0 cannot hold them. */
interface Tally {
  replaced: number;
}

function escaped(value: string, inAttribute: boolean, tally: Tally): string {
  if (!suspicious.test(value)) return value;
  return value.replace(specials, (character) => {
    const reference = references[character];
    if (reference !== undefined) return reference;
    if (character === '\t') return inAttribute ? '&#9;' : character;
    if (character === '\n') return inAttribute ? '&#10;' : character;
    tally.replaced++;
    return '\uFFFD';
  });
}

/** A text for between tags. */
export function escapeText(value: string): string {
  return escaped(value, false, { replaced: 0 });
}

/** A text for between quotes, single or double. */
export function escapeAttribute(value: string): string {
  return escaped(value, true, { replaced: 0 });
}

/** A piece of a document: made by `xml`, put into another `xml`, or written. */
export class XmlFragment {
  readonly parts: readonly (string | Payload)[];
  /** Characters that were replaced because XML 1.0 cannot hold them. */
  readonly replaced: number;
  constructor(parts: readonly (string | Payload)[], replaced: number) {
    this.parts = parts;
    this.replaced = replaced;
  }
}

/** What may stand in a hole: null and undefined are nothing; a payload becomes its base64 text. */
export type XmlValue =
  | string
  | number
  | boolean
  | bigint
  | null
  | undefined
  | XmlFragment
  | Payload
  | readonly XmlValue[];

/** For each hole of a template: whether it is inside a tag. A template is one object for all its uses. */
const holes = new WeakMap<TemplateStringsArray, readonly boolean[]>();

function holesOf(strings: TemplateStringsArray): readonly boolean[] {
  let known = holes.get(strings);
  if (known === undefined) {
    let inTag = false;
    known = strings.map((text) => {
      const open = text.lastIndexOf('<');
      const close = text.lastIndexOf('>');
      if (open !== close) inTag = open > close;
      return inTag;
    });
    holes.set(strings, known);
  }
  return known;
}

/**
 * XML with holes: xml`<t:Subject>${subject}</t:Subject>`. What stands in a hole is escaped for its place, so that no value can
 * become markup; fragments and lists of them are put in as they are. An attribute's hole stands between quotes.
 */
export function xml(strings: TemplateStringsArray, ...values: readonly XmlValue[]): XmlFragment {
  const inTag = holesOf(strings);
  const tally: Tally = { replaced: 0 };
  const parts: (string | Payload)[] = [];
  let text = '';
  const put = (value: XmlValue, attribute: boolean): void => {
    if (typeof value === 'string') text += escaped(value, attribute, tally);
    else if (value === null || value === undefined) return;
    else if (typeof value !== 'object') text += String(value);
    else if (value instanceof XmlFragment) {
      tally.replaced += value.replaced;
      for (const part of value.parts) {
        if (typeof part === 'string') text += part;
        else putPayload(part);
      }
    } else if (isList(value)) for (const one of value) put(one, attribute);
    else putPayload(value);
  };
  const putPayload = (payload: Payload): void => {
    if (text !== '') parts.push(text);
    text = '';
    parts.push(payload);
  };
  for (let i = 0; i < strings.length; i++) {
    text += strings[i];
    if (i < values.length) put(values[i], inTag[i] === true);
  }
  if (text !== '') parts.push(text);
  return new XmlFragment(parts, tally.replaced);
}

function isList(value: Payload | readonly XmlValue[]): value is readonly XmlValue[] {
  return Array.isArray(value);
}

/** Text that is XML already, such as a part of another document. The caller answers for it. */
export function rawXml(text: string): XmlFragment {
  return new XmlFragment([text], 0);
}

/** A document ready to be sent. */
export interface XmlBody {
  readonly contentLength: number;
  /** All of it when everything is in memory and small, so that it can be sent in one write; otherwise null. */
  readonly whole: Buffer | null;
  /** The same in chunks. May be read more than once. */
  chunks(): AsyncIterable<Uint8Array>;
  readonly replaced: number;
}

/** Payloads up to this size are copied into one buffer with the text around them. */
const copyMaxBytes = 1024 * 1024;

/** The bytes of a document, UTF-8, with `<?xml …?>` before it. */
export function xmlBody(fragment: XmlFragment): XmlBody {
  const parts: readonly (string | Payload)[] = ['<?xml version="1.0" encoding="utf-8"?>', ...fragment.parts];
  let contentLength = 0;
  let inMemory = true;
  for (const part of parts) {
    if (typeof part === 'string') contentLength += Buffer.byteLength(part);
    else {
      contentLength += base64Length(part.sizeBytes);
      if (part.inMemoryBase64 === null) inMemory = false;
    }
  }
  let whole: Buffer | null = null;
  if (inMemory && contentLength <= copyMaxBytes) {
    whole = Buffer.allocUnsafe(contentLength);
    let at = 0;
    for (const part of parts) {
      if (typeof part === 'string') at += whole.write(part, at, 'utf8');
      else for (const piece of part.inMemoryBase64 ?? []) at += piece.copy(whole, at);
    }
  }
  const all = whole;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    if (all !== null) {
      yield all;
      return;
    }
    for (const part of parts) {
      if (typeof part === 'string') yield Buffer.from(part);
      else yield* part.inMemoryBase64 ?? part.base64();
    }
  }
  return { contentLength, whole, chunks, replaced: fragment.replaced };
}

/** The text of a fragment without payloads, for tests and logs of requests. Payloads are shown by their size. */
export function xmlText(fragment: XmlFragment): string {
  return fragment.parts.map((part) => (typeof part === 'string' ? part : `[${part.sizeBytes} bytes]`)).join('');
}
