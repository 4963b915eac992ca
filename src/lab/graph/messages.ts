import { exportMime } from '../world/export-mime.ts';
import type { Folder } from '../world/folder.ts';
import type { Item } from '../world/item.ts';
import { key } from '../world/property.ts';
import { contentOfMime } from '../world/read-message.ts';
import { page } from './collection.ts';
import type { Context } from './context.ts';
import { GraphError, noSegment, notFound } from './graph-error.ts';
import { entriesOf, type ItemFamily, itemFeed } from './item-feed.ts';
import { changeKeyOf } from './item-values.ts';
import { destinationOf, mailFolderOf } from './mail-folders.ts';
import { MessageDraft } from './message-draft.ts';
import { messageJson, messageSubject } from './message-shape.ts';
import { created, type Json, noContent, ok, type Parameters, type Reply, type Route } from './route.ts';

/** Mail, reports, meeting messages: everything but calendar items, contacts and tasks. (assumed: by the class of the item) */
export const isMessage = (item: Item): boolean =>
  !item.associated && !/^ipm\.(?:appointment|contact|distlist|task|stickynote|activity)(?:\.|$)/i.test(item.itemClass);

function* everywhere(context: Context): Generator<Item> {
  const { mailbox } = context;
  for (const folder of mailbox.below(mailbox.folder('msgfolderroot')))
    if (folder.kind === 'folder' && (folder.containerClass ?? 'IPF.Note').startsWith('IPF.Note'))
      yield* folder.newest();
}

const family: ItemFamily = {
  name: 'messages',
  type: '#microsoft.graph.message',
  has: isMessage,
  json: messageJson,
  subject: messageSubject,
};

/** The message of a path, in the folder that the path names. */
export function messageOf(context: Context, parameters: Parameters): Item {
  const item = context.item(parameters['message'] ?? '');
  if (!isMessage(item)) throw notFound();
  if (parameters['folder'] !== undefined && item.folder !== mailFolderOf(context, parameters)) throw notFound();
  return item;
}

const entity = (context: Context, item: Item): Json => ({
  '@odata.context': context.contextOf(`${context.userTail}/messages/$entity`),
  ...messageJson(context, item, context.query),
});

/** What a create of MIME makes: always a draft. (learn.microsoft.com/graph/api/user-post-messages) */
function createMime(context: Context): Reply {
  const text = context.body.toString('latin1').replace(/\s+/g, '');
  if (text === '' || !/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0)
    throw new GraphError(400, 'ErrorMimeContentInvalidBase64String', 'Invalid base64 string for MIME content.');
  const mailbox = context.mailbox;
  const content = contentOfMime(Buffer.from(text, 'base64'));
  const properties = new Map(content.properties);
  properties.set(key.receivedAt, { type: 'SystemTime', value: context.nowMs });
  const item = mailbox.create(
    mailbox.folder('drafts'),
    { content: { ...content, properties }, messageFlags: null, isRead: true },
    context.hand(),
  );
  return created(entity(context, item));
}

/** What a create of JSON makes: a draft, unless its flags say something else. (FACTS §5) */
function createIn(context: Context, folder: Folder, takesMime: boolean): Reply {
  if (/^\s*text\/plain\b/i.test(context.headers['content-type'] ?? '')) {
    if (takesMime) return createMime(context);
    throw new GraphError(400, 'UnableToDeserializePostBody', 'We were unable to deserialize the request body.');
  }
  const { mailbox } = context;
  const draft = new MessageDraft(context, null);
  draft.take(context.json(), null);
  const { properties } = draft;
  if (!properties.has(key.itemClass)) draft.put(key.itemClass, 'String', 'IPM.Note');
  // Without times of its own it is of now.
  for (const at of [key.receivedAt, key.sentAt]) if (!properties.has(at)) draft.put(at, 'SystemTime', context.nowMs);
  if (!properties.has(key.messageId))
    draft.put(
      key.messageId,
      'String',
      `<${mailbox.lastCn.toString(36)}.${mailbox.guid.slice(0, 8)}@${context.organization.domain}>`,
    );
  draft.from ??= { name: mailbox.displayName, address: mailbox.address };
  draft.body ??= { type: 'Text', text: '' };
  const item = mailbox.create(
    folder,
    {
      content: draft.content(),
      messageFlags: draft.messageFlags,
      // Drafts are read by who writes them.
      ...(draft.isRead === null ? (draft.messageFlags === null ? { isRead: true } : {}) : { isRead: draft.isRead }),
    },
    context.hand(),
  );
  touchLater(context, item);
  return created(entity(context, item));
}

