import { rawXml, xml } from '#formats/text/xml-write.ts';
import { folderContent } from '#model/folder.ts';
import type { FolderId } from '#model/ids.ts';
import { aboutNames, type Operation } from '../operation.ts';
import { folderRef, onlyFolder, requiredFolderId } from './ids.ts';

export interface CreateFolderRequest {
  readonly parent: FolderId;
  readonly name: string;
  readonly containerClass: string | null;
}

/** The server derives the class from the element and refuses one that contradicts it. */
const elements: Readonly<Record<string, string>> = {
  calendar: 'CalendarFolder',
  contacts: 'ContactsFolder',
  tasks: 'TasksFolder',
};

/** https://learn.microsoft.com/exchange/client-developer/web-service-reference/createfolder-operation */
export const createFolder: Operation<CreateFolderRequest, FolderId> = {
  name: 'CreateFolder',
  subject: aboutNames,
  answers: () => 1,
  write({ parent, name, containerClass }) {
    const element = elements[folderContent(containerClass)] ?? 'Folder';
    const folderClass = containerClass === null ? null : xml`<t:FolderClass>${containerClass}</t:FolderClass>`;
    return xml`<m:CreateFolder><m:ParentFolderId>${folderRef(parent)}</m:ParentFolderId><m:Folders>${rawXml(`<t:${element}>`)}${folderClass}<t:DisplayName>${name}</t:DisplayName>${rawXml(`</t:${element}>`)}</m:Folders></m:CreateFolder>`;
  },
  reader: () => ({ read: (message) => requiredFolderId(onlyFolder(message)) }),
};
