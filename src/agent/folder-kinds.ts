import type { Clock } from '#kit/clock.ts';
import type { FolderId, PairId, Side } from '#model/ids.ts';
import { isFollowed } from '#model/link.ts';
import { type ContentKind, type Store, trackId } from '#store/store.ts';

/** Folders that events named, over all mailboxes of a group; then it begins anew. */
const KNOWN_MAX = 20_000;
/** How often a folder that no track knows is looked at because of events. */
const STRANGER_MS = 240_000;

/**
 * Which passes a change in a folder is the business of, so that an appointment does not wake the mail of its mailbox. Learned from the
 * folder rows of the store when a folder is first heard of.
 */
export class FolderKinds {
  readonly #known = new Map<string, readonly ContentKind[]>();
  /** When a folder that no track knows was last made somebody's business. */
  readonly #strangers = new Map<string, number>();
  readonly #store: Pick<Store, 'folderMarks'>;
  readonly #clock: Clock;

  constructor(store: Pick<Store, 'folderMarks'>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** @returns null: not known yet, ask `learn`. */
  of(pair: PairId, folder: FolderId): readonly ContentKind[] | null {
    return this.#known.get(`${pair} ${folder}`) ?? null;
  }

  /**
   * A folder that no track knows may be a new one of any kind: then all those that have not looked at it are meant, once in a while. Where
   * only calendars are carried, every mail comes into such a folder.
   */
  async learn(
    pair: PairId,
    side: Side,
    folder: FolderId,
    kinds: readonly ContentKind[],
  ): Promise<readonly ContentKind[]> {
    const all = await this.#store.folderMarks(kinds.map((kind) => trackId(pair, kind)));
    const rows = kinds.map((kind) => ({
      kind,
      row: all.get(trackId(pair, kind))?.find((r) => (side === 'left' ? r.left : r.right) === folder),
    }));
    const inStep = rows.filter(({ row }) => row !== undefined && isFollowed(row)).map(({ kind }) => kind);
    const strangers = rows.filter(({ row }) => row === undefined).map(({ kind }) => kind);
    const key = `${pair} ${folder}`;
    if (inStep.length === 0 && strangers.length > 0) {
      const nowMs = this.#clock.monotonicMs();
      if (nowMs - (this.#strangers.get(key) ?? Number.NEGATIVE_INFINITY) < STRANGER_MS) return [];
      if (this.#strangers.size >= KNOWN_MAX) this.#strangers.clear();
      this.#strangers.set(key, nowMs);
      return strangers;
    }
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(key, inStep);
    return inStep;
  }
}
