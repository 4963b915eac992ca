import { textOf } from '#formats/text/xml-read.ts';
import { FaultError } from '#kit/fault.ts';
import type { Context } from '../contract.ts';
import { headerIn } from '../http/headers.ts';
import { notificationNamespace } from './dav-names.ts';
import { pathOfUrl } from './mail-writes.ts';
import type { DavResponse } from './multistatus.ts';
import type { MailboxRequests } from './resources.ts';

/** A subscription as the server granted it. It is known at this address only (Exchange Server 2003 SDK, `POLL Method`). */
export interface Subscription {
  readonly id: string;
  readonly path: string;
}

/** Asked for; the server may grant less. Every question renews it, and one that nobody ends takes its place for so long. */
const lifetimeSeconds = 4 * 3600;

type Requests = Pick<MailboxRequests, 'client' | 'address'>;

/**
 * Wants to hear of everything that happens to the items of a folder (evolution-exchange `docs/subscriptions`).
 *
 * @param path The one that the folder has by its name: a permanent one is refused (Exchange Server 2003 SDK, `SUBSCRIBE Method`).
 */
export async function subscribe({ client, address }: Requests, path: string, context: Context): Promise<Subscription> {
  const { headers } = await client.plain({
    method: 'SUBSCRIBE',
    path,
    headers: { 'notification-type': 'update', depth: '1', 'subscription-lifetime': String(lifetimeSeconds) },
    mailbox: address,
    subject: { operation: 'SUBSCRIBE', writes: false, about: 'folder' },
    context,
  });
  const id = headerIn(headers, 'subscription-id')?.trim() ?? '';
  if (!/^[\w-]{1,64}$/.test(id))
    throw new FaultError({ kind: 'fatal', code: 'protocol', detail: 'SUBSCRIBE: the answer names no subscription' });
  return { id, path: pathOfUrl(headerIn(headers, 'content-location')) ?? path };
}

/** Whether there is something to tell. `gone`: the subscription ended, or there is no such folder any more. */
export async function poll(
  { client, address }: Requests,
  { id, path }: Subscription,
  context: Context,
): Promise<'told' | 'quiet' | 'gone'> {
  let answer: 'told' | 'quiet' | 'gone' = 'gone';
  try {
    await client.several(
      {
        method: 'POLL',
        path,
        headers: { 'subscription-id': id },
        mailbox: address,
        subject: { operation: 'POLL', writes: false, about: 'folder' },
        context,
      },
      (response) => {
        if (idsIn(response).includes(id))
          answer = response.status === 200 ? 'told' : response.status === 204 ? 'quiet' : 'gone';
      },
    );
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.kind !== 'gone') throw error;
  }
  return answer;
}

/** `subscriptionID` with its `li` elements, which have no namespace of their own. */
function idsIn({ element }: DavResponse): readonly string[] {
  return element.children
    .filter(({ name, ns }) => name === 'subscriptionID' && ns === notificationNamespace)
    .flatMap((list) => list.children.map((item) => textOf(item).trim()));
}

export async function unsubscribe(
  { client, address }: Requests,
  { id, path }: Subscription,
  context: Context,
): Promise<void> {
  await client.plain({
    method: 'UNSUBSCRIBE',
    path,
    headers: { 'subscription-id': id },
    mailbox: address,
    subject: { operation: 'UNSUBSCRIBE', writes: false, about: 'folder' },
    context,
  });
}
