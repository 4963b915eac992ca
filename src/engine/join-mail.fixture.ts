import type { FolderId, ItemId, LinkId, MailboxGuid, Version } from '#model/ids.ts';
import type { LinkRow } from '#model/link.ts';
import type { MailHead, MailState } from '#model/mail.ts';
import { firstIdOf, stampKey, writeStamp } from '#model/stamp.ts';

export const unread = {
  isRead: false,
  importance: 'normal',
  categories: [] as readonly string[],
  flagStatus: 0,
  flagRequest: null,
  flagColour: null,
} as MailState;

export const stamp = writeStamp({
  organization: 'o',
  mailbox: 'm' as MailboxGuid,
  searchKey: '',
  firstId: firstIdOf('left' as ItemId),
  fingerprint: '',
  sizeBytes: 0,
  nonce: 'n',
});

export const head = (id: string, over: Partial<MailHead> = {}): MailHead => ({
  id: id as ItemId,
  folder: 'A' as FolderId,
  version: 'v2' as Version,
  state: unread,
  facts: { searchKey: null, sizeBytes: 0 } as MailHead['facts'],
  stamp,
  unread: [],
  ...over,
});

export const link = (left: string, right: string, over: Partial<LinkRow> = {}): LinkRow => ({
  id: `${left}=${right}` as LinkId,
  leftId: left as ItemId,
  leftFolder: 'A' as FolderId,
  leftVersion: 'v1' as Version,
  leftSizeBytes: 0,
  rightId: right as ItemId,
  rightFolder: 'A' as FolderId,
  rightVersion: 'v1' as Version,
  searchKey: '',
  fingerprint: '',
  stampKey: stampKey(stamp),
  state: 'live',
  goneSincePass: null,
  touched: [],
  seenLeft: unread,
  seenRight: unread,
  ...over,
});
