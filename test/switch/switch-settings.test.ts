import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Context, Mailbox } from '#connectors/contract.ts';
import type { MailboxSettings } from '#connectors/settings-contract.ts';
import { beginSwitch, beginUndo, runSwitch, workOf } from '#jobs/switch/run-switch.ts';
import type { StepContext } from '#jobs/switch/step-work.ts';
import { must } from '#kit/assert.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { Side } from '#model/ids.ts';
import type { AutomaticReplies, InboxRule } from '#model/mailbox-settings.ts';
import { SwitchWorld, type WorldPerson } from './switch-world.fixture.ts';

const signal = new AbortController().signal;
const sides = ['left', 'right'] as const;
let world: SwitchWorld;
let ana: WorldPerson;
let ben: WorldPerson;
beforeEach(async () => {
  world = await SwitchWorld.open({
    clock: new SteppingClock(1_750_000_000_000),
    people: 3,
    items: 6,
    calendars: true,
    replicationMs: [500],
    latencyMs: 5,
  });
  [ana, ben] = [must(world.people[0], 'ana'), must(world.people[1], 'ben')];
  for (const { pair } of world.people)
    await world.store.commitSwitch(null, {
      row: { pair: pair.id, state: 'ready', active: 'left', run: 0, at: null, changedAtMs: 0, because: null },
    });
});
afterEach(() => world.close());

const call = (): Context => ({ signal, deadlineMs: Number.POSITIVE_INFINITY });
const boxOf = ({ pair }: WorldPerson, side: Side): Mailbox => pair[side].connector.mailbox(pair[side].address);
const settingsOf = (person: WorldPerson, side: Side): MailboxSettings => must(boxOf(person, side).settings, 'settings');

async function take(person: WorldPerson, direction: 'forward' | 'undo'): Promise<ReadonlyMap<string, string | null>> {
  const services = world.services(person);
  if (direction === 'forward') await beginSwitch(services, null, true);
  else await beginUndo(services, null);
  for (let n = 0; n < 300; n++) {
    const end = await runSwitch(services, null, signal);
    if (end.end === 'failed') throw new Error(end.because);
    if (end.end === 'complete') {
      const steps = await world.store.switchSteps(person.pair.id, end.row.run);
      return new Map(steps.filter((one) => one.direction === direction).map(({ step, detail }) => [step, detail]));
    }
    await services.clock.sleep(end.againMs);
  }
  throw new Error('it does not come to an end');
}

const away = (text: string): AutomaticReplies => ({
  state: 'enabled',
  audience: 'all',
  schedule: null,
  internal: text,
  external: text,
});
const repliesOf = async (side: Side) => {
  const { state, internal } = await settingsOf(ana, side).automaticReplies(call());
  return state === 'disabled' ? state : internal.replace(/<[^>]*>/g, '').trim();
};

test('one side answers for an absence, first the one and then the other; what was set meanwhile goes back', async () => {
  await world.syncAll();
  await settingsOf(ana, 'left').setAutomaticReplies(away('back on Monday'), call());
  await take(ana, 'forward');
  expect([await repliesOf('left'), await repliesOf('right')]).toEqual(['disabled', 'back on Monday']);
  await settingsOf(ana, 'right').setAutomaticReplies(away('back in May'), call());
  await take(ana, 'undo');
  expect([await repliesOf('left'), await repliesOf('right')]).toEqual(['back in May', 'disabled']);
}, 60_000);

test('rules go along with their folders; those that send are on in one mailbox only', async () => {
  await world.syncAll();
  const drafts = must((await boxOf(ana, 'left').roles(call())).get('drafts'), 'a folder');
  const there = must((await boxOf(ana, 'right').roles(call())).get('drafts'), 'a folder');
  const rule = (name: string, order: number, actions: InboxRule['actions']): InboxRule => ({
    name,
    order,
    isOn: true,
    isReadable: true,
    isBroken: false,
    conditions: { ContainsSubjectStrings: ['invoice'] },
    exceptions: {},
    actions,
  });
  await settingsOf(ana, 'left').setRules(
    [
      rule('sorts', 1, { MoveToFolder: { folder: drafts } }),
      rule('sends', 2, { ForwardToRecipients: [{ address: ben.pair.left.address, name: '' }] }),
    ],
    false,
    call(),
  );
  const shown = async (side: Side) =>
    (await settingsOf(ana, side).rules(call())).rules.map(
      ({ name, isOn, actions }) => `${name} ${isOn ? 'on' : 'off'} ${JSON.stringify(actions['MoveToFolder'] ?? null)}`,
    );
  const before = { left: await shown('left'), right: await shown('right') };
  await take(ana, 'forward');
  expect(await shown('left')).toEqual([`sorts on ${JSON.stringify({ folder: drafts })}`, 'sends off null']);
  expect(await shown('right')).toEqual([`sorts on ${JSON.stringify({ folder: there })}`, 'sends on null']);
  await take(ana, 'undo');
  expect({ left: await shown('left'), right: await shown('right') }).toEqual(before);
}, 60_000);

