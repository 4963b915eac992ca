import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { Connection, TlsPolicy, Transport } from '#kit/transport.ts';
import { abortFault } from './network-faults.ts';

export interface ConnectionPoolOptions {
  readonly transport: Transport;
  /** `https://host:port`. */
  readonly origin: string;
  readonly tls: TlsPolicy;
  readonly clock: Clock;
  /** Connections at most, idle ones included. Who asks for more waits in turn. */
  readonly connectionMax: number;
  /** An idle connection older than this is not used again: a server that closes it at the same moment would lose a request. */
  readonly idleMaxMs?: number;
}

/** A connection for one request, or for a handshake and a request. */
export interface Lease {
  readonly connection: Connection;
  /** False: nothing was sent on it yet. */
  readonly used: boolean;
  /** Gives it back; a connection that is no longer usable is dropped. Idempotent. */
  release(): void;
  /** Closes it: what comes next on it would not be ours. Idempotent. */
  discard(): void;
}

export interface ConnectionPool {
  /** Throws FaultError: transient without `mayHaveHappened`, or fatal `tls`. */
  lease(signal: AbortSignal): Promise<Lease>;
  /** How many are open, idle ones included. */
  readonly open: number;
  /** Closes idle connections at once, leased ones when they come back; who waits is refused. */
  close(): void;
}

interface Idle {
  readonly connection: Connection;
  readonly sinceMs: number;
}

interface Waiter {
  readonly give: (slot: Connection | 'new') => void;
  readonly refuse: (error: unknown) => void;
}

/** Connections to one origin. The one that was used last is taken first, so that those in excess grow old and are dropped. */
export function connectionPool(options: ConnectionPoolOptions): ConnectionPool {
  const idleMaxMs = options.idleMaxMs ?? 60_000;
  const idle: Idle[] = [];
  const waiters: Waiter[] = [];
  let open = 0;
  let closed = false;

  const drop = (connection: Connection) => {
    connection.close();
    freeSlot();
  };
  const freeSlot = () => {
    const waiter = waiters.shift();
    if (waiter) waiter.give('new');
    else open--;
  };
  const takeIdle = (): Connection | null => {
    for (let entry = idle.pop(); entry; entry = idle.pop()) {
      if (entry.connection.usable && options.clock.monotonicMs() - entry.sinceMs <= idleMaxMs) return entry.connection;
      drop(entry.connection);
    }
    return null;
  };
  const giveBack = (connection: Connection) => {
    if (closed || !connection.usable) return drop(connection);
    const waiter = waiters.shift();
    if (waiter) waiter.give(connection);
    else idle.push({ connection, sinceMs: options.clock.monotonicMs() });
  };
  const leaseOf = (connection: Connection, used: boolean): Lease => {
    let held = true;
    const once = (then: (connection: Connection) => void) => () => {
      if (!held) return;
      held = false;
      then(connection);
    };
    return { connection, used, release: once(giveBack), discard: once(drop) };
  };
  const connect = async (signal: AbortSignal): Promise<Lease> => {
    try {
      return leaseOf(await options.transport.connect(options.origin, options.tls, signal), false);
    } catch (error) {
      freeSlot();
      throw error;
    }
  };
  const refusal = () =>
    new FaultError({
      kind: 'transient',
      detail: `${options.origin}: the connections were closed`,
      mayHaveHappened: false,
    });

  return {
    get open() {
      return open;
    },
    async lease(signal) {
      if (closed) throw refusal();
      if (signal.aborted) throw new FaultError(abortFault(signal, options.origin, false));
      const ready = takeIdle();
      if (ready) return leaseOf(ready, true);
      if (open < options.connectionMax) {
        open++;
        return connect(signal);
      }
      const slot = await new Promise<Connection | 'new'>((resolve, reject) => {
        const leave = () => signal.removeEventListener('abort', onAbort);
        const waiter: Waiter = {
          give: (given) => {
            leave();
            resolve(given);
          },
          refuse: (error) => {
            leave();
            reject(error);
          },
        };
        const onAbort = () => {
          waiters.splice(waiters.indexOf(waiter), 1);
          waiter.refuse(new FaultError(abortFault(signal, options.origin, false)));
        };
        signal.addEventListener('abort', onAbort);
        waiters.push(waiter);
      });
      return slot === 'new' ? connect(signal) : leaseOf(slot, true);
    },
    close() {
      closed = true;
      for (const waiter of waiters.splice(0)) waiter.refuse(refusal());
      for (const { connection } of idle.splice(0)) drop(connection);
    },
  };
}
