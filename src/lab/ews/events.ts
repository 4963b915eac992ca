import { folderChangeKeyOf, folderIdOf, itemChangeKeyOf, itemIdOf } from '../world/ids.ts';
import type { MailboxEvent } from '../world/mailbox.ts';
import { EwsError } from './ews-error.ts';
import type { Subscription } from './subscriptions.ts';
import { dateTime } from './xml-out.ts';

/** Places in the row of a mailbox's events; opaque for clients. */
export function writeWatermark(subscription: Subscription, sequence: number): string {
  return Buffer.from(`${subscription.mailbox.guid}/${sequence}`).toString('base64');
}
export function readWatermark(subscription: Subscription, text: string): number {
  const [guid, sequence = ''] = Buffer.from(text, 'base64').toString('latin1').split('/');
  if (guid !== subscription.mailbox.guid || !/^\d+$/.test(sequence)) throw new EwsError('ErrorInvalidWatermark');
  const number = Number(sequence);
  if (number > subscription.mailbox.lastEvent) throw new EwsError('ErrorInvalidWatermark');
  return number;
}

/** Whether the subscription is about the event. */
export function concerns(subscription: Subscription, event: MailboxEvent): boolean {
  if (!subscription.events.has(`${event.kind}Event`)) return false;
  const { folders } = subscription;
  return (
    folders === null ||
    folders.has(event.parent) ||
    (event.item === null && folders.has(event.folder)) ||
    (event.old !== null && folders.has(event.old.folder))
  );
}

const folderId = (name: string, folder: MailboxEvent['folder']): string =>
  `<t:${name} Id="${folderIdOf(folder)}" ChangeKey="${folderChangeKeyOf(folder)}"/>`;

export function eventXml(subscription: Subscription, event: MailboxEvent): string {
  const { item, old } = event;
  const subject =
    item === null
      ? folderId('FolderId', event.folder)
      : `<t:ItemId Id="${itemIdOf(item)}" ChangeKey="${itemChangeKeyOf(item)}"/>`;
  const before =
    old === null
      ? ''
      : `${old.item === null ? folderId('OldFolderId', event.folder) : `<t:OldItemId Id="${itemIdOf(old.item)}" ChangeKey="${itemChangeKeyOf(old.item)}"/>`}${folderId('OldParentFolderId', old.folder)}`;
  const unread =
    event.kind === 'Modified' && item === null ? `<t:UnreadCount>${event.folder.unread}</t:UnreadCount>` : '';
  const watermark =
    subscription.kind === 'pull' ? `<t:Watermark>${writeWatermark(subscription, event.sequence)}</t:Watermark>` : '';
  return `<t:${event.kind}Event>${watermark}<t:TimeStamp>${dateTime(event.atMs)}</t:TimeStamp>${subject}${folderId('ParentFolderId', event.parent)}${before}${unread}</t:${event.kind}Event>`;
}
