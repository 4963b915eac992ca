import { guidOf } from '../world/account.ts';
import type { Context } from './context.ts';
import { isEvent } from './event-shape.ts';
import { badRequest, GraphError } from './graph-error.ts';
import { isMessage } from './messages.ts';
import { mayDo } from './permissions.ts';
import { folderById } from './rest-ids.ts';
import { created, type Json, noContent, ok, type Parameters, type Reply, type Route } from './route.ts';
import { changeTypes, type SubscribedResource, type Subscription } from './subscriptions.ts';

type Kind = Omit<SubscribedResource, 'mailbox' | 'folder'>;
const ofClass =
  (pattern: RegExp): Kind['has'] =>
  (item) =>
    pattern.test(item.itemClass);
const kinds: Readonly<Record<string, Kind>> = {
  messages: { type: '#Microsoft.Graph.Message', needs: 'mailRead', has: isMessage },
  events: { type: '#Microsoft.Graph.Event', needs: 'calendarRead', has: isEvent },
  contacts: { type: '#Microsoft.Graph.Contact', needs: 'contactsRead', has: ofClass(/^ipm\.contact(?:\.|$)/i) },
  tasks: { type: '#Microsoft.Graph.todoTask', needs: 'tasksRead', has: ofClass(/^ipm\.task(?:\.|$)/i) },
};

/** `users/x/messages`, `users/x/mailFolders('inbox')/messages`, `users/x/todo/lists/y/tasks`. @throws GraphError */
function resourceOf(context: Context, text: string): SubscribedResource {
  const plain = text.replace(/^\/+/, '').replace(/\(('|%27)([^']*?)\1\)/g, '/$2');
  const [, user = '', rest = ''] = /^users\/([^/]+)\/(.+)$/i.exec(plain) ?? [];
  const [, container, folderId, last = ''] =
    /^(?:(mailFolders|contactFolders|calendars|todo\/lists)\/([^/]+)\/)?(messages|events|contacts|tasks)$/i.exec(
      rest,
    ) ?? [];
  const kind = kinds[last.toLowerCase()];
  if (kind === undefined) throw badRequest(`The resource '${text.slice(0, 200)}' cannot be subscribed to.`);
  const entry =
    context.organization.entry(user) ??
    context.organization.mailboxes.find(({ guid }) => guid === user.toLowerCase()) ??
    null;
  const mailbox = entry === null ? null : context.organization.mailbox(entry.address);
  if (mailbox === null) throw new GraphError(404, 'ResourceNotFound', 'The mailbox of the resource does not exist.');
  if (!mayDo(context.caller, kind.needs, mailbox.address))
    throw new GraphError(
      403,
      'ExtensionError',
      'Operation: Create; Exception: [Status Code: Forbidden; Reason: Access is denied]',
    );
  const folder = container === undefined || folderId === undefined ? null : folderById(mailbox, folderId);
  return { mailbox, folder, ...kind };
}

function expiryIn(context: Context, json: Json): number {
  const text = json['expirationDateTime'];
  const ms = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  const minutes = context.state.settings.subscriptionMinutes;
  if (Number.isNaN(ms) || ms <= context.nowMs) throw badRequest('The expirationDateTime must be in the future.');
  if (ms > context.nowMs + minutes * 60_000)
    throw new GraphError(
      400,
      'ValidationError',
      `Subscription expiration can only be ${minutes} minutes in the future.`,
    );
  return ms;
}

const urlIn = (json: Json, name: string): string | null => {
  const text = json[name];
  if (text === undefined || text === null) return null;
  // Of plain HTTP only what stays on this machine.
  if (typeof text !== 'string' || !/^(?:https:\/\/|http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])[:/])/.test(text))
    throw new GraphError(400, 'ValidationError', `The '${name}' must be an HTTPS address.`);
  return text;
};

const subscriptionJson = (one: Subscription): Json => ({
  id: one.id,
  resource: one.text,
  applicationId: one.clientId,
  changeType: [...one.changes].join(','),
  clientState: one.clientState,
  notificationUrl: one.notificationUrl,
  lifecycleNotificationUrl: one.lifecycleUrl,
  expirationDateTime: new Date(one.expiresAtMs).toISOString(),
  creatorId: one.clientId,
  includeResourceData: false,
  latestSupportedTlsVersion: 'v1_2',
});

