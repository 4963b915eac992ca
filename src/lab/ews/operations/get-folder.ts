import { batch } from '../answer.ts';
import { readFolderShape, writeFolder } from '../folder-shape.ts';
import type { Operation } from '../operation.ts';
import { child, kids } from '../request.ts';

/** EWS doc: getfolder-operation. */
export const getFolder: Operation = {
  request: 'GetFolder',
  name: 'GetFolder',
  since: 'Exchange2007',
  run(request, context) {
    return batch(
      context,
      'GetFolder',
      kids(child(request, 'FolderIds')),
      (id) => [
        '<m:Folders>',
        writeFolder(context, context.folder(id), readFolderShape(child(request, 'FolderShape'))),
        '</m:Folders>',
      ],
      '<m:Folders/>',
    );
  },
};
