import { rawXml, xml } from '#formats/text/xml-write.ts';
import type { ItemId } from '#model/ids.ts';
import type { Written } from '../../contract.ts';
import { aboutItems, type Operation } from '../operation.ts';
import { atLeast } from '../server-version.ts';
import { type FolderRef, folderRef, itemRefs } from './ids.ts';
import { writtenReader } from './written.ts';

export interface MoveItemRequest {
  readonly ids: readonly ItemId[];
  readonly to: FolderRef;
}

/**
 * Moves within a mailbox. The id changes; null: moved, and the server does not say what it is now.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/moveitem-operation
 */
export const moveItem: Operation<MoveItemRequest, Written | null> = {
  name: 'MoveItem',
  subject: aboutItems(true),
  answers: ({ ids }) => ids.length,
  write: ({ ids, to }, version) =>
    xml`<m:MoveItem><m:ToFolderId>${folderRef(to)}</m:ToFolderId><m:ItemIds>${itemRefs(ids)}</m:ItemIds>${rawXml(atLeast(version, 'Exchange2010_SP2') ? '<m:ReturnNewItemIds>true</m:ReturnNewItemIds>' : '')}</m:MoveItem>`,
  reader: writtenReader,
};
