import type { DeleteHow } from '../../world/mailbox.ts';
import { batch } from '../answer.ts';
import { EwsError } from '../ews-error.ts';
import { itemElementOf } from '../item-shape.ts';
import type { Operation } from '../operation.ts';
import { attribute, child, isTrue, kids } from '../request.ts';

/** Change keys do not count here: what is there is deleted. (EWS doc: deleteitem-operation) */
export const deleteItem: Operation = {
  request: 'DeleteItem',
  name: 'DeleteItem',
  since: 'Exchange2007',
  run(request, context) {
    const how = attribute(request, 'DeleteType') as DeleteHow;
    const suppressReceipts = isTrue(attribute(request, 'SuppressReadReceipts'));
    return batch(context, 'DeleteItem', kids(child(request, 'ItemIds')), (id) => {
      const { item } = context.item(id);
      const element = itemElementOf(item.itemClass);
      if (element === 'CalendarItem' && attribute(request, 'SendMeetingCancellations') === null)
        throw new EwsError('ErrorSendMeetingCancellationsRequired');
      if (element === 'Task' && attribute(request, 'AffectedTaskOccurrences') === null)
        throw new EwsError('ErrorAffectedTaskOccurrencesRequired');
      item.folder.mailbox.remove(item, how, context.hand(), { suppressReceipts });
      return '';
    });
  },
};