test('delegates go along, and those whom somebody let in there come back', async () => {
  await world.syncAll();
  const rights = {
    calendar: 'editor',
    tasks: 'none',
    inbox: 'none',
    contacts: 'none',
    notes: 'none',
    journal: 'none',
  } as const;
  const delegate = (address: string) => ({ address, name: '', rights, receivesCopies: false, seesPrivate: false });
  const of = async (side: Side) =>
    (await settingsOf(ana, side).delegates(call())).delegates.map(({ address }) => address).sort();
  const third = must(world.people[2], 'a third');
  await settingsOf(ana, 'left').setDelegates(
    { delegates: [delegate(ben.pair.left.address)], requestsGoTo: 'delegates-and-me' },
    call(),
  );
  await take(ana, 'forward');
  expect(await of('right')).toEqual([ben.pair.right.address]);
  const there = await settingsOf(ana, 'right').delegates(call());
  await settingsOf(ana, 'right').setDelegates(
    { ...there, delegates: [...there.delegates, delegate(third.pair.right.address)] },
    call(),
  );
  await take(ana, 'undo');
  expect(await of('left')).toEqual([ben.pair.left.address, third.pair.left.address].sort());
}, 60_000);

/** How many of her appointments ring on a side. */
const ringing = (side: Side): number => {
  const from = world.clock.nowMs() - 400 * 86_400_000;
  return [...world.lab.world.calendar(ana.pair[side].address, from, from + 900 * 86_400_000)].filter(
    ({ reminderMinutes }) => reminderMinutes !== null,
  ).length;
};

test('reminders ring on one side', async () => {
  await world.syncAll();
  const all = ringing('left');
  expect([all > 0, ringing('right')]).toEqual([true, 0]);
  await take(ana, 'forward');
  expect([ringing('left'), ringing('right') > 0]).toEqual([0, true]);
  await take(ana, 'undo');
  expect([ringing('left') > 0, ringing('right')]).toEqual([true, 0]);
}, 60_000);

/** Value of AutomateProcessing in the calendar options. [MS-OXOCFG] 2.2.5.1.1 */
const processing = async (person: WorldPerson, side: Side) =>
  (await settingsOf(person, side).stored('calendar-processing', call()))?.dictionary?.find(
    ({ key }) => key.value === 'AutomateProcessing',
  )?.value.values[0] ?? null;

test('a room books on exactly one side', async () => {
  for (const side of sides)
    world.lab.meetings.configure(ana.pair[side].address, {
      isResource: true,
      automateProcessing: side === 'left' ? 'AutoAccept' : 'AutoUpdate',
    });
  await world.syncAll();
  const modes = () => sides.map((side) => world.lab.meetings.settings(ana.pair[side].address).automateProcessing);
  expect([await processing(ana, 'left'), await processing(ana, 'right')]).toEqual(['2', '1']);
  const steps = await take(ana, 'forward');
  expect(steps.get('turn-room')).toBe('requests are processed in the target');
  expect([await processing(ana, 'left'), await processing(ana, 'right')]).toEqual(['1', '2']);
  expect(modes()).toEqual(['AutoUpdate', 'AutoAccept']);
  await take(ana, 'undo');
  expect(modes()).toEqual(['AutoAccept', 'AutoUpdate']);
}, 60_000);

test('nobody becomes a room because a switch broke off', async () => {
  const settings = settingsOf(ana, 'left');
  const entry = (value: string) => ({
    dictionary: [
      { key: { type: 'String', value: 'AutomateProcessing' }, value: { type: 'Integer32', values: [value] } },
    ],
    xml: null,
    binary: null,
  });
  await settings.setStored('calendar-processing', entry('1') as Parameters<typeof settings.setStored>[1], call());
  const context: StepContext = {
    services: world.services(ana),
    signal,
    run: 1,
    beganAtMs: 0,
    memory: { get: (name) => (name === 'isRoom' ? false : undefined), set: async () => {} },
  };
  expect(await workOf('turn-room').takeBack(context)).toMatchObject({ end: 'skipped' });
  expect(await processing(ana, 'left')).toBe('1');
});
