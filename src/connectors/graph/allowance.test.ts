import { expect, test } from 'vitest';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { MailboxAllowance } from './allowance.ts';

const limits = {
  concurrent: 2,
  requests: { max: 10, windowMs: 60_000 },
  uploadBytes: { max: 1000, windowMs: 60_000 },
};

function open() {
  const clock = new SteppingClock(0);
  const allowance = new MailboxAllowance(clock, limits);
  const within = (ms: number) => ({ signal: new AbortController().signal, deadlineMs: clock.monotonicMs() + ms });
  const once = async (requests: number, uploadBytes: number, ms = 3_600_000) =>
    (await allowance.take({ requests, uploadBytes }, within(ms)))();
  return { clock, allowance, within, once };
}

test('no window of the service is ever overdrawn', async () => {
  const { clock, once } = open();
  const spent: { readonly atMs: number; readonly n: number }[] = [];
  for (let n = 0; n < 60; n++) {
    const amount = 1 + (n % 4);
    await once(amount, 0);
    spent.push({ atMs: clock.monotonicMs(), n: amount });
    for (const { atMs } of spent) {
      const inWindow = spent.filter((one) => one.atMs >= atMs && one.atMs < atMs + limits.requests.windowMs);
      expect(inWindow.reduce((sum, one) => sum + one.n, 0)).toBeLessThanOrEqual(limits.requests.max);
    }
  }
});

test('what is larger than a window goes when the window is empty', async () => {
  const { clock, once } = open();
  await once(1, 5000);
  await once(1, 5000);
  expect(clock.monotonicMs()).toBeGreaterThanOrEqual(60_000);
});

test('who would have to wait longer than there is time is told for how long', async () => {
  const { once } = open();
  await once(10, 0);
  await expect(once(1, 0, 1000)).rejects.toMatchObject({ fault: { kind: 'throttled' } });
});

test('time that went by waiting for others is no fault of the network', async () => {
  const { allowance, clock, within } = open();
  const spending = { requests: 2, uploadBytes: 0 };
  const free = await allowance.take(spending, within(60_000));
  const late = allowance.take(spending, within(10));
  await clock.sleep(1_000);
  free();
  await expect(late).rejects.toMatchObject({ fault: { kind: 'throttled', limit: 'allowance of the mailbox' } });
});

test('only so many are on their way; the next waits for a place', async () => {
  const { allowance, within } = open();
  const spending = { requests: 1, uploadBytes: 0 };
  const first = await allowance.take(spending, within(60_000));
  await allowance.take(spending, within(60_000));
  let taken = false;
  const third = allowance.take(spending, within(60_000)).then((free) => {
    taken = true;
    return free;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(taken).toBe(false);
  first();
  await third;
  expect(taken).toBe(true);
});
