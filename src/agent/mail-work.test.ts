import { describe, expect, test } from 'vitest';
import type { Connector } from '#connectors/contract.ts';
import { must } from '#kit/assert.ts';
import { systemClock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import { seededRandom } from '#kit/random.ts';
import { defaultMailPolicy } from '#model/policy.ts';
import { SecretError } from '#project/secret.ts';
import { openStore } from '#store/open-store.ts';
import type { PassSummary, WorkRow } from '#store/store.ts';
import { pairId, pair as pairRow } from '#test/suites/store-rows.ts';
import { FULL_SWEEP_MS, sweepFired } from './full-sweep.ts';
import { type MailPair, mailWork, nextIntervalMs } from './mail-work.ts';
import { type AgentEvent, passKey } from './work.ts';

const MINUTE = 60_000;
const pass = (startedAtMs: number, endedAtMs: number): { readonly lastPass: PassSummary } => ({
  lastPass: {
    pass: 1,
    startedAtMs,
    endedAtMs,
    writes: 0,
    requestsLeft: 1,
    requestsRight: 1,
    bytes: 0,
    waitedMs: {},
    held: 0,
    outcome: 'complete',
  },
});

describe('the time of the next pass', () => {
  test('is soon for a pair in which something happens', () => {
    expect(nextIntervalMs(pass(0, 0), 3, 15 * MINUTE, 100 * MINUTE)).toBe(30_000);
    expect(nextIntervalMs({ lastPass: null }, 0, 15 * MINUTE, 0)).toBe(30_000);
    expect(nextIntervalMs(pass(0, 0), 3, 10_000, 0)).toBe(10_000);
  });
  test('doubles for a quiet one, up to the interval of the collection', () => {
    expect(nextIntervalMs(pass(0, 0), 0, 15 * MINUTE, 30_000)).toBe(MINUTE);
    expect(nextIntervalMs(pass(0, 0), 0, 15 * MINUTE, 10 * MINUTE)).toBe(15 * MINUTE);
    // A clock that went back.
    expect(nextIntervalMs(pass(0, 10 * MINUTE), 0, 15 * MINUTE, 0)).toBe(30_000);
  });
});

describe('the full sweep', () => {
  const row = (over: Partial<WorkRow>): WorkRow => ({
    key: 'sweep:x',
    priority: 0,
    nextAtMs: null,
    generation: 0,
    startedGeneration: 0,
    owner: null,
    token: 1,
    attempts: 0,
    dirtySinceMs: null,
    ...over,
  });
  test('is due when the timer went off after the last finished pass began', () => {
    expect(sweepFired(row({ nextAtMs: 1000 + FULL_SWEEP_MS }), pass(999, 1200))).toBe(true);
    expect(sweepFired(row({ nextAtMs: 1000 + FULL_SWEEP_MS }), pass(1001, 1200))).toBe(false);
    expect(sweepFired(row({ owner: 'somebody', nextAtMs: 5 }), pass(1001, 1200))).toBe(true);
  });
  test('is not due before the timer ever went off, nor before the first pass, which reads everything anyway', () => {
    expect(sweepFired(undefined, pass(0, 0))).toBe(false);
    expect(sweepFired(row({ token: 0, nextAtMs: FULL_SWEEP_MS }), pass(0, 0))).toBe(false);
    expect(sweepFired(row({ nextAtMs: FULL_SWEEP_MS }), { lastPass: null })).toBe(false);
  });
});

describe('what makes a pair stop', () => {
  /** @returns what the store and the events say after one try. */
  async function oneTry(find: () => Promise<MailPair>) {
    const store = await openStore('sqlite::memory:', { clock: systemClock, log: { info() {}, warn() {} } });
    await store.putPairs([pairRow(1)]);
    const id = pairId(1);
    await store.ensureWork([{ key: passKey(id, 'mail'), priority: 0, nextAtMs: 0 }]);
    const [claim] = await store.claim('me', 'mail:', 1, systemClock.nowMs(), 60_000);
    const events: AgentEvent[] = [];
    const services = { store, clock: systemClock, random: seededRandom(1), log: { info() {}, warn() {} } };
    const outcome = await mailWork(find)(
      must(claim, 'the work is due'),
      { ...services, draining: new AbortController().signal, emit: (event) => void events.push(event) },
      new AbortController().signal,
    );
    const inMs = must(outcome.nextAtMs, 'it is looked at again') - systemClock.nowMs();
    return { because: (await store.pair(id))?.stoppedBecause, events: events.map(({ kind }) => kind), outcome, inMs };
  }
  const unreachable = new FaultError({ kind: 'fatal', code: 'exhausted', detail: 'tree failed 6 times' });
  const broken = {
    mailbox: () => ({ tree: () => Promise.reject(unreachable), roles: () => Promise.reject(unreachable) }),
  } as unknown as Connector;

  test('an outage is told, and looked at again soon', async () => {
    const { because, events, outcome, inMs } = await oneTry(async () => ({
      left: broken,
      right: broken,
      policy: defaultMailPolicy,
      schedule: { zone: 'UTC', windows: [], everyMs: 60 * MINUTE },
      takeWaits: () => ({}),
    }));
    expect(because).toBe('exhausted: tree failed 6 times');
    expect(events).toEqual(['pass-started', 'pair-stopped']);
    expect(outcome.failed).toBe(true);
    expect(inMs).toBeLessThan(MINUTE);
  });

  test.each([
    ['a secret that was taken away', new SecretError('the environment variable X is not set'), /^config: .*X is not/],
    [
      'a connector that cannot be opened',
      new FaultError({ kind: 'fatal', code: 'config', detail: 'no file' }),
      /no file/,
    ],
  ])('%s', async (_what, error, because) => {
    const tried = await oneTry(() => Promise.reject(error));
    expect(tried.because).toMatch(because);
    expect(tried.events).toEqual(['pair-stopped']);
  });
});
