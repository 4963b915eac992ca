import { describe, expect, test } from 'vitest';
import { systemClock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { Connection, Transport } from '#kit/transport.ts';
import { connectionPool } from './connection-pool.ts';

const never = new AbortController().signal;

function world(connectionMax: number, failing: () => boolean = () => false) {
  let now = 0;
  const made: (Connection & { usable: boolean })[] = [];
  const transport: Transport = {
    async connect() {
      if (failing()) throw new FaultError({ kind: 'transient', detail: 'refused', mayHaveHappened: false });
      const connection = {
        channelBinding: null,
        usable: true,
        request: () => Promise.reject(new Error('not in this test')),
        close() {
          connection.usable = false;
        },
      };
      made.push(connection);
      return connection;
    },
  };
  const clock = { ...systemClock, monotonicMs: () => now };
  const pool = connectionPool({
    transport,
    origin: 'https://mail.contoso.test:443',
    tls: { ca: [], min: '1.2' },
    clock,
    connectionMax,
    idleMaxMs: 1000,
  });
  return {
    pool,
    made,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

describe('a pool', () => {
  test('gives the connection that was used last', async () => {
    const { pool, made } = world(3);
    const [a, b] = [await pool.lease(never), await pool.lease(never)];
    expect([a.used, b.used]).toEqual([false, false]);
    a.release();
    b.release();
    b.release();
    const again = await pool.lease(never);
    expect(again.used).toBe(true);
    expect(again.connection).toBe(made[1]);
    expect(pool.open).toBe(2);
  });

  test('never opens more than allowed, and serves who waits in turn', async () => {
    const { pool, made } = world(1);
    const first = await pool.lease(never);
    const order: number[] = [];
    const waiting = [1, 2, 3].map((n) =>
      pool.lease(never).then((lease) => {
        order.push(n);
        lease.release();
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect([order, pool.open]).toEqual([[], 1]);
    first.release();
    await Promise.all(waiting);
    expect([order, made.length, pool.open]).toEqual([[1, 2, 3], 1, 1]);
  });

  test('opens a new one for who waits when the old one is discarded or broken', async () => {
    const { pool, made } = world(1);
    const first = await pool.lease(never);
    const second = pool.lease(never);
    first.discard();
    const lease = await second;
    expect([made.length, made[0]?.usable, lease.used]).toEqual([2, false, false]);
    (made[1] as { usable: boolean }).usable = false;
    lease.release();
    expect(pool.open).toBe(0);
    expect((await pool.lease(never)).connection).toBe(made[2]);
  });

  test('does not use one that was idle for too long', async () => {
    const { pool, made, pass } = world(2);
    (await pool.lease(never)).release();
    pass(1001);
    expect((await pool.lease(never)).used).toBe(false);
    expect([made[0]?.usable, pool.open]).toEqual([false, 1]);
  });

  test('gives the place back when connecting fails', async () => {
    let failing = true;
    const { pool } = world(1, () => failing);
    const both = [pool.lease(never), pool.lease(never)];
    for (const work of both) await expect(work).rejects.toThrow('refused');
    expect(pool.open).toBe(0);
    failing = false;
    expect((await pool.lease(never)).used).toBe(false);
  });

  test('lets go who does not want to wait any more', async () => {
    const { pool } = world(1);
    const lease = await pool.lease(never);
    const call = new AbortController();
    const waiting = pool.lease(call.signal);
    call.abort();
    await expect(waiting).rejects.toThrow(FaultError);
    lease.release();
    expect((await pool.lease(never)).used).toBe(true);
  });

  test('closes', async () => {
    const { pool, made } = world(2);
    const held = await pool.lease(never);
    (await pool.lease(never)).release();
    pool.close();
    await expect(pool.lease(never)).rejects.toThrow('closed');
    expect(made.map((connection) => connection.usable)).toEqual([true, false]);
    held.release();
    expect(made.map((connection) => connection.usable)).toEqual([false, false]);
  });
});
