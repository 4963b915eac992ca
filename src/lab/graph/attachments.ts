import type { Attachment, Item } from '../world/item.ts';
import { key } from '../world/property.ts';
import { attachmentJson } from './attachment-shape.ts';
import { page, subjectOf } from './collection.ts';
import type { Context } from './context.ts';
import { badRequest, GraphError, notFound } from './graph-error.ts';
import { attachmentsOfItem, isoTime } from './item-values.ts';
import { MessageDraft, readAttachment } from './message-draft.ts';
import { isDraft } from './message-shape.ts';
import { messageOf } from './messages.ts';
import { attachmentNoOf, idOfAttachment } from './rest-ids.ts';
import { created, type Json, noContent, ok, type Parameters, type Reply, type Route } from './route.ts';

/** How items of one kind keep their attachments. */
export interface AttachmentHolder {
  /** Path of the item, without `attachments`. */
  readonly path: string;
  readonly reads: Route['needs'];
  readonly writes: Route['needs'];
  item(context: Context, parameters: Parameters): Item;
  /** Gives the item other attachments. */
  replace(context: Context, item: Item, attachments: readonly Attachment[]): void;
}

function found(item: Item, parameters: Parameters): Attachment {
  const no = attachmentNoOf(item, parameters['attachment'] ?? '');
  const attachment = attachmentsOfItem(item).find((one) => one.no === no);
  if (attachment === undefined) throw notFound();
  return attachment;
}

const tailOf = (context: Context): string => `${context.userTail}/attachments`;

function list(context: Context, item: Item): Reply {
  const entries = attachmentsOfItem(item).map((one) => ({
    subject: subjectOf({ name: () => one.name, isInline: () => one.isInline }),
    json: () => attachmentJson(context, item, one, context.query.select),
  }));
  return ok(page(context, tailOf(context), entries, 1000));
}

const nextNo = (attachments: readonly Attachment[]): number => Math.max(0, ...attachments.map(({ no }) => no)) + 1;

function createSession(context: Context, item: Item): Reply {
  const json = (context.json()['AttachmentItem'] ?? context.json()['attachmentItem']) as Json | undefined;
  const { attachmentType, name, size, contentType, contentId, isInline } = json ?? {};
  // (microsoft-graph-docs-contrib#710: the documented `item` is refused like this)
  if (attachmentType === 'item' || attachmentType === 'reference')
    throw new GraphError(
      405,
      'ErrorAttachmentSessionIsSupportedOnlyForFileAttachments',
      'Unsupported Attachment type specified. Only File attachments can be uploaded using an Upload Session.',
    );
  if (attachmentType !== 'file' || typeof name !== 'string' || typeof size !== 'number' || !Number.isInteger(size))
    throw badRequest('An AttachmentItem needs attachmentType (file), name and size.');
  const { settings } = context.state;
  if (size > settings.attachmentMaxBytes)
    throw new GraphError(
      413,
      'ErrorAttachmentSizeLimitExceeded',
      'The attachment is larger than an upload session takes.',
    );
  if (size < settings.attachmentSessionMinBytes)
    throw badRequest('The attachment is too small for an upload session; post it.');
  requireTaker(context, item, size);
  const id = context.organization.world.surroundings.random.bytes(24).toString('base64url');
  const expiresAtMs = context.nowMs + settings.uploadSessionMs;
  context.state.keep(context.state.uploads, id, {
    id,
    mailbox: context.mailbox.address,
    itemId: context.idOf(item),
    clientId: context.caller.clientId,
    name,
    contentType: typeof contentType === 'string' && contentType !== '' ? contentType : 'application/octet-stream',
    contentId: typeof contentId === 'string' ? contentId : null,
    isInline: isInline === true,
    size,
    received: [],
    receivedBytes: 0,
    expiresAtMs,
  });
  return created({
    '@odata.context': context.contextOf('microsoft.graph.uploadSession'),
    uploadUrl: `${context.outlookOrigin}/api/${context.version}/Users('${encodeURIComponent(context.mailbox.address)}')/AttachmentSessions('${id}')?authtoken=${id}`,
    expirationDateTime: isoTime(expiresAtMs),
    nextExpectedRanges: ['0-'],
  });
}

/** Whether the item takes one more file of so many bytes. @throws GraphError */
function requireTaker(context: Context, item: Item, bytes: number): void {
  const { attachmentsToDraftsOnly, messageMaxBytes } = context.state.settings;
  if (attachmentsToDraftsOnly && item.content.calendar === undefined && !isDraft(item))
    throw new GraphError(
      400,
      'ErrorInvalidOperation',
      'The operation is not valid: attachments can only be added to a draft message.',
    );
  const whole = attachmentsOfItem(item).reduce((sum, { content }) => sum + content.length, bytes);
  if (whole > messageMaxBytes)
    throw new GraphError(413, 'ErrorMessageSizeExceeded', 'The message exceeds the maximum supported size.');
}

