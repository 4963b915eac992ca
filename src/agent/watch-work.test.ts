import { describe, expect, test } from 'vitest';
import type { Connector, WatchEvent } from '#connectors/contract.ts';
import { systemClock } from '#kit/clock.ts';
import { seededRandom } from '#kit/random.ts';
import type { PairId } from '#model/ids.ts';
import { openStore } from '#store/open-store.ts';
import { watchGroups, watchWork } from './watch-work.ts';

const log = { info() {}, warn() {} };
const watched = (n: number) => ({
  organization: 'old',
  address: `p${n}@old.example`,
  pair: `pair ${n}` as PairId,
  side: 'left' as const,
  kinds: ['mail'] as const,
});

test('groups hold at most 200 mailboxes of one organization, the same ones in every process', () => {
  const all = Array.from({ length: 401 }, (_, n) => watched(n));
  const groups = watchGroups([...all, { ...watched(1), organization: 'other' }]);
  expect(groups.map(({ key, addresses }) => [key, addresses.size])).toEqual([
    ['watch:old:0', 200],
    ['watch:old:1', 200],
    ['watch:old:2', 1],
    ['watch:other:0', 1],
  ]);
  expect(watchGroups([...all].reverse())).toEqual(watchGroups(all));
});

describe('watching', () => {
  /** A connector of which only the watching is used. */
  const watching = (watch?: Connector['watch']): Connector =>
    ({ organization: 'old', close: async () => {}, ...(watch && { watch }) }) as unknown as Connector;
  const groups = watchGroups([watched(1), watched(2), { ...watched(2), pair: 'pair 2b' as PairId }]);
  const claim = { key: 'watch:old:0', token: 1, generation: 0, attempts: 1, leaseEndsAtMs: 0, dirtySinceMs: null };

  async function world() {
    const store = await openStore('sqlite::memory:', { clock: systemClock, log });
    await store.ensureWork(['1', '2', '2b'].map((n) => ({ key: `mail:pair ${n}`, priority: 0, nextAtMs: null })));
    const drain = new AbortController();
    const services = { store, clock: systemClock, random: seededRandom(1), log, draining: drain.signal, emit() {} };
    const generations = async () => (await store.work()).map((row) => row.generation);
    return { store, drain, services, generations };
  }

  test('turns events into notices, and drains', async () => {
    const { drain, services, generations } = await world();
    let send: (event: WatchEvent) => void = () => {};
    const connector = watching(async function* (addresses, signal) {
      expect(addresses).toEqual(['p1@old.example', 'p2@old.example']);
      while (!signal.aborted) {
        const event = await new Promise<WatchEvent | null>((resolve) => {
          send = resolve;
          signal.addEventListener('abort', () => resolve(null), { once: true });
        });
        if (event) yield event;
      }
    });
    const ended = watchWork(groups, async () => connector)(claim, services, new AbortController().signal);
    await systemClock.sleep(400);
    expect(await generations()).toEqual([0, 0, 0]);
    send({ kind: 'changed', address: 'P2@old.example' });
    await systemClock.sleep(5);
    send({ kind: 'missed', address: 'p2@old.example', why: 'reconnected' });
    await systemClock.sleep(5);
    send({ kind: 'unwatchable', address: 'p1@old.example', why: '403' });
    await systemClock.sleep(400);
    // Two events within one tick are one notice.
    expect(await generations()).toEqual([0, 1, 1]);
    drain.abort();
    expect(await ended).toMatchObject({ failed: false });
  });

  test('asks for what somebody looks at, and wakes nobody else by what it hears', async () => {
    const { store, drain, services } = await world();
    await store.ensureWork([{ key: 'calendar:pair 1', priority: 0, nextAtMs: null }]);
    const both = watchGroups([{ ...watched(1), kinds: ['mail', 'calendar'] }]);
    let wanted: ReadonlySet<string> | undefined;
    const connector = watching(async function* (_addresses, signal, content) {
      wanted = content;
      yield { kind: 'changed', address: 'p1@old.example', content: 'calendar' };
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    });
    const ended = watchWork(both, async () => connector)(claim, services, new AbortController().signal);
    await systemClock.sleep(400);
    const woken = (await store.work()).filter(({ generation }) => generation > 0).map(({ key }) => key);
    expect(woken).toEqual(['calendar:pair 1']);
    expect(wanted).toEqual(new Set(['mail', 'calendar']));
    drain.abort();
    await ended;
  });

  test('a failure of the watching is a failure of the work', async () => {
    const { services } = await world();
    // biome-ignore lint/correctness/useYield: fails before the first event
    const connector = watching(async function* () {
      throw new Error('refused');
    });
    await expect(
      watchWork(groups, async () => connector)(claim, services, new AbortController().signal),
    ).rejects.toThrow('refused');
  });

  test('without an ability to watch there is nothing to do', async () => {
    const { services } = await world();
    expect(await watchWork(groups, async () => watching())(claim, services, new AbortController().signal)).toEqual({
      nextAtMs: null,
      failed: false,
    });
  });
});
