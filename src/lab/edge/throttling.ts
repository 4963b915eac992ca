import type { Clock } from '#kit/clock.ts';
import type { LabVersion } from '../seams.ts';
import { type Cost, costOf } from './cost.ts';

/**
 * `shipped`: as each version comes. `migration-policy`: what New-ThrottlingPolicy gives a migration account: no budget, connections
 * still bounded. `off`: nothing is limited.
 */
export const throttlingModes = ['shipped', 'migration-policy', 'off'] as const;
export type ThrottlingMode = (typeof throttlingModes)[number];

type CostPart = keyof Cost;

/** One limit of time: a balance that fills with `ratePerMs` up to `burstMs`, and may fall to `-cutoffMs`. */
export interface TimeLimit {
  /** Name of the policy part, as it stands in answers. */
  readonly part: string;
  readonly counts: CostPart;
  readonly burstMs: number;
  readonly ratePerMs: number;
  readonly cutoffMs: number;
  /** Longest delay of one request while the balance is below zero; 0: no delays, refusals at once. */
  readonly delayMaxMs: number;
  /** How long a caller is refused after falling to the cut-off; null: until the balance is at zero again. */
  readonly lockMs: number | null;
}

export interface ThrottlingPolicy {
  readonly concurrencyMax: number;
  /** Open GetStreamingEvents; null: they count as ordinary requests. */
  readonly hangingMax: number | null;
  /** SyncFolderItems and SyncFolderHierarchy at a time; null: no limit of their own. */
  readonly syncMax: number | null;
  readonly times: readonly TimeLimit[];
  /** From 2010 SP2 RU4 on the impersonated mailbox pays, not the service account. */
  readonly chargesImpersonated: boolean;
}

const minuteMs = 60_000;
const percentOfMinute = (part: string, counts: CostPart, percent: number): TimeLimit => ({
  part,
  counts,
  burstMs: (percent / 100) * minuteMs,
  ratePerMs: percent / 100,
  cutoffMs: 0,
  delayMaxMs: 0,
  lockMs: null,
});
const balance: TimeLimit = {
  part: 'EwsCutoffBalance',
  counts: 'casMs',
  burstMs: 300_000,
  ratePerMs: 900_000 / 3_600_000,
  cutoffMs: 3_000_000,
  delayMaxMs: minuteMs,
  lockMs: 300_000,
};
const percentages = [
  percentOfMinute('EWSPercentTimeInCAS', 'casMs', 90),
  percentOfMinute('EWSPercentTimeInAD', 'directoryMs', 50),
  percentOfMinute('EWSPercentTimeInMailboxRPC', 'mailboxMs', 60),
];
const unlimited: ThrottlingPolicy = {
  concurrencyMax: Number.POSITIVE_INFINITY,
  hangingMax: null,
  syncMax: null,
  times: [],
  chargesImpersonated: true,
};

/** Sources: EWS throttling page (FACTS §1), Set-ThrottlingPolicy of 2010, field notes §3; 2007 has no throttling. */
export function policyOf(version: LabVersion, mode: ThrottlingMode): ThrottlingPolicy {
  if (mode === 'off' || version === '2007') return unlimited;
  const lifted = mode === 'migration-policy';
  switch (version) {
    case '2010':
      return {
        concurrencyMax: lifted ? 100 : 10,
        hangingMax: null,
        syncMax: null,
        times: lifted ? [] : percentages,
        chargesImpersonated: true,
      };
    case '2013':
      return {
        concurrencyMax: lifted ? 100 : 27,
        hangingMax: lifted ? 20 : 3,
        syncMax: null,
        times: lifted ? [] : [balance],
        chargesImpersonated: true,
      };
    default:
      return {
        concurrencyMax: lifted ? 100 : 27,
        hangingMax: lifted ? 20 : 10,
        syncMax: null,
        times: lifted ? [] : [balance],
        chargesImpersonated: true,
      };
  }
}

