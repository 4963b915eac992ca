import { attribute, requiredChild } from '#formats/text/xml-read.ts';
import { xml } from '#formats/text/xml-write.ts';
import { messagesNamespace, typesNamespace } from '../namespaces.ts';
import { aboutFolders, type Operation } from '../operation.ts';
import { folderShape, readFolder, type SeenFolder } from './folder-shape.ts';
import { type FolderRef, folderRef } from './ids.ts';

export interface FindFolderRequest {
  readonly below: FolderRef;
  /** Folders to skip: those that came before. */
  readonly offset: number;
  readonly max: number;
}

export interface FolderPage {
  readonly folders: readonly SeenFolder[];
  /** How many there were, those that could not be read included: where the next page begins. */
  readonly seen: number;
  readonly last: boolean;
}

/**
 * All folders below one, in pages. Servers shorten pages (EWSFindCountLimit), so the next one begins after what came.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/findfolder-operation
 */
export const findFolder: Operation<FindFolderRequest, FolderPage> = {
  name: 'FindFolder',
  subject: aboutFolders(false),
  answers: () => 1,
  write: ({ below, offset, max }) =>
    xml`<m:FindFolder Traversal="Deep">${folderShape}<m:IndexedPageFolderView MaxEntriesReturned="${max}" Offset="${offset}" BasePoint="Beginning"/><m:ParentFolderIds>${folderRef(below)}</m:ParentFolderIds></m:FindFolder>`,
  reader: () => ({
    read(message) {
      const root = requiredChild(message, messagesNamespace, 'RootFolder');
      const elements =
        root.children.find((inner) => inner.name === 'Folders' && inner.ns === typesNamespace)?.children ?? [];
      return {
        folders: elements.flatMap((element) => readFolder(element) ?? []),
        seen: elements.length,
        last: attribute(root, 'IncludesLastItemInRange') !== 'false',
      };
    },
  }),
};
