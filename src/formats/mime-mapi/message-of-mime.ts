import { payloadOfBytes } from '#kit/payload.ts';
import { type MapiProperty, propertySets } from '#model/property-row.ts';
import type { MapiAttachment, MapiMessage, MapiPropertyValue, MapiValue } from '../mapi/mapi-message.ts';
import { decodeCharset } from '../text/charset.ts';
import { decodeHeader } from '../text/mime-header.ts';
import { headerOf, type MimeLimits, type MimePart, splitMime } from '../text/mime-split.ts';
import { htmlInPage, utf8Page } from './charset-pages.ts';
import { headerProperties, recipientRows } from './header-properties.ts';
import { attachMethods, attachmentTags, mailTags, shownInBody, signedName } from './mail-tags.ts';
import { contentClass, wholeClass } from './message-class.ts';
import { type MimeShape, shapeProperty, usualShape, writeShape } from './mime-shape.ts';
import { contentOfPart } from './part-content.ts';

/**
 * A message as Exchange would keep it when it is delivered ([MS-OXCMAIL] 2.1, [MS-OXOSMIME] 2.1.3 for what is signed or encrypted).
 * Never fails: broken messages are read as far as they go. Contents of attachments are views of `mime` or decoded out of it as they
 * are read.
 */
export function messageOfMime(mime: Uint8Array, limits: Partial<MimeLimits> = {}): MapiMessage {
  return messageOfPart(splitMime(mime, limits), false);
}

/**
 * The same of a message about a meeting whose properties are known: its iCalendar, which says part of what they say, is no file of it but
 * the property that Exchange keeps such parts in.
 */
export const meetingOfMime = (mime: Uint8Array): MapiMessage => messageOfPart(splitMime(mime), true);

function messageOfPart(part: MimePart, isMeeting: boolean): MapiMessage {
  const bodies = chooseBodies(part);
  const html = bodies.html === null ? null : htmlOf(bodies.html.part);
  const calendar = isMeeting ? calendarPart(part) : null;
  const taken = new Taken(bodies, html === null ? new Set() : namedIn(html.bytes), calendar);
  const shape = taken.take(part, false, true) ?? { kind: 'empty' };
  const messageClass = contentClass(part);
  const { attachments } = taken;
  const text = bodies.text === null ? null : textOf(bodies.text.part);
  const usual = usualShape({
    hasText: text !== null,
    hasHtml: html !== null,
    inBody: attachments.map(isInBody),
    isWhole: wholeClass(messageClass) && attachments.length === 1,
  });
  const isUsual = writeShape(usual) === writeShape(shape);
  const properties: (readonly [MapiProperty, MapiValue])[] = [[mailTags.messageClass, messageClass]];
  if (text !== null) properties.push([mailTags.text, text]);
  if (html !== null) properties.push([mailTags.html, html.bytes]);
  if (text !== null || html !== null) {
    properties.push([mailTags.codePage, html?.page ?? utf8Page], [mailTags.nativeBody, html === null ? 1 : 3]);
  }
  if (attachments.length > 0) properties.push([mailTags.noPaperClip, html !== null && attachments.every(isInBody)]);
  if (!isUsual) properties.push([shapeProperty, writeShape(shape)]);
  if (calendar !== null) properties.push([inboundCalendar, calendar.body()]);
  return {
    properties: [...headerProperties(part), ...properties.map(([property, value]) => ({ property, value }))],
    recipients: recipientRows(part.headers),
    attachments,
  };
}

const isInBody = ({ properties }: MapiAttachment): boolean =>
  properties.some(({ property, value }) => property === attachmentTags.flags && value === shownInBody);

/** A part that is shown as text, and the alternatives that it is one of, outermost first. */
interface BodyLeaf {
  readonly part: MimePart;
  readonly type: 'text/plain' | 'text/html';
  readonly path: readonly MimePart[];
}
interface Bodies {
  readonly text: BodyLeaf | null;
  readonly html: BodyLeaf | null;
}

const fileNameOf = ({ disposition, contentType }: MimePart): string =>
  (disposition?.parameters.get('filename') ?? contentType.parameters.get('name') ?? '').replace(/\s+/g, ' ').trim();
/** A multipart that could not be taken apart is shown as the text it is. */
const isTornApart = ({ contentType, children }: MimePart): boolean =>
  contentType.value.startsWith('multipart/') && children.length === 0;
const isShown = (part: MimePart): boolean =>
  isTornApart(part) ||
  (part.contentType.value.startsWith('text/') && part.disposition?.value !== 'attachment' && fileNameOf(part) === '');

