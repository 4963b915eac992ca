import type { XmlElement } from '#formats/text/xml-read.ts';
import { batch } from '../answer.ts';
import type { Context } from '../context.ts';
import { folderElementOf, folderIdXml } from '../folder-shape.ts';
import type { Operation } from '../operation.ts';
import { child, kids } from '../request.ts';
import type { Xml } from '../xml-out.ts';

function moveOrCopy(name: 'MoveFolder' | 'CopyFolder', request: XmlElement, context: Context): Promise<Xml> {
  return batch(
    context,
    name,
    kids(child(request, 'FolderIds')),
    (id) => {
      const to = context.folderIn(request, 'ToFolderId', 'ErrorToFolderNotFound');
      const folder = context.folder(id);
      let made = folder;
      if (name === 'MoveFolder') folder.mailbox.moveFolder(folder, to, context.hand());
      else made = folder.mailbox.copyFolder(folder, to, context.hand());
      const element = folderElementOf(made);
      return `<m:Folders><t:${element}>${folderIdXml(made)}</t:${element}></m:Folders>`;
    },
    '<m:Folders/>',
  );
}

/** EWS doc: movefolder-operation. */
export const moveFolder: Operation = {
  request: 'MoveFolder',
  name: 'MoveFolder',
  since: 'Exchange2007',
  run: (request, context) => moveOrCopy('MoveFolder', request, context),
};
/** EWS doc: copyfolder-operation. */
export const copyFolder: Operation = {
  request: 'CopyFolder',
  name: 'CopyFolder',
  since: 'Exchange2007',
  run: (request, context) => moveOrCopy('CopyFolder', request, context),
};
