/** Messages that are in one folder twice: under one stamp of ours, or with everything equal that was ever said in them. */
import type { Mailbox } from '#connectors/contract.ts';
import { canonicalContent, differences } from '#formats/text/mime-canonical.ts';
import { must } from '#kit/assert.ts';
import { describeFault, type Fault, FaultError, isFault } from '#kit/fault.ts';
import { payloadBytes } from '#kit/payload.ts';
import { type FolderTree, folderContent } from '#model/folder.ts';
import type { FolderId, ItemId, PairId, Side } from '#model/ids.ts';
import type { LinkRow } from '#model/link.ts';
import { type MailHead, mailFingerprint } from '#model/mail.ts';
import { readStamp } from '#model/stamp.ts';
import type { Claim } from '#store/store.ts';
import type { DedupeFinding } from './dedupe.ts';
import type { PassServices } from './mail/pass-context.ts';
import { history, openCore, type PassCore } from './pass/pass-core.ts';
import { readTrees } from './pass/read-trees.ts';

/** What one group of messages was, written before anything of it is moved to the deleted items: moving back undoes it. */
export interface UndoMoves {
  readonly group: number;
  readonly pair: PairId;
  readonly kind: 'mail';
  readonly side: Side;
  readonly folder: FolderId;
  readonly moved: readonly { readonly id: ItemId; readonly key: string }[];
}

/** Written when the group is done: ids in the deleted items by the ids of before. */
export interface UndoMovesDone {
  readonly done: number;
  readonly now: Readonly<Record<string, ItemId>>;
}

export interface UndoMail {
  readonly group: UndoMoves;
  readonly done: UndoMovesDone | null;
}

export interface DedupeMailOptions {
  /** Keeps safe what is about to be done, and what was done, before it returns. Null: nothing is written. */
  readonly undo: ((line: UndoMoves | UndoMovesDone) => Promise<void>) | null;
  readonly firstGroup: number;
}

interface Context extends PassCore, PassServices {
  readonly ofPair: PairId;
  readonly boxes: Readonly<Record<Side, Mailbox>>;
  readonly trees: Readonly<Record<Side, FolderTree>>;
}

/** Survives a move, which makes a new id. Copies of a message share it, and so they are counted. */
const keyOf = ({ facts }: MailHead): string => `${facts.searchKey ?? ''} ${mailFingerprint(facts)}`;

async function openMail(
  services: PassServices,
  ofPair: PairId,
  claim: Claim | null,
  signal: AbortSignal,
): Promise<Context> {
  const pair = must(await services.store.pair(ofPair), `the store has no pair ${ofPair}`);
  const core = openCore(services, pair, claim, signal, null);
  const boxes = {
    left: services.left.mailbox(pair.left.address),
    right: services.right.mailbox(pair.right.address),
  };
  const trees = await readTrees({ ...services, ...core, leftBox: boxes.left, rightBox: boxes.right });
  return { ...services, ...core, ofPair, boxes, trees };
}

const trashOf = async (context: Context, side: Side): Promise<FolderId | null> =>
  (await context.boxes[side].roles(context.call())).get('deleteditems') ?? null;

/** Folders of mail outside of the deleted items, with their paths for people. */
function foldersOf({ trees }: Context, side: Side, trash: FolderId | null): ReadonlyMap<FolderId, string> {
  const { folders } = trees[side];
  const byId = new Map(folders.map((folder) => [folder.id, folder]));
  const found = new Map<FolderId, string>();
  for (const folder of folders) {
    if (folder.kind !== 'folder' || folderContent(folder.containerClass) !== 'mail') continue;
    const names: string[] = [];
    let isTrashed = false;
    for (let at = byId.get(folder.id); at; at = at.parent === null ? undefined : byId.get(at.parent)) {
      names.unshift(at.name);
      if (at.id === trash) isTrashed = true;
    }
    if (!isTrashed) found.set(folder.id, names.join('/'));
  }
  return found;
}

