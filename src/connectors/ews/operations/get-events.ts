import { XmlFault } from '#formats/text/xml-read.ts';
import { xml } from '#formats/text/xml-write.ts';
import { aboutFolders, type Operation } from '../operation.ts';
import { type Notification, readNotifications } from './notifications.ts';

/** What happened since the watermark. https://learn.microsoft.com/exchange/client-developer/web-service-reference/getevents-operation */
export const getEvents: Operation<{ readonly subscriptionId: string; readonly watermark: string }, Notification> = {
  name: 'GetEvents',
  subject: aboutFolders(false),
  answers: () => 1,
  write: ({ subscriptionId, watermark }) =>
    xml`<m:GetEvents><m:SubscriptionId>${subscriptionId}</m:SubscriptionId><m:Watermark>${watermark}</m:Watermark></m:GetEvents>`,
  reader: () => ({
    read(message) {
      const [notification] = readNotifications(message);
      if (notification === undefined)
        throw new XmlFault('malformed', 'a success of GetEvents holds no Notification', 0);
      return notification;
    },
  }),
};
