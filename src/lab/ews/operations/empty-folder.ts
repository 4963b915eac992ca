import type { DeleteHow } from '../../world/mailbox.ts';
import { batch } from '../answer.ts';
import { EwsError } from '../ews-error.ts';
import type { Operation } from '../operation.ts';
import { attribute, child, isTrue, kids } from '../request.ts';

/** EWS doc: emptyfolder-operation. */
export const emptyFolder: Operation = {
  request: 'EmptyFolder',
  name: 'EmptyFolder',
  since: 'Exchange2010_SP1',
  run(request, context) {
    const how = attribute(request, 'DeleteType') as DeleteHow;
    return batch(context, 'EmptyFolder', kids(child(request, 'FolderIds')), (id) => {
      const folder = context.folder(id);
      // Calendars and search folders cannot be emptied. (EWS doc: emptyfolder-operation)
      if (folder.kind === 'search' || folder.role === 'calendar' || folder.role === 'root')
        throw new EwsError('ErrorCannotEmptyFolder', 'The folder cannot be emptied.');
      folder.mailbox.empty(folder, how, context.hand());
      if (isTrue(attribute(request, 'DeleteSubFolders')))
        for (const inner of [...folder.children])
          if (inner.role === null) inner.mailbox.removeFolder(inner, how, context.hand());
      return '';
    });
  },
};
