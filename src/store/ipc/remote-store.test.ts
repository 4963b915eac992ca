import { describe, expect, test } from 'vitest';
import { systemClock } from '#kit/clock.ts';
import { link, pair, pairId } from '#test/suites/store-rows.ts';
import { storeSuite } from '#test/suites/store-suite.ts';
import { openStore } from '../open-store.ts';
import { FencedOut } from '../store.ts';
import { linkedChannels } from './linked-channels.ts';
import { remoteStore } from './remote-store.ts';
import { serveStore } from './serve-store.ts';

const log = { info() {}, warn() {} };

storeSuite({
  name: 'store of another process',
  async open(clock) {
    const { left, right } = linkedChannels();
    const store = await openStore('sqlite::memory:', { clock, log });
    serveStore(store, left);
    const remote = remoteStore(right, clock);
    return { ...remote, close: () => remote.close().then(() => store.close()) };
  },
  propertyRuns: 5,
});

describe('the line to the store', () => {
  async function line() {
    const channels = linkedChannels();
    const store = await openStore('sqlite::memory:', { clock: systemClock, log });
    const { stop } = serveStore(store, channels.left);
    return { ...channels, store, stop, remote: remoteStore(channels.right, systemClock) };
  }

  test('its end fails every call that waits, and every later one, and wakes who sleeps', async () => {
    const { remote, cut, store } = await line();
    await remote.putPairs([pair(1)]);
    const sleeping = remote.waitForWork(60_000, new AbortController().signal);
    const calls = Array.from({ length: 100 }, () => remote.pair(pairId(1)));
    cut();
    for (const outcome of await Promise.allSettled(calls))
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'closed' } });
    await sleeping;
    await expect(remote.pair(pairId(1))).rejects.toMatchObject({ code: 'closed' });
    await store.close();
  });

  test('a worker never has more than 64 calls on their way', async () => {
    const { right, store } = await line();
    let open = 0;
    let most = 0;
    right.listen((message) => {
      if (typeof message === 'object' && message !== null && 'call' in message) open--;
    });
    const counted: typeof right = {
      ...right,
      post(message) {
        most = Math.max(most, ++open);
        right.post(message);
      },
    };
    const remote = remoteStore(counted, systemClock);
    await remote.putPairs([pair(1)]);
    await Promise.all(Array.from({ length: 500 }, (_, n) => remote.commit(pairId(1), null, { links: [link(n)] })));
    expect((await remote.pair(pairId(1)))?.counts.links).toBe(500);
    expect(most).toBe(64);
    await store.close();
  });

  test('errors keep their kind', async () => {
    const { remote, store } = await line();
    await remote.putPairs([pair(1)]);
    const claim = { key: 'mail:x', token: 1, generation: 0, attempts: 1, leaseEndsAtMs: 0, dirtySinceMs: null };
    await expect(remote.commit(pairId(1), claim, {})).rejects.toBeInstanceOf(FencedOut);
    await expect(remote.ensureWork([{ key: 'no kind', priority: 0, nextAtMs: 0 }])).rejects.toMatchObject({
      name: 'AssertionFailure',
    });
    await store.close();
  });

  test('messages of others pass by', async () => {
    const { left, right, remote, store } = await line();
    left.post({ to: 'worker', drain: true });
    right.post('anything');
    right.post({ to: 'store', call: 999, method: 'close', args: [] });
    await remote.putPairs([pair(1)]);
    expect(await store.pair(pairId(1))).not.toBeNull();
    await store.close();
  });
});
