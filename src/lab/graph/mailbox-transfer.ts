import { Malformed } from '../mapi/byte-cursor.ts';
import { itemOfMessage, type ReadItem } from '../mapi/item-of-message.ts';
import { NewerStream, readMessageStream, unframe, writeMessageStream } from '../mapi/item-stream.ts';
import type { MapiMessage } from '../mapi/message.ts';
import { messageOfItem } from '../mapi/message-of-item.ts';
import { madeKey } from '../mapi/tags.ts';
import { guidOf } from '../world/account.ts';
import type { Folder } from '../world/folder.ts';
import type { Mailbox } from '../world/mailbox.ts';
import type { Organization } from '../world/organization.ts';
import type { Context } from './context.ts';
import { badRequest, GraphError, graphErrorOf, notFound } from './graph-error.ts';
import { changeKeyOf } from './item-values.ts';
import { touchLater } from './messages.ts';
import { folderById, itemById } from './rest-ids.ts';
import { created, type Json, ok, type Reply, type Route } from './route.ts';

// learn.microsoft.com/graph/mailbox-import-export-concept-overview, /graph/api/mailbox-exportitems,
// /graph/api/mailbox-createimportsession, /graph/import-exchange-mailbox-item.

/** `MBX:…@…` of a mailbox. */
const mailboxIdOf = (mailbox: Mailbox): string =>
  `MBX:${mailbox.guid}@${guidOf('tenant', mailbox.organization.name, mailbox.organization.domain)}`;
/** The mailbox behind an id of exchangeSettings. @throws GraphError */
export function mailboxOfId(organization: Organization, id: string): Mailbox {
  const [, guid = ''] = /^MBX:([0-9a-f-]{36})@/i.exec(id) ?? [];
  const mailbox = guid === '' ? null : organization.mailboxByGuid(guid.toLowerCase());
  if (mailbox === null)
    throw new GraphError(404, 'ErrorMailboxNotFound', `The mailbox '${id.slice(0, 100)}' does not exist.`);
  return mailbox;
}

/** Elsewhere the paths do not exist. (national cloud deployments: global service only) */
export function requireWorldwide(context: Context): void {
  if (context.state.settings.cloud !== 'worldwide')
    throw new GraphError(404, 'ResourceNotFound', `Resource not found for the segment 'exchange'.`);
}

const exportMax = 20;

const marked = (message: MapiMessage): MapiMessage => ({
  ...message,
  properties: new Map([...message.properties, [madeKey, { type: 'Boolean', value: true }]]),
});

function exportItems(context: Context): Reply {
  requireWorldwide(context);
  const json = context.json();
  const ids = json['ItemIds'] ?? json['itemIds'];
  if (!Array.isArray(ids) || ids.some((id) => typeof id !== 'string')) throw badRequest('ItemIds is a list of ids.');
  if (ids.length > exportMax) throw badRequest(`No more than ${exportMax} items can be exported at a time.`);
  const build = context.organization.facts.build;
  const value = (ids as readonly string[]).map((id): Json => {
    try {
      const item = itemById(context.mailbox, id);
      if (item.occurrence !== null) throw notFound();
      return {
        itemId: context.idOf(item),
        changeKey: changeKeyOf(item),
        data: writeMessageStream(marked(messageOfItem(item)), build).toString('base64'),
      };
    } catch (thrown) {
      // One that cannot be exported does not keep the others back.
      const refusal = graphErrorOf(thrown);
      if (refusal === null) throw thrown;
      return { itemId: id, error: { code: refusal.code, message: refusal.message } };
    }
  });
  return ok({ '@odata.context': context.contextOf('Collection(microsoft.graph.exportItemResponse)'), value });
}

function createImportSession(context: Context): Reply {
  requireWorldwide(context);
  const { state, mailbox } = context;
  const token = context.organization.world.surroundings.random.bytes(96).toString('base64url');
  const expiresAtMs = context.nowMs + state.settings.importSessionMs;
  state.keep(state.imports, token, { mailbox: mailbox.address, clientId: context.caller.clientId, expiresAtMs });
  const at = `/api/g${context.version}/Mailboxes('${encodeURIComponent(mailboxIdOf(mailbox))}')/importItem`;
  return created({
    '@odata.context': context.contextOf('microsoft.graph.mailboxItemImportSession'),
    importUrl: `${context.outlookOrigin}${at}?authtoken=${token}`,
    expirationDateTime: new Date(expiresAtMs).toISOString(),
  });
}

/** Whose import URL it is. @throws GraphError 401 for one that is not, or no longer, good. */
export function importSessionOf(
  organization: Organization,
  state: Context['state'],
  nowMs: number,
  mailboxId: string,
  token: string | null,
): { readonly mailbox: Mailbox; readonly clientId: string } {
  const session = token === null ? undefined : state.imports.get(token);
  const refused = (): GraphError =>
    new GraphError(401, 'InvalidAuthenticationToken', 'The token of the import URL is not valid or has expired.');
  if (session === undefined || session.expiresAtMs <= nowMs) throw refused();
  const mailbox = mailboxOfId(organization, mailboxId);
  // The URL is of one mailbox, whatever else it says.
  if (mailbox.address !== session.mailbox) throw refused();
  return { mailbox, clientId: session.clientId };
}

