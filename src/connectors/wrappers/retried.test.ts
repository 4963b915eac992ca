import { describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { systemClock } from '#kit/clock.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import { seededRandom } from '#kit/random.ts';
import type { FolderId } from '#model/ids.ts';
import type { Mailbox } from '../contract.ts';
import type { MailboxSettings } from '../settings-contract.ts';
import { reaction, retried } from './retried.ts';
import {
  draft,
  item,
  jumpingClock,
  type Outcome,
  scripted,
  typedDraft,
  typedEdit,
  within,
  written,
} from './scripted.fixture.ts';

const transient = (mayHaveHappened: boolean): Fault => ({ kind: 'transient', detail: 'reset', mayHaveHappened });
const throttled: Fault = { kind: 'throttled', retryAfterMs: 3_000, limit: 'EWS' };
const folder = 'folder' as FolderId;

function world(...outcomes: readonly Outcome[]) {
  const clock = jumpingClock();
  const { connector, calls } = scripted(...outcomes);
  const mailbox = retried(connector, { clock, random: seededRandom(1) }).mailbox('ana@contoso.test');
  return { clock, calls, mailbox };
}

const events = (mailbox: Mailbox) => must(mailbox.typed('calendar'), 'events');

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const error = await work.catch((thrown: unknown) => thrown);
  if (!(error instanceof FaultError)) throw new Error(`expected a fault, got ${error}`);
  return error.fault;
}

describe('whole requests', () => {
  test('a transient read is tried again, later each time', async () => {
    const { clock, calls, mailbox } = world(
      { fault: transient(true) },
      { fault: transient(false) },
      { answer: 'tree' },
    );
    expect(await mailbox.tree(within(100_000))).toBe('tree');
    expect(calls).toEqual(['tree', 'tree', 'tree']);
    const [first = 0, second = 0] = clock.slept;
    expect(first).toBeGreaterThanOrEqual(250);
    expect(first).toBeLessThanOrEqual(500);
    expect(second).toBeGreaterThanOrEqual(500);
    expect(second).toBeLessThanOrEqual(1000);
  });

  test('what does not pass is fatal, and says what it was', async () => {
    const { calls, mailbox } = world({ fault: transient(false) });
    expect(await faultOf(mailbox.tree(within(1_000_000)))).toMatchObject({
      kind: 'fatal',
      code: 'exhausted',
      detail: expect.stringContaining('reset'),
    });
    expect(calls).toHaveLength(6);
  });

  test('throttled waits as it was told, as often as needed', async () => {
    const { clock, calls, mailbox } = world(...new Array<Outcome>(20).fill({ fault: throttled }), { answer: 'tree' });
    expect(await mailbox.tree(within(1_000_000))).toBe('tree');
    expect(calls).toHaveLength(21);
    expect(Math.min(...clock.slept)).toBeGreaterThanOrEqual(3_000);
  });

  test('no wait goes beyond the deadline; the fault stays what it was', async () => {
    const { clock, calls, mailbox } = world({ fault: throttled });
    expect(await faultOf(mailbox.tree(within(2_000)))).toEqual(throttled);
    expect([calls.length, clock.slept]).toEqual([1, []]);
  });

  const writes: readonly (readonly [string, (mailbox: Mailbox) => Promise<unknown>])[] = [
    ['create', (mailbox) => mailbox.create(folder, [draft(1)], within(100_000))],
    ['update', (mailbox) => mailbox.update([], within(100_000))],
    ['move', (mailbox) => mailbox.move([item('a')], folder, within(100_000))],
    ['remove', (mailbox) => mailbox.remove([], within(100_000))],
    ['createFolder', (mailbox) => mailbox.createFolder(folder, 'x', null, within(100_000))],
    ['moveFolder', (mailbox) => mailbox.moveFolder(folder, folder, within(100_000))],
    ['removeFolder', (mailbox) => mailbox.removeFolder(folder, within(100_000))],
    ['typedCreate', (mailbox) => events(mailbox).create(folder, [typedDraft(1)], within(100_000))],
    ['typedUpdate', (mailbox) => events(mailbox).update([], within(100_000))],
    ['typedMove', (mailbox) => events(mailbox).move([item('a')], folder, within(100_000))],
    ['typedRemove', (mailbox) => events(mailbox).remove([], within(100_000))],
  ];
  test.each(writes)('%s that may have happened is never repeated', async (_name, write) => {
    const { calls, mailbox } = world({ fault: transient(true) });
    expect(await faultOf(write(mailbox))).toEqual(transient(true));
    expect(calls).toHaveLength(1);
  });

  test.each(writes)('%s that cannot have happened is', async (_name, write) => {
    const { calls, mailbox } = world({ fault: transient(false) }, { answer: [] });
    await write(mailbox);
    expect(calls).toHaveLength(2);
  });

  test.each<Fault>([
    { kind: 'stale', detail: 'x' },
    { kind: 'gone', detail: 'x' },
    { kind: 'cursor-lost' },
    { kind: 'poison', reason: 'corrupt', detail: 'x' },
    { kind: 'fatal', code: 'auth', detail: 'x' },
  ])('$kind is for the caller at once', async (fault) => {
    const { calls, mailbox } = world({ fault });
    expect(await faultOf(mailbox.tree(within(100_000)))).toEqual(fault);
    expect(calls).toHaveLength(1);
  });

  test('a broken assumption passes', async () => {
    const { mailbox } = world();
    await expect(mailbox.tree(within(100_000))).rejects.toThrow('nothing is scripted');
  });

  test('who stopped the work does not wait', async () => {
    const { calls, mailbox } = world({ fault: transient(false) });
    expect(await faultOf(mailbox.tree(within(100_000, AbortSignal.abort())))).toEqual(transient(false));
    expect(calls).toHaveLength(1);
  });
});

