import { namespaces } from './schema/schema-table.ts';

/** XML as it is put together: text that is XML already, large base64 as bytes, and lists of both. */
export type Xml = string | Buffer | readonly Xml[];

const special =
  /[&<>"\r\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const specials = new RegExp(special, 'g');
const named: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#xD;',
};

/**
 * A text for between tags or quotes. What XML 1.0 forbids goes out as a reference, `&#x1F;`, as real servers send it
 * (recorded: fixtures/malformed), so that clients meet it here first.
 */
export function esc(text: string): string {
  if (!special.test(text)) return text;
  return text.replace(specials, (c) => {
    const code = c.charCodeAt(0);
    return named[c] ?? (code >= 0xd800 && code < 0xe000 ? '\uFFFD' : `&#x${code.toString(16).toUpperCase()};`);
  });
}

/** `<t:name>text</t:name>` */
export const t = (name: string, text: string | number | boolean): string =>
  `<t:${name}>${typeof text === 'string' ? esc(text) : text}</t:${name}>`;
export const m = (name: string, text: string | number | boolean): string =>
  `<m:${name}>${typeof text === 'string' ? esc(text) : text}</m:${name}>`;

/** All of it in UTF-8, neighbouring texts encoded in one go. */
export function encode(xml: Xml): Buffer {
  const pieces: Buffer[] = [];
  let text = '';
  const visit = (part: Xml): void => {
    if (typeof part === 'string') text += part;
    else if (Buffer.isBuffer(part)) {
      if (text !== '') pieces.push(Buffer.from(text));
      text = '';
      pieces.push(part);
    } else for (const inner of part as readonly Xml[]) visit(inner);
  };
  visit(xml);
  if (text !== '') pieces.push(Buffer.from(text));
  return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
}

/** Bytes as base64, kept out of the text so that it stays small. */
export const base64 = (bytes: Buffer): Xml =>
  bytes.length < 4096 ? bytes.toString('base64') : Buffer.from(bytes.toString('base64'), 'latin1');

/** `2026-11-22T09:30:00Z`; EWS shows whole seconds unless DateTimePrecision asks for more. */
export function dateTime(ms: number, precise = false): string {
  const whole = precise ? ms : Math.floor(ms / 1000) * 1000;
  const text = new Date(whole).toISOString();
  return precise ? text : text.replace('.000Z', 'Z');
}

export const soapNamespace = 'http://schemas.xmlsoap.org/soap/envelope/';
export const errorsNamespace = 'http://schemas.microsoft.com/exchange/services/2006/errors';
export const declarations = `xmlns:m="${namespaces.m}" xmlns:t="${namespaces.t}"`;
