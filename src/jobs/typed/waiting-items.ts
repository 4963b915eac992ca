import type { FeedEntry } from '#engine/join-typed-decisions.ts';
import { isFault } from '#kit/fault.ts';
import type { ItemId, Side } from '#model/ids.ts';
import type { UnlinkedRow } from '#model/typed-link.ts';
import { readItems } from './read-items.ts';
import { takeBack } from './set-aside.ts';
import { isInStep, type TypedContext } from './typed-context.ts';

const PAGE = 500;
const RETRIED_MAX = 1_000;

/** What earlier passes left, and no feed will show once more. */
export interface Waiting {
  readonly left: readonly FeedEntry[];
  readonly right: readonly FeedEntry[];
  readonly unlinked: readonly UnlinkedRow[];
}

/** Everything that belongs to no link, in folders that are in step: their wait may be over. */
export async function allUnlinked(context: TypedContext): Promise<readonly UnlinkedRow[]> {
  const rows: UnlinkedRow[] = [];
  for (const row of context.rows.values()) {
    if (!isInStep(row)) continue;
    for (const side of ['left', 'right'] as const) {
      if (side === 'right' && context.policy.direction === 'one-way') continue;
      for (let after: ItemId | null = null; ; ) {
        const folder = side === 'left' ? row.left : row.right;
        const page: readonly UnlinkedRow[] = await context.store.pageUnlinked(
          context.pair.id,
          side,
          folder,
          after,
          PAGE,
        );
        rows.push(...page);
        if (page.length < PAGE) break;
        after = page.at(-1)?.head.id ?? null;
      }
    }
  }
  return rows;
}

/** Items that the operator released, and those that failed for a passing reason, get another try. */
export async function retriedItems(context: TypedContext): Promise<Waiting> {
  const { store, pair } = context;
  const retried = [...context.failed.values()].filter((q) => q.retry).slice(0, RETRIED_MAX);
  const ids = retried.map((q) => q.left);
  const none: Waiting = { left: [], right: [], unlinked: [] };
  if (ids.length === 0) return none;
  const known = { left: new Set<ItemId>(), right: new Set<ItemId>() };
  const unlinked: UnlinkedRow[] = [];
  const entries: Record<Side, FeedEntry[]> = { left: [], right: [] };
  for (const side of ['left', 'right'] as const) {
    unlinked.push(...(await store.unlinked(pair.id, side, ids)));
    const links = await store.typedLinks(pair.id, side, ids);
    for (const link of links) known[side].add(link[side].id);
    const answers = await readItems(
      context,
      side,
      links.map((l) => ({ id: l[side].id, sizeBytes: 0 })),
    );
    for (const [id, answer] of answers) {
      if (!isFault(answer)) entries[side].push({ kind: 'upsert', head: answer.head });
      else if (answer.kind === 'gone') entries[side].push({ kind: 'delete', id });
    }
  }
  const held = new Set([...known.left, ...known.right, ...unlinked.map((u) => u.head.id)]);
  // Neither linked nor waiting: it went away, and its feed has said so.
  takeBack(context, ...ids.filter((id) => !held.has(id)).map((id) => ({ id })));
  return { left: entries.left, right: entries.right, unlinked };
}