describe('items of a batch', () => {
  test('those that were busy are asked for again, the others keep their answers', async () => {
    const poison: Fault = { kind: 'poison', reason: 'too-large', detail: 'x' };
    const { clock, calls, mailbox } = world(
      { answer: [written('a'), throttled, poison, throttled] },
      { answer: [written('b'), throttled] },
      { answer: [written('d')] },
    );
    const answers = await mailbox.create(folder, [draft(1), draft(2), draft(3), draft(4)], within(100_000));
    expect(answers).toEqual([written('a'), written('b'), poison, written('d')]);
    expect(calls).toEqual(['create:4', 'create:2', 'create:1']);
    expect(clock.slept).toHaveLength(2);
  });

  test('an item whose write may have happened is left to the job', async () => {
    const { calls, mailbox } = world({ answer: [written('a'), transient(true)] });
    expect(await mailbox.move([item('a'), item('b')], folder, within(100_000))).toEqual([
      written('a'),
      transient(true),
    ]);
    expect(calls).toHaveLength(1);
  });

  test('what is done is not lost when the second request fails as a whole', async () => {
    const full: Fault = { kind: 'fatal', code: 'quota', detail: 'full' };
    const { mailbox } = world({ answer: [written('a'), throttled] }, { fault: full });
    expect(await mailbox.create(folder, [draft(1), draft(2)], within(100_000))).toEqual([written('a'), full]);
  });

  test('a lost answer to the second request leaves its items open', async () => {
    const { calls, mailbox } = world({ answer: [written('a'), throttled] }, { fault: transient(true) });
    expect(await mailbox.create(folder, [draft(1), draft(2)], within(100_000))).toEqual([
      written('a'),
      transient(true),
    ]);
    expect(calls).toHaveLength(2);
  });

  test('reads by id', async () => {
    const { calls, mailbox } = world(
      {
        answer: new Map<string, unknown>([
          ['a', 'head a'],
          ['b', throttled],
        ]),
      },
      { answer: new Map([['b', 'head b']]) },
    );
    const heads = await mailbox.heads([item('a'), item('b'), item('c')], within(100_000));
    expect([...heads]).toEqual([
      ['a', 'head a'],
      ['b', 'head b'],
    ]);
    expect(calls).toEqual(['heads:3', 'heads:1']);
  });
});

