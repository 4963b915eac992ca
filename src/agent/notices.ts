import type { ItemVersion } from '#connectors/contract.ts';
import type { Clock } from '#kit/clock.ts';
import type { PairId, Side } from '#model/ids.ts';
import { type ContentKind, type Store, trackId, type WorkKey } from '#store/store.ts';
import { type AgentLog, passKey } from './work.ts';

const RETRY_MS = 500;
/** How many ticks a notice waits for the pass that may just be writing down what it is about. */
const PATIENCE_TICKS = 10;

/** What an event told of a side. */
export interface Told {
  readonly side: Side;
  readonly items: readonly ItemVersion[];
}

interface Notice {
  readonly pair: PairId;
  readonly kind: ContentKind;
  /** Null: there is something to look at, whatever the items say. */
  told: readonly Told[] | null;
  ticks: number;
}

/**
 * Collects notices for a tick and writes them together. One that tells of versions which are recorded already is about what a pass of ours
 * wrote itself, and is dropped: the echo of a write costs a look into the store instead of a pass.
 */
export class Notices {
  readonly #store: Pick<Store, 'notify' | 'typedLinks' | 'work'>;
  readonly #clock: Clock;
  readonly #log: AgentLog;
  readonly #tickMs: number;
  readonly #signal: AbortSignal;
  #waiting = new Map<WorkKey, Notice>();
  #writing: Promise<void> | null = null;

  /** @param signal Aborted: what is not written yet is left to those who come after. */
  constructor(
    { store, clock, log }: { readonly store: Store; readonly clock: Clock; readonly log: AgentLog },
    tickMs: number,
    signal: AbortSignal,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#tickMs = tickMs;
    this.#signal = signal;
  }

  add(pair: PairId, kind: ContentKind, told: Told | null): void {
    const key = passKey(pair, kind);
    const known = this.#waiting.get(key);
    if (known === undefined) this.#waiting.set(key, { pair, kind, told: told && [told], ticks: 0 });
    else known.told = told && known.told && [...known.told, told];
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
    });
  }

  /** Resolves when nothing waits any more. */
  async written(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    for (let pauseMs = this.#tickMs; this.#waiting.size > 0; ) {
      await this.#clock.sleep(pauseMs, this.#signal).catch(() => {});
      const taken = this.#waiting;
      this.#waiting = new Map();
      try {
        const keys: WorkKey[] = [];
        const later: [WorkKey, Notice][] = [];
        for (const [key, notice] of taken) {
          const what = notice.told === null ? 'look' : await this.#judge(key, notice);
          if (what === 'look') keys.push(key);
          else if (what === 'wait') later.push([key, notice]);
        }
        if (keys.length > 0) await this.#store.notify(keys, this.#clock.nowMs());
        for (const [key, notice] of later) this.#back(key, notice);
        pauseMs = this.#tickMs;
      } catch (error) {
        // The next tick tries again; if this process ends first, whoever takes over begins with a look at every mailbox.
        for (const [key, notice] of taken) this.#back(key, notice);
        pauseMs = RETRY_MS;
        this.#log.warn({ error: String(error) }, 'notices could not be written; trying again');
        if (this.#signal.aborted) return;
      }
    }
  }

  #back(key: WorkKey, notice: Notice): void {
    const newer = this.#waiting.get(key);
    if (newer !== undefined) notice.told = notice.told && newer.told && [...notice.told, ...newer.told];
    this.#waiting.set(key, notice);
  }

  async #judge(key: WorkKey, notice: Notice): Promise<'look' | 'wait' | 'drop'> {
    if (notice.kind === 'mail') return 'look';
    if (await this.#isRecorded(notice)) return 'drop';
    if (++notice.ticks > PATIENCE_TICKS || this.#signal.aborted) return 'look';
    const [work] = await this.#store.work([key]);
    return work !== undefined && work.owner !== null ? 'wait' : 'look';
  }

  async #isRecorded({ pair, kind, told }: Notice): Promise<boolean> {
    for (const { side, items } of told ?? []) {
      const ids = [...new Set(items.map(({ id }) => id))];
      const links = await this.#store.typedLinks(trackId(pair, kind), side, ids);
      const versions = new Map(
        links.flatMap((link) => (link.state === 'live' ? [[link[side].id, link[side].version] as const] : [])),
      );
      // Of several versions of an item the last one is what is there now.
      const last = new Map(items.map(({ id, version }) => [id, version]));
      for (const [id, version] of last) if (versions.get(id) !== version) return false;
    }
    return true;
  }
}
