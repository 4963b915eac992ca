import fc from 'fast-check';
import { expect } from 'vitest';
import { type Claim, FencedOut, type Store } from '#store/store.ts';

const LEASE_MS = 1000;

/** One row of the lease table, as the contract describes it. */
interface Row {
  priority: number;
  next: number | null;
  generation: number;
  started: number;
  owner: string | null;
  token: number;
  attempts: number;
  dirty: number | null;
  /** First notice since the claim. */
  pending: number | null;
  /** Whoever takes it by name has asked: not due before that. */
  wanted: number | null;
}

interface World {
  readonly rows: Map<string, Row>;
  now: number;
  /** Claims as their holders believe in them, also those that were lost meanwhile. */
  readonly held: Claim[];
}

type Step = (world: World, store: Store, kind: string) => Promise<void>;

const subject = fc.integer({ min: 0, max: 3 });

const notify = fc.array(subject, { minLength: 1, maxLength: 3 }).map(
  (subjects): Step =>
    async (world, store, kind) => {
      await store.notify(
        subjects.map((n) => `${kind}${n}`),
        world.now,
      );
      for (const n of new Set(subjects)) {
        const row = world.rows.get(`${kind}${n}`);
        if (!row) continue;
        row.generation++;
        row.dirty ??= world.now;
        if (row.owner !== null) row.pending ??= world.now;
        else if (row.next === null || row.next > world.now) row.next = Math.max(world.now, row.wanted ?? 0);
      }
    },
);

const claim = fc.tuple(fc.constantFrom('ana', 'ben'), fc.integer({ min: 1, max: 3 })).map(
  ([owner, limit]): Step =>
    async (world, store, kind) => {
      const got = await store.claim(owner, kind, limit, world.now, LEASE_MS);
      const due = [...world.rows].filter(([, row]) => row.next !== null && row.next <= world.now);
      const order = due
        .map(([, row]) => [row.priority, row.next ?? 0] as const)
        .sort(([p, t], [q, u]) => p - q || t - u);
      expect(got).toHaveLength(Math.min(limit, due.length));
      // Rows of equal priority and due time may come in any order.
      const claimed = got.map(({ key }) => world.rows.get(key)).map((row) => [row?.priority, row?.next]);
      expect(claimed.sort(([p = 0, t], [q = 0, u]) => (p ?? 0) - (q ?? 0) || (t ?? 0) - (u ?? 0))).toEqual(
        order.slice(0, limit),
      );
      for (const each of got) {
        const row = world.rows.get(each.key);
        if (!row) throw new Error(`claimed what is not there: ${each.key}`);
        begin(world, row, owner);
        expect(each).toEqual(claimOf(each.key, row));
        world.held.push(each);
      }
    },
);

function begin(world: World, row: Row, owner: string): void {
  row.owner = owner;
  row.token++;
  row.attempts++;
  row.started = row.generation;
  row.dirty ??= row.pending;
  row.pending = null;
  row.wanted = null;
  row.next = world.now + LEASE_MS;
}

const claimOf = (key: string, row: Row) => ({
  key,
  token: row.token,
  generation: row.generation,
  attempts: row.attempts,
  leaseEndsAtMs: row.next,
  dirtySinceMs: row.dirty,
});

const take = subject.map(
  (n): Step =>
    async (world, store, kind) => {
      const key = `${kind}${n}`;
      const got = await store.take(key, 'carl', world.now, LEASE_MS);
      const row = world.rows.get(key);
      if (!row || (row.owner !== null && (row.next ?? 0) > world.now)) {
        expect(got).toBeNull();
        if (row) row.wanted = world.now + 2_000;
        return;
      }
      begin(world, row, 'carl');
      expect(got).toEqual(claimOf(key, row));
      if (got) world.held.push(got);
    },
);

/** Whether the row is still the holder's. */
const holds = (row: Row | undefined, held: Claim): row is Row =>
  row !== undefined && row.owner !== null && row.token === held.token;

