import type { Property } from '../world/property.ts';
import { statusLine } from './dav-error.ts';
import { type DavName, encodeName, namespaces } from './dav-name.ts';

/** A property with the name it is answered by: its own, or the alias of a query, which is in no namespace. */
export interface AnsweredName {
  readonly name: DavName;
  readonly alias: string | null;
}

export interface Propstat {
  readonly status: number;
  /** Null: only the name is answered. */
  readonly properties: readonly (readonly [AnsweredName, Property | null])[];
}

export interface DavResponse {
  readonly href: string;
  /** Of the response as a whole. */
  readonly status?: number;
  /** Where a moved or copied item is now. */
  readonly location?: string;
  readonly changeType?: 'change' | 'delete';
  readonly propstats?: readonly Propstat[];
  /** Ids of subscriptions that this response speaks of. */
  readonly subscriptions?: readonly string[];
}

export interface Multistatus {
  readonly responses: readonly DavResponse[];
  /** `0-99`. */
  readonly contentRange?: string;
  /** Null: nothing new, the element is empty. */
  readonly collblob?: string | null;
}

export interface MultistatusTerms {
  /** Whether names that begin with a digit are written as they are, which is no XML. Real servers do. */
  readonly rawNames: boolean;
}

const special =
  /[&<>"\r\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const named: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};

/** What XML forbids goes out as a reference, which no parser takes (assumed of the store as it is recorded of EWS). */
export const esc = (text: string): string =>
  text.replace(special, (c) => {
    const code = c.charCodeAt(0);
    return named[c] ?? (code >= 0xd800 && code < 0xe000 ? '\ufffd' : `&#${code};`);
  });

/** `dt` by the type of a property; strings have none. */
const dataTypes: Readonly<Record<string, string>> = {
  String: '',
  Short: 'i2',
  Integer: 'int',
  Long: 'i8',
  Boolean: 'boolean',
  Float: 'r4',
  Double: 'float',
  Currency: 'fixed.14.4',
  ApplicationTime: 'float',
  SystemTime: 'dateTime.tz',
  CLSID: 'uuid',
  Binary: 'bin.base64',
  Error: 'int',
  Url: '',
};

const dataTypeOf = (type: string): string =>
  type.endsWith('Array') ? `mv.${dataTypes[type.slice(0, -5)] || 'string'}` : (dataTypes[type] ?? '');

const davTime = (ms: number): string => new Date(ms).toISOString();

function textOf(type: string, value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (type.startsWith('SystemTime') && typeof value === 'number') return davTime(value);
  return esc(String(value));
}

/** Prefixes of one letter, which is all that some clients repair. */
class Prefixes {
  readonly #prefixes = new Map<string, string>([
    [namespaces.dav, 'a'],
    [namespaces.types, 'b'],
  ]);
  static readonly #letters = 'cdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

  of(ns: string): string {
    const known = this.#prefixes.get(ns);
    if (known !== undefined) return known;
    const at = this.#prefixes.size - 2;
    const letters = Prefixes.#letters;
    const made = at < letters.length ? (letters[at] ?? '') : `n${at}`;
    this.#prefixes.set(ns, made);
    return made;
  }
  get declarations(): string {
    return [...this.#prefixes]
      .map(([ns, prefix]) => ` xmlns:${prefix}="${esc(ns)}"`)
      .reverse()
      .join('');
  }
}

class Writer {
  readonly #prefixes = new Prefixes();
  readonly #terms: MultistatusTerms;
  constructor(terms: MultistatusTerms) {
    this.#terms = terms;
  }

  #tag({ name, alias }: AnsweredName): string {
    if (alias !== null) return encodeName(alias);
    const digitFirst = /^\d/.test(name.local);
    const local =
      digitFirst && this.#terms.rawNames
        ? `${name.local.charAt(0)}${encodeName(`x${name.local.slice(1)}`).slice(1)}`
        : encodeName(name.local);
    return `${this.#prefixes.of(name.ns)}:${local}`;
  }

  #property(name: AnsweredName, property: Property | null): string {
    const tag = this.#tag(name);
    if (property === null) return `<${tag}/>`;
    const { type, value } = property;
    const dt = dataTypeOf(type);
    const attribute = dt === '' ? '' : ` b:dt="${dt}"`;
    if (Array.isArray(value)) {
      const x = this.#prefixes.of(namespaces.xml);
      const all = (value as readonly (string | number | boolean)[]).map(
        (one) => `<${x}:v>${textOf(type, one)}</${x}:v>`,
      );
      return `<${tag}${attribute}>${all.join('')}</${tag}>`;
    }
    // The one property that is a structure: a collection.
    if (type === 'Collection') return value === true ? `<${tag}><a:collection/></${tag}>` : `<${tag}/>`;
    const text = textOf(type, value as string | number | boolean);
    return text === '' ? `<${tag}${attribute}/>` : `<${tag}${attribute}>${text}</${tag}>`;
  }

  #propstat({ status, properties }: Propstat): string {
    const inner = properties.map(([name, property]) => this.#property(name, property)).join('');
    return `<a:propstat><a:status>${statusLine(status)}</a:status><a:prop>${inner}</a:prop></a:propstat>`;
  }

  #response(response: DavResponse): string {
    const { href, status, location, changeType, propstats = [], subscriptions } = response;
    const r = changeType === undefined ? '' : this.#prefixes.of(namespaces.repl);
    const n = subscriptions === undefined ? '' : this.#prefixes.of(namespaces.notification);
    return [
      '<a:response>',
      changeType === undefined ? '' : `<${r}:changetype>${changeType}</${r}:changetype>`,
      `<a:href>${esc(href)}</a:href>`,
      location === undefined ? '' : `<a:location>${esc(location)}</a:location>`,
      status === undefined ? '' : `<a:status>${statusLine(status)}</a:status>`,
      ...propstats.map((one) => this.#propstat(one)),
      subscriptions === undefined
        ? ''
        : `<${n}:subscriptionID>${subscriptions.map((id) => `<li>${esc(id)}</li>`).join('')}</${n}:subscriptionID>`,
      '</a:response>',
    ].join('');
  }

  write({ responses, contentRange, collblob }: Multistatus): Buffer {
    const parts = [
      collblob === undefined ? '' : this.#collblob(collblob),
      contentRange === undefined ? '' : `<a:contentrange>${contentRange}</a:contentrange>`,
      ...responses.map((one) => this.#response(one)),
    ];
    return Buffer.from(
      `<?xml version="1.0"?><a:multistatus${this.#prefixes.declarations}>${parts.join('')}</a:multistatus>`,
    );
  }

  #collblob(collblob: string | null): string {
    const r = this.#prefixes.of(namespaces.repl);
    return collblob === null
      ? `<${r}:repl/>`
      : `<${r}:repl><${r}:collblob>${esc(collblob)}</${r}:collblob></${r}:repl>`;
  }
}

/** The body of a 207. Within a `propstat` the status comes first, as in all published answers; some clients rely on it. */
export const writeMultistatus = (what: Multistatus, terms: MultistatusTerms): Buffer => new Writer(terms).write(what);
