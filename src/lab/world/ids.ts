import { guidOf } from './account.ts';
import type { Day } from './calendar-part.ts';
import type { Folder } from './folder.ts';
import type { Item } from './item.ts';

/**
 * Ids as EWS shows them: opaque for clients, about as long as Exchange's, the same for the same object in every session. A
 * check at the end tells a garbled id from one of something that is gone.
 */
export class IdMaker {
  readonly #store: Buffer;
  readonly #replica: Buffer;
  readonly #prefix: string;
  readonly #item: string;
  readonly #folder: string;
  readonly #change: string;

  constructor(guid: string) {
    const replica = Buffer.from(guidOf('replica', guid).replaceAll('-', ''), 'hex');
    this.#replica = replica;
    const [first = '', second = '', third = '', ...rest] = guid.split('-');
    const reversed = (hex: string): Buffer => Buffer.from(hex, 'hex').reverse();
    this.#store = Buffer.concat([
      reversed(first),
      reversed(second),
      reversed(third),
      Buffer.from(rest.join(''), 'hex'),
    ]);
    // 00 03 24 00, the GUID in 36 letters, 00 46 and zeros: real ids begin like that, so they all begin with AAMkA.
    this.#prefix = Buffer.concat([
      Buffer.from([0, 3, 0x24, 0]),
      Buffer.from(guid, 'latin1'),
      Buffer.from([0, 0x46, 0, 0, 0, 0, 0, 0]),
    ]).toString('base64');
    this.#item =
      this.#prefix +
      Buffer.concat([replica, Buffer.from([7, 0]), replica.subarray(0, 16), Buffer.from([0, 0])]).toString('base64');
    this.#folder = this.#prefix + Buffer.concat([replica, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])]).toString('base64');
    this.#change = Buffer.concat([Buffer.from([9, 0, 0, 0, 0x16, 0, 0, 0]), replica]).toString('base64');
  }

  item(folderNo: number, itemNo: number): string {
    return this.#item + tail(folderNo, itemNo);
  }
  /** An occurrence goes by its series and its day. */
  occurrence(folderNo: number, itemNo: number, day: Day): string {
    return this.item(folderNo, itemNo) + dayTail(day, itemNo);
  }
  folder(folderNo: number): string {
    return this.#folder + tail(folderNo, 0);
  }
  /** The MAPI form of a folder's id. [MS-OXCDATA] 2.2.4.1: flags, store, type, database, counter, padding */
  folderEntryId(folderNo: number): Buffer {
    return Buffer.concat([Buffer.alloc(4), this.#store, Buffer.from([1, 0]), this.#replica, counter(folderNo)]);
  }
  /** The MAPI form of an item's id. [MS-OXCDATA] 2.2.4.2 */
  itemEntryId(folderNo: number, itemNo: number): Buffer {
    return Buffer.concat([
      Buffer.alloc(4),
      this.#store,
      Buffer.from([7, 0]),
      this.#replica,
      counter(folderNo),
      this.#replica,
      counter(itemNo),
    ]);
  }
  /** The EWS id behind an entry id of this mailbox; null: it is none. */
  fromEntryId(entryId: Buffer): string | null {
    const isFolder = entryId.length === 46;
    if ((!isFolder && entryId.length !== 70) || !entryId.subarray(4, 20).equals(this.#store)) return null;
    const folderNo = entryId.readUIntBE(38, 6);
    return isFolder ? this.folder(folderNo) : this.item(folderNo, entryId.readUIntBE(62, 6));
  }
  change(cn: number): string {
    const bytes = Buffer.allocUnsafe(6);
    bytes.writeUIntBE(cn, 0, 6);
    return this.#change + bytes.toString('base64');
  }
  cnOf(changeKey: string): number | null {
    if (!changeKey.startsWith(this.#change) || changeKey.length !== this.#change.length + 8) return null;
    return Buffer.from(changeKey.slice(this.#change.length), 'base64').readUIntBE(0, 6);
  }
  /** What an id of this mailbox names; null: not well-formed, or of another mailbox. */
  read(id: string): IdParts | null {
    const kind = id.startsWith(this.#item) ? 'item' : id.startsWith(this.#folder) ? 'folder' : null;
    if (kind === null) return null;
    const all = id.slice((kind === 'item' ? this.#item : this.#folder).length);
    const rest = all.slice(0, tailLetters);
    if (rest.length !== tailLetters) return null;
    const bytes = Buffer.from(rest, 'base64');
    if (bytes.length !== 15) return null;
    const folderNo = bytes.readUIntBE(0, 5);
    const itemNo = bytes.readUIntBE(5, 6);
    if (tail(folderNo, itemNo) !== rest) return null;
    if (all.length === tailLetters) return { kind, no: kind === 'item' ? itemNo : folderNo, folderNo, day: null };
    const day = kind === 'item' ? dayOfTail(all.slice(tailLetters), itemNo) : null;
    return day === null ? null : { kind, no: itemNo, folderNo, day };
  }
}

export interface IdParts {
  readonly kind: 'item' | 'folder';
  readonly no: number;
  readonly folderNo: number;
  /** Of an occurrence of the item; null: the item itself. */
  readonly day: Day | null;
}

const tailLetters = 20;

/** Eight letters: `Q`, the day, and a check. */
function dayTail(day: Day, itemNo: number): string {
  const [year = 0, month = 0, dayOfMonth = 0] = day.split('-').map(Number);
  const bytes = Buffer.from([0x51, year >> 8, year & 0xff, month, dayOfMonth, 0]);
  bytes[5] = (year ^ (month << 4) ^ dayOfMonth ^ itemNo ^ 0x5a) & 0xff;
  return bytes.toString('base64');
}
function dayOfTail(letters: string, itemNo: number): Day | null {
  const bytes = Buffer.from(letters, 'base64');
  if (bytes.length !== 6 || bytes[0] !== 0x51) return null;
  const pad = (value: number | undefined, size: number): string => String(value ?? 0).padStart(size, '0');
  const day = `${pad(bytes.readUInt16BE(1), 4)}-${pad(bytes[3], 2)}-${pad(bytes[4], 2)}`;
  return dayTail(day, itemNo) === letters ? day : null;
}

/** Six bytes of a counter and two of padding. */
function counter(no: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUIntBE(no, 0, 6);
  return bytes;
}

/** GUID of the mailbox an entry id belongs to; null when it is too short for one. */
export function mailboxGuidOfEntryId(entryId: Buffer): string | null {
  if (entryId.length < 20) return null;
  const hex = (from: number, to: number, backwards: boolean): string => {
    const part = Buffer.from(entryId.subarray(from, to));
    return (backwards ? part.reverse() : part).toString('hex');
  };
  return `${hex(4, 8, true)}-${hex(8, 10, true)}-${hex(10, 12, true)}-${hex(12, 14, false)}-${hex(14, 20, false)}`;
}

function tail(folderNo: number, itemNo: number): string {
  const bytes = Buffer.allocUnsafe(15);
  bytes.writeUIntBE(folderNo, 0, 5);
  bytes.writeUIntBE(itemNo, 5, 6);
  let check = 0x811c9dc5;
  for (let i = 0; i < 11; i++) check = Math.imul(check ^ (bytes[i] as number), 0x01000193);
  bytes.writeUInt32BE(check >>> 0, 11);
  return bytes.toString('base64');
}

/** GUID of the mailbox an id belongs to; null when it is not an id of ours at all. */
export function mailboxGuidOf(id: string): string | null {
  if (id.length < 64 || !id.startsWith('AAMk')) return null;
  const guid = Buffer.from(id.slice(0, 64), 'base64').subarray(4, 40).toString('latin1');
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(guid) ? guid : null;
}

export const itemIdOf = (item: Item): string =>
  item.occurrence === null
    ? item.folder.mailbox.ids.item(item.folder.no, item.no)
    : item.folder.mailbox.ids.occurrence(item.folder.no, item.no, item.occurrence.day);
export const itemChangeKeyOf = (item: Item): string => item.folder.mailbox.ids.change(item.cn);
export const folderIdOf = (folder: Folder): string => folder.mailbox.ids.folder(folder.no);
export const folderChangeKeyOf = (folder: Folder): string => folder.mailbox.ids.change(folder.cn);