async function create(context: Context): Promise<Reply> {
  const json = context.json();
  const { resource, changeType, clientState } = json;
  if (typeof resource !== 'string' || typeof changeType !== 'string')
    throw badRequest('resource and changeType are needed.');
  if (json['includeResourceData'] === true)
    throw new GraphError(
      400,
      'ValidationError',
      'Notifications with resource data need an encryption certificate, which the lab has not.',
    );
  const wanted = changeType.split(',').map((one) => one.trim().toLowerCase());
  const changes = changeTypes.filter((one) => wanted.includes(one));
  if (changes.length !== wanted.length) throw badRequest(`'${changeType}' is no changeType.`);
  if (
    clientState !== undefined &&
    clientState !== null &&
    (typeof clientState !== 'string' || clientState.length > 128)
  )
    throw badRequest('A clientState has 128 letters at most.');
  const about = resourceOf(context, resource);
  const expiresAtMs = expiryIn(context, json);
  const notificationUrl = urlIn(json, 'notificationUrl');
  const lifecycleUrl = urlIn(json, 'lifecycleNotificationUrl');
  if (notificationUrl === null) throw badRequest('A notificationUrl is needed.');
  const { subscriptions, settings } = context.state;
  if (subscriptions.ofMailbox(about.mailbox) >= settings.subscriptionsPerMailbox)
    throw new GraphError(403, 'ExtensionError', 'The mailbox has as many subscriptions as it may.');
  for (const url of lifecycleUrl === null ? [notificationUrl] : [notificationUrl, lifecycleUrl])
    if (!(await subscriptions.validates(url, guidOf('validation', url, context.nowMs))))
      throw new GraphError(
        400,
        'ValidationError',
        'Subscription validation request failed. Notification endpoint must respond with 200 OK to validation request.',
      );
  const made = subscriptions.add({
    clientId: context.caller.clientId,
    text: resource,
    resource: about,
    changes: new Set(changes),
    notificationUrl,
    lifecycleUrl,
    clientState: clientState ?? null,
    immutable: context.immutable,
    expiresAtMs,
  });
  return created({ '@odata.context': context.contextOf('subscriptions/$entity'), ...subscriptionJson(made) });
}

/** Of another application, or run out, it is not there. @throws GraphError */
function found(context: Context, parameters: Parameters): Subscription {
  const one = context.state.subscriptions.get(parameters['subscription'] ?? '', context.nowMs);
  if (one === null || one.clientId !== context.caller.clientId)
    throw new GraphError(404, 'ResourceNotFound', 'The object was not found.');
  return one;
}

const entity = (context: Context, one: Subscription): Json => ({
  '@odata.context': context.contextOf('subscriptions/$entity'),
  ...subscriptionJson(one),
});

export const subscriptionRoutes: readonly Route[] = [
  { method: 'POST', path: 'subscriptions', needs: 'none', run: create },
  {
    method: 'GET',
    path: 'subscriptions',
    needs: 'none',
    run: (context) =>
      ok({
        '@odata.context': context.contextOf('subscriptions'),
        value: [...context.state.subscriptions.of(context.caller.clientId, context.nowMs)].map(subscriptionJson),
      }),
  },
  {
    method: 'GET',
    path: 'subscriptions/{subscription}',
    needs: 'none',
    run: (context, parameters) => ok(entity(context, found(context, parameters))),
  },
  {
    method: 'PATCH',
    path: 'subscriptions/{subscription}',
    needs: 'none',
    run(context, parameters) {
      const one = found(context, parameters);
      one.expiresAtMs = expiryIn(context, context.json());
      return ok(entity(context, one));
    },
  },
  {
    method: 'DELETE',
    path: 'subscriptions/{subscription}',
    needs: 'none',
    run(context, parameters) {
      context.state.subscriptions.remove(found(context, parameters).id);
      return noContent;
    },
  },
  {
    method: 'POST',
    path: 'subscriptions/{subscription}/reauthorize',
    needs: 'none',
    run(context, parameters) {
      found(context, parameters);
      return noContent;
    },
  },
];
