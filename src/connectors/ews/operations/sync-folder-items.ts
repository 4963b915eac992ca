import { child, childText, type XmlElement, XmlFault } from '#formats/text/xml-read.ts';
import { rawXml, xml } from '#formats/text/xml-write.ts';
import type { Cursor, FolderId, ItemId } from '#model/ids.ts';
import { feedPaths, itemIdOf, type Oddities, readHead } from '../mail-codec.ts';
import { messagesNamespace, typesNamespace } from '../namespaces.ts';
import { aboutFolders, type Operation } from '../operation.ts';
import { folderRef } from './ids.ts';

export interface SyncFolderItemsRequest {
  readonly folder: FolderId;
  readonly cursor: Cursor | null;
  /** 1 to 512. */
  readonly max: number;
}

/** One entry of a feed whose items are read as `Head`. */
export type FeedChange<Head> =
  | { readonly kind: 'upsert'; readonly head: Head }
  | { readonly kind: 'delete'; readonly id: ItemId }
  | { readonly kind: 'read-flag'; readonly id: ItemId; readonly isRead: boolean }
  /** An entry that cannot be read, with the id when it has one. */
  | { readonly kind: 'unreadable'; readonly id: ItemId | null; readonly detail: string };

export interface SyncFolderItemsPage<Head> {
  readonly changes: readonly FeedChange<Head>[];
  readonly cursor: Cursor;
  readonly last: boolean;
  readonly oddities: Readonly<Record<string, number>>;
}

/** What a feed shows of its items. */
export interface FeedShape<Head> {
  /** Paths of the properties asked for. */
  readonly paths: string;
  /** Null: the item has no id. */
  readonly readHead: (item: XmlElement, folder: FolderId, oddities: Oddities) => Head | null;
}

/**
 * A page of a folder's changes. SyncScope is left out: without it only normal items come, and 2007 does not know it. Exceptions of a
 * series are not shown, but their series is when one of them changes.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/syncfolderitems-operation
 */
export function feedOf<Head>({
  paths,
  readHead: read,
}: FeedShape<Head>): Operation<SyncFolderItemsRequest, SyncFolderItemsPage<Head>> {
  const shape = rawXml(
    `<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>${paths}</t:AdditionalProperties></m:ItemShape>`,
  );
  return {
    name: 'SyncFolderItems',
    subject: aboutFolders(false),
    answers: () => 1,
    write: ({ folder, cursor, max }) =>
      xml`<m:SyncFolderItems>${shape}<m:SyncFolderId>${folderRef(folder)}</m:SyncFolderId>${cursor === null ? null : xml`<m:SyncState>${cursor}</m:SyncState>`}<m:MaxChangesReturned>${max}</m:MaxChangesReturned></m:SyncFolderItems>`,
    reader({ folder }) {
      const changes: FeedChange<Head>[] = [];
      const oddities: Oddities = {};
      return {
        // Changes 1, Create or Update 2.
        take(element, depth) {
          if (depth !== 2 || element.ns !== typesNamespace || element.name === 'Value') return false;
          changes.push(readChange(element, (item) => read(item, folder, oddities)));
          return true;
        },
        read(message) {
          const cursor = childText(message, messagesNamespace, 'SyncState');
          if (cursor === null || cursor === '') throw new XmlFault('malformed', 'the answer has no SyncState', 0);
          return {
            changes,
            cursor: cursor as Cursor,
            last: childText(message, messagesNamespace, 'IncludesLastItemInRange')?.trim() !== 'false',
            oddities,
          };
        },
      };
    },
  };
}

/** The feed of mail folders. */
export const syncFolderItems = feedOf({ paths: feedPaths, readHead });

function readChange<Head>(element: XmlElement, read: (item: XmlElement) => Head | null): FeedChange<Head> {
  switch (element.name) {
    case 'Create':
    case 'Update': {
      const item = element.children[0];
      const head = item === undefined ? null : read(item);
      return head === null
        ? { kind: 'unreadable', id: null, detail: `${element.name} without an item id` }
        : { kind: 'upsert', head };
    }
    case 'Delete': {
      const ids = itemIdOf(element);
      return ids === null
        ? { kind: 'unreadable', id: null, detail: 'Delete without an item id' }
        : { kind: 'delete', id: ids.id };
    }
    case 'ReadFlagChange': {
      const ids = itemIdOf(element);
      const flag = child(element, typesNamespace, 'IsRead')?.text.trim();
      if (ids === null || flag === undefined)
        return { kind: 'unreadable', id: ids?.id ?? null, detail: 'ReadFlagChange without an item id or flag' };
      return { kind: 'read-flag', id: ids.id, isRead: flag === 'true' || flag === '1' };
    }
    default:
      return {
        kind: 'unreadable',
        id: itemIdOf(element)?.id ?? null,
        detail: `a change of an unknown kind, ${element.name}`,
      };
  }
}
