import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#kit/clock.ts';
import { link, pair, pairId } from '#test/suites/store-rows.ts';
import { storeSuite } from '#test/suites/store-suite.ts';
import { openStore } from './open-store.ts';
import { type Claim, FencedOut } from './store.ts';

/** URL of a PostgreSQL in which databases may be made and dropped; `npm run test:peers -- postgres` starts one. */
const server = process.env['CAUSEWAY_TEST_POSTGRES'];
const log = { info() {}, warn() {} };

if (server === undefined) {
  describe('store on PostgreSQL', () => {
    const reason = 'CAUSEWAY_TEST_POSTGRES names no server; `npm run test:peers -- postgres` starts one and runs this';
    test.skipIf(true)(reason, () => {});
    console.log(`store on PostgreSQL: skipped, ${reason}`);
  });
} else {
  const name = `causeway_test_${randomBytes(6).toString('hex')}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  const administer = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: server });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  };
  storeSuite({
    name: 'store on PostgreSQL',
    async open(clock) {
      await administer(`create database ${name}`);
      return openStore(url.href, { clock, log });
    },
    remove: () => administer(`drop database ${name} with (force)`),
    propertyRuns: 15,
  });

  describe('several processes on one PostgreSQL', () => {
    const shared = `${name}_shared`;
    const sharedUrl = new URL(server);
    sharedUrl.pathname = `/${shared}`;
    const open = () => openStore(sharedUrl.href, { clock: systemClock, log });
    beforeAll(() => administer(`create database ${shared}`));
    afterAll(() => administer(`drop database ${shared} with (force)`));

    test('may open a new store at the same time', async () => {
      const stores = await Promise.all([open(), open(), open()]);
      await Promise.all(stores.map((store) => store.close()));
    });

    test('wake each other, and never take the same work', async () => {
      const [one, two] = [await open(), await open()];
      await one.ensureWork(Array.from({ length: 100 }, (_, n) => ({ key: `wake:${n}`, priority: 0, nextAtMs: null })));
      expect(await two.claim('two', 'wake:', 1, systemClock.nowMs(), 60_000)).toEqual([]);
      const waiting = two.waitForWork(60_000, new AbortController().signal);
      await one.notify(
        Array.from({ length: 100 }, (_, n) => `wake:${n}`),
        systemClock.nowMs(),
      );
      await waiting;
      const claims = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          (n % 2 === 0 ? one : two).claim(`${n}`, 'wake:', 5, systemClock.nowMs() + 1000, 60_000),
        ),
      );
      const keys = claims.flat().map((claim) => claim.key);
      expect(new Set(keys).size).toBe(keys.length);
      await Promise.all([one.close(), two.close()]);
    });

    test('a claim that is taken over in the middle of a commit waits for it', async () => {
      const [one, two] = [await open(), await open()];
      await one.putPairs([pair(1)]);
      await one.ensureWork([{ key: 'race:1', priority: 0, nextAtMs: 0 }]);
      const [claim] = await one.claim('one', 'race:', 1, 1, 1);
      if (!claim) throw new Error('no claim');
      const outcomes = await Promise.allSettled([
        ...Array.from({ length: 10 }, (_, n) => one.commit(pairId(1), claim, { links: [link(n)] })),
        two.claim('two', 'race:', 1, 1_000, 60_000),
      ]);
      for (const outcome of outcomes.slice(0, -1))
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(FencedOut);
      // Whoever wins: what is there was committed while the claim was held, and afterwards nothing comes any more.
      const heirs = await two.claim('two', 'race:', 1, 1_000, 60_000);
      const taken = [...heirs, ...(outcomes.at(-1) as PromiseFulfilledResult<readonly Claim[]>).value];
      expect(taken).toHaveLength(1);
      await expect(one.commit(pairId(1), claim, { links: [link(99)] })).rejects.toBeInstanceOf(FencedOut);
      await Promise.all([one.close(), two.close()]);
    });

    test('go on after all connections were cut', async () => {
      const store = await open();
      await store.putPairs([pair(2)]);
      await store.commit(pairId(2), null, { links: [link(1)] });
      await administer(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${shared}'`);
      expect(await store.links(pairId(2), {}, null, 9)).toHaveLength(1);
      await store.commit(pairId(2), null, { links: [link(2)], bytesCopied: 7 });
      await administer(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${shared}'`);
      await store.commit(pairId(2), null, { links: [link(3)], bytesCopied: 7 });
      expect((await store.pair(pairId(2)))?.counts).toMatchObject({ links: 3, bytesCopied: 14 });
      // The listener comes back too.
      await store.ensureWork([{ key: 'again:1', priority: 0, nextAtMs: null }]);
      await store.claim('me', 'again:', 1, systemClock.nowMs(), 1000);
      await store.notify(['again:1'], systemClock.nowMs());
      await store.waitForWork(60_000, new AbortController().signal);
      expect(await store.claim('me', 'again:', 1, systemClock.nowMs(), 1000)).toHaveLength(1);
      await store.close();
    });

    test('a refused sign-in and a missing database are named, without the password', async () => {
      const wrong = new URL(sharedUrl);
      wrong.password = 'wr0ng-secret';
      await expect(openStore(wrong.href, { clock: systemClock, log })).rejects.toMatchObject({
        code: 'unreachable',
        message: expect.not.stringContaining('wr0ng-secret'),
      });
      const missing = new URL(server);
      missing.pathname = '/no_such_database';
      await expect(openStore(missing.href, { clock: systemClock, log })).rejects.toMatchObject({
        code: 'unreachable',
        message: expect.stringContaining('createdb'),
      });
    });
  });
}
