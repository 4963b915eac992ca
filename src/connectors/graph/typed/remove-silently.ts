import { messageOfStream } from '#formats/fast-transfer/message-of-stream.ts';
import { StreamError } from '#formats/fast-transfer/stream-error.ts';
import { streamOfMessage } from '#formats/fast-transfer/stream-of-message.ts';
import { readTypedStream } from '#formats/fast-transfer/typed-stream.ts';
import { BlobError } from '#formats/mapi/byte-reader.ts';
import { isSameProperty, type MapiMessage } from '#formats/mapi/mapi-message.ts';
import { ItemError } from '#formats/mapi-items/item-error.ts';
import { mainProperties } from '#formats/mapi-items/item-properties.ts';
import { plainAppointmentOver } from '#formats/mapi-items/plain-appointment.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { EventFields } from '#model/appointment.ts';
import { clientIntent, goesAsWell, isReceived } from '#model/client-intent.ts';
import type { ItemId } from '#model/ids.ts';
import type { TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Context } from '../../contract.ts';
import { stale } from '../../ews/answer-faults.ts';
import type { Exported } from '../export-items.ts';
import { deletions } from '../folders.ts';
import type { GraphRequest } from '../graph-client.ts';
import { splitItemId } from '../item-ids.ts';
import type { MailboxTools } from '../mailbox-tools.ts';

/**
 * Removes an item as it was just exported, recoverably and without a word to anybody. What cannot be removed like that as it is becomes
 * something else first, by an import over it, which sends nothing and fails when somebody changed the item meanwhile. Null: it is gone.
 */
export async function removeSilently(
  tools: MailboxTools,
  kind: TypedKind,
  id: ItemId,
  exported: Exported,
  context: Context,
): Promise<Fault | null> {
  const over = await removableForm(tools, kind, id, exported);
  if (isFault(over)) return over;
  if (over !== null) {
    const { serverId, folder } = splitItemId(id);
    const replaces = { serverId, changeKey: exported.changeKey };
    const imported = await tools.imports.put(
      { folder, stream: streamOfMessage(over), ids: 'placed', replaces },
      context,
    );
    // It was there at this version a moment ago.
    if (isFault(imported)) return imported.kind === 'gone' ? stale : imported;
  }
  try {
    await tools.client.call(removal(tools, kind, id), tools.address, context);
    return null;
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    return error.fault;
  }
}

/** What has to be imported over an item before it can be removed; null: nothing. */
async function removableForm(
  { clock }: MailboxTools,
  kind: TypedKind,
  id: ItemId,
  { stream, version }: Exported,
): Promise<MapiMessage | Fault | null> {
  try {
    // Notes have no resource: one of the class of mail is moved like mail, and whoever recovers it has its text.
    if (kind === 'notes') return asMail(messageOfStream(stream).message);
    if (kind !== 'calendar') return null;
    // Deleting a meeting mails: cancellations by who organizes it, and what an attendee's deletion sends nobody promised
    // (GDOC `api-reference/v1.0/api/event-delete.md`). So it becomes an appointment of the owner's own.
    const { folder } = splitItemId(id);
    const { item } = await readTypedStream('calendar', stream, { id, version, folder });
    return isMeeting(item) ? asMeant(plainAppointmentOver(item, clock.nowMs()), item, goesAsWell) : null;
  } catch (error) {
    // Nobody invites people by what is no event.
    if (error instanceof ItemError && error.problem === 'not-of-this-kind') return null;
    if (error instanceof ItemError || error instanceof StreamError || error instanceof BlobError)
      return {
        kind: 'poison',
        reason: 'refused-by-target',
        detail: `whether its removal would mail anybody cannot be told (${error.message})`,
      };
    throw error;
  }
}

const asMail = (message: MapiMessage): MapiMessage => ({
  ...message,
  properties: [
    ...message.properties.filter(({ property }) => !isSameProperty(property, mainProperties.messageClass)),
    { property: mainProperties.messageClass, value: 'IPM.Note' },
  ],
});

/** What is written of an item, with what was meant by it when it is a copy of a meeting that somebody else called. */
export const asMeant = (message: MapiMessage, { fields }: Pick<TypedItem, 'fields'>, intent: number): MapiMessage =>
  isReceived(fields as Partial<EventFields>)
    ? {
        ...message,
        properties: [
          ...message.properties.filter(({ property }) => !isSameProperty(property, clientIntent)),
          { property: clientIntent, value: intent },
        ],
      }
    : message;

/** With anybody invited, or said to be one: 1 meeting, 2 received ([MS-OXOCAL] 2.2.1.10). */
export const isMeeting = ({ fields, occurrences }: TypedItem<'calendar'>): boolean =>
  (fields.stateFlags & 3) !== 0 ||
  fields.attendees.length > 0 ||
  occurrences.some(({ overrides }) => (overrides.attendees ?? []).length > 0);

/** *Assumed*: that resources take the ids of the import API, and that a task lies in the list that its folder is. */
function removal({ user }: MailboxTools, kind: TypedKind, id: ItemId): GraphRequest {
  const { serverId, folder } = splitItemId(id);
  const subject = { writes: true, about: 'item' } as const;
  const item = encodeURIComponent(serverId);
  if (kind === 'notes')
    return {
      method: 'POST',
      path: `${user}/messages/${item}/move`,
      name: 'messages/move',
      subject,
      body: { destinationId: deletions },
    };
  const path = {
    calendar: `${user}/events/${item}`,
    contacts: `${user}/contacts/${item}`,
    tasks: `${user}/todo/lists/${encodeURIComponent(folder)}/tasks/${item}`,
  }[kind];
  return { method: 'DELETE', path, name: `DELETE ${kind}`, subject };
}
