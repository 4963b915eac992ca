import type { Clock } from '#kit/clock.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import type { TlsPolicy, Transport } from '#kit/transport.ts';
import { type ConnectionPool, connectionPool, type Lease } from './connection-pool.ts';
import type { Deadline } from './deadline.ts';

export interface ConnectionsOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly tls: TlsPolicy;
}

/** The connections of one organization, to whatever hosts its requests go. */
export interface Connections {
  /**
   * Does something with a connection to a host. One that died while it was idle says so at its next use: that is no fault of the call, so
   * another one is taken. A connection is discarded when `use` throws; otherwise `use` gives it back, or hands it on.
   *
   * @param group Connections of other groups are counted by themselves.
   * @param max Of one host and group; whoever asks for more waits.
   */
  use<T>(
    url: URL,
    of: { readonly group?: string; readonly max: number },
    call: Deadline,
    use: (lease: Lease) => Promise<T>,
  ): Promise<T>;
  /** Throws FaultError: transient, when they were closed. */
  refuseIfClosed(host: string): void;
  /** Closes idle connections now and the others as they come back. */
  close(): void;
}

const attemptMax = 3;

export function connections({ transport, clock, tls }: ConnectionsOptions): Connections {
  const pools = new Map<string, ConnectionPool>();
  let closed = false;
  return {
    async use(url, { group = '', max }, call, use) {
      const key = `${group} ${url.origin}`;
      const origin = `${url.protocol}//${url.hostname}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`;
      const pool = pools.get(key) ?? connectionPool({ transport, origin, tls, clock, connectionMax: max });
      pools.set(key, pool);
      for (let attempt = 1; ; attempt++) {
        const lease = await pool.lease(call.signal);
        try {
          return await use(lease);
        } catch (error) {
          lease.discard();
          const fault = error instanceof FaultError ? error.fault : null;
          const stale =
            lease.used && fault?.kind === 'transient' && !fault.mayHaveHappened && !call.signal.aborted && !call.passed;
          if (!stale || attempt === attemptMax) throw error;
        }
      }
    },
    refuseIfClosed(host) {
      if (closed)
        throw new FaultError({
          kind: 'transient',
          detail: `${host}: the connector was closed`,
          mayHaveHappened: false,
        });
    },
    close() {
      closed = true;
      for (const pool of pools.values()) pool.close();
    },
  };
}

/** An answer that came after its time: whoever asked has given up, and may have asked again. */
export const lateFault = (host: string, mayHaveHappened: boolean): Fault => ({
  kind: 'transient',
  detail: `${host}: the answer came after the deadline of the call`,
  mayHaveHappened,
});
