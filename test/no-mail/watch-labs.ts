/**
 * Runs around every test of the project (`setupFiles`): a test in which a message left a mailbox of a lab because of Causeway fails, whatever
 * else it looked at. What a lab's machinery would still send later is made to happen once the test, or the file that shares
 * the lab, is through with it.
 */
import { afterAll, afterEach, beforeEach } from 'vitest';
import type { Lab } from '#lab/lab.ts';
import { mailsBecauseOfUs, newLabs } from './labs.ts';

/** Made outside of tests, so that several of them may use it. */
const shared: Lab[] = [];

function none(mails: readonly string[]): void {
  if (mails.length > 0) throw new Error(`mail left a lab because of us:\n${mails.join('\n')}`);
}

beforeEach(() => {
  shared.push(...newLabs());
});

afterEach(() => {
  const own = newLabs();
  const mails = [...mailsBecauseOfUs(shared), ...mailsBecauseOfUs(own)];
  for (const lab of own) lab.happen();
  none([...mails, ...mailsBecauseOfUs(own)]);
});

afterAll(() => {
  shared.push(...newLabs());
  for (const lab of shared) lab.happen();
  none(mailsBecauseOfUs(shared.splice(0)));
});
