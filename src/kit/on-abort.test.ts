import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { systemClock } from './clock.ts';
import { onAbort } from './on-abort.ts';

/** Warnings of Node while something is done. */
async function warningsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  const warnings: string[] = [];
  const hear = ({ name }: Error) => void warnings.push(name);
  process.on('warning', hear);
  await work();
  // They come in a later turn.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', hear);
  return warnings;
}

test('many who wait for one signal are no leak, and each stops listening', async () => {
  const stop = new AbortController();
  let called = 0;
  const warnings = await warningsOf(async () => {
    const ends = Array.from({ length: 50 }, () => onAbort(stop.signal, () => called++));
    for (const end of ends.slice(1)) end();
  });
  expect(warnings).toEqual([]);
  stop.abort();
  expect([called, getEventListeners(stop.signal, 'abort').length]).toEqual([1, 1]);
});

test('nor are many who sleep until one signal', async () => {
  const stop = new AbortController();
  const warnings = await warningsOf(async () => {
    const sleeps = Array.from({ length: 50 }, () => systemClock.sleep(60_000, stop.signal).catch(() => {}));
    stop.abort(new Error('over'));
    await Promise.all(sleeps);
  });
  expect(warnings).toEqual([]);
});
