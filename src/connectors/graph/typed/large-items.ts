import { streamOfMessage } from '#formats/fast-transfer/stream-of-message.ts';
import { isSameProperty, type MapiMessage, mapiValue } from '#formats/mapi/mapi-message.ts';
import { stampProperty } from '#formats/mapi-items/item-properties.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Context, Written } from '../../contract.ts';
import { missing, noId } from '../../ews/answer-faults.ts';
import { attachFiles } from '../attach-files.ts';
import { bareKey } from '../change-keys.ts';
import { exportItems } from '../export-items.ts';
import { extendedEntry } from '../extended-properties.ts';
import { itemIdAt } from '../item-ids.ts';
import { textAt } from '../json.ts';
import type { MailboxTools } from '../mailbox-tools.ts';
import { ask } from '../requests.ts';
import { type SplitMail, splitMail } from '../split-mail.ts';
import { undone } from '../unfinished-mail.ts';
import { isMeeting, removeSilently } from './remove-silently.ts';
import { unfinishedMark } from './unfinished-events.ts';

/** It is whole, and nobody had given it a stamp: what was set no PATCH takes away, and stamps that are equal would be of one item. */
const unstamped = (serverId: string): string => `none;${serverId}`;

/**
 * How an item that is too large for one import is made in parts; else why it cannot be. Only to an appointment of the owner's own can files
 * be attached one by one without anybody hearing of it: nobody is invited to it (GDOC `concepts/outlook-large-attachments.md` for events).
 */
export function splitItem(
  kind: TypedKind,
  item: TypedItem,
  message: MapiMessage,
  excessBytes: number,
): SplitMail | Fault {
  if (kind !== 'calendar') return tooLarge('the service attaches files one by one to mail and events only');
  if (isMeeting(item as TypedItem<'calendar'>))
    return tooLarge('what is attached to a meeting by itself could be told to the attendees');
  return splitMail(message, excessBytes) ?? tooLarge('its weight is not in files that could follow it');
}
const tooLarge = (detail: string): Fault => ({
  kind: 'poison',
  reason: 'too-large',
  detail: `it is too large for one import (4 MB); ${detail}`,
});

/**
 * Makes an appointment whose files follow it: imported without them and with a mark in place of its stamp, then its files, and one PATCH that
 * puts the stamp there. Until then no feed and no search of ours shows it, though its owner sees it; what breaks off in between is removed
 * at once, or when it is made again, or hours later (`UnfinishedEvents`).
 */
export async function putLarge(
  tools: MailboxTools,
  folder: FolderId,
  { message, files }: SplitMail,
  context: Context,
): Promise<Written | Fault> {
  const stamp = mapiValue(message.properties, stampProperty);
  const others = message.properties.filter(({ property }) => !isSameProperty(property, stampProperty));
  const stream = streamOfMessage({
    ...message,
    properties: [...others, { property: stampProperty, value: unfinishedMark }],
  });
  const imported = await undone(() => tools.imports.put({ folder, stream, ids: 'placed', replaces: null }, context));
  if (isFault(imported)) return imported;
  const id = itemIdAt(imported.serverId, folder);
  const path = `${tools.user}/events/${encodeURIComponent(imported.serverId)}`;
  let isWhole = false;
  try {
    await undone(() => attachFiles(tools, path, files, context));
    isWhole = true;
    const answer = await ask(
      tools,
      {
        method: 'PATCH',
        path,
        name: 'PATCH events',
        ids: 'placed',
        subject: { writes: true, about: 'item' },
        body: {
          singleValueExtendedProperties: [
            extendedEntry(
              stampProperty,
              typeof stamp === 'string' && stamp !== '' ? stamp : unstamped(imported.serverId),
            ),
          ],
        },
      },
      context,
    );
    const changeKey = textAt(answer, 'changeKey');
    return changeKey === null ? noId : { id, version: bareKey(changeKey as Version) };
  } catch (error) {
    // A mark that may be taken for done already is for the feed to tell.
    if (isWhole && mayHaveHappened(error)) throw error;
    await discard(tools, id, path).catch(() => {});
    if (!(error instanceof FaultError)) throw error;
    const { fault } = error;
    // The application may attach nothing, or nothing to this: the rest of the calendar is not to stop for it.
    if (fault.kind === 'poison' || (fault.kind === 'fatal' && fault.code === 'access-denied'))
      return tooLarge(`the service does not take its files one by one: ${fault.detail}`);
    // Of the event, which somebody removed meanwhile, and not of its calendar.
    if (fault.kind === 'gone')
      throw new FaultError({ kind: 'transient', detail: fault.detail, mayHaveHappened: false });
    throw error;
  }
}

const mayHaveHappened = (error: unknown): boolean =>
  !(error instanceof FaultError) || (error.fault.kind === 'transient' && error.fault.mayHaveHappened);

/** Removes half an appointment, also when what ended its making was that its call was over. */
async function discard(tools: MailboxTools, id: ItemId, path: string): Promise<void> {
  const context: Context = {
    signal: AbortSignal.timeout(discardMs),
    deadlineMs: tools.clock.monotonicMs() + discardMs,
  };
  try {
    await ask(
      tools,
      { method: 'DELETE', path, name: 'DELETE events', subject: { writes: true, about: 'item' } },
      context,
    );
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.kind !== 'fatal' || error.fault.code !== 'access-denied')
      throw error;
    // Who may attach nothing to events may not delete them either, but may import over this one what can be moved away.
    const [one = missing] = await exportItems(tools, [id], 'placed', context);
    if (!isFault(one)) await removeSilently(tools, 'notes', id, one, context);
  }
}
const discardMs = 20_000;
