import { child } from '#formats/text/xml-read.ts';
import { xml } from '#formats/text/xml-write.ts';
import type { Written } from '../../contract.ts';
import { messagesNamespace } from '../namespaces.ts';
import { aboutItems, type Operation } from '../operation.ts';
import { rootOf } from './create-attachment.ts';

/**
 * Removes attachments by their ids. The answer says which version the item is at now; null: it does not.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/deleteattachment-operation
 */
export const deleteAttachment: Operation<readonly string[], Written | null> = {
  name: 'DeleteAttachment',
  subject: aboutItems(true),
  answers: (ids) => ids.length,
  write: (ids) =>
    xml`<m:DeleteAttachment><m:AttachmentIds>${ids.map((id) => xml`<t:AttachmentId Id="${id}"/>`)}</m:AttachmentIds></m:DeleteAttachment>`,
  reader: () => ({
    read(message) {
      const root = child(message, messagesNamespace, 'RootItemId');
      return root === null ? null : rootOf(root);
    },
  }),
};
