import { xml } from '#formats/text/xml-write.ts';
import type { FolderId } from '#model/ids.ts';
import { aboutNames, type Operation } from '../operation.ts';
import { folderRef } from './ids.ts';

/** Renames. https://learn.microsoft.com/exchange/client-developer/web-service-reference/updatefolder-operation */
export const updateFolder: Operation<{ readonly folder: FolderId; readonly name: string }, null> = {
  name: 'UpdateFolder',
  subject: aboutNames,
  answers: () => 1,
  write: ({ folder, name }) =>
    xml`<m:UpdateFolder><m:FolderChanges><t:FolderChange>${folderRef(folder)}<t:Updates><t:SetFolderField><t:FieldURI FieldURI="folder:DisplayName"/><t:Folder><t:DisplayName>${name}</t:DisplayName></t:Folder></t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>`,
  reader: () => ({ read: () => null }),
};
