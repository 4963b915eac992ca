import type { Folder } from '../../world/folder.ts';
import type { Item } from '../../world/item.ts';
import type { Resource } from '../context.ts';
import { type DavAnswer, type DavCall, destinationOf, refuseUnlessMatching } from '../dav-call.ts';
import { DavError } from '../dav-error.ts';
import { isMail } from '../item-values.ts';
import { sendItem } from '../submission.ts';
import { itemNames, nameOfStep } from '../url-names.ts';
import { deleteTarget } from './delete.ts';

export type Carry = 'move' | 'copy';

const isYes = (header: string | undefined): boolean => /^\s*t/i.test(header ?? '');
const isNo = (header: string | undefined): boolean => /^\s*f/i.test(header ?? '');

/** Folder and name that something goes to. */
interface Place {
  readonly folder: Folder;
  readonly name: string;
}

/** @throws DavError 409, 412 */
function placeOf(call: DavCall, destination: Resource): Place {
  const { headers } = call;
  switch (destination.kind) {
    case 'missing':
      return { folder: destination.parent, name: destination.name };
    case 'item': {
      const { folder } = destination.item;
      const taken = itemNames(folder).of(destination.item);
      if (isYes(headers['allow-rename'])) return { folder, name: itemNames(folder).free(taken) };
      if (isNo(headers['overwrite'])) throw new DavError(412, 'there is something at the destination');
      deleteTarget({ ...call, headers: {} }, destination);
      return { folder, name: taken };
    }
    case 'folder':
      throw new DavError(412, 'there is a folder at the destination');
    case 'nowhere':
      throw new DavError(409, 'the destination has no folder');
    default:
      throw new DavError(403, 'nothing can be put there');
  }
}

/** Carries one thing to a place. @returns the new address */
export function carryTo(call: DavCall, how: Carry, source: Resource, place: Place): string {
  const { context } = call;
  switch (source.kind) {
    case 'item':
      return context.itemUrl(carryItem(call, how, source.item, place));
    case 'folder':
      return context.folderUrl(carryFolder(call, how, source.folder, place));
    case 'nowhere':
    case 'missing':
      throw new DavError(404, 'there is nothing at this address');
    default:
      throw new DavError(403, 'it cannot be moved');
  }
}

function carryItem(call: DavCall, how: Carry, item: Item, { folder, name }: Place): Item {
  const by = call.context.hand();
  const { mailbox } = item.folder;
  if (how === 'move') call.store.locks.refuseLocked(item, call.headers['if'], mailbox.nowMs);
  const before = item.content;
  // A move inside of its folder is another name for the same item.
  if (how === 'move' && folder === item.folder) {
    itemNames(folder).give(item, name);
    return item;
  }
  const carried = how === 'move' ? mailbox.move(item, folder, by) : mailbox.copy(item, folder, by);
  itemNames(folder).give(carried, name);
  if (how === 'move' && folder.role === 'deleteditems' && before.calendar !== undefined && !isMail(item.itemClass))
    call.context.organization.world.meetings?.written({
      kind: 'deleted',
      mailbox,
      item,
      day: null,
      before,
      after: null,
      choice: 'SendToNone',
      by,
    });
  return carried;
}

function carryFolder(call: DavCall, how: Carry, folder: Folder, place: Place): Folder {
  const by = call.context.hand();
  const { mailbox } = folder;
  const name = nameOfStep(place.name);
  if (how === 'copy') {
    const copy = mailbox.copyFolder(folder, place.folder, by);
    mailbox.updateFolder(copy, { name }, by);
    return copy;
  }
  // The store would refuse to rename or to move one that every mailbox has.
  if (folder.role !== null) throw new DavError(403, 'this folder cannot be moved');
  if (place.folder !== folder.parent) mailbox.moveFolder(folder, place.folder, by);
  mailbox.updateFolder(folder, { name }, by);
  return folder;
}

export function carry(call: DavCall, how: Carry): DavAnswer {
  const { context } = call;
  const source = context.resolve(call.path);
  refuseUnlessMatching(call, source);
  if (source.kind === 'missing' || source.kind === 'nowhere')
    throw new DavError(404, 'there is nothing at this address');
  const destination = context.resolve(destinationOf(call));
  if (destination.kind === 'submission') {
    if (how === 'copy' || source.kind !== 'item') throw new DavError(403, 'only messages are sent, by moving them');
    return sendItem(call, source.item, destination.mailbox);
  }
  const onItself =
    source.kind === 'item' && destination.kind === 'item' && source.item === destination.item && how === 'move';
  if (onItself) throw new DavError(403, 'it is there already');
  const location = carryTo(call, how, source, placeOf(call, destination));
  return { status: 201, headers: { location } };
}

/** Place of one of many things that go into a folder under their own names. */
export function placeIn(call: DavCall, folder: Folder, wanted: string): Place {
  const there = itemNames(folder).find(wanted);
  return there === null ? { folder, name: wanted } : placeOf(call, { kind: 'item', item: there });
}
