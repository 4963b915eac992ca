import { type XmlFragment, xml } from '#formats/text/xml-write.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { MailDraft } from '#model/mail.ts';
import type { Written } from '../../contract.ts';
import { writeMessage } from '../mail-codec.ts';
import { aboutItems, type Operation } from '../operation.ts';
import { folderRef } from './ids.ts';
import { writtenReader } from './written.ts';

export interface CreateItemRequest {
  readonly folder: FolderId;
  readonly drafts: readonly MailDraft[];
}

/**
 * Saves messages, sends nothing. Null: made, and the server does not say under which id.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/createitem-operation-email-message
 */
export const createItem: Operation<CreateItemRequest, Written | null> = {
  name: 'CreateItem',
  subject: aboutItems(true),
  answers: ({ drafts }) => drafts.length,
  write: ({ folder, drafts }) =>
    xml`<m:CreateItem MessageDisposition="SaveOnly"><m:SavedItemFolderId>${folderRef(folder)}</m:SavedItemFolderId><m:Items>${drafts.map(writeMessage)}</m:Items></m:CreateItem>`,
  reader: writtenReader,
};

/**
 * Response object that cancels a pending read receipt, for servers that have no `SuppressReadReceipts` attribute (before 2013).
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/suppressreadreceipt
 */
export const suppressReadReceipt: Operation<readonly { readonly id: ItemId; readonly expect: Version }[], null> = {
  name: 'CreateItem',
  subject: aboutItems(true),
  answers: (items) => items.length,
  write: (items) =>
    xml`<m:CreateItem MessageDisposition="SaveOnly"><m:Items>${items.map(({ id, expect }) => xml`<t:SuppressReadReceipt><t:ReferenceItemId Id="${id}" ChangeKey="${expect}"/></t:SuppressReadReceipt>`)}</m:Items></m:CreateItem>`,
  reader: () => ({ read: () => null }),
};

/**
 * Saves items of any kind, sends nothing: neither the messages nor the invitations of meetings.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/createitem-operation-calendar-item
 */
export const createItems: Operation<
  { readonly folder: FolderId; readonly items: readonly XmlFragment[] },
  Written | null
> = {
  name: 'CreateItem',
  subject: aboutItems(true),
  answers: ({ items }) => items.length,
  write: ({ folder, items }) =>
    xml`<m:CreateItem MessageDisposition="SaveOnly" SendMeetingInvitations="SendToNone"><m:SavedItemFolderId>${folderRef(folder)}</m:SavedItemFolderId><m:Items>${items}</m:Items></m:CreateItem>`,
  reader: writtenReader,
};
