/** What the benchmark `kill` tells its lab: which process group to kill, and when. */
export interface KillOrder {
  readonly group: number;
  readonly when:
    | { readonly kind: 'create' /** Creates that are let pass before. */; readonly nth: number }
    | { readonly kind: 'time' /** After the first request to the target. */; readonly afterMs: number };
}

export interface Killed {
  readonly group: number;
  /** Wall clock, as in the lab's journal. */
  readonly atMs: number;
}