/** What one caller was allowed and took. Times in milliseconds of cost, see `costOf`. */
export interface BudgetCounters {
  readonly caller: string;
  /** What the policy gave the caller since its first request, by the tightest limit: burst and recharge; null: unlimited. */
  readonly allowedMs: number | null;
  /** How far beyond that it may go before it is refused. */
  readonly overdraftMs: number;
  /** What it took, counted for that limit. */
  readonly usedMs: number;
  readonly requests: number;
  readonly delayed: number;
  readonly delayedMs: number;
  readonly refused: number;
  readonly inFlight: number;
  readonly inFlightPeak: number;
}

export type Admission =
  | { readonly kind: 'go'; readonly delayMs: number; readonly ticket: Ticket }
  | { readonly kind: 'busy'; readonly part: string; readonly limit: string; readonly backOffMs: number }
  /** Too many open streaming connections. */
  | { readonly kind: 'connections'; readonly limit: number };

/** A request that was let in. `end` is called once, with all bytes that went either way. */
export interface Ticket {
  end(bytes: number): void;
}

interface Budget {
  readonly sinceMs: number;
  readonly balances: number[];
  readonly lockedUntil: number[];
  readonly used: number[];
  atMs: number;
  inFlight: number;
  inFlightPeak: number;
  hanging: number;
  syncing: number;
  requests: number;
  delayed: number;
  delayedMs: number;
  refused: number;
}

/** The budgets of one organization's callers. */
export class Throttle {
  readonly #clock: Clock;
  readonly #budgets = new Map<string, Budget>();
  #policy: ThrottlingPolicy;
  #costFactor = 1;
  constructor(policy: ThrottlingPolicy, clock: Clock) {
    this.#policy = policy;
    this.#clock = clock;
  }

  get policy(): ThrottlingPolicy {
    return this.#policy;
  }

  /**
   * Puts everybody under another policy; budgets begin full.
   * @param costFactor what the costs of operations are multiplied with: a slower server, whose limits are met sooner.
   */
  setPolicy(policy: ThrottlingPolicy, costFactor = 1): void {
    this.#policy = policy;
    this.#costFactor = costFactor;
    this.#budgets.clear();
  }

  /** Whether a request may begin now. */
  admit(caller: string, operation: string | null): Admission {
    const policy = this.#policy;
    const budget = this.#budgetOf(caller);
    this.#recharge(budget);
    const hanging = operation === 'GetStreamingEvents' && policy.hangingMax !== null;
    const syncing = operation === 'SyncFolderItems' || operation === 'SyncFolderHierarchy';
    if (hanging && budget.hanging >= (policy.hangingMax ?? 0)) {
      budget.refused++;
      return { kind: 'connections', limit: policy.hangingMax ?? 0 };
    }
    const busy = (part: string, limit: string, backOffMs: number): Admission => {
      budget.refused++;
      return { kind: 'busy', part, limit, backOffMs: Math.ceil(backOffMs) };
    };
    if (!hanging && budget.inFlight >= policy.concurrencyMax)
      return busy('MaxConcurrency', String(policy.concurrencyMax), 0);
    if (syncing && policy.syncMax !== null && budget.syncing >= policy.syncMax)
      return busy('ConcurrentSyncCalls', String(policy.syncMax), 5000);

    let delayMs = 0;
    for (const [i, limit] of policy.times.entries()) {
      const have = budget.balances[i] ?? 0;
      const wait = this.#refusal(budget, i, limit);
      if (wait > 0) return busy(limit.part, String(limit.cutoffMs || Math.round(limit.ratePerMs * 100)), wait);
      if (have < 0 && limit.delayMaxMs > 0) {
        // As long as it takes to earn what the request costs: one connection then just keeps its balance.
        delayMs = Math.max(
          delayMs,
          Math.min(limit.delayMaxMs, this.#costOf(operation, 0)[limit.counts] / limit.ratePerMs),
        );
      }
    }
    budget.requests++;
    if (delayMs > 0) {
      budget.delayed++;
      budget.delayedMs += delayMs;
    }
    if (hanging) budget.hanging++;
    else budget.inFlight++;
    if (syncing) budget.syncing++;
    budget.inFlightPeak = Math.max(budget.inFlightPeak, budget.inFlight);
    let ended = false;
    const end = (bytes: number) => {
      if (ended) return;
      ended = true;
      if (hanging) budget.hanging--;
      else budget.inFlight--;
      if (syncing) budget.syncing--;
      this.#charge(budget, this.#costOf(operation, bytes));
    };
    return { kind: 'go', delayMs, ticket: { end } };
  }

  counters(): readonly BudgetCounters[] {
    return [...this.#budgets].map(([caller, budget]) => {
      const elapsed = this.#clock.monotonicMs() - budget.sinceMs;
      const allowed = (limit: TimeLimit) => limit.burstMs + limit.ratePerMs * elapsed;
      let tightest = 0;
      for (const [i, limit] of this.#policy.times.entries()) {
        const other = this.#policy.times[tightest] ?? limit;
        if ((budget.used[i] ?? 0) / allowed(limit) > (budget.used[tightest] ?? 0) / allowed(other)) tightest = i;
      }
      const limit = this.#policy.times[tightest];
      return {
        caller,
        allowedMs: limit ? allowed(limit) : null,
        overdraftMs: limit?.cutoffMs ?? 0,
        usedMs: budget.used[tightest] ?? 0,
        requests: budget.requests,
        delayed: budget.delayed,
        delayedMs: budget.delayedMs,
        refused: budget.refused,
        inFlight: budget.inFlight + budget.hanging,
        inFlightPeak: budget.inFlightPeak,
      };
    });
  }