function* bodyLeaves(part: MimePart, path: readonly MimePart[]): Generator<BodyLeaf> {
  if (part.contentType.value.startsWith('multipart/') && part.children.length > 0) {
    for (const child of part.children) yield* bodyLeaves(child, [...path, part]);
    return;
  }
  if (!isShown(part) || isEmptyText(part)) return;
  const type = isTornApart(part) ? 'text/plain' : part.contentType.value;
  if (type === 'text/plain' || type === 'text/html') yield { part, type, path };
}

/**
 * The text and the HTML that are the message: the first of either, and of the other kind the first that is an alternative of it. Texts
 * that come after are attachments, as they are in Exchange.
 */
function chooseBodies(part: MimePart): Bodies {
  const leaves = [...bodyLeaves(part, [])];
  const [first] = leaves;
  if (first === undefined) return { text: null, html: null };
  const other = leaves.find((leaf) => leaf.type !== first.type && areAlternatives(first, leaf)) ?? null;
  return first.type === 'text/plain' ? { text: first, html: other } : { text: other, html: first };
}

function areAlternatives(a: BodyLeaf, b: BodyLeaf): boolean {
  const common = a.path.filter((part, n) => b.path[n] === part).at(-1);
  return common?.contentType.value === 'multipart/alternative';
}

/** PidLidInboundICalStream ([MS-OXOCAL] 2.2.2.6): the iCalendar that a message came with. */
const inboundCalendar = {
  set: propertySets.appointment,
  lid: 0x827a,
  type: 'binary',
} as const satisfies MapiProperty;

/** The iCalendar of which a message is made; one that is attached is a file. Null: there is none, or there are several. */
function calendarPart(part: MimePart): MimePart | null {
  const found: MimePart[] = [];
  const look = (one: MimePart): void => {
    // What is signed stays as it is.
    if (one.contentType.value === 'multipart/signed') return;
    if (one.contentType.value.startsWith('multipart/')) one.children.forEach(look);
    else if (one.contentType.value === 'text/calendar' && isShown(one)) found.push(one);
  };
  look(part);
  const [only] = found;
  return found.length === 1 && only !== undefined ? only : null;
}

const charsetOf = (part: MimePart): string => part.contentType.parameters.get('charset') ?? '';
const textOf = (part: MimePart): string => decodeCharset(part.body(), charsetOf(part));
const htmlOf = (part: MimePart) => htmlInPage(part.body(), charsetOf(part));
const isEmptyText = (part: MimePart): boolean =>
  part.rawBody.length < 4096 && /^[\r\n]*$/.test(decodeCharset(part.body(), charsetOf(part)));

const namedMax = 10_000;
/** Content-IDs of files that HTML shows within itself (RFC 2392). */
function namedIn(html: Buffer): ReadonlySet<string> {
  const named = new Set<string>();
  for (const [, id = ''] of html.toString('latin1').matchAll(/\bcid:([^\s"'<>()]{1,1000})/gi)) {
    if (named.size >= namedMax) break;
    named
      .add(id)
      .add(id.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))));
  }
  return named;
}

/** Takes the parts of a message one after the other, and knows the attachments so far. */
class Taken {
  readonly attachments: MapiAttachment[] = [];
  readonly #bodies: Bodies;
  readonly #named: ReadonlySet<string>;
  readonly #leftOut: MimePart | null;
  /**
   * @param named Content-IDs that the HTML names.
   * @param leftOut It stands elsewhere in the message.
   */
  constructor(bodies: Bodies, named: ReadonlySet<string>, leftOut: MimePart | null) {
    this.#bodies = bodies;
    this.#named = named;
    this.#leftOut = leftOut;
  }

