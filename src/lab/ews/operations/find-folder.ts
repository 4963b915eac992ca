import type { Folder } from '../../world/folder.ts';
import { batch } from '../answer.ts';
import { EwsError } from '../ews-error.ts';
import { readFolderShape, writeFolder } from '../folder-shape.ts';
import type { Operation } from '../operation.ts';
import { cutPage } from '../paging.ts';
import { attribute, child, kids } from '../request.ts';
import { folderLookup, readRestriction } from '../restriction.ts';

/** EWS doc: findfolder-operation. */
export const findFolder: Operation = {
  request: 'FindFolder',
  name: 'FindFolder',
  since: 'Exchange2007',
  run(request, context) {
    const traversal = attribute(request, 'Traversal');
    const view = request.children.find(({ name }) => name.endsWith('PageFolderView')) ?? null;
    return batch(context, 'FindFolder', kids(child(request, 'ParentFolderIds')), (id) => {
      const parent = context.folder(id);
      const shape = readFolderShape(child(request, 'FolderShape'));
      const restriction = readRestriction(child(request, 'Restriction'), folderLookup);
      if (traversal === 'SoftDeleted' && context.serverVersion !== '2007')
        throw new EwsError('ErrorTraversalNotAllowed');
      const found: Folder[] =
        traversal === 'SoftDeleted'
          ? []
          : traversal === 'Deep'
            ? [...parent.mailbox.below(parent)]
            : [...parent.children];
      const page = cutPage(
        context,
        view,
        restriction === null ? found : found.filter(restriction),
        restriction !== null,
      );
      return [
        `<m:RootFolder${page.attributes}><t:Folders>`,
        page.entries.map((folder) => writeFolder(context, folder, shape)),
        '</t:Folders></m:RootFolder>',
      ];
    });
  },
};
