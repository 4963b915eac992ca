import { attribute, child, type XmlElement, XmlFault } from '#formats/text/xml-read.ts';
import { type XmlFragment, xml } from '#formats/text/xml-write.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import { messagesNamespace, typesNamespace } from '../namespaces.ts';

/** A folder by its id, or by its name in a mailbox: the name's mailbox is left out when the caller acts as its owner. */
export type FolderRef = FolderId | { readonly distinguished: string; readonly mailbox: string | null };

export function folderRef(folder: FolderRef): XmlFragment {
  if (typeof folder === 'string') return xml`<t:FolderId Id="${folder}"/>`;
  const mailbox =
    folder.mailbox === null ? null : xml`<t:Mailbox><t:EmailAddress>${folder.mailbox}</t:EmailAddress></t:Mailbox>`;
  return xml`<t:DistinguishedFolderId Id="${folder.distinguished}">${mailbox}</t:DistinguishedFolderId>`;
}

/** The n-th occurrence of a series, from 1; deleted ones keep their place. */
export interface OccurrenceRef {
  readonly master: ItemId;
  readonly index: number;
}
export type ItemRef = ItemId | OccurrenceRef;

/** `t:ItemId` or `t:OccurrenceItemId`; without a version whatever is there now. */
export function itemRef(ref: ItemRef, version: Version | null = null): XmlFragment {
  const changeKey = version === null ? null : xml` ChangeKey="${version}"`;
  return typeof ref === 'string'
    ? xml`<t:ItemId Id="${ref}"${changeKey}/>`
    : xml`<t:OccurrenceItemId RecurringMasterId="${ref.master}"${changeKey} InstanceIndex="${ref.index}"/>`;
}
export const itemRefs = (refs: readonly ItemRef[]): readonly XmlFragment[] => refs.map((ref) => itemRef(ref));

/** The item of an ItemInfoResponseMessage; null when it holds none. */
export const onlyItem = (message: XmlElement): XmlElement | null =>
  child(message, messagesNamespace, 'Items')?.children[0] ?? null;

/** The folder of a FolderInfoResponseMessage. Throws XmlFault. */
export function onlyFolder(message: XmlElement): XmlElement {
  const folder = child(message, messagesNamespace, 'Folders')?.children[0];
  if (folder === undefined) throw new XmlFault('malformed', `<${message.name}> holds no folder`, 0);
  return folder;
}

/** `t:FolderId` or `t:ParentFolderId` of a folder. */
export function folderIdOf(
  folder: XmlElement,
  name: 'FolderId' | 'ParentFolderId',
): { readonly id: FolderId; readonly version: Version } | null {
  const found = child(folder, typesNamespace, name);
  const id = found === null ? null : attribute(found, 'Id');
  return id === null || id === '' || found === null
    ? null
    : { id: id as FolderId, version: (attribute(found, 'ChangeKey') ?? '') as Version };
}

/** The id of a folder that was made, moved or read. Throws XmlFault. */
export function requiredFolderId(folder: XmlElement): FolderId {
  const found = folderIdOf(folder, 'FolderId');
  if (found === null) throw new XmlFault('malformed', `<${folder.name}> has no id`, 0);
  return found.id;
}