/** A feed that never ends is a server's mistake. */
const pageMax = 100_000;

async function headsOf(context: Context, side: Side, folder: FolderId): Promise<readonly MailHead[]> {
  // An item may stand in a feed more than once, the last entry being right.
  const heads = new Map<ItemId, MailHead>();
  for (let cursor = null, pages = 0; ; pages++) {
    context.checkpoint();
    const page = await context.boxes[side].changes(folder, cursor, context.call());
    for (const change of page.changes) {
      if (change.kind === 'upsert') heads.set(change.head.id, change.head);
      else if (change.kind === 'delete') heads.delete(change.id);
    }
    if (page.complete) return [...heads.values()];
    if (pages >= pageMax)
      throw new FaultError({ kind: 'fatal', code: 'protocol', detail: 'a change feed does not come to its end' });
    cursor = page.cursor;
  }
}

/**
 * Finds messages that are in a folder twice. With `undo` those that may go are moved to the deleted items: never the only one, never the copy of
 * an item of the source, never one whose content was not read and found equal. The source is not written, because mail goes
 * one way. What is in both twice stays twice on the target. Throws FaultError.
 */
export async function* dedupeMail(
  services: PassServices,
  pair: PairId,
  claim: Claim | null,
  signal: AbortSignal,
  { undo, firstGroup }: DedupeMailOptions,
): AsyncGenerator<DedupeFinding> {
  const context = await openMail(services, pair, claim, signal);
  let group = firstGroup;
  let seen = 0;
  for (const side of ['left', 'right'] as const) {
    const trash = await trashOf(context, side);
    for (const [folder, path] of foldersOf(context, side, trash)) {
      const heads = await headsOf(context, side, folder);
      seen += heads.length;
      context.progress?.({ kind: 'items', copied: seen, bytes: 0 });
      for (const alike of candidates(heads)) {
        for (const found of await equalOnes(context, side, alike)) {
          context.checkpoint();
          const settled = await settle(context, side, found);
          const finding = { pair, content: 'mail' as const, side, folder: path, because: found.because, ...settled };
          if (undo === null || settled.outcome === 'left' || trash === null) {
            yield finding;
            continue;
          }
          const number = group++;
          const fault = await carryOut(context, side, folder, trash, found, settled.remove, { undo, number });
          yield fault === null
            ? { ...finding, outcome: 'done' }
            : { ...finding, outcome: 'left', detail: `not done: ${describeFault(fault)}` };
        }
      }
    }
  }
}

interface Equal {
  readonly because: DedupeFinding['because'];
  readonly heads: readonly MailHead[];
}

