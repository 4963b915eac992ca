import { attribute, child, childText, descendants, type XmlElement } from '#formats/text/xml-read.ts';
import type { FolderId } from '#model/ids.ts';
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
  /** Folders whose content they concern; null: one of them does not say, or the tree itself changed. */
  readonly folders: readonly FolderId[] | null;
}

/** `m:Notification` of GetEvents and, against the schema, of real GetStreamingEvents answers; `t:Notification` by the schema. */
export function readNotifications(message: XmlElement): readonly Notification[] {
  return [
    ...descendants(message, messagesNamespace, 'Notification'),
    ...descendants(message, typesNamespace, 'Notification'),
  ].map((element) => {
    let watermark: string | null = null;
    let changes = 0;
    const folders = new Set<FolderId>();
    let named = true;
    for (const event of element.children) {
      if (!event.name.endsWith('Event')) continue;
      watermark = childText(event, typesNamespace, 'Watermark')?.trim() || watermark;
      if (event.name === 'StatusEvent') continue;
      changes++;
      const concerned = foldersOf(event);
      if (concerned.length === 0) named = false;
      for (const folder of concerned) folders.add(folder);
    }
    return {
      subscriptionId: childText(element, typesNamespace, 'SubscriptionId')?.trim() ?? '',
      watermark,
      moreEvents: childText(element, typesNamespace, 'MoreEvents')?.trim() === 'true',
      changes,
      folders: named ? [...folders] : null,
    };
  });
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