/** @param onlyMade what no server of the lab exported is refused, as Exchange might (FIELD-NOTES §5.8). */
function readStream(bytes: Buffer, mailbox: Mailbox, onlyMade: boolean): ReadItem {
  try {
    const message = readMessageStream(unframe(bytes, mailbox.organization.facts.build));
    if (onlyMade && !message.properties.has(madeKey)) throw new Malformed('no server made it');
    return itemOfMessage(message, {
      idFor: [mailbox.guid, mailbox.lastCn, mailbox.nowMs],
      strict: true,
    });
  } catch (error) {
    if (error instanceof Malformed)
      throw new GraphError(400, 'ErrorCorruptData', `The data of the item cannot be read: ${error.message}.`);
    if (error instanceof NewerStream)
      throw new GraphError(400, 'ErrorItemSave', 'The data comes from a newer version of the server.');
    throw error;
  }
}

/** What an importItem is told. */
interface ImportRequest {
  readonly folder: Folder;
  readonly data: Buffer;
  readonly update: { readonly id: string; readonly changeKey: string } | null;
}

function readRequest(json: Json, mailbox: Mailbox): ImportRequest {
  const text = (name: string): string | null => {
    const value = json[name] ?? json[name.charAt(0).toLowerCase() + name.slice(1)] ?? null;
    if (value !== null && typeof value !== 'string') throw badRequest(`'${name}' is a text.`);
    return value;
  };
  const [folderId, mode, data, id, changeKey] = [
    text('FolderId'),
    text('Mode')?.toLowerCase() ?? null,
    text('Data'),
    text('ItemId'),
    text('ChangeKey'),
  ];
  if (folderId === null || data === null || (mode !== 'create' && mode !== 'update'))
    throw badRequest('FolderId, Mode (create or update) and Data are needed.');
  const isUpdate = mode === 'update';
  if (isUpdate !== (id !== null) || isUpdate !== (changeKey !== null))
    throw badRequest('ItemId and ChangeKey go with the mode update, and only with it.');
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(data)) throw badRequest('Data is no base64.');
  return {
    folder: folderById(mailbox, folderId),
    data: Buffer.from(data, 'base64'),
    update: isUpdate ? { id: id ?? '', changeKey: changeKey ?? '' } : null,
  };
}

/** Writes one item as it is. Nothing leaves the mailbox, whatever it is. */
export function importItem(context: Context): Reply {
  requireWorldwide(context);
  const { mailbox } = context;
  const { folder, data, update } = readRequest(context.json(), mailbox);
  const read = readStream(data, mailbox, context.state.settings.ownStreamsOnly);
  const by = context.hand();
  if (update !== null) {
    const item = itemById(mailbox, update.id);
    if (update.changeKey !== changeKeyOf(item))
      throw new GraphError(
        412,
        'ErrorIrresolvableConflict',
        'The change key does not match the current one of the item.',
      );
    const before = item.content;
    mailbox.update(item, read.content, by);
    // The version store keeps what it says of itself, as of any write.
    if (/^ipm\.appointment(?:\.|$)/i.test(item.itemClass))
      context.organization.world.meetings?.written({
        kind: 'updated',
        mailbox,
        item,
        day: null,
        before,
        after: item.content,
        choice: 'SendToNone',
        by,
      });
    if (item.isRead !== read.isRead) mailbox.setRead(item, read.isRead, by, { suppressReceipts: true });
    touchLater(context, item);
    return ok({ itemId: context.idOf(item), changeKey: changeKeyOf(item) });
  }
  const item = mailbox.create(
    folder,
    {
      content: read.content,
      messageFlags: read.flags,
      isRead: read.isRead,
      ...(read.searchKey === null ? {} : { searchKey: read.searchKey }),
    },
    by,
  );
  touchLater(context, item);
  return ok({ itemId: context.idOf(item), changeKey: changeKeyOf(item) });
}

/** Below `/admin/exchange`. */
export const transferRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: 'users/{user}/settings/exchange',
    needs: 'usersRead',
    run(context) {
      requireWorldwide(context);
      return ok({
        '@odata.context': context.contextOf(`${context.userTail}/settings/exchange/$entity`),
        id: context.mailbox.guid,
        primaryMailboxId: mailboxIdOf(context.mailbox),
      });
    },
  },
  {
    method: 'POST',
    path: 'admin/exchange/mailboxes/{mailbox}/exportItems',
    needs: 'itemExport',
    run: exportItems,
  },
  {
    method: 'POST',
    path: 'admin/exchange/mailboxes/{mailbox}/createImportSession',
    needs: 'itemImport',
    run: createImportSession,
  },
];
