import { asEwsError, batch, failure, responses, success } from '../answer.ts';
import { readWatermark, writeWatermark } from '../events.ts';
import { EwsError } from '../ews-error.ts';
import type { Operation } from '../operation.ts';
import { attribute, child, childText, isTrue, kids } from '../request.ts';
import { m } from '../xml-out.ts';

const minuteMs = 60_000;

/** EWS doc: subscribe-operation. Push subscriptions would call out of the lab: refused. */
export const subscribe: Operation = {
  request: 'Subscribe',
  name: 'Subscribe',
  since: 'Exchange2007',
  run(request, context) {
    const name = 'SubscribeResponseMessage';
    try {
      const [kindElement] = request.children;
      if (kindElement === undefined) throw new EwsError('ErrorInvalidRequest');
      if (kindElement.name === 'PushSubscriptionRequest')
        throw new EwsError('ErrorInvalidPushSubscriptionUrl', 'The lab does not call out.');
      const streaming = kindElement.name === 'StreamingSubscriptionRequest';
      const all = isTrue(attribute(kindElement, 'SubscribeToAllFolders'));
      const ids = child(kindElement, 'FolderIds');
      if (all === (ids !== null))
        throw new EwsError('ErrorInvalidSubscriptionRequest', 'Either all folders or some, not both.');
      const folders = all ? null : new Set(kids(ids).map((id) => context.folder(id)));
      const mailbox = folders === null ? context.ownMailbox() : [...folders][0]?.mailbox;
      if (mailbox === undefined) throw new EwsError('ErrorInvalidSubscriptionRequest', 'No folder is named.');
      if (folders !== null && [...folders].some((folder) => folder.mailbox !== mailbox))
        throw new EwsError('ErrorSubscriptionDelegateAccessNotSupported', 'All folders must be of one mailbox.');
      const max = context.version === '2007' ? 5000 : context.serverVersion === '2010' ? 20 : 5000;
      if (context.subscriptions.of(mailbox) >= max)
        throw new EwsError('ErrorExceededSubscriptionCount', 'There are too many subscriptions.');
      const made = context.subscriptions.add(
        {
          mailbox,
          owner: context.caller.user,
          kind: streaming ? 'streaming' : 'pull',
          folders,
          events: new Set(kids(child(kindElement, 'EventTypes')).map((event) => event.text)),
          timeoutMs: streaming ? 30 * minuteMs : Number(childText(kindElement, 'Timeout')) * minuteMs,
        },
        context.nowMs,
      );
      const watermark = childText(kindElement, 'Watermark');
      if (watermark !== null && watermark !== '') made.position = readWatermark(made, watermark);
      return responses('Subscribe', [
        success(
          name,
          m('SubscriptionId', made.id) + (streaming ? '' : m('Watermark', writeWatermark(made, made.position))),
        ),
      ]);
    } catch (thrown) {
      return responses('Subscribe', [failure(name, asEwsError(thrown))]);
    }
  },
};

/** EWS doc: unsubscribe-operation. */
export const unsubscribe: Operation = {
  request: 'Unsubscribe',
  name: 'Unsubscribe',
  since: 'Exchange2007',
  run(request, context) {
    return batch(context, 'Unsubscribe', [childText(request, 'SubscriptionId') ?? ''], (id) => {
      const subscription = context.subscriptions.get(id, context.nowMs);
      if (subscription === null) throw new EwsError('ErrorSubscriptionNotFound');
      if (subscription.owner !== context.caller.user) throw new EwsError('ErrorSubscriptionAccessDenied');
      context.subscriptions.remove(subscription);
      return '';
    });
  },
};
