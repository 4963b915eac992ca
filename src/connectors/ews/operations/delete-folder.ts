import { xml } from '#formats/text/xml-write.ts';
import type { FolderId } from '#model/ids.ts';
import { aboutFolders, type Operation } from '../operation.ts';
import { folderRef } from './ids.ts';

/** Recoverably, with what is in it. https://learn.microsoft.com/exchange/client-developer/web-service-reference/deletefolder-operation */
export const deleteFolder: Operation<FolderId, null> = {
  name: 'DeleteFolder',
  subject: aboutFolders(true),
  answers: () => 1,
  write: (folder) =>
    xml`<m:DeleteFolder DeleteType="SoftDelete"><m:FolderIds>${folderRef(folder)}</m:FolderIds></m:DeleteFolder>`,
  reader: () => ({ read: () => null }),
};