/** Attachments of items of one kind. */
export function attachmentRoutes(holder: AttachmentHolder): readonly Route[] {
  const { path, reads, writes } = holder;
  return [
    {
      method: 'GET',
      path: `${path}/attachments`,
      needs: reads,
      run: (context, parameters) => list(context, holder.item(context, parameters)),
    },
    {
      method: 'POST',
      path: `${path}/attachments`,
      needs: writes,
      run(context, parameters) {
        const item = holder.item(context, parameters);
        const before = attachmentsOfItem(item);
        const attachment = readAttachment(context.json(), nextNo(before), context);
        requireTaker(context, item, attachment.content.length);
        holder.replace(context, item, [...before, attachment]);
        return created({
          '@odata.context': context.contextOf(`${tailOf(context)}/$entity`),
          ...attachmentJson(context, item, attachment, null),
        });
      },
    },
    {
      method: 'POST',
      path: `${path}/attachments/createUploadSession`,
      needs: writes,
      run: (context, parameters) => createSession(context, holder.item(context, parameters)),
    },
    {
      method: 'GET',
      path: `${path}/attachments/{attachment}`,
      needs: reads,
      run(context, parameters) {
        const item = holder.item(context, parameters);
        return ok({
          '@odata.context': context.contextOf(`${tailOf(context)}/$entity`),
          ...attachmentJson(context, item, found(item, parameters), context.query.select),
        });
      },
    },
    {
      method: 'GET',
      path: `${path}/attachments/{attachment}/$value`,
      needs: reads,
      run(context, parameters) {
        const { content, contentType } = found(holder.item(context, parameters), parameters);
        return { status: 200, bytes: content, headers: { 'content-type': contentType } };
      },
    },
    {
      method: 'DELETE',
      path: `${path}/attachments/{attachment}`,
      needs: writes,
      run(context, parameters) {
        const item = holder.item(context, parameters);
        const gone = found(item, parameters);
        holder.replace(
          context,
          item,
          attachmentsOfItem(item).filter(({ no }) => no !== gone.no),
        );
        return noContent;
      },
    },
  ];
}

/** The session that an address of its own is about. @throws GraphError */
function sessionOf(context: Context, id: string, token: string | null) {
  const session = context.state.uploads.get(id);
  if (session === undefined || token !== id || session.expiresAtMs <= context.nowMs)
    throw new GraphError(404, 'ErrorItemNotFound', 'The upload session was not found or has expired.');
  return session;
}

/** What is asked of a session by its address: a range, where it stands, or that it ends. */
export function runSession(
  context: Context,
  method: string,
  id: string,
  token: string | null,
  holders: ReadonlyMap<string, AttachmentHolder>,
): Reply {
  if (method === 'PUT') return putRange(context, id, token, holders);
  const { tellsUploadState } = context.state.settings;
  if (method !== 'DELETE' && !(method === 'GET' && tellsUploadState))
    throw new GraphError(405, 'BadRequest', 'Specified HTTP method is not allowed for the request target.');
  const session = sessionOf(context, id, token);
  if (method === 'DELETE') {
    context.state.uploads.delete(id);
    return noContent;
  }
  return ok({
    '@odata.context': context.contextOf('microsoft.graph.uploadSession'),
    expirationDateTime: isoTime(session.expiresAtMs),
    nextExpectedRanges: [String(session.receivedBytes)],
  });
}

/** Takes one range of a file. 200 with what comes next, 201 with the last one. (fixtures: outlook-large-attachments) */
function putRange(
  context: Context,
  id: string,
  token: string | null,
  holders: ReadonlyMap<string, AttachmentHolder>,
): Reply {
  const session = sessionOf(context, id, token);
  const [, from = '', to = '', size = ''] =
    /^bytes (\d+)-(\d+)\/(\d+)$/.exec(context.headers['content-range'] ?? '') ?? [];
  const [start, end] = [Number(from), Number(to)];
  if (size === '' || Number(size) !== session.size || end - start + 1 !== context.body.length || end >= session.size)
    throw badRequest('The Content-Range does not go with the body or the session.');
  if (start !== session.receivedBytes)
    throw new GraphError(416, 'invalidRange', `The range that is expected begins at ${session.receivedBytes}.`);
  session.received.push(context.body);
  session.receivedBytes = end + 1;
  session.expiresAtMs = context.nowMs + context.state.settings.uploadSessionMs;
  if (session.receivedBytes < session.size)
    return ok({
      '@odata.context': context.contextOf('microsoft.graph.uploadSession'),
      expirationDateTime: isoTime(session.expiresAtMs),
      nextExpectedRanges: [String(session.receivedBytes)],
    });
  context.state.uploads.delete(id);
  const item = context.item(session.itemId);
  const before = attachmentsOfItem(item);
  const attachment: Attachment = {
    no: nextNo(before),
    name: session.name,
    contentType: session.contentType,
    contentId: session.contentId,
    isInline: session.isInline,
    content: Buffer.concat(session.received),
    itemXml: null,
  };
  const holder = holders.get(item.content.calendar === undefined ? 'message' : 'event');
  if (holder === undefined) throw notFound();
  holder.replace(context, item, [...before, attachment]);
  const location = `${context.outlookOrigin}/api/v2.0/Users('${context.mailbox.guid}')/Messages('${session.itemId}')/Attachments('${idOfAttachment(item, attachment.no, context.immutable)}')`;
  return { status: 201, headers: { location } };
}

const messageHolder = (path: string): AttachmentHolder => ({
  path,
  reads: 'mailRead',
  writes: 'mailWrite',
  item: messageOf,
  replace(context, item, attachments) {
    const draft = new MessageDraft(context, item);
    draft.loosen();
    draft.attachments = attachments;
    draft.put(
      key.hasAttachments,
      'Boolean',
      attachments.some(({ isInline }) => !isInline),
    );
    context.mailbox.update(item, draft.content(), context.hand());
  },
});

export const messageHolders: readonly AttachmentHolder[] = [
  'users/{user}/messages/{message}',
  'users/{user}/mailFolders/{folder}/messages/{message}',
].map(messageHolder);