/** Those that say the same of themselves; whether they are equal is seen by their contents only. */
function candidates(heads: readonly MailHead[]): readonly (readonly MailHead[])[] {
  const groups = new Map<string, MailHead[]>();
  for (const head of heads) {
    const { itemClass, internetMessageId, subject, sentAt, hasAttachments } = head.facts;
    const key = JSON.stringify([itemClass.toLowerCase(), internetMessageId, subject, sentAt, hasAttachments]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [head]);
    else group.push(head);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

/** Contents are held one beside the other: so many of one group are looked at, the others when it is run again. */
const comparedMax = 50;

/** Reads the contents and puts together what is equal in everything that `verify` compares of two contents. */
async function equalOnes(context: Context, side: Side, alike: readonly MailHead[]): Promise<readonly Equal[]> {
  const found: { readonly bytes: Uint8Array; readonly bcc: string; readonly heads: MailHead[] }[] = [];
  for (const head of alike.slice(0, comparedMax)) {
    const { id, facts } = head;
    const read = await context.boxes[side].contents(
      [{ id, sizeBytes: facts.sizeBytes }],
      context.call(facts.sizeBytes),
    );
    const content = read.get(id);
    // What cannot be read is nobody's duplicate.
    if (content === undefined || isFault(content)) continue;
    try {
      const bytes = await payloadBytes(content.mime);
      const bcc = [...content.bcc].sort().join();
      const same = found.find((one) => one.bcc === bcc && sameContent(one.bytes, bytes));
      if (same === undefined) found.push({ bytes, bcc, heads: [content.head] });
      else same.heads.push(content.head);
    } finally {
      await content.mime.dispose();
    }
  }
  return found
    .filter(({ heads }) => heads.length > 1)
    .map(({ heads }) => {
      const stamps = new Set(heads.map(({ stamp }) => stamp));
      return { because: stamps.size === 1 && !stamps.has(null) ? 'same identity' : 'equal content', heads };
    });
}

function sameContent(a: Uint8Array, b: Uint8Array): boolean {
  if (Buffer.compare(a, b) === 0) return true;
  try {
    const [left, right] = [canonicalContent(a), canonicalContent(b)];
    return differences(left, right).length === 0 && differences(right, left).length === 0;
  } catch {
    // What cannot be taken apart proves nothing.
    return false;
  }
}

type Settled = Omit<DedupeFinding, 'pair' | 'content' | 'side' | 'folder' | 'because'>;

/** In order of weight. */
const rankReasons = ['it is the copy of an item of the source', 'we made it', 'it is marked', 'it is older'] as const;

async function settle(context: Context, side: Side, { heads }: Equal): Promise<Settled> {
  const left = (detail: string): Settled => ({
    startsAt: null,
    keep: null,
    why: '',
    takesOver: [],
    remove: heads.map(({ id }) => id),
    outcome: 'left',
    detail,
  });
  if (side === 'left') return left('the direction of mail is one-way: nothing is written to the source');
  const links = new Map<ItemId, LinkRow>();
  for (const link of await context.store.linksById(
    context.ofPair,
    side,
    heads.map(({ id }) => id),
  ))
    if (link.state === 'live' && link.rightId !== null) links.set(link.rightId, link);
  const rank = (head: MailHead): readonly number[] => [
    links.has(head.id) ? 1 : 0,
    head.stamp !== null && readStamp(head.stamp) !== null ? 1 : 0,
    marksOf(head),
    -(head.facts.createdAt ?? 0),
  ];
  const [keep, ...others] = [...heads].sort((a, b) => compare(rank(b), rank(a)) || (a.id < b.id ? -1 : 1));
  if (keep === undefined) return left('nothing is left of it');
  // A copy of its own item stays: what is twice on the source is twice on the target.
  const free = others.filter(({ id }) => !links.has(id));
  const remove = free.filter((head) => hasMarksOf(keep, head));
  if (free.length === 0) return left('each is the copy of an item of the source, where the two are as well');
  if (remove.length === 0)
    return left('they are flagged or categorized differently: make them alike, then run this again');
  const decisive = rank(keep).findIndex((part, n) => part !== rank(must(remove[0], 'one that goes'))[n]);
  const more = others.length - remove.length;
  return {
    startsAt: null,
    keep: keep.id,
    why: rankReasons[decisive] ?? 'they are equal',
    takesOver: [],
    remove: remove.map(({ id }) => id),
    outcome: 'found',
    detail: more === 0 ? null : `${more} more stay: copies of items of the source, or marked otherwise`,
  };
}

const marksOf = ({ state }: MailHead): number =>
  state.categories.length +
  (state.flagStatus === 0 ? 0 : 1) +
  (state.lastVerb === null ? 0 : 1) +
  (state.isRead ? 1 : 0);

/** Whether nothing that a person marked on the other one is missing on the one that stays. */
const hasMarksOf = (keep: MailHead, { state }: MailHead): boolean =>
  state.categories.every((name) => keep.state.categories.includes(name)) &&
  (state.flagStatus === 0 || state.flagStatus === keep.state.flagStatus);

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [n, part] of a.entries()) if (part !== b[n]) return part - (b[n] ?? 0);
  return 0;
}

