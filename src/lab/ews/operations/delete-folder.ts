import type { DeleteHow } from '../../world/mailbox.ts';
import { batch } from '../answer.ts';
import type { Operation } from '../operation.ts';
import { attribute, child, kids } from '../request.ts';

/** There is no way to suppress not-read receipts here. (EWS doc: deletefolder-operation) */
export const deleteFolder: Operation = {
  request: 'DeleteFolder',
  name: 'DeleteFolder',
  since: 'Exchange2007',
  run(request, context) {
    const how = attribute(request, 'DeleteType') as DeleteHow;
    return batch(context, 'DeleteFolder', kids(child(request, 'FolderIds')), (id) => {
      const folder = context.folder(id);
      folder.mailbox.removeFolder(folder, how, context.hand());
      return '';
    });
  },
};