describe('typed items', () => {
  const reads: readonly (readonly [string, (mailbox: Mailbox) => Promise<unknown>])[] = [
    ['typedChanges', (mailbox) => events(mailbox).changes(folder, null, within(100_000))],
    ['typedRead:1', (mailbox) => events(mailbox).read([item('a')], within(100_000))],
    ['typedAttachments:0', (mailbox) => events(mailbox).attachments(item('a'), null, [], within(100_000))],
    ['typedFindByIdentity', (mailbox) => events(mailbox).findByIdentity(folder, [], within(100_000))],
    ['freeBusy', (mailbox) => must(mailbox.freeBusy, 'free/busy')(0, 1, within(100_000))],
  ];
  test.each(reads)('%s is tried again, whatever may have happened', async (name, read) => {
    const { calls, mailbox } = world({ fault: transient(true) }, { answer: new Map() });
    await read(mailbox);
    expect(calls).toEqual([name, name]);
  });

  test('writes that were busy are asked for again, the others keep their answers', async () => {
    const poison: Fault = { kind: 'poison', reason: 'too-large', detail: 'x' };
    const { calls, mailbox } = world(
      { answer: [written('a'), throttled, poison, transient(true)] },
      { answer: [written('b')] },
    );
    const drafts = [typedDraft(1), typedDraft(1), typedDraft(1), typedDraft(1)];
    expect(await events(mailbox).create(folder, drafts, within(100_000))).toEqual([
      written('a'),
      written('b'),
      poison,
      transient(true),
    ]);
    expect(calls).toEqual(['typedCreate:4', 'typedCreate:1']);
  });

  test('each writing operation goes item by item', async () => {
    const busy = { answer: [throttled, written('b')] };
    const script = [busy, { answer: [written('a')] }];
    const { calls, mailbox } = world(...script, ...script, ...script);
    const done = [written('a'), written('b')];
    const some = [
      { id: item('a'), expect: written('a').version },
      { id: item('b'), expect: written('b').version },
    ];
    expect(await events(mailbox).update([typedEdit(0), typedEdit(0)], within(100_000))).toEqual(done);
    expect(await events(mailbox).move([item('a'), item('b')], folder, within(100_000))).toEqual(done);
    expect(await events(mailbox).remove(some, within(100_000))).toEqual(done);
    expect(calls).toEqual([
      'typedUpdate:2',
      'typedUpdate:1',
      'typedMove:2',
      'typedMove:1',
      'typedRemove:2',
      'typedRemove:1',
    ]);
  });

  test('reads by id', async () => {
    const { calls, mailbox } = world(
      {
        answer: new Map<string, unknown>([
          ['a', { kind: 'calendar' }],
          ['b', throttled],
        ]),
      },
      { answer: new Map([['b', { kind: 'calendar' }]]) },
    );
    const found = await events(mailbox).read([item('a'), item('b'), item('c')], within(100_000));
    expect([...found]).toEqual([
      ['a', { kind: 'calendar' }],
      ['b', { kind: 'calendar' }],
    ]);
    expect(calls).toEqual(['typedRead:3', 'typedRead:1']);
  });

  test('a kind that the connector lacks stays lacking', () => {
    const { connector } = scripted();
    const without = {
      ...connector,
      mailbox: (address: string) => ({ ...connector.mailbox(address), typed: () => null }),
    };
    const mailbox = retried(without, { clock: jumpingClock(), random: seededRandom(1) }).mailbox('ana');
    expect(mailbox.typed('notes')).toBeNull();
  });
});

