/**
 * What the rest of Causeway knows of a mail system. A connector serves one organization; a mailbox of it has folders, folders
 * have items. Words: DESIGN glossary, `docs/GLOSSARY.md`.
 *
 * Rules for every implementation:
 * - A request that fails as a whole throws `FaultError`. What fails for one item is returned in the item's place, so that one
 *   bad message never hides 99 good ones.
 * - Every method has a deadline (`Context.deadlineMs`) after which no request of it is on its way any more. A write whose answer
 *   did not arrive is a transient fault with `mayHaveHappened`.
 * - Nothing is ever sent because of a write: a connector that cannot promise that for a write refuses it.
 * - Retry, pacing, recording and dry run are wrappers around this interface, not part of an implementation.
 */
import type { Fault } from '#kit/fault.ts';
import type { AttachmentContent, AttachmentHead, EventIdentity } from '#model/appointment.ts';
import type { Change } from '#model/change.ts';
import type { FolderContent, FolderMark, FolderRole, FolderTree } from '#model/folder.ts';
import type { Cursor, FolderId, ItemId, Version } from '#model/ids.ts';
import type { ItemWays } from '#model/item-ways.ts';
import type { Instant, MailContent, MailDraft, MailFields, MailHead, MailState, RawProperty } from '#model/mail.ts';
import type { MapiProperty } from '#model/property-row.ts';
import type { StampText } from '#model/stamp.ts';
import type { TypedDraft, TypedEdit, TypedHead, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import type { MailboxSettings } from './settings-contract.ts';

export interface Context {
  readonly signal: AbortSignal;
  /** `Clock.monotonicMs` after which the call must have ended, requests included. */
  readonly deadlineMs: number;
}

export interface Abilities {
  /** Product and version in words, for reports: `Exchange 2010 SP2 (14.2.247)`. Empty before the first answer. */
  readonly product: string;
  /** False: `changes` lists everything and the caller compares versions, so a look costs the whole folder. */
  readonly nativeDelta: boolean;
  /** False: an update or removal cannot be made to depend on the version; the engine re-reads just before, and accepts a small window. */
  readonly conditionalWrites: boolean;
  /** False: marking as read or deleting may send a receipt that is pending, so such a write is refused as poison. */
  readonly suppressReceipts: boolean;
  /** False: messages are created as drafts whatever their flags say, so mail that is no draft is refused. */
  readonly createsSentMail: boolean;
  /** False: the read flag given at creation is ignored; the engine sets it afterwards. */
  readonly readFlagAtCreate: boolean;
  /** Items per request. */
  readonly batchMax: number;
  /** Sum of content sizes per request, decoded bytes; larger batches are split. One item may exceed it up to `itemMaxBytes`. */
  readonly batchMaxBytes: number;
  /** Largest content accepted by a create, decoded bytes; null: unknown until refused. */
  readonly itemMaxBytes: number | null;
  /** Entries of one change page. */
  readonly changePageMax: number;
  /** As what items are read and created here, by kind, best first, and why not otherwise; the engine chooses among them (`chooseWay`). */
  readonly reads: ItemWays;
  readonly writes: ItemWays;
  /** Fields of mail that copies here lack on purpose, with the reason: `verify` takes them for explained. */
  readonly withheld?: Readonly<Partial<Record<keyof MailFields, string>>>;
}

export type { Change };

export interface ChangePage {
  readonly changes: readonly Change[];
  readonly cursor: Cursor;
  /** False: ask again with `cursor` at once. */
  readonly complete: boolean;
  /** XML repairs and other oddities, counted by name, for the report. */
  readonly oddities: Readonly<Record<string, number>>;
}

/** Where a write ended up. */
export interface Written {
  readonly id: ItemId;
  readonly version: Version;
}

export interface StateEdit {
  readonly id: ItemId;
  readonly expect: Version;
  /** Only the fields that change; null clears. */
  readonly set: Partial<MailState>;
  /** Whether a read receipt may be pending on the item, so that it must be suppressed first on servers without a switch. */
  readonly readReceiptRequested: boolean;
}

export interface ItemRef {
  readonly id: ItemId;
  /** As the feed showed it; 0 when unknown. Batches are planned by it. */
  readonly sizeBytes: number;
  /** As the caller read it a moment ago, with everything (`MailHead.bcc`): where a head is a request of its own, it need not be asked for again. */
  readonly head?: MailHead;
}

/** What a mailbox allows, for `check` and for planning. Null: the server does not say. */
export interface MailboxLimits {
  readonly quotaBytes: number | null;
  readonly usedBytes: number | null;
  readonly itemMaxBytes: number | null;
  /** Names of retention policies that would act on items as they arrive. */
  readonly retention: readonly string[];
}

/** What the server's clock said, for `check`: skew and time to first byte. */
export interface Ping {
  readonly serverTimeMs: number | null;
  readonly firstByteMs: number;
  readonly product: string;
}

export interface Mailbox {
  readonly address: string;

  /** The whole visible tree with its change marks, in as few requests as the server's page size allows (normally one). */
  tree(context: Context): Promise<FolderTree>;
  /** The marks of these folders as the tree shows them, in one small request. Those that are gone are left out. */
  marks(folders: readonly FolderId[], context: Context): Promise<ReadonlyMap<FolderId, FolderMark>>;
  /** Well-known folders by role. Their ids never change, so callers keep them. */
  roles(context: Context): Promise<ReadonlyMap<FolderRole, FolderId>>;

  /** One page of changes after `cursor`; null means from the beginning. Throws `cursor-lost`, `gone` (folder). */
  changes(folder: FolderId, cursor: Cursor | null, context: Context): Promise<ChangePage>;
  /** Current heads. `gone` in place of an item that is not there under this id. */
  heads(ids: readonly ItemId[], context: Context): Promise<ReadonlyMap<ItemId, MailHead | Fault>>;
  /** Contents of a batch; the caller keeps to `batchMax` and `batchMaxBytes`, and disposes of every payload. */
  contents(items: readonly ItemRef[], context: Context): Promise<ReadonlyMap<ItemId, MailContent | Fault>>;
  /** Raw values of the named properties, absent ones left out: for `verify` and reports. */
  properties(
    ids: readonly ItemId[],
    wanted: readonly MapiProperty[],
    context: Context,
  ): Promise<ReadonlyMap<ItemId, readonly RawProperty[] | Fault>>;
  /** Items in the folder that carry one of these stamps. Walks the folder: only for intents that the feed does not resolve. */
  findByStamp(
    folder: FolderId,
    stamps: readonly StampText[],
    context: Context,
  ): Promise<ReadonlyMap<StampText, readonly MailHead[]>>;

  /** Creates a batch, stamps included in the same request. Answers are in the order of the drafts. */
  create(folder: FolderId, drafts: readonly MailDraft[], context: Context): Promise<readonly (Written | Fault)[]>;
  /** Sets state fields; `stale` in place of an item that is no longer at the expected version. */
  update(edits: readonly StateEdit[], context: Context): Promise<readonly (Written | Fault)[]>;
  /** Moves within the mailbox. The id may change. */
  move(ids: readonly ItemId[], to: FolderId, context: Context): Promise<readonly (Written | Fault)[]>;
  /**
   * Removes recoverably. Where the server's delete ignores versions, the connector re-reads, removes, looks at what it removed
   * and restores it when that was newer than expected (then `stale`).
   */
  remove(
    items: readonly { readonly id: ItemId; readonly expect: Version; readonly readReceiptRequested: boolean }[],
    context: Context,
  ): Promise<readonly (null | Fault)[]>;

  createFolder(parent: FolderId, name: string, containerClass: string | null, context: Context): Promise<FolderId>;
  renameFolder(folder: FolderId, name: string, context: Context): Promise<void>;
  moveFolder(folder: FolderId, parent: FolderId, context: Context): Promise<void>;
  /** Removes recoverably, with what is in it. The caller has made sure that nothing in it is worth keeping. */
  removeFolder(folder: FolderId, context: Context): Promise<void>;

  limits(context: Context): Promise<MailboxLimits>;
  ping(context: Context): Promise<Ping>;

  /** Items of a kind with their meaning. Null: this connector cannot read and write them. */
  typed<Kind extends TypedKind>(kind: Kind): TypedItems<Kind> | null;
  /** What this person is doing, as the organization answers anybody who asks. Absent: the server cannot tell. */
  readonly freeBusy?: (from: Instant, to: Instant, context: Context) => Promise<readonly BusyTime[]>;
  /** Primary address of whoever has this one, as any proxy address, in the mailbox's organization; null: nobody, or several. Absent: the server cannot tell. */
  readonly primaryOf?: (address: string, context: Context) => Promise<string | null>;
  /** Out-of-office, rules, permissions and what else belongs to the mailbox. Absent: the server gives no way to them. */
  readonly settings?: MailboxSettings;
}

/** One entry of a change feed of typed items. Exceptions of a series are part of their master and never entries of their own. */
export type TypedChange =
  | { readonly kind: 'upsert'; readonly head: TypedHead }
  | { readonly kind: 'delete'; readonly id: ItemId }
  | { readonly kind: 'unreadable'; readonly id: ItemId | null; readonly detail: string };

export interface TypedChangePage {
  readonly changes: readonly TypedChange[];
  readonly cursor: Cursor;
  readonly complete: boolean;
}

/**
 * Events, contacts, tasks or notes of a mailbox. No write of these ever sends anything: no invitation, update, cancellation, response or
 * assignment, whoever organizes. Folder trees, marks and folder writes are those of the `Mailbox`.
 */
export interface TypedItems<Kind extends TypedKind> {
  changes(folder: FolderId, cursor: Cursor | null, context: Context): Promise<TypedChangePage>;
  /** Complete items, a series with its occurrences, in as few requests as possible. `gone` in place of what is not there. */
  read(ids: readonly ItemId[], context: Context): Promise<ReadonlyMap<ItemId, TypedItem<Kind> | Fault>>;
  /** Bytes of attachments of one item (of one occurrence with `day`), by hash. */
  attachments(
    id: ItemId,
    day: Day | null,
    wanted: readonly AttachmentHead[],
    context: Context,
  ): Promise<ReadonlyMap<string, AttachmentContent>>;
  /** Items of the folder with one of these identities; walks the folder where the server has no index. */
  findByIdentity(
    folder: FolderId,
    identities: readonly EventIdentity[],
    context: Context,
  ): Promise<ReadonlyMap<EventIdentity, readonly TypedHead[]>>;
  /**
   * Creates a batch, each with its stamp, identity and, for a meeting, its relation to the organizer in the same request. Occurrences of a
   * series follow at once; when they fail the item is removed again or its place holds the fault.
   */
  create(
    folder: FolderId,
    drafts: readonly TypedDraft<Kind>[],
    context: Context,
  ): Promise<readonly (TypedWritten | Fault)[]>;
  /**
   * `stale` in place of an item that is no longer at the expected version. An occurrence that was deleted comes back when it is modified.
   * Days that the pattern lacks are left out, as at creation, and `unkept.occurrences` says how many.
   */
  update(
    edits: readonly { readonly item: TypedItem<Kind>; readonly edit: TypedEdit<Kind> }[],
    context: Context,
  ): Promise<readonly (TypedWritten | Fault)[]>;
  /** Moves within the mailbox. The id may change, the identity does not. */
  move(ids: readonly ItemId[], to: FolderId, context: Context): Promise<readonly (Written | Fault)[]>;
  /** Removes recoverably and silently; `stale` when it is no longer at the version. */
  remove(
    items: readonly { readonly id: ItemId; readonly expect: Version }[],
    context: Context,
  ): Promise<readonly (null | Fault)[]>;
}

export interface TypedWritten extends Written {
  /** Fields that this server cannot keep, by name, with the reason; for the report. */
  readonly unkept: Readonly<Record<string, string>>;
}

export interface BusyTime {
  readonly start: Instant;
  readonly end: Instant;
  readonly showAs: 'tentative' | 'busy' | 'oof' | 'working-elsewhere';
}

export interface ItemVersion {
  readonly id: ItemId;
  readonly version: Version;
}

/** Something happened in a mailbox. Says where to look, never what it was: the feed is the truth. */
export type WatchEvent =
  /**
   * `folder`: the one whose content it concerns, where the event names it; without it, any of the mailbox. `items`: all that it is about,
   * as they are since, so that whoever wrote these versions need not look; without it, something else happened, too. `content`: what kind
   * it concerns, where the event tells that and not the folder.
   */
  | {
      readonly kind: 'changed';
      readonly address: string;
      readonly folder?: FolderId;
      readonly items?: readonly ItemVersion[];
      readonly content?: FolderContent;
    }
  /** Events may have been missed: look at the mailbox as if everything had changed. */
  | { readonly kind: 'missed'; readonly address: string; readonly why: string }
  /** The mailbox cannot be watched; it is left to the sweeps. */
  | { readonly kind: 'unwatchable'; readonly address: string; readonly why: string };

/** What one glance at the marks of folders showed. */
export interface Glance {
  readonly marks: ReadonlyMap<FolderId, FolderMark>;
  /** Tells the answer from any other to any other question; null when it must be read again even if it comes again. */
  readonly digest: string | null;
}

export interface Connector {
  /** Name of the organization in the project file. */
  readonly organization: string;
  /** May become more precise with the first answer of a server; read it late. */
  readonly abilities: Abilities;
  /** No request is made until the mailbox is used. */
  mailbox(address: string): Mailbox;
  /**
   * The public folders of the organization as one mailbox whose only role is its root. Folders that the account may not look into are in the
   * tree, and what is below them is not. Absent: there is no way to them.
   */
  readonly publicFolders?: () => Mailbox;
  /**
   * `mailbox(address).marks(folders)` for those who look at thousands of mailboxes in turn: nothing of the mailbox is kept, an answer that is
   * the one before to the letter is not read, and what fails is not tried again. Absent: there is nothing cheaper than `marks`.
   *
   * @param before digest of the glance before at these folders of this mailbox; null for none.
   */
  readonly glance?: (
    address: string,
    folders: readonly FolderId[],
    before: string | null,
    context: Context,
  ) => Promise<Glance | 'same'>;
  /**
   * Watches mailboxes until the signal is aborted; reconnects by itself and says `missed` after a gap. Absent: sweeps only.
   *
   * @param content what somebody wants to hear of, which may be had for less; what else is told does no harm. Absent: everything.
   */
  readonly watch?: (
    addresses: readonly string[],
    signal: AbortSignal,
    content?: ReadonlySet<FolderContent>,
  ) => AsyncIterable<WatchEvent>;
  close(): Promise<void>;
}
