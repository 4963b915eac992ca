import { batch } from '../answer.ts';
import { concerns, eventXml, readWatermark, writeWatermark } from '../events.ts';
import { EwsError } from '../ews-error.ts';
import type { Operation } from '../operation.ts';
import { childText } from '../request.ts';

const pageMax = 50;

/** EWS doc: getevents-operation. */
export const getEvents: Operation = {
  request: 'GetEvents',
  name: 'GetEvents',
  since: 'Exchange2007',
  run(request, context) {
    return batch(context, 'GetEvents', [childText(request, 'SubscriptionId') ?? ''], (id) => {
      const subscription = context.subscriptions.get(id, context.nowMs);
      if (subscription === null) throw new EwsError('ErrorSubscriptionNotFound');
      if (subscription.owner !== context.caller.user) throw new EwsError('ErrorSubscriptionAccessDenied');
      if (subscription.kind !== 'pull') throw new EwsError('ErrorInvalidSubscription');
      const given = childText(request, 'Watermark') ?? '';
      const from = readWatermark(subscription, given);
      if (context.strike('missed-events', subscription.mailbox.address) !== null)
        throw new EwsError('ErrorMissedNotificationEvents');
      const all = subscription.mailbox.eventsAfter(from, Number.MAX_SAFE_INTEGER);
      if (all === null) throw new EwsError('ErrorMissedNotificationEvents');
      const wanted = all.filter((event) => concerns(subscription, event));
      const page = wanted.slice(0, pageMax);
      subscription.expiresAtMs = context.nowMs + subscription.timeoutMs;
      const more = wanted.length > page.length;
      // With nothing to tell, a status event carries the place to go on from.
      const events =
        page.length === 0
          ? `<t:StatusEvent><t:Watermark>${writeWatermark(subscription, subscription.mailbox.lastEvent)}</t:Watermark></t:StatusEvent>`
          : page.map((event) => eventXml(subscription, event)).join('');
      return `<m:Notification><t:SubscriptionId>${subscription.id}</t:SubscriptionId><t:PreviousWatermark>${given}</t:PreviousWatermark><t:MoreEvents>${more}</t:MoreEvents>${events}</m:Notification>`;
    });
  },
};
