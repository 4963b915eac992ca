import { childText, XmlFault } from '#formats/text/xml-read.ts';
import { rawXml, xml } from '#formats/text/xml-write.ts';
import type { FolderId } from '#model/ids.ts';
import { messagesNamespace } from '../namespaces.ts';
import { aboutFolders, type Operation } from '../operation.ts';
import { folderRef } from './ids.ts';

export type SubscribeRequest =
  /** From 2010 SP1 on. */
  | { readonly kind: 'streaming' }
  /** `folders`: `all` from 2010 on; 2007 wants a list. `timeoutMinutes`: 1 to 1440 without a question, then it ends. */
  | { readonly kind: 'pull'; readonly folders: 'all' | readonly FolderId[]; readonly timeoutMinutes: number };

export interface Subscription {
  readonly id: string;
  /** Where the next pull begins; null for streaming. */
  readonly watermark: string | null;
}

/** Everything that changes what a mailbox holds, read flags (ModifiedEvent) included. */
const eventTypes = rawXml(
  `<t:EventTypes>${['NewMail', 'Created', 'Deleted', 'Modified', 'Moved', 'Copied'].map((name) => `<t:EventType>${name}Event</t:EventType>`).join('')}</t:EventTypes>`,
);

/** https://learn.microsoft.com/exchange/client-developer/web-service-reference/subscribe-operation */
export const subscribe: Operation<SubscribeRequest, Subscription> = {
  name: 'Subscribe',
  // A subscription that nobody asks for ends by itself, so a lost answer does no harm.
  subject: aboutFolders(false),
  answers: () => 1,
  write(request) {
    if (request.kind === 'streaming') {
      return xml`<m:Subscribe><m:StreamingSubscriptionRequest SubscribeToAllFolders="true">${eventTypes}</m:StreamingSubscriptionRequest></m:Subscribe>`;
    }
    const { folders, timeoutMinutes } = request;
    const all = rawXml(folders === 'all' ? ' SubscribeToAllFolders="true"' : '');
    const listed = folders === 'all' ? null : xml`<t:FolderIds>${folders.map(folderRef)}</t:FolderIds>`;
    return xml`<m:Subscribe><m:PullSubscriptionRequest${all}>${listed}${eventTypes}<t:Timeout>${timeoutMinutes}</t:Timeout></m:PullSubscriptionRequest></m:Subscribe>`;
  },
  reader: () => ({
    read(message) {
      const id = childText(message, messagesNamespace, 'SubscriptionId')?.trim() ?? '';
      if (id === '') throw new XmlFault('malformed', 'a success of Subscribe has no SubscriptionId', 0);
      return { id, watermark: childText(message, messagesNamespace, 'Watermark')?.trim() || null };
    },
  }),
};
