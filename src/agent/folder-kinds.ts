import type { FolderId, PairId, Side } from '#model/ids.ts';
import type { FolderRow } from '#model/link.ts';
import { type ContentKind, type Store, trackId } from '#store/store.ts';

/** Folders that events named, over all mailboxes of a group; then it begins anew. */
const KNOWN_MAX = 20_000;

/**
 * Which passes a change in a folder is the business of, so that an appointment does not wake the mail of its mailbox. Learned from the
 * folder rows of the store when a folder is first heard of.
 */
export class FolderKinds {
  readonly #known = new Map<string, readonly ContentKind[]>();
  readonly #store: Pick<Store, 'folders'>;

  constructor(store: Pick<Store, 'folders'>) {
    this.#store = store;
  }

  /** @returns null: not known yet, ask `learn`. */
  of(pair: PairId, folder: FolderId): readonly ContentKind[] | null {
    return this.#known.get(`${pair} ${folder}`) ?? null;
  }

  /** A folder that no track knows may be a new one of any kind: then all those that have not looked at it are meant. */
  async learn(
    pair: PairId,
    side: Side,
    folder: FolderId,
    kinds: readonly ContentKind[],
  ): Promise<readonly ContentKind[]> {
    const rows = await Promise.all(
      kinds.map(async (kind) => {
        const all = await this.#store.folders(trackId(pair, kind));
        return { kind, row: all.find((r) => (side === 'left' ? r.left : r.right) === folder) };
      }),
    );
    const inStep = rows.filter(({ row }) => row !== undefined && isInStep(row)).map(({ kind }) => kind);
    const strangers = rows.filter(({ row }) => row === undefined).map(({ kind }) => kind);
    if (inStep.length === 0 && strangers.length > 0) return strangers;
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(`${pair} ${folder}`, inStep);
    return inStep;
  }
}

const isInStep = (row: FolderRow): boolean => row.right !== null && row.excluded === null && !row.rightGone;
