import type { Brand } from '#kit/brand.ts';

/** Ids, versions and cursors are the server's: opaque, case-sensitive, at most a few kB. Only their connector looks inside. */
export type FolderId = Brand<'FolderId'>;
export type ItemId = Brand<'ItemId'>;
/** Change key or etag: differs whenever the server says that the thing may have changed. */
export type Version = Brand<'Version'>;
/** Place in a folder's change feed. */
export type Cursor = Brand<'Cursor'>;
/** GUID of a mailbox, lower-case hex with dashes: the same for the life of the mailbox, whatever its address. */
export type MailboxGuid = Brand<'MailboxGuid'>;
/** Name of a pair in the project, stable over runs: `source address → target address`, lower case. */
export type PairId = Brand<'PairId'>;
/** Random 16 bytes in hex: key of a link. */
export type LinkId = Brand<'LinkId'>;

/** In two-way work left is the source and right the target; the words are used for one-way work as well. */
export type Side = 'left' | 'right';
