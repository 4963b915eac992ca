import { batch } from '../answer.ts';
import type { Operation } from '../operation.ts';
import { child, childText, isTrue, kids } from '../request.ts';

/** EWS doc: markallitemsasread-operation. */
export const markAllItemsAsRead: Operation = {
  request: 'MarkAllItemsAsRead',
  name: 'MarkAllItemsAsRead',
  since: 'Exchange2013',
  run(request, context) {
    const isRead = isTrue(childText(request, 'ReadFlag'));
    const suppressReceipts = isTrue(childText(request, 'SuppressReadReceipts'));
    return batch(context, 'MarkAllItemsAsRead', kids(child(request, 'FolderIds')), (id) => {
      const folder = context.folder(id);
      for (const item of [...folder.items()])
        folder.mailbox.setRead(item, isRead, context.hand(), { suppressReceipts });
      return '';
    });
  },
};
