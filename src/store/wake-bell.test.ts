import { expect, test } from 'vitest';
import { systemClock } from '#kit/clock.ts';
import { WakeBell } from './wake-bell.ts';

const signal = new AbortController().signal;
const wakesWithin = async (bell: WakeBell, prefix: string, act: () => void): Promise<boolean> => {
  const started = performance.now();
  const waiting = bell.wait(300, signal, prefix);
  act();
  await waiting;
  return performance.now() - started < 200;
};

test('a ring wakes those who wait for its kind, and nobody else', async () => {
  const bell = new WakeBell(systemClock);
  expect(await wakesWithin(bell, 'mail:', () => bell.ring(['calendar']))).toBe(false);
  expect(await wakesWithin(bell, 'mail:', () => bell.ring(['calendar', 'mail']))).toBe(true);
  bell.hear('mail:');
  expect(await wakesWithin(bell, 'mail:', () => bell.ring())).toBe(true);
  bell.hear('');
  expect(await wakesWithin(bell, '', () => bell.ring(['watch']))).toBe(true);
});

test('a ring between a claim and the wait after it is not lost, although another kind was claimed in between', async () => {
  const bell = new WakeBell(systemClock);
  bell.hear('mail:');
  bell.ring(['mail']);
  bell.hear('calendar:');
  expect(await wakesWithin(bell, 'mail:', () => {})).toBe(true);
});