/** Whether the server comes back to an item it has just written. */
export function touchLater(context: Context, item: Item): void {
  if (context.strike('later-touch') !== null) queueMicrotask(() => item.folder.mailbox.touch(item));
}

/** @throws GraphError 412 for a change that was made meanwhile. */
export function checkMatch(context: Context, item: Item): void {
  const match = context.headers['if-match'];
  if (match === undefined || match.trim() === '*') return;
  if (match.replace(/^\s*W\/|["\s]/g, '') !== changeKeyOf(item))
    throw new GraphError(
      412,
      'ErrorIrresolvableConflict',
      'The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item.',
    );
}

function change(context: Context, item: Item): Reply {
  checkMatch(context, item);
  const draft = new MessageDraft(context, item);
  draft.take(context.json(), item);
  const { mailbox } = item.folder;
  // Nothing suppresses a receipt: whoever marks a message sends what was asked for. (FIELD-NOTES §1)
  const read = draft.isRead === null ? {} : { isRead: draft.isRead };
  if (draft.changed) mailbox.update(item, draft.content(), context.hand(), read);
  else if (draft.isRead !== null) mailbox.setRead(item, draft.isRead, context.hand());
  touchLater(context, item);
  return ok(entity(context, item));
}

const paths = ['users/{user}/messages/{message}', 'users/{user}/mailFolders/{folder}/messages/{message}'];

const ofOne = paths.flatMap((path): readonly Route[] => [
  {
    method: 'GET',
    path,
    needs: 'mailRead',
    run: (context, parameters) => ok(entity(context, messageOf(context, parameters))),
  },
  {
    method: 'GET',
    path: `${path}/$value`,
    needs: 'mailRead',
    async run(context, parameters) {
      const bytes = await exportMime(messageOf(context, parameters), context.organization.world.rebuildMime);
      return { status: 200, bytes, headers: { 'content-type': 'text/plain' } };
    },
  },
  {
    method: 'PATCH',
    path,
    needs: 'mailWrite',
    run: (context, parameters) => change(context, messageOf(context, parameters)),
  },
  {
    method: 'DELETE',
    path,
    needs: 'mailWrite',
    run(context, parameters) {
      const item = messageOf(context, parameters);
      checkMatch(context, item);
      context.mailbox.remove(item, 'MoveToDeletedItems', context.hand());
      return noContent;
    },
  },
  {
    method: 'POST',
    path: `${path}/permanentDelete`,
    needs: 'mailWrite',
    run(context, parameters) {
      context.mailbox.remove(messageOf(context, parameters), 'HardDelete', context.hand());
      return noContent;
    },
  },
  {
    method: 'POST',
    path: `${path}/move`,
    needs: 'mailWrite',
    run: (context, parameters) =>
      created(
        entity(context, context.mailbox.move(messageOf(context, parameters), destinationOf(context), context.hand())),
      ),
  },
  {
    method: 'POST',
    path: `${path}/copy`,
    needs: 'mailWrite',
    run: (context, parameters) =>
      created(
        entity(context, context.mailbox.copy(messageOf(context, parameters), destinationOf(context), context.hand())),
      ),
  },
]);

/** learn.microsoft.com/graph/api/resources/message */
export const messageRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: 'users/{user}/messages',
    needs: 'mailRead',
    run: (context) =>
      ok(page(context, `${context.userTail}/messages`, entriesOf(context, everywhere(context), family))),
  },
  {
    method: 'POST',
    path: 'users/{user}/messages',
    needs: 'mailWrite',
    run: (context) => createIn(context, context.mailbox.folder('drafts'), true),
  },
  {
    method: 'GET',
    path: 'users/{user}/messages/delta',
    needs: 'mailRead',
    run() {
      // There is no feed of all folders at once. (learn.microsoft.com/graph/api/message-delta)
      throw noSegment('delta');
    },
  },
  {
    method: 'GET',
    path: 'users/{user}/mailFolders/{folder}/messages',
    needs: 'mailRead',
    run: (context, parameters) =>
      ok(
        page(
          context,
          `${context.userTail}/mailFolders('${parameters['folder']}')/messages`,
          entriesOf(context, mailFolderOf(context, parameters).newest(), family),
        ),
      ),
  },
  {
    method: 'POST',
    path: 'users/{user}/mailFolders/{folder}/messages',
    needs: 'mailWrite',
    run: (context, parameters) => createIn(context, mailFolderOf(context, parameters), false),
  },
  {
    method: 'GET',
    path: 'users/{user}/mailFolders/{folder}/messages/delta',
    needs: 'mailRead',
    run: (context, parameters) => itemFeed(context, mailFolderOf(context, parameters), family),
  },
  ...ofOne,
];