/** The call must succeed for the present holder and be fenced out for every other. */
async function fenced(call: Promise<unknown>, mine: boolean): Promise<void> {
  if (mine) await call;
  else await expect(call).rejects.toBeInstanceOf(FencedOut);
}

const extend = fc.nat().map(
  (pick): Step =>
    async (world, store) => {
      const held = world.held[pick % Math.max(1, world.held.length)];
      if (!held) return;
      const row = world.rows.get(held.key);
      const mine = holds(row, held);
      await fenced(store.extend(held, world.now, LEASE_MS), mine);
      if (mine) row.next = world.now + LEASE_MS;
    },
);

const complete = fc
  .record({ pick: fc.nat(), after: fc.option(fc.integer({ min: 0, max: 3000 })), failed: fc.boolean() })
  .map(
    ({ pick, after, failed }): Step =>
      async (world, store) => {
        const held = world.held[pick % Math.max(1, world.held.length)];
        if (!held) return;
        const row = world.rows.get(held.key);
        const mine = holds(row, held);
        const nextAtMs = after === null ? null : world.now + after;
        await fenced(store.complete(held, { nextAtMs, failed }), mine);
        if (!mine) return;
        const { pending } = row;
        const noticed = row.generation > row.started;
        // No notice may be lost: without a pause after a failure, the work is due since the notice.
        const soon = noticed && pending !== null ? Math.min(pending, nextAtMs ?? pending) : nextAtMs;
        const next = failed ? (nextAtMs ?? soon) : soon;
        row.next = next === null ? null : Math.max(next, row.wanted ?? next);
        row.dirty = failed ? (row.dirty ?? pending) : pending;
        if (!failed) row.attempts = 0;
        row.pending = null;
        row.owner = null;
      },
  );

const tick = fc.integer({ min: -5000, max: 5000 }).map(
  (ms): Step =>
    async (world) => {
      world.now += ms;
    },
);

/**
 * The lease table against its model: two claimers never hold a key together (a token is the present one or fenced out), no notice
 * is lost (a row with a notice that no run has seen is due or running), whatever the order of operations, and with a clock that
 * jumps both ways.
 */
export async function workModel(store: Store, newKind: () => string, runs: number): Promise<void> {
  const step = fc.oneof(
    { weight: 3, arbitrary: notify },
    { weight: 4, arbitrary: claim },
    { weight: 2, arbitrary: take },
    { weight: 2, arbitrary: extend },
    { weight: 3, arbitrary: complete },
    { weight: 2, arbitrary: tick },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const kind = newKind();
      const world: World = { rows: new Map(), now: 1_700_000_000_000, held: [] };
      const start = [0, 1, 2].map((n) => ({
        key: `${kind}${n}`,
        priority: n % 2,
        nextAtMs: n === 0 ? null : world.now,
      }));
      await store.ensureWork(start);
      for (const { key, priority, nextAtMs } of start)
        world.rows.set(key, {
          priority,
          next: nextAtMs,
          generation: 0,
          started: 0,
          owner: null,
          token: 0,
          attempts: 0,
          dirty: null,
          pending: null,
          wanted: null,
        });
      for (const each of steps) {
        await each(world, store, kind);
        const rows = await store.work([...world.rows.keys()]);
        for (const row of rows) {
          const model = world.rows.get(row.key);
          expect(row).toMatchObject({
            nextAtMs: model?.next,
            generation: model?.generation,
            startedGeneration: model?.started,
            owner: model?.owner,
            token: model?.token,
            attempts: model?.attempts,
            dirtySinceMs: model?.dirty,
          });
          if (row.generation > row.startedGeneration) expect(row.nextAtMs, 'a notice was lost').not.toBeNull();
        }
        const due = rows.flatMap(({ nextAtMs }) => (nextAtMs === null ? [] : [nextAtMs]));
        expect(await store.nextDueMs(kind)).toBe(due.length === 0 ? null : Math.min(...due));
      }
    }),
    { numRuns: runs },
  );
}
