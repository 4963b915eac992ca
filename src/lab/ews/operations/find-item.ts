import type { Item } from '../../world/item.ts';
import { batch } from '../answer.ts';
import { calendarView } from '../calendar-view.ts';
import { EwsError } from '../ews-error.ts';
import { prepareShape, readItemShape, writeItemNow } from '../item-shape.ts';
import type { Operation } from '../operation.ts';
import { cutPage } from '../paging.ts';
import { attribute, child, childText, kids } from '../request.ts';
import { itemLookup, readQuery, readRestriction, readSortOrder } from '../restriction.ts';

/** Fields a find cannot show, so that asking for them is an error. (EWS doc: finditem, response shapes) */
const refused: ReadonlySet<string> = new Set([
  'item:Body',
  'item:MimeContent',
  'item:Attachments',
  'item:UniqueBody',
  'message:ToRecipients',
  'message:CcRecipients',
  'message:BccRecipients',
  'message:ReplyTo',
  'distributionlist:Members',
]);

/** EWS doc: finditem-operation. */
export const findItem: Operation = {
  request: 'FindItem',
  name: 'FindItem',
  since: 'Exchange2007',
  run(request, context) {
    const traversal = attribute(request, 'Traversal');
    const view =
      request.children.find(
        ({ name }) => name.endsWith('PageItemView') || name === 'CalendarView' || name === 'ContactsView',
      ) ?? null;
    return batch(context, 'FindItem', kids(child(request, 'ParentFolderIds')), (id) => {
      const folder = context.folder(id);
      const shape = readItemShape(child(request, 'ItemShape'));
      for (const path of shape.additional)
        if (path.kind === 'field' && refused.has(path.uri)) throw new EwsError('ErrorInvalidPropertyRequest');
      if (child(request, 'GroupBy') !== null || child(request, 'DistinguishedGroupBy') !== null)
        throw new EwsError('ErrorUnsupportedPathForSortGroup');
      const restrictionElement = child(request, 'Restriction');
      const query = childText(request, 'QueryString');
      if (query !== null && restrictionElement !== null)
        throw new EwsError('ErrorInvalidRequest', 'A query string and a restriction exclude each other.');
      if (view?.name === 'CalendarView' && folder.containerClass !== 'IPF.Appointment')
        throw new EwsError('ErrorCalendarFolderIsInvalidForCalendarView', 'The folder is no calendar.');
      if (view?.name === 'CalendarView' && restrictionElement !== null)
        throw new EwsError('ErrorInvalidRequest', 'A calendar view takes no restriction.');
      const restriction = query === null ? readRestriction(restrictionElement, itemLookup) : readQuery(query);
      if (traversal === 'SoftDeleted' && context.serverVersion !== '2007')
        throw new EwsError('ErrorTraversalNotAllowed');
      const wantAssociated = traversal === 'Associated';
      const source: Iterable<Item> =
        traversal === 'SoftDeleted' ? folder.mailbox.dumpster.filter((item) => item.folder === folder) : folder.items();
      let found: Item[] = [];
      for (const item of source)
        if (item.associated === wantAssociated && (restriction === null || restriction(item))) found.push(item);
      const order = readSortOrder(child(request, 'SortOrder'));
      if (view?.name === 'CalendarView') return calendarView(context, view, found, prepareShape(shape, true));
      // Without an order the newest comes first, as a view of the folder shows it.
      found = order === null ? found.reverse() : found.sort(order);
      const page = cutPage(context, view, found, restriction !== null);
      const prepared = prepareShape(shape, true);
      return [
        `<m:RootFolder${page.attributes}><t:Items>`,
        page.entries.map((item) => writeItemNow(context, item, prepared)),
        '</t:Items></m:RootFolder>',
      ];
    });
  },
};
