import { isNoMail, leaveReason } from '#engine/join-left.ts';
import type { Change } from '#model/change.ts';
import { type FolderTree, folderContent } from '#model/folder.ts';
import type { Cursor, FolderId, ItemId } from '#model/ids.ts';
import type { MailHead } from '#model/mail.ts';
import type { FolderComparison } from './compare-folders.ts';
import { compareItems, type ItemPair, type Look } from './compare-items.ts';
import { Copies } from './copies.ts';
import { PackedHeads } from './packed-heads.ts';
import { readFeed } from './read-feed.ts';
import type { VerifyContext } from './verify-context.ts';

/** What the first look at everything leaves to be settled. */
export interface Scanned {
  readonly copies: Copies;
  /** Where each side's feeds were read to, to see what changed since. */
  readonly leftCursors: ReadonlyMap<FolderId, Cursor>;
  readonly rightCursors: ReadonlyMap<FolderId, Cursor>;
  /** Pairs in which something looked wrong. */
  readonly suspects: readonly ItemPair[];
  /** Source items that no copy was found for. */
  readonly lonely: readonly ItemId[];
}

/** Reads the target's stamps, then the source page by page, comparing each page with its copies while the next is read. */
export async function scan(
  context: VerifyContext,
  folders: FolderComparison,
  right: FolderTree,
  total: number,
): Promise<Scanned> {
  const copies = new Copies(context.pair.left.organization, context.leftMailbox);
  const rightHeads = new PackedHeads();
  const rightCursors = new Map<FolderId, Cursor>();
  const counterparts = new Set(folders.rightOf.values());
  for (const folder of right.folders) {
    // Other folders for mail as well: a person may have moved a copy to where nothing is copied.
    const holdsMail = folder.kind === 'folder' && folderContent(folder.containerClass) === 'mail';
    if (!holdsMail && !counterparts.has(folder.id)) continue;
    const cursor = await eachPage(context, 'right', folder.id, null, (changes) => {
      const heads = changes.flatMap((change) =>
        change.kind === 'upsert' && !isNoMail(change.head) ? [change.head] : [],
      );
      for (const head of heads) copies.see(head);
      rightHeads.add(heads.filter(isWhole));
    });
    if (cursor !== null) rightCursors.set(folder.id, cursor);
  }

  const leftCursors = new Map<FolderId, Cursor>();
  const suspects: ItemPair[] = [];
  const lonely = new Map<ItemId, MailHead>();
  const lanes = new Lanes(context.lanes);
  const seen = new Set<ItemId>();
  let done = 0;
  const compare = (pairs: readonly ItemPair[]) =>
    lanes.run(async () => {
      for (const look of await compareItems(context, pairs)) {
        if (isFine(look)) countCompared(context, look);
        // Read once more, later: what was known of both by now is what looks wrong.
        else suspects.push(withoutHeads(look.pair));
      }
      done += pairs.length;
      context.progress?.({ kind: 'items', done, due: total });
    });
  try {
    for (const folder of folders.due) {
      context.progress?.({ kind: 'folder', name: context.leftPath(folder.id) });
      const cursor = await eachPage(context, 'left', folder.id, null, async (changes) => {
        const heads = changes.flatMap((change) =>
          change.kind === 'upsert' && !seen.has(change.head.id) ? [change.head] : [],
        );
        for (const head of heads) seen.add(head.id);
        const page = await joinPage(context, folders, copies, rightHeads, heads);
        for (const head of page.lonely) lonely.set(head.id, head);
        for (const batch of slices(page.pairs, 50)) await compare(batch);
      });
      if (cursor !== null) leftCursors.set(folder.id, cursor);
    }
    // Only now, so that no item takes a copy that a link gives to another.
    const byStamp = [...lonely.values()].flatMap((head) => {
      const copy = copies.takeByStamp(head);
      if (!copy) return [];
      lonely.delete(head.id);
      return [withHeads(pairOf(folders, head, copy.id), head, rightHeads)];
    });
    for (const batch of slices(byStamp, 50)) await compare(batch);
  } finally {
    await lanes.drain();
  }
  lanes.throwIfFailed();
  return { copies, leftCursors, rightCursors, suspects, lonely: [...lonely.keys()] };
}

