import { randomUUID } from 'node:crypto';
import type { Payload } from '#kit/payload.ts';
import { decodeText } from '../mapi/code-page.ts';
import { type MapiAttachment, type MapiMessage, mapiValue } from '../mapi/mapi-message.ts';
import { encodeBase64 } from '../text/base64.ts';
import type { MimeHeader, ParameterizedValue } from '../text/mime-header.ts';
import { parseParameters } from '../text/mime-header.ts';
import { charsetOfPage, utf8Page } from './charset-pages.ts';
import { arrivedHeaders, headersOfMessage } from './headers-of-message.ts';
import { attachmentTags, mailTags, shownInBody, signedName } from './mail-tags.ts';
import { wholeClass } from './message-class.ts';
import { attachmentsOf, type MimeShape, readShape, shapeProperty, usualShape } from './mime-shape.ts';
import { parameterHeader } from './write-header.ts';

/** A piece of the MIME: bytes as they are, or a content that is read when the piece is. */
type Piece = Buffer | { readonly content: Payload; readonly as: 'lines' | 'raw' };

const lineBytes = 57;
const lineLength = (lineBytes / 3) * 4;
/** Length of base64 text in lines of 76, each with its CR LF. */
function linesLength(sizeBytes: number): number {
  const text = Math.ceil(sizeBytes / 3) * 4;
  return text + 2 * Math.ceil(text / lineLength);
}
const lengthOf = (piece: Piece): number =>
  Buffer.isBuffer(piece)
    ? piece.length
    : piece.as === 'raw'
      ? piece.content.sizeBytes
      : linesLength(piece.content.sizeBytes);

const inLines = (bytes: Buffer): Buffer =>
  Buffer.from(bytes.toString('base64').replace(/.{1,76}/g, '$&\r\n'), 'latin1');

async function* base64Lines(content: Payload): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of content.bytes()) {
    const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const bytes = rest.length > 0 ? Buffer.concat([rest, view]) : view;
    const whole = bytes.length - (bytes.length % lineBytes);
    for (let at = 0; at < whole; at += lineBytes * 4096)
      yield inLines(bytes.subarray(at, Math.min(whole, at + lineBytes * 4096)));
    rest = Buffer.from(bytes.subarray(whole));
  }
  if (rest.length > 0) yield inLines(rest);
}

async function* chunksOf(pieces: readonly Piece[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    if (Buffer.isBuffer(piece)) yield piece;
    else if (piece.as === 'raw') yield* piece.content.bytes();
    else yield* base64Lines(piece.content);
  }
}

/**
 * A message of Exchange as MIME ([MS-OXCMAIL] 2.2): the headers with which it arrived, its bodies, its attachments. It is made as it is
 * read, so contents must not be disposed of before.
 */
export function mimeOfMessage(message: MapiMessage): Payload {
  const pieces = [...new MimeWriter().message(message)];
  const bytes = () => chunksOf(pieces);
  return {
    sizeBytes: pieces.reduce((sum, piece) => sum + lengthOf(piece), 0),
    bytes,
    base64: () => encodeBase64(bytes()),
    inMemoryBase64: null,
    dispose: async () => {},
  };
}

