import type { XmlElement } from '#formats/text/xml-read.ts';
import type { InvitationChoice, MeetingAnswer } from '../../world/calendar-hooks.ts';
import { composeMime, withHeader } from '../../world/compose-mime.ts';
import type { Folder } from '../../world/folder.ts';
import type { Item } from '../../world/item.ts';
import { originOfCall } from '../../world/post-office.ts';
import { key, messageFlag } from '../../world/property.ts';
import { contentOfMime } from '../../world/read-message.ts';
import { batch } from '../answer.ts';
import type { Context } from '../context.ts';
import { EwsError } from '../ews-error.ts';
import { draftOf, type ItemDraft } from '../item-draft.ts';
import { itemIdOnly } from '../item-shape.ts';
import type { Operation } from '../operation.ts';
import { attribute, child, kids } from '../request.ts';
import type { Xml } from '../xml-out.ts';

const messages: ReadonlySet<string> = new Set([
  'Message',
  'MeetingRequest',
  'MeetingResponse',
  'MeetingCancellation',
  'MeetingMessage',
  'ReplyToItem',
  'ReplyAllToItem',
  'ForwardItem',
]);

/** EWS doc: createitem-operation. */
export const createItem: Operation = {
  request: 'CreateItem',
  name: 'CreateItem',
  since: 'Exchange2007',
  run(request, context) {
    const disposition = attribute(request, 'MessageDisposition');
    const invitations = attribute(request, 'SendMeetingInvitations');
    return batch(
      context,
      'CreateItem',
      kids(child(request, 'Items')),
      (element) => {
        if (element.name === 'SuppressReadReceipt') return suppress(context, element);
        if (messages.has(element.name) && disposition === null) throw new EwsError('ErrorMessageDispositionRequired');
        if (element.name === 'CalendarItem' && invitations === null)
          throw new EwsError('ErrorSendMeetingInvitationsRequired');
        if (element.name.endsWith('ToItem') || element.name === 'ForwardItem')
          return respond(context, request, element, disposition ?? 'SaveOnly');
        if (element.name === 'PostReplyItem')
          throw new EwsError('ErrorInvalidOperation', 'This response object does not go with the item.');
        if (isMeetingAnswer(element.name)) return answerMeeting(context, element, element.name, disposition);
        if (element.name === 'CalendarItem')
          return createAppointment(context, request, element, invitations as InvitationChoice);
        return create(context, request, element, messages.has(element.name) ? (disposition ?? 'SaveOnly') : 'SaveOnly');
      },
      '<m:Items/>',
    );
  },
};

/** Where a created item goes when the request does not say it, by its kind. */
const homes: Readonly<Record<string, string>> = {
  Contact: 'contacts',
  DistributionList: 'contacts',
  Task: 'tasks',
  CalendarItem: 'calendar',
  PostItem: 'inbox',
};

function targetFolder(context: Context, request: XmlElement, element: string, fallback: string): Folder {
  if (child(request, 'SavedItemFolderId') !== null) return context.folderIn(request, 'SavedItemFolderId');
  return context.ownMailbox().folder(homes[element] ?? fallback);
}

function create(context: Context, request: XmlElement, element: XmlElement, disposition: string): Xml {
  const draft = draftOf(context, element);
  const folder = targetFolder(
    context,
    request,
    element.name,
    disposition === 'SendAndSaveCopy' ? 'sentitems' : 'drafts',
  );
  if (disposition === 'SaveOnly') return ['<m:Items>', itemIdOnly(save(context, draft, folder)), '</m:Items>'];
  send(context, draft);
  if (disposition === 'SendAndSaveCopy') {
    const item = folder.mailbox.create(
      folder,
      { content: draft.content(), messageFlags: messageFlag.read | messageFlag.fromMe, isRead: true },
      context.hand(),
    );
    return ['<m:Items>', itemIdOnly(item), '</m:Items>'];
  }
  return '<m:Items/>';
}

/** Puts a draft into a folder, as SaveOnly does. */
function save(context: Context, draft: ItemDraft, folder: Folder): Item {
  const now = context.nowMs;
  const given = draft.properties;
  if (!given.has(key.receivedAt)) draft.put(key.receivedAt, 'SystemTime', now);
  // Straight into Sent Items a message gets the present as its date, whatever its header says (FACTS §2: KDE's way around it).
  const asked = draft.sentAtAsked;
  if (folder.role === 'sentitems' && !asked) draft.put(key.sentAt, 'SystemTime', now);
  else if (!given.has(key.sentAt)) draft.put(key.sentAt, 'SystemTime', now);
  const { mailbox } = folder;
  const item = mailbox.create(
    folder,
    {
      content: draft.content(),
      messageFlags: draft.messageFlags,
      ...(draft.isRead === null ? {} : { isRead: draft.isRead }),
    },
    context.hand(),
  );
  touchLater(context, item);
  return item;
}

/** An appointment: neither draft nor unread, and perhaps the beginning of a meeting. */
function createAppointment(context: Context, request: XmlElement, element: XmlElement, choice: InvitationChoice): Xml {
  const draft = draftOf(context, element);
  const folder = targetFolder(context, request, element.name, 'calendar');
  // (EWS doc: ErrorCannotCreateCalendarItemInNonCalendarFolder)
  if (folder.containerClass !== 'IPF.Appointment' && folder.role !== 'deleteditems')
    throw new EwsError(
      'ErrorCannotCreateCalendarItemInNonCalendarFolder',
      'Calendar items are created in calendar folders only.',
    );
  const { mailbox } = folder;
  const by = context.hand();
  draft.settle(mailbox);
  const item = mailbox.create(folder, { content: draft.content(), messageFlags: messageFlag.read, isRead: true }, by);
  touchLater(context, item);
  context.world.meetings?.written({
    kind: 'created',
    mailbox,
    item,
    day: null,
    before: null,
    after: item.content,
    choice,
    by,
  });
  return ['<m:Items>', itemIdOnly(item), '</m:Items>'];
}

