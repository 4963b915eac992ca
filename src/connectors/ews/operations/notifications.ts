import { attribute, child, childText, descendants, type XmlElement } from '#formats/text/xml-read.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { ItemVersion } from '../../contract.ts';
import { messagesNamespace, typesNamespace } from '../namespaces.ts';

/** What a subscription had to say. What happened exactly is the change feed's business. */
export interface Notification {
  readonly subscriptionId: string;
  /** Of the last event; null when none came with it. */
  readonly watermark: string | null;
  /** Ask again at once. */
  readonly moreEvents: boolean;
  /** Events that mean a change: all but `StatusEvent`, which is a sign of life. */
  readonly changes: number;
  /**
   * Folders whose content they concern, with the items that they are about; null instead of items: not about items alone, or about such as
   * are gone. Null: one of them does not say which folder, or the tree itself changed.
   */
  readonly folders: ReadonlyMap<FolderId, readonly ItemVersion[] | null> | null;
}

/** `m:Notification` of GetEvents and, against the schema, of real GetStreamingEvents answers; `t:Notification` by the schema. */
export function readNotifications(message: XmlElement): readonly Notification[] {
  return [
    ...descendants(message, messagesNamespace, 'Notification'),
    ...descendants(message, typesNamespace, 'Notification'),
  ].map((element) => {
    let watermark: string | null = null;
    let changes = 0;
    const folders = new Map<FolderId, ItemVersion[] | null>();
    /** Their counts changed; of the items themselves events of their own tell. */
    const counted = new Set<FolderId>();
    let named = true;
    for (const event of element.children) {
      if (!event.name.endsWith('Event')) continue;
      watermark = childText(event, typesNamespace, 'Watermark')?.trim() || watermark;
      if (event.name === 'StatusEvent') continue;
      changes++;
      const concerned = foldersOf(event);
      if (concerned.length === 0) named = false;
      const item = itemOf(event);
      for (const folder of concerned) {
        if (child(event, typesNamespace, 'FolderId') !== null) counted.add(folder);
        else if (item === null) folders.set(folder, null);
        else if (folders.get(folder) !== null) folders.set(folder, [...(folders.get(folder) ?? []), item]);
      }
    }
    for (const folder of counted) if (!folders.has(folder)) folders.set(folder, null);
    return {
      subscriptionId: childText(element, typesNamespace, 'SubscriptionId')?.trim() ?? '',
      watermark,
      moreEvents: childText(element, typesNamespace, 'MoreEvents')?.trim() === 'true',
      changes,
      folders: named ? folders : null,
    };
  });
}

/** The item that was made or changed, as it is since; null: it is about something else, or the item is gone from where it was. */
function itemOf(event: XmlElement): ItemVersion | null {
  if (event.name !== 'CreatedEvent' && event.name !== 'ModifiedEvent') return null;
  const found = child(event, typesNamespace, 'ItemId');
  const id = found === null ? null : attribute(found, 'Id');
  const version = found === null ? null : attribute(found, 'ChangeKey');
  return id && version ? { id: id as ItemId, version: version as Version } : null;
}

/** Of an item the folder it is in, and of one that was moved the one it was in; of a folder whose content changed that folder. */
function foldersOf(event: XmlElement): readonly FolderId[] {
  const idIn = (name: string): readonly FolderId[] => {
    const found = child(event, typesNamespace, name);
    const id = found === null ? null : attribute(found, 'Id');
    return id === null || id === '' ? [] : [id as FolderId];
  };
  if (child(event, typesNamespace, 'FolderId') !== null) return event.name === 'ModifiedEvent' ? idIn('FolderId') : [];
  const parent = idIn('ParentFolderId');
  return parent.length === 0 ? [] : [...parent, ...idIn('OldParentFolderId')];
}
