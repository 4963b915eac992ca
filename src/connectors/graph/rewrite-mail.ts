import { messageOfStream } from '#formats/fast-transfer/message-of-stream.ts';
import { StreamError } from '#formats/fast-transfer/stream-error.ts';
import { streamOfMessage } from '#formats/fast-transfer/stream-of-message.ts';
import { isSameProperty, type MapiMessage, type MapiPropertyValue, mapiValue } from '#formats/mapi/mapi-message.ts';
import { mailTags } from '#formats/mime-mapi/mail-tags.ts';
import { type Fault, isFault } from '#kit/fault.ts';
import type { ItemId, Version } from '#model/ids.ts';
import { type MailState, type MailStateField, MESSAGE_FLAG_READ } from '#model/mail.ts';
import { mailProperties } from '#model/mail-properties.ts';
import type { Context, Written } from '../contract.ts';
import { missing, stale } from '../ews/answer-faults.ts';
import { bareKey, messageKey } from './change-keys.ts';
import { exportItems } from './export-items.ts';
import { splitItemId } from './item-ids.ts';
import type { MailboxTools } from './mailbox-tools.ts';
import { inPlaceOfEach } from './one-by-one.ts';

export interface Rewrite {
  readonly id: ItemId;
  readonly expect: Version;
  /** Null clears. */
  readonly set: Partial<MailState>;
}

/** mfNotifyRead and mfNotifyUnread of PidTagMessageFlags ([MS-OXCMSG] 2.2.1.6). */
const receiptsPending = 0x100 | 0x200;

/**
 * Changes messages by importing over them what they were, with something else in it. That is how a property is taken away, for which a
 * PATCH has no word, and how a message is marked as read without a receipt: an import sends nothing, and what asked for one is not in it.
 */
export async function rewriteMail(
  tools: MailboxTools,
  rewrites: readonly Rewrite[],
  context: Context,
): Promise<readonly (Written | Fault)[]> {
  const exported = await exportItems(
    tools,
    rewrites.map(({ id }) => id),
    'lasting',
    context,
  );
  return inPlaceOfEach(
    rewrites.map((rewrite, at) => ({ ...rewrite, now: exported[at] ?? missing })),
    async ({ id, expect, set, now }): Promise<Written | Fault> => {
      if (isFault(now)) return now;
      if (now.version !== bareKey(expect)) return stale;
      const { serverId, folder } = splitItemId(id);
      const message = readMessage(now.stream);
      if (isFault(message)) return message;
      const stream = streamOfMessage(withState(message, set));
      const replaces = { serverId, changeKey: now.changeKey };
      const imported = await tools.imports.put({ folder, stream, ids: 'lasting', replaces }, context);
      // It was there at this version a moment ago.
      if (isFault(imported)) return imported.kind === 'gone' ? stale : imported;
      return { id, version: messageKey(imported.changeKey) };
    },
  );
}

function readMessage(stream: Buffer): MapiMessage | Fault {
  try {
    return messageOfStream(stream).message;
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    return { kind: 'poison', reason: 'corrupt', detail: error.message };
  }
}

function withState(message: MapiMessage, set: Partial<MailState>): MapiMessage {
  const { isRead, ...rest } = set;
  const fields = Object.entries(rest) as [Exclude<MailStateField, 'isRead'>, MailState[MailStateField]][];
  const values = fields.map(([field, value]) => ({
    property: mailProperties[field].mapi,
    value: stored(field, value),
  }));
  const flags = mapiValue(message.properties, mailTags.messageFlags);
  const before = typeof flags === 'number' ? flags : 0;
  const isReadNow = isRead ?? (before & MESSAGE_FLAG_READ) !== 0;
  const kept = before & ~receiptsPending & ~MESSAGE_FLAG_READ;
  const changed: readonly (Omit<MapiPropertyValue, 'value'> & { readonly value: MapiPropertyValue['value'] | null })[] =
    [
      ...values,
      { property: mailTags.messageFlags, value: kept | (isReadNow ? MESSAGE_FLAG_READ : 0) },
      // Answered by now, or not to be answered: marking it later must not answer it either.
      { property: mailTags.readReceipt, value: null },
    ];
  const isChanged = ({ property }: MapiPropertyValue) => changed.some((one) => isSameProperty(one.property, property));
  return {
    ...message,
    properties: [
      ...message.properties.filter((one) => !isChanged(one)),
      ...changed.flatMap(({ property, value }) => (value === null ? [] : [{ property, value }])),
    ],
  };
}

/** As the property has it: numbers for words. Null: there is to be none. */
function stored(field: MailStateField, value: MailState[MailStateField]): MapiPropertyValue['value'] | null {
  if (value === null || (field === 'flagStatus' && value === 0) || (Array.isArray(value) && value.length === 0))
    return null;
  if (field === 'importance') return ['low', 'normal', 'high'].indexOf(String(value));
  if (field === 'sensitivity') return ['normal', 'personal', 'private', 'confidential'].indexOf(String(value));
  return value;
}
