import { asEwsError, failure, responses, success } from '../answer.ts';
import { folderIdXml, readFolderShape, writeFolder } from '../folder-shape.ts';
import type { Operation } from '../operation.ts';
import { child, childText } from '../request.ts';
import { readTreeState, writeTreeState } from '../sync-state.ts';
import type { Xml } from '../xml-out.ts';

/** EWS doc: syncfolderhierarchy-operation. */
export const syncFolderHierarchy: Operation = {
  request: 'SyncFolderHierarchy',
  name: 'SyncFolderHierarchy',
  since: 'Exchange2007',
  run(request, context) {
    const name = 'SyncFolderHierarchyResponseMessage';
    try {
      const root =
        child(request, 'SyncFolderId') === null
          ? context.ownMailbox().folder('msgfolderroot')
          : context.folderIn(request, 'SyncFolderId', 'ErrorSyncFolderNotFound');
      const { mailbox } = root;
      const text = childText(request, 'SyncState') ?? '';
      const known = text === '' ? 0 : readTreeState(root, text);
      const shape = readFolderShape(child(request, 'FolderShape'));
      const changes: Xml[] = [];
      for (const folder of mailbox.below(root)) {
        if (folder.cn <= known) continue;
        const element = folder.createdCn > known ? 'Create' : 'Update';
        changes.push([`<t:${element}>`, writeFolder(context, folder, shape), `</t:${element}>`]);
      }
      for (const { folder, cn } of mailbox.deletedFolders) {
        if (cn > known && folder.createdCn <= known) changes.push(`<t:Delete>${folderIdXml(folder)}</t:Delete>`);
      }
      return responses('SyncFolderHierarchy', [
        success(name, [
          `<m:SyncState>${writeTreeState(root, mailbox.lastCn)}</m:SyncState><m:IncludesLastFolderInRange>true</m:IncludesLastFolderInRange><m:Changes>`,
          changes,
          '</m:Changes>',
        ]),
      ]);
    } catch (thrown) {
      return responses('SyncFolderHierarchy', [failure(name, asEwsError(thrown))]);
    }
  },
};
