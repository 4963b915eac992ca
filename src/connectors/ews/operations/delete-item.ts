import { rawXml, xml } from '#formats/text/xml-write.ts';
import { aboutItems, type Operation } from '../operation.ts';
import { atLeast } from '../server-version.ts';
import { type ItemRef, itemRefs } from './ids.ts';

/**
 * Deletes recoverably (Recoverable Items from 2010 on, the dumpster before). Whatever the item is, nobody is told: meetings want
 * `SendMeetingCancellations` and tasks `AffectedTaskOccurrences`, others do not mind.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/deleteitem-operation
 */
export const deleteItem: Operation<readonly ItemRef[], null> = {
  name: 'DeleteItem',
  subject: aboutItems(true),
  answers: (ids) => ids.length,
  write: (ids, version) =>
    xml`<m:DeleteItem DeleteType="SoftDelete" SendMeetingCancellations="SendToNone" AffectedTaskOccurrences="AllOccurrences"${rawXml(atLeast(version, 'Exchange2013') ? ' SuppressReadReceipts="true"' : '')}><m:ItemIds>${itemRefs(ids)}</m:ItemIds></m:DeleteItem>`,
  reader: () => ({ read: () => null }),
};