async function carryOut(
  context: Context,
  side: Side,
  folder: FolderId,
  trash: FolderId,
  { because, heads }: Equal,
  remove: readonly ItemId[],
  { undo, number }: { readonly undo: NonNullable<DedupeMailOptions['undo']>; readonly number: number },
): Promise<Fault | null> {
  // Nobody may have taken away in the meantime what is to stay.
  const now = await context.boxes[side].heads(
    heads.map(({ id }) => id),
    context.call(),
  );
  const there = heads.filter((head) => {
    const answer = now.get(head.id);
    return answer !== undefined && !isFault(answer) && answer.folder === folder && keyOf(answer) === keyOf(head);
  });
  const going = there.filter(({ id }) => remove.includes(id));
  if (going.length === 0 || there.length === going.length)
    return { kind: 'stale', detail: 'somebody moved or removed them in the meantime' };
  const moved = going.map((head) => ({ id: head.id, key: keyOf(head) }));
  await undo({ group: number, pair: context.ofPair, kind: 'mail', side, folder, moved });
  const answers = await context.boxes[side].move(
    going.map(({ id }) => id),
    trash,
    context.call(),
  );
  const ids: Record<string, ItemId> = {};
  let fault: Fault | null = null;
  for (const [n, { id }] of going.entries()) {
    const answer = answers[n] ?? { kind: 'transient', detail: 'no answer', mayHaveHappened: true };
    if (!isFault(answer)) ids[id] = answer.id;
    else fault = answer;
  }
  await undo({ done: number, now: ids });
  await context.commit({
    history: Object.keys(ids).map((id) =>
      history({ pass: context.pair.pass, clock: context.clock }, 'move', `causeway dedupe: ${because}`, {
        [side]: id,
        detail: 'to the deleted items; another one stays in the folder',
      }),
    ),
  });
  if (fault?.kind === 'fatal') throw new FaultError(fault);
  return fault;
}

export interface MailPutBack {
  readonly group: number;
  readonly side: Side;
  readonly created: number;
  readonly restored: false;
  /** What was not done, and why; counted by reason. */
  readonly not: Readonly<Record<string, number>>;
}

/** Moves back what a dedupe moved to the deleted items. Can be done twice: what is not there any more is told. Throws FaultError. */
export async function* undoDedupeMail(
  services: PassServices,
  pair: PairId,
  claim: Claim | null,
  signal: AbortSignal,
  entries: readonly UndoMail[],
): AsyncGenerator<MailPutBack> {
  const context = await openMail(services, pair, claim, signal);
  for (const side of ['left', 'right'] as const) {
    const own = entries.filter(({ group }) => group.side === side);
    const trash = own.length === 0 ? null : await trashOf(context, side);
    if (trash === null) continue;
    const deleted = new Map((await headsOf(context, side, trash)).map((head) => [head.id, head]));
    for (const { group, done } of own) {
      const not: Record<string, number> = {};
      const note = (why: string) => {
        not[why] = (not[why] ?? 0) + 1;
      };
      const back: ItemId[] = [];
      for (const { id, key } of group.moved) {
        // Without a word of how it ended, because the process was killed, it is known by what does not change.
        const known = done?.now[id];
        const head =
          known !== undefined
            ? deleted.get(known)
            : [...deleted.values()].find((one) => done === null && keyOf(one) === key);
        if (head === undefined) note('it is not in the deleted items any more');
        else {
          deleted.delete(head.id);
          back.push(head.id);
        }
      }
      const answers = back.length === 0 ? [] : await context.boxes[side].move(back, group.folder, context.call());
      let created = 0;
      for (const answer of answers) {
        if (!isFault(answer)) created++;
        else if (answer.kind === 'fatal') throw new FaultError(answer);
        else note(describeFault(answer));
      }
      yield { group: group.group, side, created, restored: false, not };
    }
  }
}
