import { type Property, type PropertyKey, sets } from '../world/property.ts';
import { ByteCursor, Malformed, u16, u32 } from './byte-cursor.ts';
import type { MapiAttachment, MapiMessage, PropertyBag } from './message.ts';
import { guidBytes, readGuid, readValue, writeValue } from './property-values.ts';

// The stream of one message. [MS-OXCFXICS] 2.2.4

/** [MS-OXCFXICS] 2.2.4.1.4 */
const marker = {
  newAttach: 0x40000003,
  startEmbed: 0x40010003,
  endEmbed: 0x40020003,
  startRecip: 0x40030003,
  endToRecip: 0x40040003,
  startMessage: 0x400c0003,
  endMessage: 0x400d0003,
  endAttach: 0x400e0003,
} as const;

/** Of the stream rather than of the message: MetaTagDnPrefix, MetaTagEcWarning, MetaTagFXDelProp. */
const metaTags: ReadonlySet<number> = new Set([0x4008, 0x400f, 0x4016]);
const deletes = 0x4016;
const recipientsTag = 0x0e12000d;
const attachmentsTag = 0x0e13000d;
/** Messages inside of messages; what is deeper was made to break something. */
const depthMax = 32;

const isMarker = (number: number): boolean =>
  (number & 0xffff) === 0x0003 && number >>> 24 === 0x40 && !metaTags.has(number >>> 16);

/** Names before values: 0 a number, 1 a text. */
function readName(cursor: ByteCursor): PropertyKey {
  const set = readGuid(cursor);
  const [kind] = cursor.take(1);
  if (kind === 0) return `${set}/0x${cursor.u32().toString(16).padStart(4, '0')}`;
  if (kind !== 1) throw new Malformed('the name of a property is neither a number nor a text');
  let name = '';
  for (let letter = cursor.u16(); letter !== 0; letter = cursor.u16()) name += String.fromCharCode(letter);
  return `${set}/${set === sets.InternetHeaders ? name.toLowerCase() : name}`;
}

/** Properties up to the next marker, or the end. */
function readBag(cursor: ByteCursor): PropertyBag {
  const bag = new Map<PropertyKey, Property>();
  for (;;) {
    const next = cursor.peekU32();
    if (next === null || isMarker(next)) {
      if (next === null && cursor.left > 0) throw new Malformed('it ends in the middle of a property');
      return bag;
    }
    const [type, id] = [cursor.u16(), cursor.u16()];
    const at = id >= 0x8000 ? readName(cursor) : `0x${id.toString(16).padStart(4, '0')}`;
    const property = readValue(cursor, type);
    if (!metaTags.has(id)) bag.set(at, property);
  }
}

function expect(cursor: ByteCursor, wanted: number): void {
  if (cursor.u32() !== wanted) throw new Malformed('a part does not end where it should');
}

/** Metatags stand between the parts: they end nothing and begin nothing. */
function skipMeta(cursor: ByteCursor): void {
  readBag(cursor);
}

function readContent(cursor: ByteCursor, depth: number): MapiMessage {
  if (depth > depthMax) throw new Malformed('messages inside of messages inside of messages');
  const properties = readBag(cursor);
  const recipients: PropertyBag[] = [];
  const attachments: MapiAttachment[] = [];
  for (;;) {
    switch (cursor.peekU32()) {
      case marker.startRecip:
        cursor.u32();
        recipients.push(readBag(cursor));
        expect(cursor, marker.endToRecip);
        break;
      case marker.newAttach: {
        cursor.u32();
        const own = readBag(cursor);
        let message: MapiMessage | null = null;
        if (cursor.peekU32() === marker.startEmbed) {
          cursor.u32();
          message = readContent(cursor, depth + 1);
          expect(cursor, marker.endEmbed);
        }
        expect(cursor, marker.endAttach);
        attachments.push({ properties: own, message });
        break;
      }
      default:
        return { properties, recipients, attachments };
    }
    skipMeta(cursor);
  }
}

/** @throws Malformed */
export function readFastTransfer(bytes: Buffer): MapiMessage {
  const cursor = new ByteCursor(bytes);
  const meta = readBag(cursor);
  let message: MapiMessage;
  if (cursor.peekU32() === marker.startMessage) {
    cursor.u32();
    message = readContent(cursor, 0);
    expect(cursor, marker.endMessage);
  } else {
    const rest = readContent(cursor, 0);
    message = { ...rest, properties: new Map([...meta, ...rest.properties]) };
  }
  if (cursor.left > 0) throw new Malformed('there is something behind the message');
  return message;
}

/** Ids of named properties are numbers of the stream: the same for one name throughout. */
class Names {
  readonly #ids = new Map<PropertyKey, number>();
  idOf(name: PropertyKey): number {
    const known = this.#ids.get(name) ?? 0x8000 + this.#ids.size;
    this.#ids.set(name, known);
    return known;
  }
}

function writeName(name: PropertyKey): Buffer {
  const slash = name.indexOf('/');
  const set = guidBytes(name.slice(0, slash));
  const local = name.slice(slash + 1);
  return /^0x[0-9a-f]{1,8}$/.test(local)
    ? Buffer.concat([set, Buffer.from([0]), u32(Number.parseInt(local, 16))])
    : Buffer.concat([set, Buffer.from([1]), Buffer.from(`${local}\0`, 'utf16le')]);
}

function writeBag(bag: PropertyBag, names: Names): Buffer[] {
  const parts: Buffer[] = [];
  for (const [at, property] of bag) {
    const value = writeValue(property);
    if (value === null) continue;
    const isNamed = at.includes('/');
    const id = isNamed ? names.idOf(at) : Number.parseInt(at, 16);
    parts.push(Buffer.concat([u16(value.type), u16(id), isNamed ? writeName(at) : Buffer.alloc(0), value.bytes]));
  }
  return parts;
}

const replaces = (tag: number): Buffer => Buffer.concat([u16(3), u16(deletes), u32(tag)]);

function* writeContent(message: MapiMessage, names: Names): Generator<Buffer> {
  yield* writeBag(message.properties, names);
  yield replaces(recipientsTag);
  for (const row of message.recipients) {
    yield u32(marker.startRecip);
    yield* writeBag(row, names);
    yield u32(marker.endToRecip);
  }
  yield replaces(attachmentsTag);
  for (const { properties, message: inside } of message.attachments) {
    yield u32(marker.newAttach);
    yield* writeBag(properties, names);
    if (inside !== null) {
      yield u32(marker.startEmbed);
      yield* writeContent(inside, names);
      yield u32(marker.endEmbed);
    }
    yield u32(marker.endAttach);
  }
}

/** Elements in order, none of which is to be cut but inside of a long value. The published samples begin with an empty MetaTagDnPrefix. */
export function* writeFastTransfer(message: MapiMessage): Generator<Buffer> {
  yield Buffer.concat([u16(0x001e), u16(0x4008), u32(1), Buffer.from([0])]);
  yield* writeContent(message, new Names());
}
