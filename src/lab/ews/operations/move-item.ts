import type { XmlElement } from '#formats/text/xml-read.ts';
import { batch } from '../answer.ts';
import type { Context } from '../context.ts';
import { EwsError } from '../ews-error.ts';
import { itemIdOnly } from '../item-shape.ts';
import type { Operation } from '../operation.ts';
import { child, childText, isTrue, kids } from '../request.ts';
import type { Xml } from '../xml-out.ts';

function moveOrCopy(name: 'MoveItem' | 'CopyItem', request: XmlElement, context: Context): Promise<Xml> {
  const withIds = childText(request, 'ReturnNewItemIds') === null || isTrue(childText(request, 'ReturnNewItemIds'));
  return batch(
    context,
    name,
    kids(child(request, 'ItemIds')),
    (id) => {
      const to = context.folderIn(request, 'ToFolderId', 'ErrorToFolderNotFound');
      const { item } = context.item(id);
      if (item.occurrence !== null)
        throw new EwsError('ErrorCalendarCannotMoveOrCopyOccurrence', 'An occurrence cannot be moved or copied.');
      if (to.kind === 'search') throw new EwsError('ErrorMoveCopyFailed', 'Items cannot be put into a search folder.');
      const { mailbox } = item.folder;
      const made =
        name === 'MoveItem' ? mailbox.move(item, to, context.hand()) : mailbox.copy(item, to, context.hand());
      // Across mailboxes the new id is not told. (EWS doc: moveitem-operation)
      return withIds && to.mailbox === mailbox ? `<m:Items>${itemIdOnly(made)}</m:Items>` : '<m:Items/>';
    },
    '<m:Items/>',
  );
}

/** EWS doc: moveitem-operation. */
export const moveItem: Operation = {
  request: 'MoveItem',
  name: 'MoveItem',
  since: 'Exchange2007',
  run: (request, context) => moveOrCopy('MoveItem', request, context),
};
/** EWS doc: copyitem-operation. */
export const copyItem: Operation = {
  request: 'CopyItem',
  name: 'CopyItem',
  since: 'Exchange2007',
  run: (request, context) => moveOrCopy('CopyItem', request, context),
};
