import { streamOfMessage } from '#formats/fast-transfer/stream-of-message.ts';
import { isSameProperty, type MapiMessage, type MapiValue, mapiValue } from '#formats/mapi/mapi-message.ts';
import { stampProperty } from '#formats/mapi-items/item-properties.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { FolderId, Version } from '#model/ids.ts';
import type { TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Context, Written } from '../../contract.ts';
import { noId } from '../../ews/answer-faults.ts';
import { attachFiles } from '../attach-files.ts';
import { bareKey } from '../change-keys.ts';
import { extendedEntry } from '../extended-properties.ts';
import { itemIdAt } from '../item-ids.ts';
import { textAt } from '../json.ts';
import type { MailboxTools } from '../mailbox-tools.ts';
import { ask } from '../requests.ts';
import { type SplitMail, splitMail } from '../split-mail.ts';
import { undone } from '../unfinished-mail.ts';
import { isMeeting } from './remove-silently.ts';

/** In place of the stamp: its files are still on their way. */
const unfinished = 'unfinished';
/** It is whole, and nobody had given it a stamp: what was set no PATCH takes away, and stamps that are equal would be of one item. */
const unstamped = (serverId: string): string => `none;${serverId}`;

export const isUnfinished = (stamp: MapiValue | undefined): boolean => stamp === unfinished;

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
  const why = (detail: string): Fault => ({ kind: 'poison', reason: 'too-large', detail: `${overLimit}; ${detail}` });
  if (kind !== 'calendar') return why('the service attaches files one by one to mail and events only');
  if (isMeeting(item as TypedItem<'calendar'>))
    return why('what is attached to a meeting by itself could be told to the attendees');
  return splitMail(message, excessBytes) ?? why('its weight is not in files that could follow it');
}
const overLimit = 'it is too large for one import (4 MB)';

/**
 * Makes an appointment whose files follow it: imported without them and with a mark in place of its stamp, then its files, and one PATCH that
 * puts the stamp there. Until then no feed and no search of ours shows it, though its owner sees it; what breaks off in between is removed,
 * or found by its identity when it is made again.
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
    properties: [...others, { property: stampProperty, value: unfinished }],
  });
  const imported = await undone(() => tools.imports.put({ folder, stream, ids: 'placed', replaces: null }, context));
  if (isFault(imported)) return imported;
  const path = `${tools.user}/events/${encodeURIComponent(imported.serverId)}`;
  try {
    await undone(() => attachFiles(tools, path, files, context));
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
    return changeKey === null
      ? noId
      : { id: itemIdAt(imported.serverId, folder), version: bareKey(changeKey as Version) };
  } catch (error) {
    // A mark that may be taken for done already is for the feed to tell.
    if (!(error instanceof FaultError) || (error.fault.kind === 'transient' && error.fault.mayHaveHappened))
      throw error;
    await ask(
      tools,
      { method: 'DELETE', path, name: 'DELETE events', subject: { writes: true, about: 'item' } },
      context,
    ).catch(() => {});
    if (error.fault.kind === 'poison')
      return {
        ...error.fault,
        reason: 'too-large',
        detail: `${overLimit}, and the service does not take its files one by one: ${error.fault.detail}`,
      };
    // Of the event, which somebody removed meanwhile, and not of its calendar.
    if (error.fault.kind === 'gone')
      throw new FaultError({ kind: 'transient', detail: error.fault.detail, mayHaveHappened: false });
    throw error;
  }
}
