import { xml } from '#formats/text/xml-write.ts';
import type { FolderId } from '#model/ids.ts';
import { aboutFolders, type Operation } from '../operation.ts';
import { folderRef } from './ids.ts';

/** Within a mailbox; the id stays. https://learn.microsoft.com/exchange/client-developer/web-service-reference/movefolder-operation */
export const moveFolder: Operation<{ readonly folder: FolderId; readonly to: FolderId }, null> = {
  name: 'MoveFolder',
  subject: aboutFolders(true),
  answers: () => 1,
  write: ({ folder, to }) =>
    xml`<m:MoveFolder><m:ToFolderId>${folderRef(to)}</m:ToFolderId><m:FolderIds>${folderRef(folder)}</m:FolderIds></m:MoveFolder>`,
  reader: () => ({ read: () => null }),
};
