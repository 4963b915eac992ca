import type { Connector, Context } from '#connectors/contract.ts';
import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import { type FolderMark, type FolderTree, folderContent } from '#model/folder.ts';
import type { FolderId, PairId, Side } from '#model/ids.ts';
import { type FolderMarks, isFollowed } from '#model/link.ts';
import { hash128 } from '#model/stamp.ts';
import type { TypedKind } from '#model/typed-item.ts';
import { opensAtMs, type Schedule } from '#project/window.ts';
import { type Store, trackId, type WorkKey } from '#store/store.ts';
import { type Handler, passKey, subjectOf } from './work.ts';

/** Pairs that one claim looks at. */
const GROUP_MAX = 250;
/** Longest time between two looks: behind notices that were missed without anybody knowing. Within five minutes everybody is looked at. */
const LOOK_MAX_MS = 290_000;
/** One look in so many reads whole trees, for folders that are new: events tell of them sooner, and the full sweep later. */
const TREE_EVERY = 15;
/** Looks of one group on their way at the same time. */
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
  /** When its turn is, as a part of the interval: those of one collection come one after the other. */
  readonly turn: number;
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
    const length = Math.ceil(sorted.length / GROUP_MAX);
    return Array.from({ length }, (_, n) => ({
      key: `look:${collection}:${n}`,
      turn: n / length,
      pairs: sorted.slice(n * GROUP_MAX, (n + 1) * GROUP_MAX),
    }));
  });
}

/** How long after one look at a pair the next one is. */
const lookEveryMs = ({ everyMs }: Schedule): number => Math.min(LOOK_MAX_MS, everyMs);

/**
 * The work `look:COLLECTION:NUMBER`: looks at many pairs when it is its turn, some at a time, for as long as the claim lives. They follow one
 * another at once: a process that wakes up for each of them spends more on that than on the looks. A look reads the marks of the folders
 * that are in step, one small request a side, and asks for a pass where they are neither those of the last pass nor those of the last look.
 * What it saw is kept in memory: a process that begins anew asks for a few passes more than it had to.
 */
export function lookWork(
  groups: readonly LookGroup[],
  connect: (organization: string, store: Store) => Promise<Connector>,
): Handler {
  const byKey = new Map(groups.map((group) => [subjectOf(group.key), group]));
  return async (claim, { store, clock, draining }, signal) => {
    const group = byKey.get(subjectOf(claim.key));
    const [first] = group?.pairs ?? [];
    if (!group || !first) return { nextAtMs: null, failed: false };
    const ending = AbortSignal.any([signal, draining]);
    const looker = new Looker(store, clock, connect, ending);
    const everyMs = lookEveryMs(first.schedule);
    const running = new Set<Promise<void>>();
    const until = (ms: number) => clock.sleep(Math.max(0, ms - clock.monotonicMs()), ending).catch(() => {});
    await until(clock.monotonicMs() + everyMs * group.turn);
    while (!ending.aborted) {
      const beganMs = clock.monotonicMs();
      await looker.prepare(group.pairs);
      for (const looked of group.pairs) {
        if (running.size >= LANES) await Promise.race(running);
        if (ending.aborted) break;
        if (opensAtMs(looked.schedule, clock.nowMs()) > clock.nowMs()) continue;
        const looking: Promise<void> = looker.look(looked).finally(() => running.delete(looking));
        running.add(looking);
      }
      await until(beganMs + everyMs);
    }
    await Promise.all(running);
    return { nextAtMs: clock.nowMs(), failed: false };
  };
}

/** Folders of a track that are in step, and digests of what was seen of them. */
interface Seen {
  readonly folders: readonly { readonly left: FolderId; readonly right: FolderId }[];
  readonly marks: Readonly<Record<Side, string>>;
  /** Of the places and names of all its folders; null: no tree was read so far. */
  readonly tree: string | null;
}

/** Folders of a track that are in step, for a look. */
interface Known {
  readonly folders: Seen['folders'];
  /** As the store has them now; null: they are from memory. */
  readonly rows: readonly FolderMarks[] | null;
}

/** One mailbox as a look shows it; without a tree only marks were read. */
interface SideShown {
  readonly side: Side;
  readonly tree: FolderTree | null;
  /** `same`: those of the look before. */
  readonly marks: ReadonlyMap<FolderId, FolderMark> | 'same';
  /** Of the glance that showed them. */
  readonly glance: string | null;
}

