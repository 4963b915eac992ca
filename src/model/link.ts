/**
 * What is recorded about the correspondence of two sides: rows of the store that the engine decides on. Plain data.
 */
import type { FolderRole } from './folder.ts';
import type { Cursor, FolderId, ItemId, LinkId, Version } from './ids.ts';
import type { MailHead, MailState, MailStateField } from './mail.ts';
import { mailProperties } from './mail-properties.ts';
import { hash128, type StampKey, type StampText } from './stamp.ts';

/** A source folder and its target folder, and where each side's feed was last read. */
export interface FolderRow {
  readonly left: FolderId;
  /** Null: not on the target (excluded, or its creation is still due). */
  readonly right: FolderId | null;
  readonly leftParent: FolderId | null;
  readonly rightParent: FolderId | null;
  readonly leftName: string;
  /** Name on the target as we last saw or wrote it. */
  readonly rightName: string | null;
  readonly containerClass: string | null;
  readonly role: FolderRole | null;
  /** Why it is not copied; null when it is. */
  readonly excluded: string | null;
  readonly leftCursor: Cursor | null;
  readonly rightCursor: Cursor | null;
  /** Marks up to which the feed was read to its end; null: read the feed. */
  readonly leftMark: string | null;
  readonly rightMark: string | null;
  /** Pass in which the folder was first seen missing on the left; null while it is there. */
  readonly goneSincePass: number | null;
  /** A person removed or took over the target folder: nothing is written to it any more. */
  readonly rightGone: boolean;
}

/** What of a folder tells whether a look at its mailbox shows news. */
export type FolderMarks = Pick<FolderRow, 'left' | 'right' | 'excluded' | 'rightGone' | 'leftMark' | 'rightMark'>;

/** Whether passes look into the folder on both sides. */
export const isFollowed = <Row extends FolderMarks>(row: Row): row is Row & { readonly right: FolderId } =>
  row.right !== null && row.excluded === null && !row.rightGone;

/**
 * `moving`: a move of ours is on its way, so the next other folder that the target shows is no person's doing. `removing`: the same
 * of a removal, so that a copy that is gone then was not removed by a person. `updating FIELD #HASH`: the same of new state, with its
 * value, so that no other is taken for it; `updating FIELD` of a set, to which each side may add, or of a value that is not recorded.
 * `class`: what the copy has besides its MIME because of its class is not what we wrote any more.
 */
export type TouchedAspect = MailStateField | 'folder' | 'content' | 'class' | 'moving' | 'removing' | Updating;
type Updating = `updating ${MailStateField}` | `updating ${MailStateField} #${string}`;

/** That new state of ours is on its way. */
export const updating = (set: Partial<MailState>): readonly Updating[] =>
  (Object.keys(set) as MailStateField[]).map((field) => updatingTo(field, set[field]));

function updatingTo(field: MailStateField, value: unknown): Updating {
  if (mailProperties[field].merge === 'set') return `updating ${field}`;
  const kept = typeof value === 'number' && field.endsWith('At') ? Math.floor(value / 1000) : value;
  return `updating ${field} #${hash128(JSON.stringify(kept ?? null)).slice(0, 8)}`;
}

export const isUpdating = (aspect: TouchedAspect): aspect is Updating => aspect.startsWith('updating');

/** Whether new state of ours is on its way in a field. */
export const isFieldUpdating = ({ touched }: Pick<LinkRow, 'touched'>, field: MailStateField): boolean =>
  touched.some((a) => a === `updating ${field}` || a.startsWith(`updating ${field} #`));

/** Whether a value of a field is what is on its way from us. */
export const isOnItsWay = ({ touched }: Pick<LinkRow, 'touched'>, field: MailStateField, value: unknown): boolean =>
  touched.includes(`updating ${field}`) || touched.includes(updatingTo(field, value));

/** What a person changed, without what is on its way from us, and what clients note on messages of a class by themselves. */
export const touchedByPerson = (link: LinkRow): readonly TouchedAspect[] =>
  link.touched.filter((a) => a !== 'moving' && a !== 'removing' && a !== 'class' && !isUpdating(a));

/** The link of an item that is on the source after all: nothing of its copy is to be removed. */
export const aliveAgain = (link: LinkRow): LinkRow => ({
  ...link,
  state: 'live',
  goneSincePass: null,
  touched: link.touched.filter((a) => a !== 'removing'),
});

/** The recorded correspondence of a source item and a target item. */
export interface LinkRow {
  readonly id: LinkId;
  readonly leftId: ItemId;
  readonly leftFolder: FolderId;
  readonly leftVersion: Version;
  readonly rightId: ItemId;
  readonly rightFolder: FolderId;
  /** Null: nobody knows what it shows at the version that it has, since it was moved: people may have written right before. */
  readonly rightVersion: Version | null;
  /** Hex, or '' when the item has none. */
  readonly searchKey: string;
  readonly fingerprint: string;
  readonly stampKey: StampKey;
  /**
   * live: on both sides · left-gone: missed on the source, waits one pass for its create elsewhere ·
   * right-gone: a person removed the copy; it is not made again and not written to.
   */
  readonly state: 'live' | 'left-gone' | 'right-gone';
  /** Null with `left-gone`: the source has to be asked whether the item is there. */
  readonly goneSincePass: number | null;
  /** What a person changed on the target since the sides last agreed: not overwritten silently. */
  readonly touched: readonly TouchedAspect[];
  /** Size that the source showed; a difference makes the next pass compare contents. */
  readonly leftSizeBytes: number;
  /** What each side showed when it was last read back. `seenRight` is null until the copy's own feed entry was read. */
  readonly seenLeft: MailState;
  readonly seenRight: MailState | null;
}

/**
 * Source id of a link for a copy of ours whose source item is gone: it was deleted while the database was lost. No server hands
 * out such an id.
 */
export const orphanId = (key: StampKey): ItemId => `gone ${key}` as ItemId;
export const isOrphanId = (id: ItemId): boolean => id.startsWith('gone ');

/** Recorded before a create batch: what may be on the target although no answer arrived. */
export interface IntentRow {
  readonly stampKey: StampKey;
  readonly stamp: StampText;
  readonly rightFolder: FolderId;
  /** The source item as it was when the create was decided; makes the link on adoption. */
  readonly left: MailHead;
  /** Wall-clock time after which no request of this intent is on its way any more. */
  readonly settledAfterMs: number;
  /** The copy that this create replaces, for content that was edited on the source; it is removed once the new one is linked. */
  readonly replaces: { readonly link: LinkId; readonly right: ItemId; readonly rightVersion: Version | null } | null;
}

/** An item of the target that carries a stamp of ours and belongs to no link yet. */
export interface UnclaimedRow {
  readonly right: MailHead;
  readonly stampKey: StampKey;
  readonly searchKey: string;
  readonly firstId: string;
  readonly fingerprint: string;
}
