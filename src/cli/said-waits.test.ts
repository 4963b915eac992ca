import { expect, test } from 'vitest';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { Output } from './output.ts';
import { saidWaits } from './said-waits.ts';
import { testTerminal } from './terminal.fixture.ts';

function open(json = false) {
  const clock = new SteppingClock(0);
  const terminal = testTerminal();
  const onWaiting = saidWaits(clock, new Output(terminal, { json, colour: false }));
  /** Waits for so long, in pieces, as somebody does who does not know how long it will be. */
  const wait = async (totalMs: number, pieceMs = totalMs, limit = 'requests per window') => {
    for (let waited = 0; waited < totalMs; waited += pieceMs) {
      onWaiting('target', 'ana@new.example', limit, pieceMs);
      await clock.sleep(pieceMs);
    }
  };
  return { clock, terminal, wait };
}

test('what nobody notices is not said', async () => {
  const { terminal, clock, wait } = open();
  for (let n = 0; n < 50; n++) {
    await wait(2_000);
    await clock.sleep(5_000);
  }
  expect(terminal.err()).toBe('');
});

test('a wait is said when it begins: for how long, and for what', async () => {
  const { terminal, wait } = open();
  await wait(338_000, 338_000, 'TooManyRequests');
  expect(terminal.err()).toBe('waiting 338 s: the request allowance of ana@new.example in target is used up\n');
});

test('what may be on its way asks nobody for a pause', async () => {
  const { terminal, wait } = open();
  await wait(125_000, 125_000, 'what a lost database may have left on its way');
  expect(terminal.err()).toBe(
    'waiting 125 s: ana@new.example in target has to wait for what a lost database may have left on its way\n',
  );
});

test('pieces with nothing between them are one wait, said again now and then', async () => {
  const { terminal, wait } = open();
  await wait(70_000, 2_000, 'bytes per window');
  expect(terminal.err().split('\n')).toEqual([
    'waiting 2 s: the upload allowance of ana@new.example in target is used up',
    'waiting 2 s (32.0 s so far): the upload allowance of ana@new.example in target is used up',
    'waiting 2 s (1 min 2 s so far): the upload allowance of ana@new.example in target is used up',
    '',
  ]);
});

test('programs read it as an event', async () => {
  const { terminal, wait } = open(true);
  await wait(5_000, 5_000, 'MaxConcurrency');
  expect(JSON.parse(terminal.out())).toEqual({
    event: 'waiting',
    organization: 'target',
    who: 'ana@new.example',
    limit: 'MaxConcurrency',
    seconds: 5,
  });
  expect(terminal.err()).toBe('');
});
