import { occurrenceItem } from '../world/appointment.ts';
import type { Folder } from '../world/folder.ts';
import { folderIdOf, itemIdOf } from '../world/ids.ts';
import type { Item } from '../world/item.ts';
import type { Mailbox } from '../world/mailbox.ts';
import { malformedId, notFound } from './graph-error.ts';

/** EWS ids in the letters of a path. (learn.microsoft.com/graph/api/user-translateexchangeids: restId) */
const restOf = (id: string): string => id.replaceAll('/', '-').replaceAll('+', '_');
const ewsOf = (id: string): string => id.replaceAll('-', '/').replaceAll('_', '+');

/** Immutable ids begin like those of recordings: AAkALgAA. */
const immutableHead = Buffer.from([0x00, 0x09, 0x00, 0x2e, 0x00, 0x00]);
const immutableLength = immutableHead.length + 16 + 6 + 4 + 4;
const noDay = 0;

const dayNumberOf = (day: string): number => Number(day.replaceAll('-', ''));
const dayTextOf = (number: number): string => {
  const digits = String(number).padStart(8, '0');
  return `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
};

function check(bytes: Buffer): number {
  let h = 0x811c9dc5;
  for (let at = 0; at < bytes.length - 4; at++) h = Math.imul(h ^ (bytes[at] as number), 0x01000193);
  return h >>> 0;
}

function immutableIdOf(item: Item, day: string | null): string {
  const bytes = Buffer.alloc(immutableLength);
  immutableHead.copy(bytes);
  Buffer.from(item.folder.mailbox.guid.replaceAll('-', ''), 'hex').copy(bytes, 6);
  bytes.writeUIntBE(item.firstNo, 22, 6);
  bytes.writeUInt32BE(day === null ? noDay : dayNumberOf(day), 28);
  bytes.writeUInt32BE(check(bytes), 32);
  return restOf(bytes.toString('base64'));
}

/** @param immutable the request prefers `IdType="ImmutableId"`. */
export const idOfItem = (item: Item, immutable: boolean): string =>
  immutable ? immutableIdOf(item, item.occurrence?.day ?? null) : restOf(itemIdOf(item));
/** Of an occurrence, also of one that is not there any more. */
export const idOfDay = (master: Item, day: string, immutable: boolean): string =>
  immutable
    ? immutableIdOf(master, day)
    : restOf(master.folder.mailbox.ids.occurrence(master.folder.no, master.no, day));
export const idOfFolder = (folder: Folder): string => restOf(folderIdOf(folder));

function byImmutable(mailbox: Mailbox, bytes: Buffer): Item {
  if (bytes.length !== immutableLength || bytes.readUInt32BE(32) !== check(bytes)) throw malformedId();
  if (bytes.subarray(6, 22).toString('hex') !== mailbox.guid.replaceAll('-', '')) throw notFound();
  const item = mailbox.itemByFirstNo(bytes.readUIntBE(22, 6));
  if (item === null) throw notFound();
  const day = bytes.readUInt32BE(28);
  return day === noDay ? item : occurrenceItem(item, dayTextOf(day));
}

/** The item behind an id of either kind. @throws GraphError */
export function itemById(mailbox: Mailbox, id: string): Item {
  const letters = ewsOf(id);
  const bytes = Buffer.from(letters, 'base64');
  if (bytes.subarray(0, immutableHead.length).equals(immutableHead)) return byImmutable(mailbox, bytes);
  const read = mailbox.ids.read(letters);
  // Of another mailbox: to this one it is nothing (assumed).
  if (read === null) throw letters.startsWith('AAMk') && bytes.length > 60 ? notFound() : malformedId();
  if (read.kind !== 'item') throw notFound();
  const item = mailbox.itemByNo(read.no);
  if (item === null || item.folder.no !== read.folderNo) throw notFound();
  return read.day === null ? item : occurrenceItem(item, read.day);
}

/** Names that stand for folders, beside the ids. (mailFolder resource) */
const wellKnown: Readonly<Record<string, string>> = {
  archive: 'archive',
  conflicts: 'conflicts',
  deleteditems: 'deleteditems',
  drafts: 'drafts',
  inbox: 'inbox',
  junkemail: 'junkemail',
  localfailures: 'localfailures',
  msgfolderroot: 'msgfolderroot',
  outbox: 'outbox',
  recoverableitemsdeletions: 'recoverableitemsdeletions',
  recoverableitemspurges: 'recoverableitemspurges',
  recoverableitemsroot: 'recoverableitemsroot',
  recoverableitemsversions: 'recoverableitemsversions',
  searchfolders: 'searchfolders',
  sentitems: 'sentitems',
  serverfailures: 'serverfailures',
  syncissues: 'syncissues',
};
const nameOfRole = new Map(Object.entries(wellKnown).map(([name, role]) => [role, name]));

/** `wellKnownName` of beta; null: no name is known for it. */
export const wellKnownNameOf = (folder: Folder): string | null =>
  folder.role === null ? null : (nameOfRole.get(folder.role) ?? null);

/** The folder behind an id or a well-known name. @throws GraphError */
export function folderById(mailbox: Mailbox, id: string): Folder {
  const role = wellKnown[id.toLowerCase()];
  if (role !== undefined) {
    const folder = mailbox.roles.get(role);
    if (folder === undefined) throw notFound();
    return folder;
  }
  const letters = ewsOf(id);
  const read = mailbox.ids.read(letters);
  if (read === null)
    throw letters.startsWith('AAMk') && Buffer.from(letters, 'base64').length > 60 ? notFound() : malformedId();
  const folder = read.kind === 'folder' ? mailbox.folderByNo(read.no) : null;
  if (folder === null) throw notFound();
  return folder;
}

/** Of an attachment: the id of its item with a number behind it. */
export const idOfAttachment = (item: Item, no: number, immutable: boolean): string =>
  `${idOfItem(item, immutable)}${restOf(Buffer.from([0x41, no >> 8, no & 0xff]).toString('base64'))}`;

/** The number in the id of an attachment of the item. @throws GraphError */
export function attachmentNoOf(item: Item, id: string): number {
  for (const immutable of [true, false]) {
    const own = idOfItem(item, immutable);
    if (!id.startsWith(own)) continue;
    const bytes = Buffer.from(ewsOf(id.slice(own.length)), 'base64');
    if (bytes.length === 3 && bytes[0] === 0x41) return bytes.readUInt16BE(1);
  }
  throw malformedId();
}