type AnswerKind = MeetingAnswer['kind'];
const answerKinds: readonly AnswerKind[] = [
  'AcceptItem',
  'TentativelyAcceptItem',
  'DeclineItem',
  'CancelCalendarItem',
  'RemoveItem',
];
const isMeetingAnswer = (name: string): name is AnswerKind => answerKinds.includes(name as AnswerKind);

/** The answer to an invitation, or the end of a meeting. */
function answerMeeting(context: Context, element: XmlElement, kind: AnswerKind, disposition: string | null): Xml {
  const reference = child(element, 'ReferenceItemId');
  if (reference === null) throw new EwsError('ErrorInvalidRequest');
  if (disposition === null && kind !== 'RemoveItem') throw new EwsError('ErrorMessageDispositionRequired');
  const { item } = context.item(reference);
  const { meetings } = context.world;
  if (meetings === null) throw new EwsError('ErrorInvalidOperation', 'This response object does not go with the item.');
  const made = meetings.answer({
    kind,
    item: item.occurrence?.master ?? item,
    day: item.occurrence?.day ?? null,
    disposition: (disposition ?? 'SaveOnly') as MeetingAnswer['disposition'],
    body: (child(element, 'NewBodyContent') ?? child(element, 'Body'))?.text ?? null,
    by: context.hand(),
  });
  return made.length === 0 ? '<m:Items/>' : ['<m:Items>', made.map(itemIdOnly), '</m:Items>'];
}

/** Whether the server comes back to an item it has just written. */
export function touchLater(context: Context, item: Item): void {
  const { mailbox } = item.folder;
  if (context.strike('later-touch', mailbox.address) !== null) queueMicrotask(() => mailbox.touch(item));
}

/** Sends a draft: it leaves, and arrives where the lab has the recipients. */
export function send(context: Context, draft: ItemDraft): void {
  const recipients = [...draft.to, ...draft.cc, ...draft.bcc].filter(({ address }) => address !== '');
  if (recipients.length === 0) throw new EwsError('ErrorMissingRecipients');
  const mailbox = context.ownMailbox();
  const entry = context.organization.entry(mailbox.address);
  draft.from = { name: entry?.displayName ?? '', address: mailbox.address };
  draft.put(key.sentAt, 'SystemTime', context.nowMs);
  draft.put(key.receivedAt, 'SystemTime', context.nowMs);
  if (!draft.properties.has(key.messageId))
    draft.put(
      key.messageId,
      'String',
      `<${mailbox.lastCn.toString(36)}.${mailbox.guid.slice(0, 8)}@${context.organization.domain}>`,
    );
  if (draft.mime === null) draft.mime = composeMime(draft.content());
  context.world.postOffice.send(mailbox, {
    cause: 'sent-by-person',
    content: contentOfMime(withHeader(draft.mime, 'Bcc', null)),
    recipients: recipients.map(({ address }) => address),
    origin: originOfCall(context.organization, context.hand()),
  });
}

/** The way to keep a read receipt from being sent before Exchange 2013. (EWS doc: suppressreadreceipt) */
function suppress(context: Context, element: XmlElement): Xml {
  const reference = child(element, 'ReferenceItemId');
  if (reference === null) throw new EwsError('ErrorInvalidRequest');
  const { item } = context.item(reference);
  if (!item.receiptPending)
    throw new EwsError('ErrorReadReceiptNotPending', 'No read receipt is pending for the item.');
  item.folder.mailbox.suppressReceipt(item, context.hand());
  return '<m:Items/>';
}

/** A reply or a forward: a new message that quotes the old one. */
function respond(context: Context, request: XmlElement, element: XmlElement, disposition: string): Xml {
  const reference = child(element, 'ReferenceItemId');
  if (reference === null) throw new EwsError('ErrorInvalidRequest');
  const { item } = context.item(reference);
  const forward = element.name === 'ForwardItem';
  const draft = draftOf(context, {
    ...element,
    name: 'Message',
    children: element.children.filter(({ name }) => name !== 'ReferenceItemId' && name !== 'NewBodyContent'),
  });
  if (!draft.properties.has(key.subject))
    draft.setSubject(`${forward ? 'FW' : 'RE'}: ${item.text(key.normalizedSubject) ?? ''}`);
  const body = child(element, 'NewBodyContent');
  if (body !== null)
    draft.body = { type: body.attributes.get('BodyType') === 'HTML' ? 'HTML' : 'Text', text: body.text };
  if (!forward && draft.to.length === 0 && item.content.from !== null) draft.to = [item.content.from];
  if (element.name === 'ReplyAllToItem' && draft.cc.length === 0)
    draft.cc = [...item.content.to, ...item.content.cc].filter(({ address }) => address !== context.actingAs);
  if (disposition === 'SaveOnly')
    return [
      '<m:Items>',
      itemIdOnly(save(context, draft, targetFolder(context, request, 'Message', 'drafts'))),
      '</m:Items>',
    ];
  send(context, draft);
  if (disposition === 'SendAndSaveCopy') {
    const folder = targetFolder(context, request, 'Message', 'sentitems');
    folder.mailbox.create(
      folder,
      { content: draft.content(), messageFlags: messageFlag.read | messageFlag.fromMe, isRead: true },
      context.hand(),
    );
  }
  return '<m:Items/>';
}
