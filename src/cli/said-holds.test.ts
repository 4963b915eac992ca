import { expect, test } from 'vitest';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { Output } from './output.ts';
import { saidHolds } from './said-holds.ts';
import { testTerminal } from './terminal.fixture.ts';

function open(json = false) {
  const clock = new SteppingClock(0);
  const terminal = testTerminal();
  const onHeld = saidHolds(clock, new Output(terminal, { json, colour: false }));
  /** Waits for so long for somebody who was killed; a look four times a second. */
  const wait = async (totalMs: number) => {
    for (let waited = 0; waited < totalMs; waited += 250) {
      onHeld('mail:ana', 'switch 7 on host', totalMs - waited);
      await clock.sleep(250);
    }
  };
  return { clock, terminal, wait };
}

test('what nobody notices is not said, however often', async () => {
  const { terminal, clock, wait } = open();
  for (let n = 0; n < 20; n++) {
    await wait(1_250);
    await clock.sleep(10_000);
  }
  expect(terminal.err()).toBe('');
});

test('whom it waits for, how long at most, and again while it lasts', async () => {
  const { terminal, wait } = open();
  await wait(60_000);
  expect(terminal.err().trimEnd().split('\n')).toEqual([
    'mail:ana: waiting until switch 7 on host gives it back; if that process was killed, in 59 s at the latest',
    'mail:ana: waiting until switch 7 on host gives it back; if that process was killed, in 29 s at the latest',
  ]);
});

test('for programs', async () => {
  const { terminal, wait } = open(true);
  await wait(3_000);
  expect(terminal.err()).toBe('');
  expect(terminal.out()).toBe('{"event":"waiting","work":"mail:ana","owner":"switch 7 on host","seconds":2}\n');
});
