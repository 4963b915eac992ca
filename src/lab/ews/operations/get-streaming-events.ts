import type { XmlElement } from '#formats/text/xml-read.ts';
import { failure, responses, success } from '../answer.ts';
import type { Context } from '../context.ts';
import { concerns, eventXml } from '../events.ts';
import { EwsError } from '../ews-error.ts';
import type { Operation } from '../operation.ts';
import { child, childText, kids } from '../request.ts';
import type { Subscription } from '../subscriptions.ts';
import type { Xml } from '../xml-out.ts';

const message = 'GetStreamingEventsResponseMessage';
/** A sign of life on a quiet connection. */
const heartbeatMs = 30_000;
const eventsPerChunk = 100;

const status = (text: 'OK' | 'Closed'): Xml =>
  responses('GetStreamingEvents', [success(message, `<m:ConnectionStatus>${text}</m:ConnectionStatus>`)]);

/** Each answer is an envelope of its own: first OK, then notifications, last Closed. (EWS doc: getstreamingevents-operation) */
export const getStreamingEvents: Operation = {
  request: 'GetStreamingEvents',
  name: 'GetStreamingEvents',
  since: 'Exchange2010_SP1',
  run: () => status('Closed'),
  stream,
};

async function* stream(request: XmlElement, context: Context): AsyncGenerator<Xml> {
  const { clock } = context.world.surroundings;
  const ids = kids(child(request, 'SubscriptionIds')).map(({ text }) => text);
  const bad: string[] = [];
  const subscriptions: Subscription[] = [];
  for (const id of ids) {
    const subscription = context.subscriptions.get(id, context.nowMs);
    if (subscription === null || subscription.kind !== 'streaming' || subscription.owner !== context.caller.user)
      bad.push(id);
    else subscriptions.push(subscription);
  }
  if (bad.length > 0) {
    const error = `<m:ErrorSubscriptionIds>${bad.map((id) => `<m:SubscriptionId>${id}</m:SubscriptionId>`).join('')}</m:ErrorSubscriptionIds>`;
    yield responses('GetStreamingEvents', [
      failure(
        message,
        new EwsError('ErrorInvalidSubscription'),
        `${error}<m:ConnectionStatus>Closed</m:ConnectionStatus>`,
      ),
    ]);
    return;
  }
  const endMs = clock.monotonicMs() + Number(childText(request, 'ConnectionTimeout')) * 60_000;
  let wake: () => void = () => {};
  const stops = [...new Set(subscriptions.map(({ mailbox }) => mailbox))].map((mailbox) =>
    mailbox.listen(() => wake()),
  );
  try {
    yield status('OK');
    while (!context.signal.aborted) {
      const notifications: string[] = [];
      for (const subscription of subscriptions) {
        subscription.expiresAtMs = context.nowMs + subscription.timeoutMs;
        const events = subscription.mailbox.eventsAfter(subscription.position, eventsPerChunk);
        const missed =
          events === null ||
          (events.length > 0 && context.strike('missed-events', subscription.mailbox.address) !== null);
        if (missed) {
          context.subscriptions.remove(subscription);
          const error = `<m:ErrorSubscriptionIds><m:SubscriptionId>${subscription.id}</m:SubscriptionId></m:ErrorSubscriptionIds>`;
          yield responses('GetStreamingEvents', [
            failure(
              message,
              new EwsError('ErrorMissedNotificationEvents'),
              `${error}<m:ConnectionStatus>Closed</m:ConnectionStatus>`,
            ),
          ]);
          return;
        }
        const wanted = events.filter((event) => concerns(subscription, event));
        subscription.position += events.length;
        if (wanted.length > 0)
          notifications.push(
            `<m:Notification><t:SubscriptionId>${subscription.id}</t:SubscriptionId>${wanted.map((event) => eventXml(subscription, event)).join('')}</m:Notification>`,
          );
      }
      if (notifications.length > 0) {
        if (context.strike('stream-drop', subscriptions[0]?.mailbox.address ?? null) !== null) return;
        yield responses('GetStreamingEvents', [
          success(message, `<m:Notifications>${notifications.join('')}</m:Notifications>`),
        ]);
        continue;
      }
      const leftMs = endMs - clock.monotonicMs();
      if (leftMs <= 0) {
        yield status('Closed');
        return;
      }
      if (await quiet(context, Math.min(leftMs, heartbeatMs), (resume) => (wake = resume))) {
        if (context.strike('stream-drop', subscriptions[0]?.mailbox.address ?? null) !== null) return;
        if (endMs - clock.monotonicMs() > 0) yield status('OK');
      }
    }
  } finally {
    for (const stop of stops) stop();
  }
}

/** Waits for an event or for the time to pass; true: the time passed. */
async function quiet(context: Context, ms: number, onWake: (resume: () => void) => void): Promise<boolean> {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  context.signal.addEventListener('abort', end, { once: true });
  onWake(end);
  try {
    await context.world.surroundings.clock.sleep(ms, stop.signal);
    return true;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    return false;
  } finally {
    context.signal.removeEventListener('abort', end);
  }
}
