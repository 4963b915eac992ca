/**
 * How long changes took to become visible on the other side, as counts by class: small enough to live in the row of a track. Classes
 * grow by a fifth each, from 50 ms to about a day, so that a percentile is right to a tenth.
 */
export type LagHistogram = readonly number[];

const FIRST_MS = 50;
const GROWTH = 1.2;
const CLASSES = 80;
/** What is older than the last so many changes counts half, and so on: percentiles are about the present. */
const HALVED_AT = 500;

const classOf = (ms: number): number =>
  ms <= FIRST_MS ? 0 : Math.min(CLASSES - 1, Math.ceil(Math.log(ms / FIRST_MS) / Math.log(GROWTH)));
/** Upper end of a class. */
const topOf = (at: number): number => Math.round(FIRST_MS * GROWTH ** at);

/** The histogram with more changes in it. Trailing classes without any are left out. */
export function addLags(before: LagHistogram, lagsMs: readonly number[]): LagHistogram {
  if (lagsMs.length === 0) return before;
  const counts = [...before];
  for (const ms of lagsMs) {
    const at = classOf(ms);
    while (counts.length <= at) counts.push(0);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  if (totalOf(counts) <= HALVED_AT) return counts;
  const halved = counts.map((n) => Math.floor(n / 2));
  while (halved.at(-1) === 0) halved.pop();
  return halved;
}

export function sumLags(all: readonly LagHistogram[]): LagHistogram {
  const length = Math.max(0, ...all.map((h) => h.length));
  return Array.from({ length }, (_, at) => all.reduce((sum, h) => sum + (h[at] ?? 0), 0));
}

export const totalOf = (histogram: LagHistogram): number => histogram.reduce((sum, n) => sum + n, 0);

/** @param share 0.5 for the median. @returns milliseconds; null: nothing was counted. */
export function percentileMs(histogram: LagHistogram, share: number): number | null {
  const total = totalOf(histogram);
  if (total === 0) return null;
  let sum = 0;
  for (const [at, count] of histogram.entries()) {
    sum += count;
    if (sum >= share * total) return topOf(at);
  }
  return topOf(histogram.length - 1);
}

/** Collects the lags of one pass. */
export class Lags {
  readonly #earliestMs: number;
  readonly #noticedMs: number | null;
  readonly all: number[] = [];

  /**
   * @param earliestMs When the track was last looked at: what is found now cannot have happened before.
   * @param noticedMs When a notice of it came in; null: nobody noticed.
   */
  constructor(earliestMs: number, noticedMs: number | null) {
    this.#earliestMs = earliestMs;
    this.#noticedMs = noticedMs;
  }

  /** @param changedAtMs By the server's own clock, which may be wrong: a notice came after the change, and no look before it saw it. */
  visible(nowMs: number, changedAtMs: number | null): void {
    const latest = this.#noticedMs ?? nowMs;
    const since = Math.min(latest, Math.max(changedAtMs ?? latest, this.#earliestMs));
    this.all.push(Math.max(0, nowMs - since));
  }
}
