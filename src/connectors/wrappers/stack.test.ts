import { expect, test } from 'vitest';
import { seededRandom } from '#kit/random.ts';
import type { FolderId } from '#model/ids.ts';
import type { Budget } from './paced.ts';
import { draft, jumpingClock, scripted, within } from './scripted.fixture.ts';
import { type StackOptions, stack } from './stack.ts';

function world(more: Partial<StackOptions> = {}) {
  const clock = jumpingClock();
  const log: string[] = [];
  const budget: Budget = {
    acquire: async () => {
      log.push('place');
      return () => {};
    },
    backOff: () => {},
  };
  const { connector, calls } = scripted(
    { fault: { kind: 'transient', detail: 'reset', mayHaveHappened: false } },
    { answer: [] },
  );
  const options: StackOptions = {
    side: 'target',
    clock,
    random: seededRandom(1),
    note: (record) => log.push(`${record.operation} ${record.fault}`),
    budgets: { organization: budget, mailbox: () => budget },
    ...more,
  };
  return { log, calls, mailbox: stack(connector, options).mailbox('ana') };
}

test('every attempt is recorded and spends, and waits hold no place', async () => {
  const { log, calls, mailbox } = world();
  await mailbox.create('f' as FolderId, [draft(1)], within(100_000));
  expect(calls).toEqual(['create:1', 'create:1']);
  expect(log).toEqual(['place', 'place', 'create transient', 'place', 'place', 'create null']);
});

test('a write that is only described is neither recorded nor paid for', async () => {
  const texts: string[] = [];
  const { log, calls, mailbox } = world({ describe: (write) => texts.push(write.text) });
  await mailbox.create('f' as FolderId, [draft(1)], within(100_000));
  expect([log, calls, texts]).toEqual([[], [], ['create 1 mail (1 bytes) in folder f']]);
});

test('a mailbox is wrapped once', () => {
  const { connector } = scripted();
  const budget: Budget = { acquire: async () => () => {}, backOff: () => {} };
  const made = stack(connector, {
    side: 'source',
    clock: jumpingClock(),
    random: seededRandom(1),
    note: () => {},
    budgets: { organization: budget, mailbox: () => budget },
  });
  expect(made.mailbox('ana')).toBe(made.mailbox('ana'));
  expect(made.watch).toBeUndefined();
  expect([made.organization, made.abilities.product]).toEqual(['contoso', 'scripted']);
});