describe('patience', () => {
  function patient(...outcomes: readonly Outcome[]) {
    const clock = jumpingClock();
    const { connector, calls } = scripted(...outcomes);
    const said: string[] = [];
    const options = {
      clock,
      random: seededRandom(1),
      patience: (address: string, limit: string, ms: number) => said.push(`${address} ${limit} ${ms >= 360_000}`),
    };
    return { clock, calls, said, mailbox: retried(connector, options).mailbox('ana@contoso.test') };
  }
  const long: Fault = { kind: 'throttled', retryAfterMs: 360_000, limit: 'TooManyRequests' };

  test('what is throttled for longer than the call has time is asked for again, with the same time anew', async () => {
    const { clock, calls, said, mailbox } = patient({ fault: long }, { fault: long }, { answer: 'tree' });
    expect(await mailbox.tree(within(60_000))).toBe('tree');
    expect(calls).toEqual(['tree', 'tree', 'tree']);
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(720_000);
    expect(said).toEqual(new Array(2).fill('ana@contoso.test TooManyRequests true'));
  });

  test('so are items of a batch that were throttled', async () => {
    const { mailbox, calls } = patient(
      {
        answer: new Map<string, unknown>([
          ['a', { id: 'a' }],
          ['b', long],
        ]),
      },
      { answer: new Map<string, unknown>([['b', { id: 'b' }]]) },
    );
    const found = await mailbox.heads([item('a'), item('b')], within(60_000));
    expect([...found.keys()]).toEqual(['a', 'b']);
    expect(calls).toEqual(['heads:2', 'heads:1']);
  });

  test('a call gets no more time than it had at once', async () => {
    const deadlines: number[] = [];
    const { connector } = scripted();
    const clock = jumpingClock();
    const slow = {
      ...connector,
      mailbox: (address: string) => ({
        ...connector.mailbox(address),
        tree: async ({ deadlineMs }: { readonly deadlineMs: number }) => {
          deadlines.push(deadlineMs - clock.monotonicMs());
          if (deadlines.length < 4) throw new FaultError(long);
          throw new FaultError({ kind: 'gone', detail: 'x' });
        },
      }),
    };
    const mailbox = retried(slow, { clock, random: seededRandom(1), patience: () => {} }).mailbox('ana');
    expect((await faultOf(mailbox.tree(within(60_000)))).kind).toBe('gone');
    expect(deadlines).toEqual([60_000, 60_000, 60_000, 60_000]);
  });

  test('what is transient ends with the time of its call', async () => {
    const { mailbox } = patient({ fault: transient(false) });
    expect(await faultOf(mailbox.tree(within(200)))).toEqual(transient(false));
  });

  test.each<readonly [string, (mailbox: Mailbox) => Promise<unknown>]>([
    ['create', (mailbox) => mailbox.create(folder, [draft(1)], within(60_000))],
    ['typedCreate', (mailbox) => events(mailbox).create(folder, [typedDraft(1)], within(60_000))],
  ])('%s keeps its deadline: its intent says that nothing is on its way after it', async (_name, create) => {
    const { calls, mailbox } = patient({ fault: long });
    expect(await faultOf(create(mailbox))).toEqual(long);
    expect(calls).toHaveLength(1);
  });

  test('who stops the work ends it at once, with his reason', async () => {
    const stop = new AbortController();
    const { connector } = scripted({ fault: long });
    const options = { clock: systemClock, random: seededRandom(1), patience: () => stop.abort(new Error('Ctrl-C')) };
    const mailbox = retried(connector, options).mailbox('ana');
    const context = { signal: stop.signal, deadlineMs: systemClock.monotonicMs() + 60_000 };
    await expect(mailbox.tree(context)).rejects.toThrow('Ctrl-C');
  });
});

describe('settings', () => {
  const settings = (...faults: readonly Fault[]) => {
    const { connector } = scripted();
    const open = [...faults];
    const calls: string[] = [];
    const answer = async (name: string) => {
      calls.push(name);
      const fault = open.shift();
      if (fault !== undefined) throw new FaultError(fault);
      return { rules: [] };
    };
    const inner = {
      abilities: {},
      rules: () => answer('rules'),
      setRules: () => answer('setRules'),
    } as unknown as MailboxSettings;
    const withSettings = {
      ...connector,
      mailbox: (address: string) => ({ ...connector.mailbox(address), settings: inner }),
    };
    const whole = retried(withSettings, { clock: jumpingClock(), random: seededRandom(1) });
    return { calls, settings: must(whole.mailbox('ana').settings, 'settings pass through') };
  };

  test('pass through, and are tried again; writes too, which do the same a second time', async () => {
    const reading = settings(throttled);
    expect(await reading.settings.rules(within(60_000))).toEqual({ rules: [] });
    expect(reading.calls).toEqual(['rules', 'rules']);
    const writing = settings(transient(true));
    await writing.settings.setRules([], false, within(60_000));
    expect(writing.calls).toEqual(['setRules', 'setRules']);
  });

  test('are absent where the connector has none', () => {
    const { connector } = scripted();
    const whole = retried(connector, { clock: jumpingClock(), random: seededRandom(1) });
    expect(whole.mailbox('ana').settings).toBeUndefined();
  });
});

test('the policy', () => {
  const options = { clock: jumpingClock(), random: { ...seededRandom(1), next: () => 0 } };
  expect(reaction(transient(false), 'tree', 20, { ...options, attemptMax: 99 })).toEqual({
    do: 'retry',
    afterMs: 30_000,
  });
  expect(reaction(transient(true), 'renameFolder', 1, options)).toMatchObject({ do: 'retry' });
});
