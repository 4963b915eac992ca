/**
 * A suite drives one program that is not ours (a client of the lab, or a server for us). It starts what it needs through
 * `started`, so that everything is stopped whatever happens, and puts each claim it makes into a `check`.
 */
export interface PeerSuite {
  readonly name: string;
  /** Debian packages it needs. */
  readonly packages: readonly string[];
  run(context: PeerContext): Promise<void>;
}

export interface PeerContext {
  /** The clone. */
  readonly root: string;
  /** Reference material outside of the project (`CAUSEWAY_REFERENCE`, default `../shared`); may be absent. */
  readonly reference: string;
  /** An empty directory of this suite, removed afterwards. Other accounts may enter it. */
  readonly state: string;
  /** Aborted when the run is interrupted. */
  readonly signal: AbortSignal;
  /** Runs one check, prints `ok NAME` or `FAIL NAME: reason`, and counts it. Resolves to whether it passed. */
  check(name: string, body: () => Promise<void> | void): Promise<boolean>;
  /** Counts a check that somebody else made and reported. */
  record(name: string, failure: string | null): void;
  /** Says what is not checked, and why. */
  leftOut(what: string, reason: string): void;
  /** A running program of this suite: stopped at its end, last started first. */
  started<T extends { stop(): Promise<void> }>(running: T): T;
}
