import { appointmentOfMessage } from '../mapi/appointment-of-message.ts';
import { ByteCursor, Malformed } from '../mapi/byte-cursor.ts';
import { itemOfMessage, type ReadItem } from '../mapi/item-of-message.ts';
import type { MapiAttachment, MapiMessage, PropertyBag } from '../mapi/message.ts';
import { decodeString, isVariable, readFixed, readGuid, typeName } from '../mapi/property-values.ts';
import type { ItemContent } from '../world/item.ts';
import { lidKey, nameKey, type Property, type PropertyKey, sets, tagKey } from '../world/property.ts';
import { readCompoundFile, type Storage } from './compound-file.ts';
import type { SampleOwner } from './read-ics.ts';

// A message as a file. [MS-OXMSG]

/** Names of the ids from 0x8000 on. */
type Names = ReadonlyMap<number, PropertyKey>;

const mapi = '00020328-0000-0000-c000-000000000046';
const none = Buffer.alloc(0);

const guidAt = (guids: Buffer, at: number): string | null =>
  at >= 0 && (at + 1) * 16 <= guids.length ? readGuid(new ByteCursor(guids.subarray(at * 16))) : null;

/** [MS-OXMSG] 2.2.3 */
function namesOf(storage: Storage | undefined): Names {
  const stream = (id: string): Buffer => storage?.streams.get(`__SUBSTG1.0_${id}0102`) ?? none;
  const [guids, entries, texts] = [stream('0002'), stream('0003'), stream('0004')];
  const names = new Map<number, PropertyKey>();
  for (let at = 0; at + 8 <= entries.length; at += 8) {
    const id = entries.readUInt32LE(at);
    const kinds = entries.readUInt16LE(at + 4);
    const number = 0x8000 + entries.readUInt16LE(at + 6);
    const which = kinds >> 1;
    const set = which === 1 ? mapi : which === 2 ? sets.PublicStrings : guidAt(guids, which - 3);
    if (set === null) continue;
    if ((kinds & 1) === 0) names.set(number, lidKey(set, id));
    else if (id + 4 <= texts.length) {
      const length = texts.readUInt32LE(id);
      names.set(number, nameKey(set, texts.toString('utf16le', id + 4, id + 4 + length)));
    }
  }
  return names;
}

const tagText = (number: number): string => number.toString(16).toUpperCase().padStart(8, '0');

/** @param head bytes in front of the entries. */
function bagOf(storage: Storage, head: number, names: Names): PropertyBag {
  const bag = new Map<PropertyKey, Property>();
  const entries = storage.streams.get('__PROPERTIES_VERSION1.0') ?? none;
  for (let at = head; at + 16 <= entries.length; at += 16) {
    const full = entries.readUInt32LE(at);
    const [type, id] = [full & 0xffff, full >>> 16];
    const name = id >= 0x8000 ? names.get(id) : tagKey(id);
    const property = name === undefined ? null : propertyOf(storage, full, type, entries.subarray(at + 8, at + 16));
    if (name !== undefined && property !== null) bag.set(name, property);
  }
  return bag;
}

/** Null: its value is not there. */
function propertyOf(storage: Storage, full: number, type: number, inline: Buffer): Property | null {
  const code = type & 0xfff;
  const text = (bytes: Buffer): string =>
    code === 0x0102 || code === 0x000d ? bytes.toString('base64') : decodeString(bytes, code === 0x001f);
  const stream = (suffix = ''): Buffer | undefined => storage.streams.get(`__SUBSTG1.0_${tagText(full)}${suffix}`);
  if ((type & 0x1000) === 0) {
    if (!isVariable(code))
      return code === 0x0048
        ? clsid(stream())
        : { type: typeName(code), value: readFixed(new ByteCursor(inline), code) };
    const bytes = stream();
    return bytes === undefined ? null : { type: typeName(code), value: text(bytes) };
  }
  // Of texts only: nothing else that comes several times is looked at here.
  if (code !== 0x001e && code !== 0x001f) return null;
  const count = (stream()?.length ?? 0) >> 2;
  const value = Array.from({ length: count }, (_, at) => text(stream(`-${tagText(at)}`) ?? none));
  return { type: `${typeName(code)}Array`, value };
}

const clsid = (bytes: Buffer | undefined): Property | null =>
  bytes === undefined ? null : { type: 'CLSID', value: readGuid(new ByteCursor(bytes)) };

const storagesNamed = (storage: Storage, prefix: string): readonly Storage[] =>
  [...storage.storages]
    .filter(([name]) => name.startsWith(prefix))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, one]) => one);

function messageOf(storage: Storage, head: number, names: Names): MapiMessage {
  return {
    properties: bagOf(storage, head, names),
    recipients: storagesNamed(storage, '__RECIP_VERSION1.0_').map((row) => bagOf(row, 8, names)),
    attachments: storagesNamed(storage, '__ATTACH_VERSION1.0_').map((one): MapiAttachment => {
      const inside = one.storages.get('__SUBSTG1.0_3701000D');
      const isMessage = inside?.streams.has('__PROPERTIES_VERSION1.0') ?? false;
      return {
        properties: bagOf(one, 8, names),
        message: inside !== undefined && isMessage ? messageOf(inside, 24, names) : null,
      };
    }),
  };
}

/** @throws Malformed */
function readMessageFile(bytes: Buffer): MapiMessage {
  const storage = readCompoundFile(bytes);
  return messageOf(storage, 32, namesOf(storage.storages.get('__NAMEID_VERSION1.0')));
}

/** Somebody who was only saved by name organizes nothing: then it is the owner's. */
function ownedBy(owner: SampleOwner, content: ItemContent): ItemContent {
  return content.from === null && (content.calendar?.attendees.length ?? 0) === 0
    ? { ...content, from: { name: owner.name, address: owner.address } }
    : content;
}

/** The item in a message file, of whatever kind, as a careless tool would have put it into a store; null for a broken file. */
export function readMsgItem(bytes: Buffer, owner: SampleOwner): ReadItem | null {
  return unlessBroken(() => {
    const read = itemOfMessage(readMessageFile(bytes), termsOf(bytes, owner));
    return read.content.calendar === undefined ? read : { ...read, content: ownedBy(owner, read.content) };
  });
}

/** The appointment in a message file as a careless tool would have put it into a store; nothing for other messages and broken files. */
export function readMsg(bytes: Buffer, owner: SampleOwner): readonly ItemContent[] {
  const read = unlessBroken(() => appointmentOfMessage(readMessageFile(bytes), termsOf(bytes, owner)));
  return read === null ? [] : [ownedBy(owner, read.content)];
}

const termsOf = (bytes: Buffer, { guid, nowMs }: SampleOwner) =>
  ({ idFor: [guid, bytes.length, nowMs], strict: false }) as const;

function unlessBroken<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed || error instanceof RangeError) return null;
    throw error;
  }
}
