import { child, childText, type XmlElement, XmlFault } from '#formats/text/xml-read.ts';
import { rawXml, xml } from '#formats/text/xml-write.ts';
import type { Cursor, FolderId } from '#model/ids.ts';
import type { Change } from '../../contract.ts';
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

export interface SyncFolderItemsPage {
  readonly changes: readonly Change[];
  readonly cursor: Cursor;
  readonly last: boolean;
  readonly oddities: Readonly<Record<string, number>>;
}

const shape = rawXml(
  `<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>${feedPaths}</t:AdditionalProperties></m:ItemShape>`,
);

/**
 * A page of a folder's changes. SyncScope is left out: without it only normal items come, and 2007 does not know it.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/syncfolderitems-operation
 */
export const syncFolderItems: Operation<SyncFolderItemsRequest, SyncFolderItemsPage> = {
  name: 'SyncFolderItems',
  subject: aboutFolders(false),
  answers: () => 1,
  write: ({ folder, cursor, max }) =>
    xml`<m:SyncFolderItems>${shape}<m:SyncFolderId>${folderRef(folder)}</m:SyncFolderId>${cursor === null ? null : xml`<m:SyncState>${cursor}</m:SyncState>`}<m:MaxChangesReturned>${max}</m:MaxChangesReturned></m:SyncFolderItems>`,
  reader({ folder }) {
    const changes: Change[] = [];
    const oddities: Oddities = {};
    return {
      // Changes 1, Create or Update 2.
      take(element, depth) {
        if (depth !== 2 || element.ns !== typesNamespace || element.name === 'Value') return false;
        changes.push(readChange(element, folder, oddities));
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

function readChange(element: XmlElement, folder: FolderId, oddities: Oddities): Change {
  switch (element.name) {
    case 'Create':
    case 'Update': {
      const item = element.children[0];
      const head = item === undefined ? null : readHead(item, folder, oddities);
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