  /** @param isWhole It is the message, and not a part of it. @returns null for what is left out */
  take(part: MimePart, isRelated: boolean, isWhole = false): MimeShape | null {
    const type = part.contentType.value;
    const isSigned = type === 'multipart/signed' && part.children.length > 0;
    if (isSigned && isWhole) return this.#add(signedAttachment(part));
    if (type.startsWith('multipart/') && part.children.length > 0) {
      const isInside = isRelated || type === 'multipart/related';
      const parts = part.children.flatMap((child) => this.take(child, isInside) ?? []);
      if (isSigned) parts.push(this.#add(signedCopy(part)));
      const [only] = parts;
      // Of two alternatives one is left.
      if (parts.length === 1 && part.children.length > 1 && only !== undefined) return only;
      return { kind: 'multipart', subtype: type.slice('multipart/'.length), parts };
    }
    if (part === this.#leftOut) return null;
    if (part === this.#bodies.text?.part) return { kind: 'text' };
    if (part === this.#bodies.html?.part) return { kind: 'html' };
    if (isShown(part) && isEmptyText(part)) return { kind: 'empty' };
    return this.#add(attachmentOf(part, isRelated, this.#named, this.attachments.length));
  }

  #add(attachment: MapiAttachment): MimeShape {
    this.attachments.push(attachment);
    return { kind: 'attachment', index: this.attachments.length - 1 };
  }
}

const valuesOf = (values: readonly (readonly [MapiProperty, MapiValue | null])[]): readonly MapiPropertyValue[] =>
  values.flatMap(([property, value]) => (value === null ? [] : [{ property, value }]));

/** Bytes with their Content-Type in front: a signature is good for exactly these. */
const signedBytes = (part: MimePart) => {
  const head = Buffer.from(`Content-Type:${headerOf(part.headers, 'content-type') ?? ''}\r\n\r\n`, 'latin1');
  return payloadOfBytes(Buffer.concat([head, part.rawBody]));
};
const signedFile = [
  [attachmentTags.method, attachMethods.byValue],
  [attachmentTags.displayName, signedName],
  [attachmentTags.fileName, signedName],
  [attachmentTags.extension, '.p7m'],
  [attachmentTags.rendering, -1],
] as const;

/** A message that is signed as a whole has it as its only attachment ([MS-OXOSMIME] 2.1.3.1). */
const signedAttachment = (part: MimePart): MapiAttachment => ({
  properties: valuesOf([...signedFile, [attachmentTags.contentType, 'multipart/signed']]),
  content: signedBytes(part),
  message: null,
});

/**
 * A signed part of a message (of a mailing list that adds a footer) is shown like other parts, its files are files. What was signed is
 * kept beside them, where nobody sees it.
 */
const signedCopy = (part: MimePart): MapiAttachment => ({
  properties: valuesOf([
    ...signedFile,
    [attachmentTags.contentType, 'application/octet-stream'],
    [attachmentTags.isHidden, true],
  ]),
  content: signedBytes(part),
  message: null,
});

/** Extensions for what has no name, so that a double click opens it. */
const extensions: Readonly<Record<string, string>> = {
  'text/plain': '.txt',
  'text/html': '.htm',
  'text/calendar': '.ics',
  'text/vcard': '.vcf',
  'message/rfc822': '.eml',
  'image/jpeg': '.jpg',
  'image/png': '.png',
  'image/gif': '.gif',
  'application/pdf': '.pdf',
  'application/pkcs7-mime': '.p7m',
  'application/x-pkcs7-mime': '.p7m',
};

function attachmentOf(part: MimePart, isRelated: boolean, named: ReadonlySet<string>, number: number): MapiAttachment {
  const type = isTornApart(part) ? 'text/plain' : part.contentType.value;
  const { headers, disposition } = part;
  const fileName = fileNameOf(part);
  const header = (name: string) => {
    const raw = headerOf(headers, name);
    return raw === null ? null : decodeHeader(raw).replace(/\s+/g, '').trim() || null;
  };
  const contentId = header('content-id')?.replace(/^<(.*)>$/, '$1') ?? null;
  const [inside] = part.children;
  const message = inside === undefined ? null : messageOfPart(inside, false);
  const isAttached = disposition?.value === 'attachment';
  // Programs put pictures beside the HTML that shows them as well.
  const isInside = contentId !== null && !isAttached && (isRelated || named.has(contentId));
  const subject = message?.properties.find(({ property }) => property === mailTags.subject)?.value;
  const extension = /\.[A-Za-z0-9]{1,10}$/.exec(fileName)?.[0] ?? extensions[type] ?? '.dat';
  const madeUp = `ATT${String(number + 1).padStart(5, '0')}${extension}`;
  const shownName = fileName || (typeof subject === 'string' && subject !== '' ? subject : madeUp);
  return {
    properties: valuesOf([
      [attachmentTags.method, message === null ? attachMethods.byValue : attachMethods.embeddedMessage],
      [attachmentTags.displayName, shownName],
      [attachmentTags.fileName, fileName || null],
      [attachmentTags.extension, message === null ? extension : null],
      [attachmentTags.contentType, type],
      [attachmentTags.contentId, contentId],
      [attachmentTags.contentLocation, header('content-location')],
      [attachmentTags.contentBase, header('content-base')],
      // A text without a name that is not said to be attached is shown, and so it must stay.
      [attachmentTags.disposition, disposition?.value ?? (isShown(part) ? 'inline' : null)],
      [attachmentTags.charset, type.startsWith('text/') ? charsetOf(part) || null : null],
      [attachmentTags.rendering, -1],
      [attachmentTags.flags, isInside ? shownInBody : 0],
      [attachmentTags.isHidden, isInside],
    ]),
    content: message === null ? contentOfPart(part) : null,
    message,
  };
}
