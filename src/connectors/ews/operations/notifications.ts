import { childText, descendants, type XmlElement } from '#formats/text/xml-read.ts';
import { messagesNamespace, typesNamespace } from '../namespaces.ts';

/** What a subscription had to say. What happened exactly is the change feed's business. */
export interface Notification {
  readonly subscriptionId: string;
  /** Of the last event; null when none came with it. */
  readonly watermark: string | null;
  /** Ask again at once. */
  readonly moreEvents: boolean;
  /** Events that mean a change: all but `StatusEvent`, which is a sign of life. */
  readonly changes: number;
}

/** `m:Notification` of GetEvents and, against the schema, of real GetStreamingEvents answers; `t:Notification` by the schema. */
export function readNotifications(message: XmlElement): readonly Notification[] {
  return [
    ...descendants(message, messagesNamespace, 'Notification'),
    ...descendants(message, typesNamespace, 'Notification'),
  ].map((element) => {
    let watermark: string | null = null;
    let changes = 0;
    for (const event of element.children) {
      if (!event.name.endsWith('Event')) continue;
      watermark = childText(event, typesNamespace, 'Watermark')?.trim() || watermark;
      if (event.name !== 'StatusEvent') changes++;
    }
    return {
      subscriptionId: childText(element, typesNamespace, 'SubscriptionId')?.trim() ?? '',
      watermark,
      moreEvents: childText(element, typesNamespace, 'MoreEvents')?.trim() === 'true',
      changes,
    };
  });
}
