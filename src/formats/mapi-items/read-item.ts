import type { AttachmentContent, EventIdentity } from '#model/appointment.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { RawProperty } from '#model/mail.ts';
import type { MapiProperty } from '#model/property-row.ts';
import type { Receipt, StampText } from '#model/stamp.ts';
import type { TypedHead, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import { isSameProperty, type MapiAttachment, type MapiMessage } from '../mapi/mapi-message.ts';
import { type AttachedItemBytes, isException, readAttachment } from './attachments.ts';
import { rawProperty } from './extras.ts';
import { rtfBody } from './field-codec.ts';
import { hasOwnRtf } from './item-body.ts';
import { headProperties, mainProperties, receiptProperty, stampProperty } from './item-properties.ts';
import { type Get, isNumber, isText, propertyKey } from './property-values.ts';

/** A message, understood. */
export interface ReadItem<Kind extends TypedKind = TypedKind> {
  readonly item: TypedItem<Kind>;
  readonly attachments: readonly AttachmentContent[];
  readonly occurrenceAttachments: ReadonlyMap<Day, readonly AttachmentContent[]>;
  /** What was not understood, in words without content. The values are in `item.extras`. */
  readonly problems: readonly string[];
}

/** Where the message is kept, and what else of its head is known better than by its properties. */
export interface ReadFrom extends Partial<Omit<TypedHead, 'itemClass' | 'identity' | 'stamp' | 'receipt'>> {
  readonly id: ItemId;
  readonly version: Version;
  readonly folder: FolderId;
  /** Bytes by which an attached item is known and compared. */
  readonly itemBytes: AttachedItemBytes;
}

export function readHead(get: Get, { itemBytes: _, ...from }: ReadFrom, identity: EventIdentity | null): TypedHead {
  const [itemClass, stamp, receipt, key] = [
    mainProperties.messageClass,
    stampProperty,
    receiptProperty,
    headProperties.searchKey,
  ].map(get);
  const number = (property: MapiProperty) => {
    const value = get(property);
    return isNumber(value) ? value : null;
  };
  return {
    itemClass: isText(itemClass) ? itemClass : '',
    identity,
    stamp: isText(stamp) ? (stamp as StampText) : null,
    receipt: isText(receipt) ? (receipt as Receipt) : null,
    searchKey: Buffer.isBuffer(key) ? key.toString('hex') : '',
    sizeBytes: number(headProperties.size) ?? 0,
    createdAt: number(headProperties.createdAt),
    modifiedAt: number(headProperties.modifiedAt),
    ...from,
  };
}

export async function readContents(
  attachments: readonly MapiAttachment[],
  itemBytes: AttachedItemBytes,
  problems: string[],
): Promise<readonly AttachmentContent[]> {
  const contents: AttachmentContent[] = [];
  for (const attachment of attachments) {
    if (isException(attachment)) continue;
    const content = await readAttachment(attachment, itemBytes);
    if (content === null) problems.push('an attachment has no content');
    else contents.push(content);
  }
  return contents;
}

/** Which properties of a message some field accounts for. */
export interface Accounts {
  readonly known: ReadonlySet<string>;
  /** Tags that say something about the item itself; of the others most belong to the server. */
  readonly keepsTag: (tag: number) => boolean;
}

export const accountsFor = (properties: readonly MapiProperty[]): ReadonlySet<string> =>
  new Set(properties.map(propertyKey));

/**
 * What no field accounts for, and what of its own fields could not be read.
 *
 * @param unread Properties of fields that hold something that is not understood.
 */
export function readExtras(
  { properties }: MapiMessage,
  get: Get,
  { known, keepsTag }: Accounts,
  unread: readonly MapiProperty[],
): readonly RawProperty[] {
  const keepsRtf = hasOwnRtf(get);
  return properties.flatMap((one) => {
    const { property } = one;
    const isUnread = unread.some((other) => isSameProperty(property, other));
    const isRtf = keepsRtf && isSameProperty(property, rtfBody);
    const isOutside = !known.has(propertyKey(property)) && (!('tag' in property) || keepsTag(property.tag));
    return isUnread || isRtf || isOutside ? [rawProperty(one)] : [];
  });
}
