import { identityOfIds, identityOfUid } from '#formats/mapi/global-object-id.ts';
import { receiptProperty } from '#formats/mapi-items/item-properties.ts';
import { childText, type XmlElement } from '#formats/text/xml-read.ts';
import type { FolderId } from '#model/ids.ts';
import type { MapiProperty } from '#model/property-row.ts';
import type { Receipt, StampText } from '#model/stamp.ts';
import type { TypedHead } from '#model/typed-item.ts';
import { cleanGlobalObjectId, globalObjectId } from './calendar/identity.ts';
import { readTime } from './ews-time.ts';
import { extendedFieldUri, findExtended } from './extended-fields.ts';
import { itemIdOf, parentFolderOf, stampProperty } from './mail-codec.ts';
import { typesNamespace } from './namespaces.ts';

/** PidTagSearchKey. */
export const searchKeyProperty: MapiProperty = { tag: 0x300b, type: 'binary' };

/** Paths of what a feed or a look at items of any kind shows of them. */
export const itemHeadPaths =
  ['ParentFolderId', 'ItemClass', 'Size', 'DateTimeCreated']
    .map((name) => `<t:FieldURI FieldURI="item:${name}"/>`)
    .join('') +
  ([searchKeyProperty, { tag: 0x3008, type: 'time' }, stampProperty, receiptProperty] as const)
    .map(extendedFieldUri)
    .join('');

/** The same of events, which have an identity. */
export const eventHeadPaths = `${itemHeadPaths}${extendedFieldUri(cleanGlobalObjectId)}${extendedFieldUri(globalObjectId)}<t:FieldURI FieldURI="calendar:UID"/>`;

const bytesOf = (base64: string | undefined): Buffer => Buffer.from(base64 ?? '', 'base64');

/** Null: the item has no id. `folder`: where it was found, when the answer does not say. */
export function readTypedHead(item: XmlElement, folder: FolderId | null): TypedHead | null {
  const ids = itemIdOf(item);
  const inFolder = parentFolderOf(item) ?? folder;
  if (ids === null || inFolder === null) return null;
  const text = (name: string) => childText(item, typesNamespace, name);
  const bytesIn = (property: MapiProperty) => bytesOf(findExtended(item, property)?.[0]);
  return {
    ...ids,
    folder: inFolder,
    itemClass: text('ItemClass') ?? '',
    identity: identityOfIds(bytesIn(globalObjectId), bytesIn(cleanGlobalObjectId)) ?? identityOfUid(text('UID') ?? ''),
    stamp: (findExtended(item, stampProperty)?.[0] ?? null) as StampText | null,
    receipt: (findExtended(item, receiptProperty)?.[0] ?? null) as Receipt | null,
    searchKey: bytesOf(findExtended(item, searchKeyProperty)?.[0]).toString('hex'),
    sizeBytes: Number.parseInt(text('Size') ?? '0', 10) || 0,
    createdAt: readTime(text('DateTimeCreated') ?? '') ?? null,
    modifiedAt: readTime(findExtended(item, { tag: 0x3008, type: 'time' })?.[0] ?? '') ?? null,
  };
}
