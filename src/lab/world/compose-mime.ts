import { digest } from './account.ts';
import type { Address, Attachment, Body, ItemContent } from './item.ts';
import { key } from './property.ts';
import { attachmentsOf, bodyOf } from './read-message.ts';

const ascii = /^[\x20-\x7e]*$/;

/** A header text as encoded words where it needs them, no word longer than 75 characters. RFC 2047 2 */
export function encodeWords(text: string): string {
  if (ascii.test(text)) return text;
  const words: string[] = [];
  let part = '';
  for (const c of text) {
    if (Buffer.byteLength(part + c) > 42) {
      words.push(part);
      part = '';
    }
    part += c;
  }
  words.push(part);
  return words.map((word) => `=?utf-8?B?${Buffer.from(word).toString('base64')}?=`).join('\r\n ');
}

function writeAddress({ name, address }: Address): string {
  if (name === '') return `<${address}>`;
  return `${ascii.test(name) ? `"${name.replace(/["\\]/g, '\\$&')}"` : encodeWords(name)} <${address}>`;
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (n: number): string => String(n).padStart(2, '0');

/** RFC 5322 3.3, in UTC. */
export function writeDate(ms: number): string {
  const d = new Date(ms);
  return `${days[d.getUTCDay()]}, ${d.getUTCDate()} ${months[d.getUTCMonth()]} ${d.getUTCFullYear()} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())} +0000`;
}

export function base64Lines(bytes: Buffer): string {
  const text = bytes.toString('base64');
  let out = text.slice(0, 76);
  for (let at = 76; at < text.length; at += 76) out += `\r\n${text.slice(at, at + 76)}`;
  return out;
}

/**
 * MIME of an item that is made of properties. The same item gives the same bytes.
 *
 * @param calendar iCalendar of a meeting message, which becomes the other form of its text. [MS-OXCICAL] 2.1.3.1.1.1
 */
