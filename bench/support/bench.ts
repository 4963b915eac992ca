export interface BenchOptions {
  /** A tenth of the work: shows that it runs. */
  readonly quick: boolean;
  readonly items: number | null;
  readonly rounds: number | null;
  /** People with a mailbox on both sides. */
  readonly pairs: number | null;
  /** Of the people, each second. */
  readonly changesPerSecond: number | null;
  readonly seconds: number | null;
  /** Exchange Online is asked, instead of telling us. */
  readonly polling: boolean;
  /** Parts to run; null: all. */
  readonly only: readonly string[] | null;
  /** What is being done, for who waits. */
  say(text: string): void;
}

export interface BenchReport {
  /** The JSON object of the last line. */
  readonly figures: object;
  /** The same for people. */
  readonly lines: readonly string[];
  /** Whatever else was measured on the way. */
  readonly details: object;
}

export type Bench = (options: BenchOptions) => Promise<BenchReport>;
