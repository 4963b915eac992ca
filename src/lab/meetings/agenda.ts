/** Something the servers or clients of the lab will do by themselves. */
export interface Due {
  readonly atMs: number;
  /** For people and for logs: `attendant ben@target.test`. */
  readonly name: string;
  readonly run: () => void;
}

/**
 * What is to be done later, in order of time and, at one time, of planning. Nobody runs it by himself: whoever has the clock calls
 * `runDue`, so that a simulation can stop anywhere between.
 */
export class Agenda {
  readonly #due: Due[] = [];

  plan(due: Due): void {
    let at = this.#due.length;
    while (at > 0 && (this.#due[at - 1]?.atMs ?? 0) > due.atMs) at--;
    this.#due.splice(at, 0, due);
  }

  /** Planned and not done yet, soonest first. */
  get planned(): readonly Due[] {
    return this.#due;
  }

  /** Does one thing, if one is due. */
  runOne(nowMs: number): boolean {
    const [first] = this.#due;
    if (first === undefined || first.atMs > nowMs) return false;
    this.#due.shift();
    first.run();
    return true;
  }

  /** Does what is due, and what becomes due by that. @returns how much it did. */
  runDue(nowMs: number, atMost = 100_000): number {
    let done = 0;
    while (done < atMost && this.runOne(nowMs)) done++;
    return done;
  }
}
