import type { Payload } from '#kit/payload.ts';
import type { MapiProperty } from '#model/property-row.ts';
import { type MapiAttachment, type MapiMessage, type MapiPropertyValue, mapiValue } from '../mapi/mapi-message.ts';
import { encodeBase64 } from '../text/base64.ts';
import { headRecords, oldestStreamVersion, operations, recordHead, type StreamVersion, writeFrames } from './frames.ts';
import { deletesChildren, markerBytes, markers, pieceLengths } from './message-stream.ts';
import { makeOpaque, makeProperty, typeCodes } from './stream-property.ts';

/** Numbers of named properties: the same for one name throughout a stream, embedded messages included. */
type NumberOf = (property: MapiProperty) => number;

function numbering(): NumberOf {
  const numbers = new Map<string, number>();
  return (property) => {
    if ('tag' in property) return property.tag;
    const key = `${property.set.toLowerCase()} ${'lid' in property ? property.lid : `"${property.name}"`}`;
    const known = numbers.get(key) ?? 0x8000 + numbers.size;
    numbers.set(key, known);
    return known;
  };
}

/** PidTagRowid and PidTagAttachNumber: written first, as the grammar of [MS-OXCFXICS] 2.2.4.3.1 wants it, and never kept. */
export const placeProperties = {
  recipient: { tag: 0x3000, type: 'integer' },
  attachment: { tag: 0x0e21, type: 'integer' },
} as const satisfies Record<string, MapiProperty>;
export const attachmentData = { tag: 0x3701, type: 'binary' } as const satisfies MapiProperty;
const attachMethod: MapiProperty = { tag: 0x3705, type: 'integer' };
/** PidTagAttachMethod afOle: what it holds is a storage, which is an object and not binary ([MS-OXCMSG] 2.2.2.9). */
const oleMethod = 6;
const objectType = 0x000d;

/** 0x4016 with the tag of what is replaced ([MS-OXCFXICS] 2.2.4.1.5.1): PidTagMessageRecipients, PidTagMessageAttachments. */
const replaced = (tag: number): Buffer =>
  makeProperty({ tag: deletesChildren, type: 'integer' }, tag, deletesChildren).raw;
const replacesRecipients = replaced(0x0e12000d);
const replacesAttachments = replaced(0x0e13000d);
const marks = {
  newAttach: markerBytes(markers.newAttach),
  endAttach: markerBytes(markers.endAttach),
  startEmbed: markerBytes(markers.startEmbed),
  endEmbed: markerBytes(markers.endEmbed),
  startRecip: markerBytes(markers.startRecip),
  endToRecip: markerBytes(markers.endToRecip),
} as const;

/** What no piece is cut in but inside a value that is longer than a piece: a marker, a property, the head of one whose value streams. */
interface Element {
  readonly bytes: Buffer;
  readonly content: Payload | null;
}
const lengthOf = ({ bytes, content }: Element): number => bytes.length + (content?.sizeBytes ?? 0);
const plain = (bytes: Buffer): Element => ({ bytes, content: null });

function* propertyElements(properties: readonly MapiPropertyValue[], numberOf: NumberOf): Generator<Element> {
  for (const { property, value } of properties) yield plain(makeProperty(property, value, numberOf(property)).raw);
}

function* messageElements(message: MapiMessage, numberOf: NumberOf): Generator<Element> {
  const made = message.properties.map(({ property, value }) => makeProperty(property, value, numberOf(property)));
  for (const one of message.opaque ?? []) made.push(makeOpaque(one, numberOf(one.property)));
  made.sort((a, b) => a.id - b.id);
  for (const { raw } of made) yield plain(raw);
  yield plain(replacesRecipients);
  for (const [row, columns] of message.recipients.entries()) {
    yield plain(marks.startRecip);
    yield plain(makeProperty(placeProperties.recipient, row, 0).raw);
    yield* propertyElements(columns, numberOf);
    yield plain(marks.endToRecip);
  }
  yield plain(replacesAttachments);
  for (const [number, attachment] of message.attachments.entries()) {
    yield plain(marks.newAttach);
    yield plain(makeProperty(placeProperties.attachment, number, 0).raw);
    yield* attachmentElements(attachment, numberOf);
    yield plain(marks.endAttach);
  }
}

