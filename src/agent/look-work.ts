import type { Connector } from '#connectors/contract.ts';
import { inLanes } from '#jobs/pass/in-lanes.ts';
import { type FolderTree, folderContent } from '#model/folder.ts';
import type { PairId, Side } from '#model/ids.ts';
import { hash128 } from '#model/stamp.ts';
import type { TypedKind } from '#model/typed-item.ts';
import { opensAtMs, type Schedule } from '#project/window.ts';
import type { Store, WorkKey } from '#store/store.ts';
import { type Handler, passKey, subjectOf } from './work.ts';

/** Pairs that one claim looks at: what a look costs the store is shared by all of them. */
const GROUP_MAX = 100;
/** Longest time between two looks: behind notices that were missed without anybody knowing. */
const LOOK_MAX_MS = 240_000;
const LANES = 4;
const REQUEST_DEADLINE_MS = 60_000;

/** A pair whose folders are looked at. */
export interface Looked {
  readonly pair: PairId;
  readonly collection: string;
  readonly left: { readonly organization: string; readonly address: string };
  readonly right: { readonly organization: string; readonly address: string };
  readonly kinds: readonly TypedKind[];
  /** Kinds that look at the right as well. */
  readonly bothWays: readonly TypedKind[];
  readonly schedule: Schedule;
}

export interface LookGroup {
  /** `look:COLLECTION:NUMBER`. */
  readonly key: WorkKey;
  readonly pairs: readonly Looked[];
}

export function lookGroups(pairs: readonly Looked[]): readonly LookGroup[] {
  const byCollection = new Map<string, Looked[]>();
  for (const each of pairs) {
    const group = byCollection.get(each.collection);
    if (group) group.push(each);
    else byCollection.set(each.collection, [each]);
  }
  return [...byCollection].flatMap(([collection, all]) => {
    const sorted = [...all].sort((a, b) => (a.pair < b.pair ? -1 : 1));
    return Array.from({ length: Math.ceil(sorted.length / GROUP_MAX) }, (_, n) => ({
      key: `look:${collection}:${n}`,
      pairs: sorted.slice(n * GROUP_MAX, (n + 1) * GROUP_MAX),
    }));
  });
}

/** How long after one look the next one is. */
export const lookPauseMs = ({ everyMs }: Schedule): number => Math.min(LOOK_MAX_MS, everyMs);

/**
 * The work `look:COLLECTION:NUMBER`: reads the folders of many pairs with their change marks, one request a side, and asks for passes of
 * those that show something else than at the last look. What it saw is kept in memory: a process that begins anew asks for one pass
 * more than it had to.
 */
export function lookWork(
  groups: readonly LookGroup[],
  connect: (organization: string, store: Store) => Promise<Connector>,
): Handler {
  const byKey = new Map(groups.map((group) => [subjectOf(group.key), group]));
  const seen = new Map<WorkKey, string>();
  return async (claim, { store, clock, draining }, signal) => {
    const group = byKey.get(subjectOf(claim.key));
    const [first] = group?.pairs ?? [];
    if (!group || !first) return { nextAtMs: null, failed: false };
    const opensMs = opensAtMs(first.schedule, clock.nowMs());
    if (opensMs > clock.nowMs()) return { nextAtMs: opensMs, failed: false };
    const moved: WorkKey[] = [];
    const ending = AbortSignal.any([signal, draining]);
    const look = async (looked: Looked) => {
      if (ending.aborted) return;
      const context = { signal: ending, deadlineMs: clock.monotonicMs() + REQUEST_DEADLINE_MS };
      const treeOf = async (side: Side): Promise<FolderTree | null> => {
        if (side === 'right' && looked.bothWays.length === 0) return null;
        const { organization, address } = looked[side];
        return (await connect(organization, store)).mailbox(address).tree(context);
      };
      let left: FolderTree | null;
      let right: FolderTree | null;
      try {
        [left, right] = await Promise.all([treeOf('left'), treeOf('right')]);
      } catch {
        // The pass meets the same fault and says what is to be done about it.
        if (!ending.aborted) moved.push(...looked.kinds.map((kind) => passKey(looked.pair, kind)));
        return;
      }
      for (const kind of looked.kinds) {
        const key = passKey(looked.pair, kind);
        const shows = hash128(`${digest(left, kind)}|${looked.bothWays.includes(kind) ? digest(right, kind) : ''}`);
        if (seen.get(key) === shows) continue;
        seen.set(key, shows);
        moved.push(key);
      }
    };
    await inLanes(LANES, group.pairs, look);
    if (moved.length > 0) await store.notify(moved, clock.nowMs());
    return { nextAtMs: clock.nowMs() + lookPauseMs(first.schedule), failed: false };
  };
}

/** What a tree shows of the folders of a kind: places, names and marks. */
function digest(tree: FolderTree | null, kind: TypedKind): string {
  if (tree === null) return '';
  const parts: string[] = [tree.mailbox];
  for (const f of tree.folders)
    if (folderContent(f.containerClass) === kind) parts.push(f.id, f.parent ?? '', f.name, f.mark ?? '');
  return parts.join('\n');
}