const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
const token = /^[\w!#$%&'*+.^`{|}~-]+$/;
const mediaType = /^[\w!#$%&'*+.^`{|}~-]+\/[\w!#$%&'*+.^`{|}~-]+$/;

interface Bodies {
  readonly text: string | null;
  readonly html: { readonly bytes: Buffer; readonly charset: string } | null;
}

function bodiesOf({ properties }: MapiMessage): Bodies {
  const text = mapiValue(properties, mailTags.text);
  const html = mapiValue(properties, mailTags.html);
  const page = mapiValue(properties, mailTags.codePage);
  const number = typeof page === 'number' ? page : utf8Page;
  const charset = charsetOfPage(number);
  return {
    text: typeof text === 'string' ? text : null,
    html: !Buffer.isBuffer(html)
      ? null
      : charset === null
        ? { bytes: Buffer.from(decodeText(html, number), 'utf8'), charset: 'utf-8' }
        : { bytes: html, charset },
  };
}

function shapeOf(message: MapiMessage, { text, html }: Bodies): MimeShape {
  const { properties, attachments } = message;
  const usual = () =>
    usualShape({
      hasText: text !== null,
      hasHtml: html !== null,
      inBody: attachments.map((one) => mapiValue(one.properties, attachmentTags.flags) === shownInBody),
      isWhole: attachments.length === 1 && wholeClass(String(mapiValue(properties, mailTags.messageClass) ?? '')),
    });
  const written = mapiValue(properties, shapeProperty);
  const shape = typeof written === 'string' ? readShape(written) : null;
  if (shape === null) return usual();
  // Somebody may have removed or added attachments since.
  const order = [...attachmentsOf(shape)];
  const isComplete = order.length === attachments.length && new Set(order).size === order.length;
  return isComplete && order.every((index) => index < attachments.length) ? shape : usual();
}

class MimeWriter {
  readonly #boundary = randomUUID();
  #boundaries = 0;

  *message(message: MapiMessage): Generator<Piece> {
    const arrived = arrivedHeaders(message);
    yield headersOfMessage(message, arrived);
    yield ascii('MIME-Version: 1.0\r\n');
    const bodies = bodiesOf(message);
    const written = arrived.find(({ name }) => name.toLowerCase() === 'content-type');
    yield* this.#entity(message, bodies, shapeOf(message, bodies), writtenType(written));
  }

  /** @param written the Content-Type that the whole message had: its parameters say more than a type (protocol, smime-type, …) */
  *#entity(
    message: MapiMessage,
    bodies: Bodies,
    shape: MimeShape,
    written: ParameterizedValue | null,
  ): Generator<Piece> {
    switch (shape.kind) {
      case 'multipart': {
        const copy = signedCopyOf(message, shape);
        if (copy !== null) {
          yield { content: copy, as: 'raw' };
          return;
        }
        const type = `multipart/${shape.subtype}`;
        const boundary = `=_${this.#boundary}_${this.#boundaries++}`;
        yield ascii(parameterHeader('Content-Type', type, [['boundary', boundary], ...parametersOf(written, type)]));
        yield ascii('\r\n');
        for (const part of shape.parts) {
          yield ascii(`\r\n--${boundary}\r\n`);
          yield* this.#entity(message, bodies, part, null);
        }
        yield ascii(`\r\n--${boundary}--\r\n`);
        return;
      }
      case 'attachment': {
        const attachment = message.attachments[shape.index];
        if (attachment !== undefined) yield* this.#attachment(attachment, written);
        return;
      }
      case 'html':
        if (bodies.html !== null) yield* textEntity('text/html', bodies.html.charset, bodies.html.bytes);
        return;
      default: {
        const text = shape.kind === 'text' ? (bodies.text ?? '') : '';
        yield* textEntity('text/plain', 'utf-8', Buffer.from(text, 'utf8'));
      }
    }
  }

  *#attachment(attachment: MapiAttachment, written: ParameterizedValue | null): Generator<Piece> {
    const { content, message } = attachment;
    const text = (property: (typeof attachmentTags)[keyof typeof attachmentTags]) => {
      const value = mapiValue(attachment.properties, property);
      return typeof value === 'string' ? value : '';
    };
    const asked = text(attachmentTags.contentType).toLowerCase();
    if (message === null && content !== null && asked === 'multipart/signed') {
      yield { content, as: 'raw' };
      return;
    }
    const isUsable = mediaType.test(asked) && !asked.startsWith('multipart/');
    const type =
      message === null
        ? isUsable
          ? asked
          : 'application/octet-stream'
        : asked === 'message/global'
          ? asked
          : 'message/rfc822';
    const charset = text(attachmentTags.charset);
    const own = new Map(parametersOf(written, type));
    if (charset !== '') own.set('charset', charset);
    yield Buffer.from(parameterHeader('Content-Type', type, own), 'utf8');
    const asWritten = text(attachmentTags.disposition);
    const isInside = mapiValue(attachment.properties, attachmentTags.flags) === shownInBody;
    const disposition = token.test(asWritten) ? asWritten : isInside ? 'inline' : 'attachment';
    const fileName = text(attachmentTags.fileName) || text(attachmentTags.shortFileName);
    const named = fileName === '' ? [] : ([['filename', fileName]] as const);
    yield Buffer.from(parameterHeader('Content-Disposition', disposition, named), 'utf8');
    const contentId = text(attachmentTags.contentId).replace(/[\0-\x20<>\x7f]/g, '');
    if (contentId !== '') yield Buffer.from(`Content-ID: <${contentId}>\r\n`, 'utf8');
    const location = text(attachmentTags.contentLocation).replace(/[\0-\x20\x7f]/g, '');
    if (location !== '' && written === null) yield Buffer.from(`Content-Location: ${location}\r\n`, 'utf8');
    if (message !== null) {
      yield ascii('Content-Transfer-Encoding: 8bit\r\n\r\n');
      yield* this.message(message);
      return;
    }
    yield ascii('Content-Transfer-Encoding: base64\r\n\r\n');
    if (content !== null) yield { content, as: 'lines' };
  }
}

/** What was signed, beside the parts that it consists of. */
function signedCopyOf({ attachments }: MapiMessage, shape: MimeShape & { readonly kind: 'multipart' }): Payload | null {
  const last = shape.parts.at(-1);
  if (shape.subtype !== 'signed' || last?.kind !== 'attachment') return null;
  const { properties = [], content = null } = attachments[last.index] ?? {};
  const isCopy =
    mapiValue(properties, attachmentTags.fileName) === signedName &&
    mapiValue(properties, attachmentTags.isHidden) === true;
  return isCopy ? content : null;
}

const writtenType = (header: MimeHeader | undefined): ParameterizedValue | null =>
  header === undefined ? null : parseParameters(header.rawValue);

const parametersOf = (written: ParameterizedValue | null, type: string): readonly (readonly [string, string])[] =>
  written === null || written.value !== type
    ? []
    : [...written.parameters].filter(([name]) => !['boundary', 'charset', 'name'].includes(name));

/** Lines that any way of transport lets pass (RFC 5322 §2.1.1). */
function isSevenBit(bytes: Buffer): boolean {
  const text = bytes.toString('latin1');
  return /^[\t\r\n -~]*$/.test(text) && !/[^\r\n]{999}|\r(?!\n)|(?<!\r)\n/.test(text);
}

function* textEntity(type: string, charset: string, bytes: Buffer): Generator<Piece> {
  const plain = isSevenBit(bytes);
  yield ascii(parameterHeader('Content-Type', type, [['charset', charset]]));
  yield ascii(`Content-Transfer-Encoding: ${plain ? '7bit' : 'base64'}\r\n\r\n`);
  yield plain ? bytes : inLines(bytes);
}
