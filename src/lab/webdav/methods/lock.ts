import { guidOf } from '../../world/account.ts';
import type { DavAnswer, DavCall } from '../dav-call.ts';
import { DavError } from '../dav-error.ts';
import { esc } from '../multistatus.ts';

const lifetimeSeconds = 180;

function lockedItem(call: DavCall) {
  const resource = call.context.resolve(call.path);
  if (resource.kind !== 'item') throw new DavError(resource.kind === 'folder' ? 403 : 404, 'only items are locked');
  return resource.item;
}

/** A write lock on one item for three minutes. RFC 4918 9.10 */
export function lock(call: DavCall): DavAnswer {
  const { context, store } = call;
  const item = lockedItem(call);
  const { nowMs } = context;
  const token = `opaquelocktoken:${guidOf('lock', item.folder.mailbox.guid, item.no, nowMs)}`;
  store.locks.lock(item, context.caller.user, token, nowMs + lifetimeSeconds * 1000, nowMs);
  return {
    status: 200,
    headers: { 'content-type': 'text/xml', 'lock-token': `<${token}>` },
    body: `<?xml version="1.0"?><a:prop xmlns:a="DAV:"><a:lockdiscovery><a:activelock><a:locktype><a:write/></a:locktype><a:lockscope><a:exclusive/></a:lockscope><a:depth>0</a:depth><a:owner>${esc(context.caller.user)}</a:owner><a:timeout>Second-${lifetimeSeconds}</a:timeout><a:locktoken><a:href>${token}</a:href></a:locktoken></a:activelock></a:lockdiscovery></a:prop>`,
  };
}

export function unlock(call: DavCall): DavAnswer {
  const item = lockedItem(call);
  const [, token = ''] = /<([^>]*)>/.exec(call.headers['lock-token'] ?? '') ?? [];
  if (!call.store.locks.unlock(item, token, call.context.nowMs))
    throw new DavError(412, 'the item is not locked with this token');
  return { status: 204 };
}
