import { deleteAttachment } from '../attachment-writes.ts';
import type { Resource } from '../context.ts';
import { type DavAnswer, type DavCall, refuseUnlessMatching } from '../dav-call.ts';
import { DavError } from '../dav-error.ts';
import { deleteItem } from '../write-item.ts';

/** @throws DavError */
export function deleteTarget(call: DavCall, resource: Resource): void {
  refuseUnlessMatching(call, resource);
  const by = call.context.hand();
  switch (resource.kind) {
    case 'item':
      call.store.locks.refuseLocked(resource.item, call.headers['if'], call.context.nowMs);
      deleteItem(call, resource.item);
      return;
    case 'attachment':
      deleteAttachment(call, resource);
      return;
    case 'folder':
      if (resource.folder === call.context.organization.publicFolders.top)
        throw new DavError(403, 'it cannot be deleted');
      resource.folder.mailbox.removeFolder(resource.folder, 'SoftDelete', by);
      return;
    case 'submission':
      throw new DavError(403, 'it cannot be deleted');
    default:
      throw new DavError(404, 'there is nothing at this address');
  }
}

export function remove(call: DavCall): DavAnswer {
  deleteTarget(call, call.context.resolve(call.path));
  return { status: 200 };
}
