import { deleteOccurrence } from '../../world/appointment.ts';
import type { InvitationChoice } from '../../world/calendar-hooks.ts';
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
      const { mailbox } = item.folder;
      const by = context.hand();
      const { occurrence, content: before } = item;
      if (occurrence !== null) deleteOccurrence(item, by);
      else mailbox.remove(item, how, by, { suppressReceipts });
      if (element === 'CalendarItem')
        context.world.meetings?.written({
          kind: 'deleted',
          mailbox,
          item: occurrence?.master ?? item,
          day: occurrence?.day ?? null,
          before,
          after: null,
          choice: attribute(request, 'SendMeetingCancellations') as InvitationChoice,
          by,
        });
      return '';
    });
  },
};