export function composeMime(content: ItemContent, calendar: Buffer | null = null): Buffer {
  const text = (at: string): string | null => {
    const value = content.properties.get(at)?.value;
    return typeof value === 'string' ? value : null;
  };
  const sentAt = content.properties.get(key.sentAt)?.value;
  const lines: string[] = [];
  if (content.from !== null) lines.push(`From: ${writeAddress(content.from)}`);
  if (content.to.length > 0) lines.push(`To: ${content.to.map(writeAddress).join(',\r\n ')}`);
  if (content.cc.length > 0) lines.push(`Cc: ${content.cc.map(writeAddress).join(',\r\n ')}`);
  lines.push(`Subject: ${encodeWords(text(key.subject) ?? '')}`);
  const topic = text(key.conversationTopic);
  if (topic !== null) lines.push(`Thread-Topic: ${encodeWords(topic)}`);
  const index = text(key.conversationIndex);
  if (index !== null) lines.push(`Thread-Index: ${index}`);
  if (typeof sentAt === 'number') lines.push(`Date: ${writeDate(sentAt)}`);
  const id = text(key.messageId);
  if (id !== null) lines.push(`Message-ID: ${id}`);
  const reply = text(key.inReplyTo);
  if (reply !== null) lines.push(`In-Reply-To: ${reply}`);
  if (content.properties.get(key.readReceiptRequested)?.value === true && content.from !== null)
    lines.push(`Disposition-Notification-To: ${writeAddress(content.from)}`);
  const importance = content.properties.get(key.importance)?.value;
  if (importance === 2 || importance === 0) lines.push(`Importance: ${importance === 2 ? 'high' : 'low'}`);
  const references = text(key.references);
  if (references !== null) lines.push(`References: ${references}`);
  lines.unshift(...transportHeaders(text(key.headers) ?? '', lines));
  lines.push('MIME-Version: 1.0');
  const itemClass = text(key.itemClass) ?? '';
  if (/^ipm\.note\.smime/i.test(itemClass)) {
    const signed = signedMime(lines, content.attachments ?? []);
    if (signed !== null) return signed;
  }
  const body: Body = content.body ?? (content.mime === null ? { type: 'Text', text: '' } : bodyOf(content.mime));
  const shownPart = textPartOf(body);
  const plain = body.type === 'HTML' ? text(key.body) : null;
  const textPart =
    plain === null || calendar !== null
      ? shownPart
      : alternativeParts([textPartOf({ type: 'Text', text: plain }), shownPart]);
  const bodyPart = calendar === null ? textPart : calendarParts(textPart, itemClass, calendar);
  const attachments = content.attachments ?? (content.mime === null ? [] : attachmentsOf(content.mime));
  if (attachments.length === 0) return Buffer.from(`${lines.join('\r\n')}\r\n${bodyPart}`);
  const boundary = `_${digest(lines.join('\n'), bodyPart).toString('hex').slice(0, 32)}_`;
  return Buffer.concat([
    Buffer.from(
      `${lines.join('\r\n')}\r\nContent-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n--${boundary}\r\n${bodyPart}`,
    ),
    ...attachments.map((one) => Buffer.concat([Buffer.from(`--${boundary}\r\n`), filePart(one)])),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
}

function filePart({ name, contentType, contentId, isInline, content }: Attachment): Buffer {
  const encoded = encodeWords(name).replace(/["\\]/g, '\\$&');
  const head = `Content-Type: ${contentType}; name="${encoded}"\r\nContent-Disposition: ${isInline ? 'inline' : 'attachment'}; filename="${encoded}"\r\n${
    contentId === null ? '' : `Content-ID: <${contentId}>\r\n`
  }`;
  // An attached message is never encoded as a whole. RFC 2046 5.2.1
  return contentType === 'message/rfc822'
    ? Buffer.concat([Buffer.from(`${head}Content-Transfer-Encoding: 8bit\r\n\r\n`), content, Buffer.from('\r\n')])
    : Buffer.from(`${head}Content-Transfer-Encoding: base64\r\n\r\n${base64Lines(content)}\r\n`);
}

function textPartOf(body: Body): string {
  return `Content-Type: text/${body.type === 'HTML' ? 'html' : 'plain'}; charset="utf-8"\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64Lines(Buffer.from(body.text))}\r\n`;
}

function alternativeParts(parts: readonly string[]): string {
  const boundary = `_${digest(...parts)
    .toString('hex')
    .slice(0, 32)}_`;
  return `Content-Type: multipart/alternative; boundary="${boundary}"\r\n\r\n${parts.map((part) => `--${boundary}\r\n${part}`).join('')}--${boundary}--\r\n`;
}

function calendarParts(textPart: string, itemClass: string, calendar: Buffer): string {
  const method = /\.Resp\b/i.test(itemClass) ? 'REPLY' : /\.Canceled\b/i.test(itemClass) ? 'CANCEL' : 'REQUEST';
  const text = calendar.toString().replace(/^METHOD:.*$/m, `METHOD:${method}`);
  return alternativeParts([
    textPart,
    `Content-Type: text/calendar; charset="utf-8"; method=${method}\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64Lines(Buffer.from(text))}\r\n`,
  ]);
}

const nameOfLine = (line: string): string => line.slice(0, Math.max(0, line.indexOf(':'))).toLowerCase();
const ofStructure = /^(?:mime-version|content-[a-z-]+|bcc)$/;

/**
 * Header fields that a message came with and no property says: those of PidTagTransportMessageHeaders whose names are not written
 * anyway (assumed: [MS-OXCMAIL] leaves it to servers).
 */
function transportHeaders(headers: string, written: readonly string[]): readonly string[] {
  if (headers === '') return [];
  const taken = new Set(written.map(nameOfLine));
  return headers
    .split(/\r?\n(?![ \t])/)
    .filter((line) => /^[!-9;-~]+:/.test(line) && !taken.has(nameOfLine(line)) && !ofStructure.test(nameOfLine(line)));
}

/** A signed or encrypted message: its one file is what was signed. Null: it is not kept like that. [MS-OXOSMIME] 2.1.3.2 */
function signedMime(lines: readonly string[], attachments: readonly Attachment[]): Buffer | null {
  const [file] = attachments;
  if (attachments.length !== 1 || file === undefined) return null;
  const head = `${lines.join('\r\n')}\r\n`;
  if (file.contentType.startsWith('multipart/signed')) return Buffer.concat([Buffer.from(head), file.content]);
  if (!/^application\/(?:x-)?pkcs7-mime/i.test(file.contentType)) return null;
  return Buffer.from(
    `${head}Content-Type: ${file.contentType}; name="${file.name}"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="${file.name}"\r\n\r\n${base64Lines(file.content)}\r\n`,
  );
}

/** The bytes of a message with one header field replaced, added, or (null) taken out; the rest stays as it is. */
export function withHeader(mime: Buffer, name: string, value: string | null): Buffer {
  let end = mime.indexOf('\r\n\r\n');
  end = end < 0 ? mime.length : end;
  const head = mime.subarray(0, end).toString('latin1');
  const line = value === null ? '' : `${name}: ${value}\r\n`;
  const pattern = new RegExp(`^${name}:.*(?:\r?\n[ \t].*)*\r?\n?`, 'im');
  const isThere = pattern.test(`${head}\r\n`);
  if (!isThere && value === null) return mime;
  const replaced = isThere ? `${head}\r\n`.replace(pattern, () => line) : `${line}${head}\r\n`;
  return Buffer.concat([Buffer.from(replaced, 'latin1'), mime.subarray(Math.min(mime.length, end + 2))]);
}
