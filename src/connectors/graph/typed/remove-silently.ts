import { StreamError } from '#formats/fast-transfer/stream-error.ts';
import { streamOfMessage } from '#formats/fast-transfer/stream-of-message.ts';
import { readTypedStream } from '#formats/fast-transfer/typed-stream.ts';
import { BlobError } from '#formats/mapi/byte-reader.ts';
import { ItemError } from '#formats/mapi-items/item-error.ts';
import { plainAppointmentOver } from '#formats/mapi-items/plain-appointment.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
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
 * Removes an item as it was just exported, recoverably. Deleting a meeting mails: cancellations by who organizes it, and what an attendee's
 * deletion sends nobody promised (GDOC `api-reference/v1.0/api/event-delete.md`). So a meeting becomes an appointment of the owner's own
 * first, by an import over it, which sends nothing and fails when somebody changed it meanwhile. Null: it is gone.
 */
export async function removeSilently(
  tools: MailboxTools,
  kind: TypedKind,
  id: ItemId,
  exported: Exported,
  context: Context,
): Promise<Fault | null> {
  if (kind === 'calendar') {
    const fault = await makePlain(tools, id, exported, context);
    if (fault !== null) return fault;
  }
  try {
    await tools.client.call(deleting(tools, kind, id), tools.address, context);
    return null;
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    return error.fault;
  }
}

async function makePlain(
  { imports, clock }: MailboxTools,
  id: ItemId,
  { stream, version, changeKey }: Exported,
  context: Context,
): Promise<Fault | null> {
  const { serverId, folder } = splitItemId(id);
  try {
    const { item } = await readTypedStream('calendar', stream, { id, version, folder });
    if (!isMeeting(item)) return null;
    const plain = streamOfMessage(plainAppointmentOver(item, clock.nowMs()));
    const imported = await imports.put({ folder, stream: plain, replaces: { serverId, changeKey } }, context);
    return isFault(imported) ? (imported.kind === 'gone' ? stale : imported) : null;
  } catch (error) {
    // Nobody invites people by what is no event.
    if (error instanceof ItemError && error.problem === 'not-of-this-kind') return null;
    if (error instanceof ItemError || error instanceof StreamError || error instanceof BlobError)
      return {
        kind: 'poison',
        reason: 'refused-by-target',
        detail: `whether it is a meeting cannot be told, and removing one mails its attendees (${error.message})`,
      };
    throw error;
  }
}

/** With anybody invited, or said to be one: 1 meeting, 2 received ([MS-OXOCAL] 2.2.1.10). */
const isMeeting = ({ fields, occurrences }: TypedItem<'calendar'>): boolean =>
  (fields.stateFlags & 3) !== 0 ||
  fields.attendees.length > 0 ||
  occurrences.some(({ overrides }) => (overrides.attendees ?? []).length > 0);

/** *Assumed*: that resources take the ids of the import API. Notes are messages in a folder of their own and have no other resource. */
function deleting({ user }: MailboxTools, kind: TypedKind, id: ItemId): GraphRequest {
  const { serverId, folder } = splitItemId(id);
  const subject = { writes: true, about: 'item' } as const;
  const item = encodeURIComponent(serverId);
  const path = {
    calendar: `${user}/events/${item}`,
    contacts: `${user}/contacts/${item}`,
    tasks: `${user}/todo/lists/${encodeURIComponent(folder)}/tasks/${item}`,
    notes: `${user}/messages/${item}/move`,
  }[kind];
  return kind === 'notes'
    ? { method: 'POST', path, name: 'messages/move', subject, body: { destinationId: deletions } }
    : { method: 'DELETE', path, name: `DELETE ${kind}`, subject };
}