  #costOf(operation: string | null, bytes: number): Cost {
    const { casMs, mailboxMs, directoryMs } = costOf(operation, bytes);
    const factor = this.#costFactor;
    return { casMs: casMs * factor, mailboxMs: mailboxMs * factor, directoryMs: directoryMs * factor };
  }

  #budgetOf(caller: string): Budget {
    let budget = this.#budgets.get(caller);
    if (!budget) {
      const now = this.#clock.monotonicMs();
      const { times } = this.#policy;
      budget = {
        sinceMs: now,
        atMs: now,
        balances: times.map((limit) => limit.burstMs),
        lockedUntil: times.map(() => 0),
        used: times.map(() => 0),
        inFlight: 0,
        inFlightPeak: 0,
        hanging: 0,
        syncing: 0,
        requests: 0,
        delayed: 0,
        delayedMs: 0,
        refused: 0,
      };
      this.#budgets.set(caller, budget);
    }
    return budget;
  }

  #recharge(budget: Budget): void {
    const now = this.#clock.monotonicMs();
    const elapsed = now - budget.atMs;
    budget.atMs = now;
    for (const [i, limit] of this.#policy.times.entries()) {
      budget.balances[i] = Math.min(limit.burstMs, (budget.balances[i] ?? 0) + elapsed * limit.ratePerMs);
    }
  }

  /** Milliseconds until the limit lets the caller in again; 0: now. */
  #refusal(budget: Budget, i: number, limit: TimeLimit): number {
    const have = budget.balances[i] ?? 0;
    if (limit.lockMs === null)
      return have <= -limit.cutoffMs ? Math.max(1, (-limit.cutoffMs - have) / limit.ratePerMs) : 0;
    return Math.max(0, (budget.lockedUntil[i] ?? 0) - budget.atMs);
  }

  #charge(budget: Budget, cost: Cost): void {
    this.#recharge(budget);
    if (budget.used.length === 0) budget.used.push(0);
    if (this.#policy.times.length === 0) budget.used[0] = (budget.used[0] ?? 0) + cost.casMs;
    for (const [i, limit] of this.#policy.times.entries()) {
      budget.used[i] = (budget.used[i] ?? 0) + cost[limit.counts];
      const left = (budget.balances[i] ?? 0) - cost[limit.counts];
      budget.balances[i] = left;
      if (limit.lockMs !== null && left <= -limit.cutoffMs && (budget.lockedUntil[i] ?? 0) <= budget.atMs) {
        budget.lockedUntil[i] = budget.atMs + limit.lockMs;
      }
    }
  }
}
