import type { XmlElement } from '#formats/text/xml-read.ts';
import { occurrenceItem, updateOccurrence } from '../../world/appointment.ts';
import type { InvitationChoice } from '../../world/calendar-hooks.ts';
import type { Item } from '../../world/item.ts';
import { messageFlag } from '../../world/property.ts';
import { batch } from '../answer.ts';
import type { Context } from '../context.ts';
import { EwsError } from '../ews-error.ts';
import { deleteIndexed, setIndexed } from '../indexed-field.ts';
import { ItemDraft, isSent } from '../item-draft.ts';
import { itemElementOf, itemIdOnly } from '../item-shape.ts';
import type { Operation } from '../operation.ts';
import { indexedContainers, isPath, type PropertyPath, readExtended, readPath } from '../property-path.ts';
import { attribute, child, isTrue, kids } from '../request.ts';
import type { Xml } from '../xml-out.ts';
import { send, touchLater } from './create-item.ts';

const mailElements: ReadonlySet<string> = new Set([
  'Message',
  'MeetingRequest',
  'MeetingResponse',
  'MeetingCancellation',
]);

/** EWS doc: updateitem-operation. */
export const updateItem: Operation = {
  request: 'UpdateItem',
  name: 'UpdateItem',
  since: 'Exchange2007',
  run(request, context) {
    const settings = {
      resolution: attribute(request, 'ConflictResolution') ?? 'AutoResolve',
      disposition: attribute(request, 'MessageDisposition'),
      invitations: attribute(request, 'SendMeetingInvitationsOrCancellations'),
      suppressReceipts: isTrue(attribute(request, 'SuppressReadReceipts')),
    };
    return batch(
      context,
      'UpdateItem',
      kids(child(request, 'ItemChanges')),
      (change) => update(context, change, settings),
      '<m:Items/>',
    );
  },
};

interface Settings {
  readonly resolution: string;
  readonly disposition: string | null;
  readonly invitations: string | null;
  readonly suppressReceipts: boolean;
}

function update(context: Context, change: XmlElement, settings: Settings): Xml {
  const [idElement] = change.children;
  if (idElement === undefined) throw new EwsError('ErrorInvalidRequest');
  const { item, cn } = context.item(idElement);
  const element = itemElementOf(item.itemClass);
  if (mailElements.has(element) && settings.disposition === null) throw new EwsError('ErrorMessageDispositionRequired');
  if (element === 'CalendarItem' && settings.invitations === null)
    throw new EwsError('ErrorSendMeetingInvitationsOrCancellationsRequired');
  if (cn === null && settings.resolution !== 'AlwaysOverwrite') throw new EwsError('ErrorChangeKeyRequired');
  if (cn !== null && cn !== item.cn && settings.resolution === 'NeverOverwrite')
    throw new EwsError(
      'ErrorIrresolvableConflict',
      'The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item.',
    );
  const { occurrence } = item;
  const before = item.content;
  const draft = new ItemDraft(context, element, before, occurrence !== null);
  const sent = isSent(item);
  for (const one of kids(child(change, 'Updates'))) apply(draft, one, element, sent);
  const { mailbox } = item.folder;
  const by = context.hand();
  let written = item;
  if (draft.changed) {
    draft.settle(mailbox);
    if (occurrence !== null) written = updateOccurrence(item, draft.content(), by);
    else
      mailbox.update(item, draft.content(), by, {
        ...(draft.isRead === null ? {} : { isRead: draft.isRead }),
        suppressReceipts: settings.suppressReceipts,
      });
    touchLater(context, occurrence?.master ?? item);
    if (element === 'CalendarItem')
      context.world.meetings?.written({
        kind: 'updated',
        mailbox,
        item: occurrence?.master ?? item,
        day: occurrence?.day ?? null,
        before,
        after: written.content,
        choice: settings.invitations as InvitationChoice,
        by,
      });
    // Sending may have written the series once more: the change key to answer is the last one.
    if (occurrence !== null) written = occurrenceItem(occurrence.master, occurrence.day);
  } else if (draft.isRead !== null && occurrence === null)
    mailbox.setRead(item, draft.isRead, by, { suppressReceipts: settings.suppressReceipts });
  const answer = itemIdOnly(written);
  if (settings.disposition === 'SendOnly' || settings.disposition === 'SendAndSaveCopy')
    sendUpdated(context, item, settings.disposition);
  const conflicts = '<m:ConflictResults><t:Count>0</t:Count></m:ConflictResults>';
  return [`<m:Items>${answer}</m:Items>`, conflicts];
}

/** A draft that is sent once it was updated. */
function sendUpdated(context: Context, item: Item, disposition: string): void {
  if ((item.flags & messageFlag.unsent) === 0)
    throw new EwsError('ErrorInvalidOperation', 'The message was sent already.');
  const draft = new ItemDraft(context, 'Message', item.content);
  send(context, draft);
  const { mailbox } = item.folder;
  if (disposition === 'SendAndSaveCopy')
    mailbox.create(
      mailbox.folder('sentitems'),
      { content: draft.content(), messageFlags: messageFlag.read | messageFlag.fromMe, isRead: true },
      context.hand(),
    );
  mailbox.remove(item, 'HardDelete', context.hand());
}

const nameOf = (path: PropertyPath): string =>
  path.kind === 'extended' ? 'ExtendedProperty' : path.uri.slice(path.uri.indexOf(':') + 1);

function apply(draft: ItemDraft, one: XmlElement, element: string, sent: boolean): void {
  const pathElement = one.children.find(isPath);
  if (pathElement === undefined) throw new EwsError('ErrorInvalidRequest');
  const path = readPath(pathElement);
  const name = (path.kind === 'indexed' ? indexedContainers[path.uri] : undefined) ?? nameOf(path);
  if (one.name === 'DeleteItemField') {
    if (path.kind === 'extended') draft.put(path.key, '', null);
    else if (path.kind === 'indexed') deleteIndexed(draft, path);
    else draft.remove(name);
    return;
  }
  const holder = one.children.find((inner) => !isPath(inner));
  if (holder === undefined) throw new EwsError('ErrorInvalidRequest');
  if (holder.name !== element && holder.name !== 'Item' && !(holder.name === 'Message' && mailElements.has(element)))
    throw new EwsError('ErrorObjectTypeChanged', 'The type of the element does not go with the item.');
  if (holder.children.length !== 1) throw new EwsError('ErrorIncorrectUpdatePropertyCount');
  const [field] = holder.children;
  if (field === undefined || field.name !== name) throw new EwsError('ErrorUpdatePropertyMismatch');
  if (path.kind === 'extended') {
    const inner = child(field, 'ExtendedFieldURI');
    if (inner === null || readExtended(inner).key !== path.key) throw new EwsError('ErrorUpdatePropertyMismatch');
  }
  if (one.name === 'AppendToItemField') draft.append(field);
  else if (path.kind === 'indexed') setIndexed(draft, path, field);
  else draft.set(field, sent);
}
