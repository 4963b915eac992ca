import type { SignInRefusal, SignInScheme } from './sign-in.ts';

/** A request that an endpoint carried out. */
export interface CarriedOut {
  readonly atMs: number;
  readonly organization: string;
  readonly operation: string | null;
  readonly mailbox: string | null;
  readonly caller: string;
  readonly status: number;
}

export interface TrafficEntry extends CarriedOut {
  readonly sequence: number;
  /** `lost`: carried out, and the client never got the whole answer. */
  readonly answer: 'pending' | 'delivered' | 'lost';
}

export interface OperationCounters {
  readonly carriedOut: number;
  readonly delivered: number;
  readonly lost: number;
}

type Kept = { -readonly [K in keyof TrafficEntry]: TrafficEntry[K] };

/** What went over an organization's front, counted; the last requests are kept one by one. */
export class Traffic {
  readonly #kept: number;
  readonly #refusals = new Map<SignInRefusal, number>();
  readonly #signIns = new Map<SignInScheme, number>();
  readonly #operations = new Map<string, { carriedOut: number; delivered: number; lost: number }>();
  #recent: Kept[] = [];
  #next = 0;

  /** @param kept how many requests are kept one by one. */
  constructor(kept = 10_000) {
    this.#kept = kept;
  }

  /** @param why null: the first half of a handshake, which refuses nobody. */
  refused(why: SignInRefusal | null): void {
    if (why !== null) this.#refusals.set(why, (this.#refusals.get(why) ?? 0) + 1);
  }

  signedIn(scheme: SignInScheme): void {
    this.#signIns.set(scheme, (this.#signIns.get(scheme) ?? 0) + 1);
  }

  /** @returns to be told whether the answer arrived. */
  carriedOut(request: CarriedOut): (delivered: boolean) => void {
    const entry: Kept = { ...request, sequence: this.#next++, answer: 'pending' };
    this.#recent.push(entry);
    if (this.#recent.length > 2 * this.#kept) this.#recent = this.#recent.slice(-this.#kept);
    const key = request.operation ?? '';
    let counters = this.#operations.get(key);
    if (!counters) {
      counters = { carriedOut: 0, delivered: 0, lost: 0 };
      // Names of operations come from clients, so their number is bounded.
      if (this.#operations.size < 200) this.#operations.set(key, counters);
    }
    counters.carriedOut++;
    const mine = counters;
    return (delivered) => {
      entry.answer = delivered ? 'delivered' : 'lost';
      if (delivered) mine.delivered++;
      else mine.lost++;
    };
  }

  /** Requests from that sequence number on that are still kept. */
  since(sequence: number): readonly TrafficEntry[] {
    return this.#recent.filter((entry) => entry.sequence >= sequence);
  }

  get operations(): Readonly<Record<string, OperationCounters>> {
    return Object.fromEntries(this.#operations);
  }
  get signIns(): Readonly<Partial<Record<SignInScheme, number>>> {
    return Object.fromEntries(this.#signIns);
  }
  get refusals(): Readonly<Partial<Record<SignInRefusal, number>>> {
    return Object.fromEntries(this.#refusals);
  }
}
