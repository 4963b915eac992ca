import type { Folder } from '../../world/folder.ts';
import type { Item } from '../../world/item.ts';
import { key, messageFlag } from '../../world/property.ts';
import { patchAttachment } from '../attachment-writes.ts';
import type { Resource } from '../context.ts';
import { type DavAnswer, type DavCall, multistatus, refuseUnlessMatching, xmlOf } from '../dav-call.ts';
import { DavError } from '../dav-error.ts';
import { itemClassOfContentClass } from '../item-values.ts';
import { etagOfItem } from '../marks.ts';
import type { AnsweredName, DavResponse, Propstat } from '../multistatus.ts';
import { type Change, readChanges } from '../patch.ts';
import { givenFlags, isShell, patched, patchedNew } from '../rewrite.ts';
import { createItem, rewriteItem } from '../write-item.ts';

const answered = ({ name }: Change): readonly [AnsweredName, null] => [{ name, alias: null }, null];

/** All are written or none. (RFC 4918 9.2) Null: all of them can be. */
function refusedPropstats(changes: readonly Change[]): readonly Propstat[] | null {
  const refused = changes.filter(({ column }) => column === null || column.writing.kind === 'read-only');
  if (refused.length === 0) return null;
  const others = changes.filter((change) => !refused.includes(change));
  return [
    { status: 403, properties: refused.map(answered) },
    ...(others.length === 0 ? [] : [{ status: 424, properties: others.map(answered) }]),
  ];
}

export const allWritten = (changes: readonly Change[]): readonly Propstat[] => [
  { status: 200, properties: changes.map(answered) },
];

/** Writes the properties of one thing. @throws DavError */
export function patchTarget(call: DavCall, resource: Resource, changes: readonly Change[]): DavResponse {
  const { context } = call;
  refuseUnlessMatching(call, resource);
  switch (resource.kind) {
    case 'folder': {
      const href = context.folderUrl(resource.folder);
      const refused = refusedPropstats(changes);
      if (refused !== null) return { href, propstats: refused };
      patchFolder(call, resource.folder, changes);
      return { href, propstats: allWritten(changes) };
    }
    case 'item': {
      const href = context.itemUrl(resource.item);
      const refused = refusedPropstats(changes);
      if (refused !== null) return { href, propstats: refused };
      patchItem(call, resource.item, changes);
      return { href, propstats: allWritten(changes) };
    }
    case 'missing': {
      const { parent, name } = resource;
      const refused = refusedPropstats(changes);
      if (refused !== null) return { href: `${context.folderUrl(parent)}/${encodeURI(name)}`, propstats: refused };
      const item = createItem(call, parent, name, patchedNew(newClassOf(changes), parent, changes));
      return { href: context.itemUrl(item), status: 201, propstats: allWritten(changes) };
    }
    case 'attachment': {
      const made = patchAttachment(call, resource, changes);
      const { item, name, inner } = resource;
      return {
        href: context.attachmentUrl(item, name, ...(inner === null ? [] : [inner])),
        ...(made ? { status: 201 } : {}),
        propstats: allWritten(changes),
      };
    }
    case 'nowhere':
      throw new DavError(409, 'there is no folder for it');
    default:
      throw new DavError(403, 'nothing can be written there');
  }
}

/** Class of an item that a client makes by its properties. */
function newClassOf(changes: readonly Change[]): string {
  const byClass = changes.find(
    ({ column }) => column?.writing.kind === 'property' && column.writing.key === key.itemClass,
  );
  if (typeof byClass?.value?.value === 'string') return byClass.value.value;
  const byContent = changes.find(({ name }) => name.ns === 'DAV:' && name.local === 'contentclass');
  return itemClassOfContentClass(String(byContent?.value?.value ?? '')) ?? 'IPM.Note';
}

function patchItem(call: DavCall, item: Item, changes: readonly Change[]): void {
  const { mailbox } = item.folder;
  const by = call.context.hand();
  call.store.locks.refuseLocked(item, call.headers['if'], mailbox.nowMs);
  const result = patched(item, changes);
  if (result.contentChanged) {
    rewriteItem(call, item, result.content);
    // Whoever takes back the wish for a receipt has it not sent. [MS-OXCMSG] 2.2.1.29
    if (item.receiptPending && result.content.properties.get(key.readReceiptRequested)?.value !== true)
      mailbox.suppressReceipt(item, by);
  }
  if (result.messageFlags !== null && isShell(item)) {
    item.flags = givenFlags(result.messageFlags);
    mailbox.setRead(item, (result.messageFlags & messageFlag.read) !== 0, by);
  }
  if (result.isRead !== null) mailbox.setRead(item, result.isRead, by);
}

function patchFolder(call: DavCall, folder: Folder, changes: readonly Change[]): void {
  const { mailbox } = folder;
  for (const { column, name, value } of changes) {
    const isClass =
      name.local === 'outlookfolderclass' ||
      (column?.writing.kind === 'property' && column.writing.key === key.containerClass);
    if (isClass)
      mailbox.updateFolder(
        folder,
        { containerClass: value === null ? null : String(value.value) },
        call.context.hand(),
      );
    else if (column?.writing.kind === 'property') {
      if (value === null) folder.properties.delete(column.writing.key);
      else folder.properties.set(column.writing.key, value);
      mailbox.updateFolder(folder, {}, call.context.hand());
    }
  }
}

export function proppatch(call: DavCall): DavAnswer {
  const changes = readChanges(xmlOf(call));
  const resource = call.context.resolve(call.path);
  const response = patchTarget(call, resource, changes);
  const after = call.context.resolve(call.path);
  const etag: Readonly<Record<string, string>> = after.kind === 'item' ? { getetag: etagOfItem(after.item) } : {};
  return multistatus(call, { responses: [response] }, etag);
}
