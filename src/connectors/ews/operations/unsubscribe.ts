import { xml } from '#formats/text/xml-write.ts';
import { aboutFolders, type Operation } from '../operation.ts';

/** Ends a subscription, which frees its place in the budget. https://learn.microsoft.com/exchange/client-developer/web-service-reference/unsubscribe-operation */
export const unsubscribe: Operation<string, null> = {
  name: 'Unsubscribe',
  subject: aboutFolders(false),
  answers: () => 1,
  write: (subscriptionId) => xml`<m:Unsubscribe><m:SubscriptionId>${subscriptionId}</m:SubscriptionId></m:Unsubscribe>`,
  reader: () => ({ read: () => null }),
};
