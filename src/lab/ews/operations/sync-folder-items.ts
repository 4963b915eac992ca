import { asEwsError, failure, responses, success } from '../answer.ts';
import { EwsError } from '../ews-error.ts';
import { itemIdXml, prepareShape, readItemShape, writeItemNow } from '../item-shape.ts';
import type { Operation } from '../operation.ts';
import { attribute, child, childText, kids } from '../request.ts';
import { readItemState, writeItemState } from '../sync-state.ts';
import type { Xml } from '../xml-out.ts';

const elements = { create: 'Create', update: 'Update' } as const;

/** EWS doc: syncfolderitems-operation. */
export const syncFolderItems: Operation = {
  request: 'SyncFolderItems',
  name: 'SyncFolderItems',
  since: 'Exchange2007',
  run(request, context) {
    const name = 'SyncFolderItemsResponseMessage';
    try {
      const folder = context.folderIn(request, 'SyncFolderId', 'ErrorSyncFolderNotFound');
      const text = childText(request, 'SyncState') ?? '';
      if (text !== '' && context.strike('stale-state', folder.mailbox.address) !== null)
        throw new EwsError('ErrorInvalidSyncStateData');
      const state = text === '' ? null : readItemState(folder, text);
      const prepared = prepareShape(readItemShape(child(request, 'ItemShape')), true);
      const max = Number(childText(request, 'MaxChangesReturned'));
      const associated = childText(request, 'SyncScope') === 'NormalAndAssociatedItems';
      const ignored = new Set(kids(child(request, 'Ignore')).map((id) => attribute(id, 'Id')));
      const page = folder.changes(
        state,
        max,
        (item) =>
          (associated || !item.associated) &&
          (ignored.size === 0 || !ignored.has(folder.mailbox.ids.item(folder.no, item.no))),
      );
      const changes: Xml[] = page.changes.map(({ kind, item }) => {
        if (kind === 'delete') return `<t:Delete>${itemIdXml(item)}</t:Delete>`;
        if (kind === 'read-flag')
          return `<t:ReadFlagChange>${itemIdXml(item)}<t:IsRead>${item.isRead}</t:IsRead></t:ReadFlagChange>`;
        return [`<t:${elements[kind]}>`, writeItemNow(context, item, prepared), `</t:${elements[kind]}>`];
      });
      return responses('SyncFolderItems', [
        success(name, [
          `<m:SyncState>${writeItemState(folder, page.state)}</m:SyncState><m:IncludesLastItemInRange>${page.complete}</m:IncludesLastItemInRange><m:Changes>`,
          changes,
          '</m:Changes>',
        ]),
      ]);
    } catch (thrown) {
      return responses('SyncFolderItems', [failure(name, asEwsError(thrown))]);
    }
  },
};