/** What is remembered of a pair beside its tracks. */
interface LookedAt {
  /** They begin apart, so that not all trees are read in the same round. */
  looks: number;
  /** Digests of the last glances; null: the next one is read. */
  glances: Readonly<Record<Side, string | null>>;
}

const nothingKnown: Known = { folders: [], rows: null };
const nothingSeen: Readonly<Record<Side, null>> = { left: null, right: null };

/** Remembers what it saw, so that it asks once for a pass because of it. */
export class Looker {
  readonly #store: Pick<Store, 'folderMarks' | 'notify'>;
  readonly #clock: Clock;
  readonly #connect: (organization: string) => Promise<Connector>;
  readonly #ending: AbortSignal;
  readonly #seen = new Map<WorkKey, Seen>();
  readonly #lookedAt = new Map<PairId, LookedAt>();
  /** Rows that the next look at a track needs. */
  readonly #prepared = new Map<PairId, readonly FolderMarks[]>();

  constructor(
    store: Store,
    clock: Clock,
    connect: (organization: string, store: Store) => Promise<Connector>,
    ending: AbortSignal,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#connect = (organization) => connect(organization, store);
    this.#ending = ending;
  }

  /** Asks the store once for all that the next look at each of them needs. */
  async prepare(all: readonly Looked[]): Promise<void> {
    const tracks = all.flatMap(({ pair, kinds }) => {
      const isTree = isTreeNext(this.#before(pair));
      return kinds.filter((kind) => isTree || !this.#remembers(pair, kind)).map((kind) => trackId(pair, kind));
    });
    if (tracks.length === 0) return;
    const rows = await this.#store.folderMarks(tracks);
    for (const track of tracks) this.#prepared.set(track, rows.get(track) ?? []);
  }

  /** Does not reject for a fault of a server: the pass meets the same one and says what is to be done about it. */
  async look(looked: Looked): Promise<void> {
    const { pair, kinds } = looked;
    const before = this.#before(pair);
    const isTree = isTreeNext(before);
    before.looks++;
    const moved: WorkKey[] = [];
    try {
      const known = new Map<TypedKind, Known>();
      for (const kind of kinds) known.set(kind, await this.#foldersOf(pair, kind, isTree));
      const sides = await Promise.all(
        (looked.bothWays.length === 0 ? (['left'] as const) : (['left', 'right'] as const)).map((side) =>
          isTree ? this.#readTree(looked, side) : this.#readMarks(looked, side, known, before.glances[side]),
        ),
      );
      for (const kind of kinds)
        if (await this.#isMoved(looked, kind, known.get(kind) ?? nothingKnown, sides)) moved.push(passKey(pair, kind));
      if (!isTree)
        before.glances = { ...nothingSeen, ...Object.fromEntries(sides.map(({ side, glance }) => [side, glance])) };
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      if (!this.#ending.aborted) moved.push(...kinds.map((kind) => passKey(pair, kind)));
    }
    if (moved.length > 0) await this.#store.notify(moved, this.#clock.nowMs());
  }

  #before(pair: PairId): LookedAt {
    const known = this.#lookedAt.get(pair) ?? { looks: this.#lookedAt.size % TREE_EVERY, glances: nothingSeen };
    this.#lookedAt.set(pair, known);
    return known;
  }

  #remembers(pair: PairId, kind: TypedKind): boolean {
    return (this.#seen.get(passKey(pair, kind))?.folders.length ?? 0) > 0;
  }

  /** From memory, and once in a while from the store. */
  async #foldersOf(pair: PairId, kind: TypedKind, anew: boolean): Promise<Known> {
    const track = trackId(pair, kind);
    const seen = this.#seen.get(passKey(pair, kind));
    if (!anew && seen !== undefined && this.#remembers(pair, kind)) return { folders: seen.folders, rows: null };
    const rows = this.#prepared.get(track) ?? (await this.#rowsOf(track));
    this.#prepared.delete(track);
    return { folders: rows.filter(isFollowed).map(({ left, right }) => ({ left, right })), rows };
  }

  async #rowsOf(track: PairId): Promise<readonly FolderMarks[]> {
    return (await this.#store.folderMarks([track])).get(track) ?? [];
  }

  async #readTree(looked: Looked, side: Side): Promise<SideShown> {
    const { organization, address } = looked[side];
    const tree = await (await this.#connect(organization)).mailbox(address).tree(this.#context());
    return { side, tree, marks: new Map(tree.folders.map((f) => [f.id, f])), glance: null };
  }

  /** A glance where the connector has one: nearly always nothing has changed. What goes wrong with it is for `marks` to try again. */
  async #readMarks(
    looked: Looked,
    side: Side,
    known: ReadonlyMap<TypedKind, Known>,
    before: string | null,
  ): Promise<SideShown> {
    const { organization, address } = looked[side];
    const connector = await this.#connect(organization);
    const wanted = [...known].flatMap(([kind, { folders }]) =>
      isLookedAt(looked, kind, side) ? folders.map((folder) => folder[side]) : [],
    );
    if (wanted.length === 0) return { side, tree: null, marks: new Map(), glance: null };
    if (connector.glance) {
      try {
        const glance = await connector.glance(address, wanted, before, this.#context());
        if (glance === 'same') return { side, tree: null, marks: 'same', glance: before };
        return { side, tree: null, marks: glance.marks, glance: glance.digest };
      } catch (error) {
        if (!(error instanceof FaultError) || this.#ending.aborted) throw error;
      }
    }
    return { side, tree: null, marks: await connector.mailbox(address).marks(wanted, this.#context()), glance: null };
  }

  #context(): Context {
    return { signal: this.#ending, deadlineMs: this.#clock.monotonicMs() + REQUEST_DEADLINE_MS };
  }

  async #isMoved(
    looked: Looked,
    kind: TypedKind,
    { folders, rows: read }: Known,
    all: readonly SideShown[],
  ): Promise<boolean> {
    const key = passKey(looked.pair, kind);
    const before = this.#seen.get(key);
    const sides = all.filter(({ side }) => isLookedAt(looked, kind, side));
    if (before !== undefined && sides.every(({ marks }) => marks === 'same')) return false;
    const seen = { ...(before?.marks ?? unseen) };
    let moved = false;
    for (const { side, marks } of sides) {
      if (marks === 'same') continue;
      const shown = folders.map((folder) => [folder[side], marks.get(folder[side])] as const);
      const digest = hash128(
        shown.map(([id, mark]) => `${id} ${mark === undefined ? 'gone' : (mark.mark ?? '')}`).join('\n'),
      );
      moved ||= digest !== before?.marks[side];
      // What may still change without moving its mark is not believed to have been seen.
      if (!shown.some(([, mark]) => mark?.settling === true)) seen[side] = digest;
    }
    const isTree = sides.every(({ tree }) => tree !== null);
    const tree = isTree ? hash128(sides.map((side) => placesOf(side.tree, kind)).join('\n')) : null;
    this.#seen.set(key, { folders, marks: seen, tree: tree ?? before?.tree ?? null });

    if (tree !== null && before !== undefined && before.tree !== null && before.tree !== tree) return true;
    // A tree that is seen for the first time may have folders that are in no row.
    if (!moved && (tree === null || tree === before?.tree)) return false;
    // Rows that were read before the marks may be older than them: a pass that came in between is asked for once more, and finds nothing.
    const rows = read ?? (await this.#rowsOf(trackId(looked.pair, kind)));
    return sides.some((side) => differs(side, rows, kind));
  }
}

const isTreeNext = ({ looks }: LookedAt): boolean => looks % TREE_EVERY === TREE_EVERY - 1;

/** No look was believed yet. */
const unseen: Readonly<Record<Side, string>> = { left: '', right: '' };

/** The right side of what is carried one way is nobody's business. */
const isLookedAt = (looked: Looked, kind: TypedKind, side: Side): boolean =>
  side === 'left' || looked.bothWays.includes(kind);

/** Whether a side shows something else than what passes have recorded: other marks, folders that are gone, folders in no row. */
function differs({ side, tree, marks }: SideShown, rows: readonly FolderMarks[], kind: TypedKind): boolean {
  // It was judged when it was first seen.
  if (marks === 'same') return false;
  for (const row of rows.filter(isFollowed)) {
    const shown = marks.get(row[side]);
    if (shown === undefined) return true;
    if (shown.mark !== null && shown.mark !== (side === 'left' ? row.leftMark : row.rightMark)) return true;
  }
  const known = new Set(rows.map((row) => (side === 'left' ? row.left : row.right)));
  return tree?.folders.some((f) => folderContent(f.containerClass) === kind && !known.has(f.id)) ?? false;
}

/** Places and names of the folders of a kind. */
const placesOf = (tree: FolderTree | null, kind: TypedKind): string =>
  (tree?.folders ?? [])
    .filter((f) => folderContent(f.containerClass) === kind)
    .flatMap((f) => [f.id, f.parent ?? '', f.name])
    .join('\n');
