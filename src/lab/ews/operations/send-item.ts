import { messageFlag } from '../../world/property.ts';
import { batch } from '../answer.ts';
import { EwsError } from '../ews-error.ts';
import { ItemDraft } from '../item-draft.ts';
import type { Operation } from '../operation.ts';
import { attribute, child, isTrue, kids } from '../request.ts';
import { send } from './create-item.ts';

/** EWS doc: senditem-operation. */
export const sendItem: Operation = {
  request: 'SendItem',
  name: 'SendItem',
  since: 'Exchange2007',
  run(request, context) {
    const keep = isTrue(attribute(request, 'SaveItemToFolder'));
    const folderGiven = child(request, 'SavedItemFolderId') !== null;
    return batch(context, 'SendItem', kids(child(request, 'ItemIds')), (id) => {
      if (!keep && folderGiven)
        throw new EwsError('ErrorInvalidSendItemSaveSettings', 'A folder is given and saving is switched off.');
      const { item, cn } = context.item(id);
      if (cn === null) throw new EwsError('ErrorChangeKeyRequired');
      if (cn !== item.cn) throw new EwsError('ErrorStaleObject', 'The change key is not that of the item any more.');
      if ((item.flags & messageFlag.unsent) === 0)
        throw new EwsError('ErrorInvalidOperation', 'The message was sent already.');
      const { mailbox } = item.folder;
      const draft = new ItemDraft(context, 'Message', item.content);
      send(context, draft);
      mailbox.recordSend(item, context.hand());
      if (keep) {
        const folder = folderGiven ? context.folderIn(request, 'SavedItemFolderId') : mailbox.folder('sentitems');
        mailbox.create(
          folder,
          {
            content: draft.content(),
            messageFlags: messageFlag.read | messageFlag.fromMe,
            isRead: true,
            searchKey: item.searchKey,
          },
          context.hand(),
        );
      }
      mailbox.remove(item, 'HardDelete', context.hand());
      return '';
    });
  },
};