function* attachmentElements({ properties, content, message }: MapiAttachment, numberOf: NumberOf): Generator<Element> {
  yield* propertyElements(properties, numberOf);
  if (content !== null) {
    const head = Buffer.alloc(8);
    const type = mapiValue(properties, attachMethod) === oleMethod ? objectType : typeCodes.binary;
    head.writeUInt16LE(type, 0);
    head.writeUInt16LE(attachmentData.tag, 2);
    head.writeUInt32LE(content.sizeBytes, 4);
    yield { bytes: head, content };
  }
  if (message === null) return;
  yield plain(marks.startEmbed);
  yield* messageElements(message, numberOf);
  yield plain(marks.endEmbed);
}

/** Puts the heads of records between bytes, so that each record has the length planned for it. */
class Framing {
  readonly #pieces: readonly number[];
  #piece = 0;
  /** Bytes that the record begun last still takes. */
  #room = 0;
  #parts: Buffer[];
  #size = 0;

  constructor(head: Buffer, pieces: readonly number[]) {
    this.#pieces = pieces;
    this.#parts = [head];
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#room === 0) {
        this.#room = this.#pieces[this.#piece++] ?? 0;
        this.#parts.push(recordHead(operations.data, this.#room));
      }
      const take = Math.min(this.#room, bytes.length - at);
      this.#parts.push(Buffer.from(bytes.buffer, bytes.byteOffset + at, take));
      at += take;
      this.#size += take;
      this.#room -= take;
    }
  }

  /** Chunks of some size: neither thousands of small ones nor the whole at once. */
  get isDue(): boolean {
    return this.#size >= chunkBytes;
  }
  take(): Buffer {
    const chunk = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#size = 0;
    return chunk;
  }
}
const chunkBytes = 64 * 1024;

/** @throws RangeError when a content hands out another number of bytes than it said: the stream would not be readable behind it */
async function* framed(head: Buffer, elements: readonly Element[], pieces: readonly number[]): AsyncGenerator<Buffer> {
  const framing = new Framing(head, pieces);
  for (const { bytes, content } of elements) {
    framing.push(bytes);
    if (framing.isDue) yield framing.take();
    if (content === null) continue;
    let left = content.sizeBytes;
    for await (const chunk of content.bytes()) {
      left -= chunk.length;
      if (left < 0) break;
      framing.push(chunk);
      if (framing.isDue) yield framing.take();
    }
    if (left !== 0) throw new RangeError('the content of an attachment has not the length that it announced');
  }
  yield framing.take();
}

/**
 * A message as a stream for UploadItems and importItem. It is made as it is read, so that contents of attachments are never in memory
 * as a whole because of it; they must not be disposed of before the stream has been read, which may be more than once.
 *
 * @param version that the stream says it comes from; servers refuse those of newer ones
 */
export function streamOfMessage(message: MapiMessage, version: StreamVersion = oldestStreamVersion): Payload {
  const elements = [...messageElements(message, numbering())];
  const head = writeFrames({ records: headRecords(version), rest: Buffer.alloc(0) });
  const pieces = [...pieceLengths(elements.map(lengthOf))];
  const heads = pieces.length * recordHead(operations.data, 0).length;
  const bytes = () => framed(head, elements, pieces);
  return {
    sizeBytes: head.length + heads + pieces.reduce((sum, length) => sum + length, 0),
    bytes,
    base64: () => encodeBase64(bytes()),
    inMemoryBase64: null,
    dispose: async () => {},
  };
}
