import { type DavAnswer, type DavCall, multistatus } from '../dav-call.ts';
import { DavError } from '../dav-error.ts';
import type { DavResponse } from '../multistatus.ts';
import { type DavSubscription, type NotificationType, notificationTypes, pollSubscription } from '../subscriptions.ts';

const lifetimeDefaultSeconds = 3600;
const isPermanent = (path: string): boolean => path.toLowerCase().includes('/-flaturlspace-/');

function typeOf(header: string): NotificationType {
  const given = header.trim().toLowerCase();
  if (/^pragma\/<http:\/\/schemas\.microsoft\.com\/exchange\/newmail>$/.test(given)) return 'newmail';
  const type = notificationTypes.find((known) => known === given);
  if (type === undefined || type === 'newmail') throw new DavError(400, 'there is no such type of notification');
  return type;
}

const granted = ({ id, lifetimeMs }: DavSubscription, href: string): DavAnswer => ({
  status: 200,
  headers: {
    'subscription-id': id,
    'subscription-lifetime': String(Math.round(lifetimeMs / 1000)),
    'content-location': href,
  },
});

/** Ids that a header lists. */
const idsIn = (header: string | undefined): readonly string[] =>
  (header ?? '').split(/[\s,]+/).filter((id) => /^\d{1,12}$/.test(id));

function own(call: DavCall, id: string): DavSubscription | null {
  const found = call.store.subscriptions.get(id, call.context.nowMs);
  return found?.owner === call.context.caller.user ? found : null;
}

/** Notifications are polled for; a `Call-Back` is taken, and nothing is sent there. (assumed: firewalls swallow UDP) */
export function subscribe(call: DavCall): DavAnswer {
  const { context, headers, store } = call;
  const { nowMs } = context;
  const [renewed] = idsIn(headers['subscription-id']);
  if (renewed !== undefined) {
    const known = own(call, renewed);
    if (known === null) throw new DavError(412, 'there is no such subscription any more');
    store.subscriptions.renew(known, nowMs);
    return granted(known, context.folderUrl(known.folder));
  }
  const resource = context.resolve(call.path);
  if (resource.kind !== 'folder') throw new DavError(404, 'there is no such folder');
  if (isPermanent(call.path)) throw new DavError(403, 'a permanent address cannot be subscribed to');
  const type = typeOf(headers['notification-type'] ?? '');
  const seconds = Number(headers['subscription-lifetime'] ?? lifetimeDefaultSeconds);
  const depth = (headers['depth'] ?? '0').toLowerCase();
  const made = store.subscriptions.add(
    { folder: resource.folder, owner: context.caller.user, type, deep: depth === 'infinity' },
    (Number.isFinite(seconds) && seconds > 0 ? seconds : lifetimeDefaultSeconds) * 1000,
    nowMs,
  );
  return granted(made, context.folderUrl(resource.folder));
}

/** Ids are those of the address that was subscribed to, and to ask for them renews them (MSDN `POLL Method`). */
export function poll(call: DavCall): DavAnswer {
  const { context, store } = call;
  const ids = idsIn(call.headers['subscription-id']);
  if (ids.length === 0) throw new DavError(400, 'the request names no subscription');
  const resource = context.resolve(call.path);
  const href = resource.kind === 'folder' ? context.folderUrl(resource.folder) : context.origin + call.path;
  const byStatus = new Map<number, string[]>();
  for (const id of ids) {
    const found = own(call, id);
    const isHere = found !== null && resource.kind === 'folder' && resource.folder === found.folder;
    if (isHere) store.subscriptions.renew(found, context.nowMs);
    const status = !isHere ? 412 : pollSubscription(found) ? 200 : 204;
    byStatus.set(status, [...(byStatus.get(status) ?? []), id]);
  }
  const responses = [...byStatus].map(([status, subscriptions]): DavResponse => ({ href, status, subscriptions }));
  return multistatus(call, { responses });
}

export function unsubscribe(call: DavCall): DavAnswer {
  const ids = idsIn(call.headers['subscription-id']);
  if (ids.length === 0) throw new DavError(400, 'the request names no subscription');
  for (const id of ids) {
    const found = own(call, id);
    if (found === null) throw new DavError(412, 'there is no such subscription any more');
    call.store.subscriptions.remove(found);
  }
  return { status: 200 };
}
