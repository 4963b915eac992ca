import { childText, XmlFault } from '#formats/text/xml-read.ts';
import { xml } from '#formats/text/xml-write.ts';
import { messagesNamespace, typesNamespace } from '../namespaces.ts';
import { aboutFolders, type Operation } from '../operation.ts';
import { folderShape, readFolder, type SeenFolder } from './folder-shape.ts';
import { type FolderRef, folderRef } from './ids.ts';

export interface HierarchyPage {
  readonly folders: readonly SeenFolder[];
  readonly state: string;
  readonly last: boolean;
}

/**
 * Folders below one that are new or changed since a state; all of them without one. A tree is read by FindFolder, which also
 * shows whether contents changed; this operation is for mailboxes in which the find limit of the server forbids that.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/syncfolderhierarchy-operation
 */
export const syncFolderHierarchy: Operation<
  { readonly below: FolderRef; readonly state: string | null },
  HierarchyPage
> = {
  name: 'SyncFolderHierarchy',
  subject: aboutFolders(false),
  answers: () => 1,
  write: ({ below, state }) =>
    xml`<m:SyncFolderHierarchy>${folderShape}<m:SyncFolderId>${folderRef(below)}</m:SyncFolderId>${state === null ? null : xml`<m:SyncState>${state}</m:SyncState>`}</m:SyncFolderHierarchy>`,
  reader() {
    const folders = new Map<string, SeenFolder>();
    return {
      // Changes 1, Create, Update or Delete 2.
      take(element, depth) {
        if (depth !== 2 || element.ns !== typesNamespace || element.name === 'Value') return false;
        const [folder] = element.children;
        const seen = folder === undefined || element.name === 'Delete' ? null : readFolder(folder);
        if (seen !== null) folders.set(seen.info.id, seen);
        return true;
      },
      read(message) {
        const state = childText(message, messagesNamespace, 'SyncState') ?? '';
        if (state === '') throw new XmlFault('malformed', 'the answer has no SyncState', 0);
        const last = childText(message, messagesNamespace, 'IncludesLastFolderInRange')?.trim() !== 'false';
        return { folders: [...folders.values()], state, last };
      },
    };
  },
};
