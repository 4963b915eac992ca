import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { Connector, Context } from '../contract.ts';
import { aroundConnector, aroundMailbox } from './around.ts';

/** Gives one place in a budget back. Idempotent. */
export type Release = () => void;

/** How much may be asked of a server at the same time and over time, by whoever shares it. */
export interface Budget {
  /**
   * Waits for a place.
   *
   * @param bytes Decoded bytes of content that the request will move, as far as that is known before.
   * Throws FaultError: throttled, when the deadline of the call would be over before there is one; transient when it was aborted.
   */
  acquire(bytes: number, context: Context): Promise<Release>;
  /** The server asked for a pause: nobody gets a place before it is over. `limit` names what it said was exceeded. */
  backOff(ms: number, limit: string): void;
}

export interface Budgets {
  readonly organization: Budget;
  /** From Exchange 2010 SP2 RU4 on an impersonated request is charged to its mailbox. */
  readonly mailbox: (address: string) => Budget;
  /** The same for one small request; null: nothing is limited or known that could stand in its way, and none is made for it. */
  readonly inUse: (address: string) => Budget | null;
}

/** Every request spends from the budget of its mailbox and of its organization, and what the server says about limits is heard. */
export function paced(inner: Connector, budgets: Budgets): Connector {
  const heed = (fault: Fault, address: string) => {
    if (fault.kind !== 'throttled') return;
    // Without SOAP nobody looked at the mailbox: the web server as a whole is full.
    const budget = fault.limit.startsWith('HTTP') ? budgets.organization : budgets.mailbox(address);
    budget.backOff(fault.retryAfterMs, fault.limit);
  };
  const spend = async <T>(
    address: string,
    own: Budget | null,
    bytes: number,
    context: Context,
    make: () => Promise<T>,
  ): Promise<T> => {
    // Always in this order, so that two callers never wait for each other.
    const releaseOwn = await own?.acquire(bytes, context);
    try {
      const releaseShared = await budgets.organization.acquire(bytes, context);
      try {
        const answer = await make();
        for (const fault of faultsIn(answer)) heed(fault, address);
        return answer;
      } catch (error) {
        if (error instanceof FaultError) heed(error.fault, address);
        throw error;
      } finally {
        releaseShared();
      }
    } finally {
      releaseOwn?.();
    }
  };
  const { glance } = inner;
  return {
    ...aroundConnector(inner, (mailbox) => {
      const { address } = mailbox;
      const own = budgets.mailbox(address);
      return aroundMailbox(mailbox, (call, context, make) =>
        spend(address, own, call.bytes, context, () => make(context)),
      );
    }),
    get abilities() {
      return inner.abilities;
    },
    ...(glance
      ? {
          glance: (address, folders, before, context) =>
            spend(address, budgets.inUse(address), 0, context, () => glance(address, folders, before, context)),
        }
      : {}),
  };
}

/** Faults in the places of items. */
function* faultsIn(answer: unknown): Generator<Fault> {
  const places: Iterable<unknown> = Array.isArray(answer) ? answer : answer instanceof Map ? answer.values() : [];
  for (const place of places) if (isFault(place)) yield place;
}
