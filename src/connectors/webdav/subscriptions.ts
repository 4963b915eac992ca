import { textOf } from '#formats/text/xml-read.ts';
import { FaultError } from '#kit/fault.ts';
import type { FolderId } from '#model/ids.ts';
import type { Context } from '../contract.ts';
import { headerIn } from '../http/headers.ts';
import { pathOfId } from './dav-ids.ts';
import { notificationNamespace } from './dav-names.ts';
import type { DavResponse } from './multistatus.ts';
import { parts } from './parts.ts';
import type { MailboxRequests } from './resources.ts';

/** A subscription as the server granted it. */
export interface Subscription {
  readonly id: string;
  readonly lifetimeMs: number;
}

/** Asked for; the server may grant less. One that nobody ends takes its place for so long. */
const lifetimeSeconds = 4 * 3600;
/** Ids in one header. */
const idsMax = 100;

/** Wants to hear of everything that happens to the items of a folder (evolution-exchange `docs/subscriptions`). */
export async function subscribe(
  { client, address, root }: MailboxRequests,
  folder: FolderId,
  context: Context,
): Promise<Subscription> {
  const { headers } = await client.plain({
    method: 'SUBSCRIBE',
    path: pathOfId(await root(context), folder),
    headers: { 'notification-type': 'update', depth: '1', 'subscription-lifetime': String(lifetimeSeconds) },
    mailbox: address,
    subject: { operation: 'SUBSCRIBE', writes: false, about: 'folder' },
    context,
  });
  const id = headerIn(headers, 'subscription-id')?.trim() ?? '';
  if (!/^[\w-]{1,64}$/.test(id))
    throw new FaultError({ kind: 'fatal', code: 'protocol', detail: 'SUBSCRIBE: the answer names no subscription' });
  const seconds = Number(headerIn(headers, 'subscription-lifetime') ?? lifetimeSeconds);
  return { id, lifetimeMs: (seconds > 0 ? seconds : lifetimeSeconds) * 1000 };
}

/** Which subscriptions have something to tell, and which there are no more. */
export async function poll(
  { client, address, root }: MailboxRequests,
  ids: readonly string[],
  context: Context,
): Promise<{ readonly told: ReadonlySet<string>; readonly gone: ReadonlySet<string> }> {
  const told = new Set<string>();
  const gone = new Set<string>();
  for (const some of parts(ids, idsMax))
    await client.several(
      {
        method: 'POLL',
        path: await root(context),
        headers: { 'subscription-id': some.join(',') },
        mailbox: address,
        subject: { operation: 'POLL', writes: false, about: 'folder' },
        context,
      },
      (response) => {
        const into = response.status === 200 ? told : response.status === 204 ? null : gone;
        if (into !== null) for (const id of idsIn(response)) into.add(id);
      },
    );
  return { told, gone };
}

/** `subscriptionID` with its `li` elements, which have no namespace of their own. */
function idsIn({ element }: DavResponse): readonly string[] {
  return element.children
    .filter(({ name, ns }) => name === 'subscriptionID' && ns === notificationNamespace)
    .flatMap((list) => list.children.map((item) => textOf(item).trim()));
}

export async function unsubscribe(
  { client, address, root }: MailboxRequests,
  ids: readonly string[],
  context: Context,
): Promise<void> {
  for (const some of parts(ids, idsMax))
    await client.plain({
      method: 'UNSUBSCRIBE',
      path: await root(context),
      headers: { 'subscription-id': some.join(',') },
      mailbox: address,
      subject: { operation: 'UNSUBSCRIBE', writes: false, about: 'folder' },
      context,
    });
}