const isFine = (look: Look): boolean => look.findings.length === 0 && !look.leftGone && !look.rightGone;

export function countCompared(context: VerifyContext, look: Look): void {
  context.report.compared++;
  if (look.decoded) context.report.contents++;
}

/** Pairs of a page by what is recorded; the others are found by their stamps when everything was read. */
async function joinPage(
  context: VerifyContext,
  folders: FolderComparison,
  copies: Copies,
  rightHeads: PackedHeads,
  heads: readonly MailHead[],
): Promise<{ readonly pairs: readonly ItemPair[]; readonly lonely: readonly MailHead[] }> {
  const links = new Map(
    (
      await context.store.linksById(
        context.pair.id,
        'left',
        heads.map((head) => head.id),
      )
    ).map((link) => [link.leftId, link]),
  );
  const pairs: ItemPair[] = [];
  const lonely: MailHead[] = [];
  for (const head of heads) {
    const link = links.get(head.id);
    const copy = link && copies.takeByLink(head.id, link.rightId, link.stampKey);
    const pair = (right: ItemId) => withHeads(pairOf(folders, head, right), head, rightHeads);
    if (copy) pairs.push(pair(copy.id));
    // The copy is there and its stamp is not, or is another's: the comparison says so.
    else if (link && copies.unstamped.has(link.rightId)) pairs.push(pair(link.rightId));
    else {
      const because = link ? null : leaveReason(head, context.policy);
      if (because) context.report.skip(because);
      else lonely.push(head);
    }
  }
  return { pairs, lonely };
}

export function pairOf(folders: FolderComparison, head: MailHead, right: ItemId): ItemPair {
  return {
    left: head.id,
    leftFolder: head.folder,
    sizeBytes: head.facts.sizeBytes,
    right,
    rightFolder: folders.rightOf.get(head.folder) ?? null,
  };
}

/** Whether a feed of this server shows all of an item. */
const isWhole = ({ bcc }: MailHead): boolean => bcc !== undefined;

function withHeads(pair: ItemPair, left: MailHead, rightHeads: PackedHeads): ItemPair {
  const right = rightHeads.get(pair.right);
  return { ...pair, ...(isWhole(left) && { leftHead: left }), ...(right && { rightHead: right }) };
}

const withoutHeads = ({ leftHead: _, rightHead: __, ...pair }: ItemPair): ItemPair => pair;

/** Hands over each page of a feed; returns where it ended. */
export async function eachPage(
  context: VerifyContext,
  side: 'left' | 'right',
  folder: FolderId,
  from: Cursor | null,
  take: (changes: readonly Change[]) => void | Promise<void>,
): Promise<Cursor | null> {
  const feed = readFeed(side === 'left' ? context.leftBox : context.rightBox, folder, from, () => context.call());
  for (;;) {
    const next = await feed.next();
    if (next.done) return next.value;
    await take(next.value);
  }
}

export function slices<T>(things: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(things.length / size) }, (_, n) => things.slice(n * size, (n + 1) * size));
}

/** At most `width` pieces of work at a time. The first failure is kept and ends what follows. */
class Lanes {
  private readonly running = new Set<Promise<void>>();
  private failure: { readonly error: unknown } | null = null;
  private readonly width: number;

  constructor(width: number) {
    this.width = Math.max(1, width);
  }

  /** Resolves when a lane was free and the work has begun. */
  async run(work: () => Promise<void>): Promise<void> {
    while (this.running.size >= this.width) await Promise.race(this.running);
    this.throwIfFailed();
    const one = work()
      .catch((error: unknown) => {
        this.failure ??= { error };
      })
      .finally(() => this.running.delete(one));
    this.running.add(one);
  }

  async drain(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }

  throwIfFailed(): void {
    if (this.failure) throw this.failure.error;
  }
}
