import type { FolderId, ItemId } from '#model/ids.ts';
import type { MailState } from '#model/mail.ts';
import type { StampText } from '#model/stamp.ts';

/** An item as it lies in its mailbox, without any protocol in between. */
export interface SimulatedItem {
  readonly id: ItemId;
  readonly folder: FolderId;
  readonly state: MailState;
  readonly isDraft: boolean;
  readonly mime: Buffer;
  readonly stamp: StampText | null;
}

export interface SimulatedFolder {
  readonly id: FolderId;
  /** Null for the root of the visible tree. */
  readonly parent: FolderId | null;
  readonly name: string;
  /** Of well-known folders, by the names of the model. */
  readonly role: string | null;
  /** People keep mail in it, and it is carried over. */
  readonly holdsMail: boolean;
}

/** A message that comes in, or a draft that somebody begins. */
export interface SimulatedMail {
  readonly mime: Buffer;
  readonly subject: string;
  readonly messageId: string;
  readonly isRead?: boolean;
  readonly isDraft?: boolean;
  readonly readReceiptRequested?: boolean;
  /** Hex; null: the mailbox makes one. */
  readonly searchKey?: string | null;
}

/**
 * A mailbox as its owner has it: what people do in it, and what somebody who may look at everything sees. Implemented by the
 * memory organization and by the lab's world, so that one simulation and one suite run on both.
 */
export interface SimulatedMailbox {
  readonly address: string;
  /** In the order in which they came. */
  items(): readonly SimulatedItem[];
  /** The visible tree with its root, in the order in which they came. */
  folders(): readonly SimulatedFolder[];
  /** Items that were deleted and can be brought back. */
  recoverable(): readonly SimulatedItem[];
  /** What left the mailbox, in words. The promise is that there is never anything because of us. */
  sent(): readonly string[];
  /** Writes by anybody since the beginning. */
  readonly commits: number;

  deliver(folder: FolderId, mail: SimulatedMail): ItemId;
  /** Sets fields as a mail program does for its user, who is asked about receipts and sends none. */
  edit(id: ItemId, set: Partial<MailState>): void;
  /** Saves a draft again. */
  rewrite(id: ItemId, mime: Buffer, subject: string): void;
  move(id: ItemId, to: FolderId): ItemId;
  copy(id: ItemId, to: FolderId): ItemId;
  /** For good, as far as the owner sees. */
  remove(id: ItemId): void;
  /** The server itself writes an item again: its version moves and nothing else. */
  touch(id: ItemId): void;

  addFolder(parent: FolderId, name: string): FolderId;
  renameFolder(id: FolderId, name: string): void;
  moveFolder(id: FolderId, parent: FolderId): void;
  /** As people do it: into Deleted Items first, where the system does that with folders. */
  discardFolder(id: FolderId): void;
  /** With what is in it. */
  removeFolder(id: FolderId): void;
}

export function folderByRole(box: SimulatedMailbox, role: string): FolderId {
  const found = box.folders().find((folder) => folder.role === role);
  if (!found) throw new Error(`no folder with role ${role}`);
  return found.id;
}
