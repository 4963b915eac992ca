import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TwoForests } from '#jobs/directory/two-forests.fixture.ts';
import { systemClock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import { seededRandom } from '#kit/random.ts';
import type { DirectorySync } from '#project/project.ts';
import { SecretError } from '#project/secret.ts';
import type { Claim } from '#store/store.ts';
import { directoryKey, directoryWork } from './directory-work.ts';
import type { Outcome } from './work.ts';

const said: string[] = [];
const log = { info: () => {}, warn: (_: object, message: string) => void said.push(message) };

let forests: TwoForests;
beforeEach(async () => {
  said.length = 0;
  forests = await TwoForests.open();
  await forests.store.ensureWork([{ key: directoryKey('main'), priority: 30, nextAtMs: 0 }]);
});
afterEach(() => forests.store.close());

const everyMs = 15 * 60_000;
const sync = { name: 'main', everyMs } as DirectorySync;
const open = async (name: string) =>
  name === 'main' ? { sync, opened: { services: forests.services(), close: async () => {} } } : null;

/** The work once, as a worker claims it. */
async function work(
  find: Parameters<typeof directoryWork>[0] = open,
  draining = new AbortController().signal,
): Promise<Outcome & { readonly afterMs: number }> {
  const { store } = forests;
  await store.notify([directoryKey('main')], systemClock.nowMs());
  const [claim] = await store.claim('test', 'directory:', 1, systemClock.nowMs(), 60_000);
  const before = systemClock.nowMs();
  const services = { store, clock: systemClock, random: seededRandom(1), log, draining, emit: () => {} };
  const outcome = await directoryWork(find)(claim as Claim, services, new AbortController().signal);
  await store.complete(claim as Claim, outcome);
  return { ...outcome, afterMs: (outcome.nextAtMs ?? 0) - before };
}

describe('the work of a directory sync', () => {
  test('is a pass, and looks again soon however long the time between two passes is', async () => {
    forests.person('left', 'Ana');
    const { failed, afterMs } = await work();
    expect(failed).toBe(false);
    expect(afterMs).toBeLessThanOrEqual(31_000);
    expect(afterMs).toBeGreaterThan(20_000);
    expect(forests.right.all().some(({ attributes }) => attributes['displayName']?.[0] === 'Ana')).toBe(true);
    expect((await forests.store.directorySync('main'))?.lastPass).toMatchObject({ outcome: 'complete' });
  });

  test('comes back at once for what waits for a second look, and says what has to be run', async () => {
    const guid = forests.person('left', 'Ana');
    await work();
    forests.left.remove(guid);
    expect((await work()).afterMs).toBeLessThan(5_000);
    await work();
    expect(forests.right.all().some(({ attributes }) => attributes['displayName']?.[0] === 'Ana')).toBe(false);
  });

  test.each([
    [
      'a forest that cannot be reached',
      new FaultError({ kind: 'transient', cause: null, detail: 'connection refused', mayHaveHappened: false }),
      /connection refused/,
    ],
    ['a password that is gone', new SecretError('the secret env:NEW_LDAP is not set'), /^config: .*NEW_LDAP/],
  ])('stops with its reason for %s, tries again later, and goes on', async (_what, error, reason) => {
    forests.person('left', 'Ana');
    const stopped = await work(async () => {
      throw error;
    });
    expect(stopped.failed).toBe(true);
    expect(stopped.afterMs).toBeGreaterThan(0);
    const row = await forests.store.directorySync('main');
    expect(row?.lastPass).toMatchObject({
      outcome: 'stopped',
      writes: 0,
      stoppedBecause: expect.stringMatching(reason),
    });
    expect(said).toEqual(['a directory sync was stopped; it is tried again']);
    expect((await work()).failed).toBe(false);
    expect((await forests.store.directorySync('main'))?.lastPass).toMatchObject({ outcome: 'complete' });
  });

  test('a mistake of ours is not hidden as a fault', async () => {
    await expect(
      work(async () => {
        throw new TypeError('undefined is not a function');
      }),
    ).rejects.toThrow(TypeError);
  });

  test('ends between two batches when the process ends, and is due at once', async () => {
    forests.person('left', 'Ana');
    const { failed, afterMs } = await work(open, AbortSignal.abort());
    expect(failed).toBe(false);
    expect(afterMs).toBeLessThan(1_000);
    expect(forests.right.all().some(({ attributes }) => attributes['displayName']?.[0] === 'Ana')).toBe(false);
    await work();
    expect(forests.right.all().some(({ attributes }) => attributes['displayName']?.[0] === 'Ana')).toBe(true);
  });

  test('a sync that the project names no more is put away', async () => {
    expect(await work(async () => null)).toMatchObject({ nextAtMs: null, failed: false });
  });
});
