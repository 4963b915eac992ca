import { rawXml, type XmlFragment, xml } from '#formats/text/xml-write.ts';
import type { ItemId, Version } from '#model/ids.ts';
import type { MailState } from '#model/mail.ts';
import type { Written } from '../../contract.ts';
import { writeUpdates } from '../mail-codec.ts';
import { aboutItems, type Operation } from '../operation.ts';
import { atLeast } from '../server-version.ts';
import { type ItemRef, itemRef } from './ids.ts';
import { writtenReader } from './written.ts';

export interface ItemUpdate {
  readonly id: ItemId;
  readonly expect: Version;
  readonly set: Partial<MailState>;
}

/**
 * Sets fields of items that are still at the version expected. `NeverOverwrite` is the one that refuses otherwise; the
 * attribute that suppresses receipts came with 2013.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/updateitem-operation
 */
export const updateItem: Operation<readonly ItemUpdate[], Written | null> = {
  name: 'UpdateItem',
  subject: aboutItems(true),
  answers: (updates) => updates.length,
  write: (updates, version) =>
    xml`<m:UpdateItem ConflictResolution="NeverOverwrite" MessageDisposition="SaveOnly" SendMeetingInvitationsOrCancellations="SendToNone"${suppression(atLeast(version, 'Exchange2013'))}><m:ItemChanges>${updates.map(
      ({ id, expect, set }) =>
        xml`<t:ItemChange><t:ItemId Id="${id}" ChangeKey="${expect}"/>${writeUpdates(set)}</t:ItemChange>`,
    )}</m:ItemChanges></m:UpdateItem>`,
  reader: writtenReader,
};

export interface ItemChange {
  readonly ref: ItemRef;
  /** Null: whatever is there now. */
  readonly expect: Version | null;
  /** `t:Updates` */
  readonly updates: XmlFragment;
}

/**
 * The same for items of any kind and for occurrences. Nobody is told of a meeting's change. With `onlyExpected` each item must be at
 * the version expected.
 */
export const updateItems: Operation<
  { readonly changes: readonly ItemChange[]; readonly onlyExpected: boolean },
  Written | null
> = {
  name: 'UpdateItem',
  subject: aboutItems(true),
  answers: ({ changes }) => changes.length,
  write: ({ changes, onlyExpected }, version) =>
    xml`<m:UpdateItem ConflictResolution="${onlyExpected ? 'NeverOverwrite' : 'AlwaysOverwrite'}" MessageDisposition="SaveOnly" SendMeetingInvitationsOrCancellations="SendToNone"${suppression(atLeast(version, 'Exchange2013'))}><m:ItemChanges>${changes.map(
      ({ ref, expect, updates }) => xml`<t:ItemChange>${itemRef(ref, expect)}${updates}</t:ItemChange>`,
    )}</m:ItemChanges></m:UpdateItem>`,
  reader: writtenReader,
};

const suppression = (known: boolean) => rawXml(known ? ' SuppressReadReceipts="true"' : '');
