import { afterEach, describe, expect, test } from 'vitest';
import type { SwitchServices } from '#jobs/switch/ports.ts';
import { beginSwitch, beginUndo, runSwitch } from '#jobs/switch/run-switch.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { key } from '#lab/world/property.ts';
import { SwitchWorld, type WorldOptions, type WorldPerson } from './switch-world.fixture.ts';

let world: SwitchWorld;
afterEach(() => world.close());

const signal = new AbortController().signal;
const startMs = 1_750_000_000_000;

async function open(options: Partial<WorldOptions> = {}): Promise<SteppingClock> {
  const clock = new SteppingClock(startMs);
  world = await SwitchWorld.open({
    clock,
    people: 2,
    items: 40,
    replicationMs: [7_000, 11_000],
    latencyMs: 20,
    ...options,
  });
  await world.syncAll();
  return clock;
}

/** Until it is complete; waits as long as it says. */
async function through(services: SwitchServices): Promise<void> {
  for (let n = 0; n < 200; n++) {
    const end = await runSwitch(services, null, signal);
    if (end.end === 'complete') return;
    if (end.end === 'failed') throw new Error(end.because);
    await services.clock.sleep(end.againMs);
  }
  throw new Error('it does not come to an end');
}

async function switchOver(person: WorldPerson): Promise<void> {
  const services = world.services(person);
  await beginSwitch(services, null, true);
  await through(services);
}

async function undo(person: WorldPerson): Promise<void> {
  const services = world.services(person);
  await beginUndo(services, null);
  await through(services);
}

/** Mails to everybody at either address, one every `everyMs`, for as long as the clock goes on. */
function load(clock: SteppingClock, everyMs: number, untilMs: number): void {
  let n = 0;
  for (let atMs = clock.nowMs(); atMs < untilMs; atMs += everyMs) {
    const person = world.people[n % world.people.length] as WorldPerson;
    const side = (n >> 1) % 2 === 0 ? 'left' : 'right';
    clock.at(atMs, () => world.mail(person, side));
    n++;
  }
}

const ready = async (person: WorldPerson) =>
  world.store.commitSwitch(null, {
    row: {
      pair: person.pair.id,
      state: 'ready',
      active: 'left',
      run: 0,
      at: null,
      changedAtMs: startMs,
      because: null,
    },
  });

describe('a switch while mail arrives', () => {
  test('every mail is exactly once where the person works, and undo leads back', async () => {
    const clock = await open();
    const [ana, bo] = world.people as [WorldPerson, WorldPerson];
    await ready(ana);
    await ready(bo);
    load(clock, 500, clock.nowMs() + 120_000);
    await switchOver(ana);
    await switchOver(bo);
    clock.advance(130_000);
    await world.syncAll();
    expect(world.mails.length).toBeGreaterThan(100);
    expect(world.misplaced('right')).toEqual([]);

    load(clock, 500, clock.nowMs() + 120_000);
    await undo(ana);
    clock.advance(130_000);
    await world.syncAll();
    expect(world.misplaced('left', [ana])).toEqual([]);
    expect(world.misplaced('right', [bo])).toEqual([]);
    const outbox = world.lab.outbox.filter(({ doing }) => doing === 'api');
    expect(outbox).toEqual([]);
  }, 60_000);
});

/** Killed: whatever was on its way is done, and nothing that comes after it. */
class Killed extends Error {
  override readonly name = 'Killed';
}

/** Lets the program die after so many things done: writes to the store, to a directory, passes, mails. */
function dyingAfter(count: number): (services: SwitchServices) => SwitchServices {
  let done = 0;
  const step = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    // Half of them die before it is done, half after.
    if (done === count && count % 2 === 0) throw new Killed();
    const result = await work();
    if (done++ === count) throw new Killed();
    return result;
  };
  return (services) => ({
    ...services,
    store: new Proxy(services.store, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        const bound = value.bind(target) as (...args: unknown[]) => Promise<unknown>;
        return name === 'commitSwitch' ? (...args: unknown[]) => step(() => bound(...args)) : bound;
      },
    }),
    routes: {
      left: { ...services.routes.left, turn: (to, s) => step(() => services.routes.left.turn(to, s)) },
      right: { ...services.routes.right, turn: (to, s) => step(() => services.routes.right.turn(to, s)) },
    },
    tracks: {
      ...services.tracks,
      pass: (kind, active, s) => step(() => services.tracks.pass(kind, active, s)),
      carryBack: (memory, s) => step(() => services.tracks.carryBack(memory, s)),
    },
  });
}

/** @returns whether it was killed on the way. */
async function throughWithDeath(
  person: WorldPerson,
  begin: typeof beginUndo,
  goal: 'switched' | 'syncing',
  count: number,
): Promise<boolean> {
  let killed = false;
  try {
    const dying = world.services(person, dyingAfter(count));
    await begin(dying, null);
    await through(dying);
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    killed = true;
  }
  if (!killed) return false;
  const [row] = await world.store.switches([person.pair.id]);
  const services = world.services(person);
  if (row?.state !== goal) {
    await begin(services, null);
    await through(services);
  }
  return true;
}

describe('killed at every boundary of every step', () => {
  const people = 48;

  test('a switch and its undo go on, and every mail is where the person works', async () => {
    const clock = await open({ people, items: 2 * people, replicationMs: [300, 700], latencyMs: 2 });
    const deaths = { forward: 0, undo: 0 };
    load(clock, 100, clock.nowMs() + 90_000);
    for (const [n, person] of world.people.entries()) {
      await ready(person);
      if (await throughWithDeath(person, (services, claim) => beginSwitch(services, claim, true), 'switched', n))
        deaths.forward++;
    }
    clock.advance(100_000);
    await world.syncAll();
    expect(world.misplaced('right')).toEqual([]);
    load(clock, 100, clock.nowMs() + 90_000);
    for (const [n, person] of world.people.entries())
      if (await throughWithDeath(person, beginUndo, 'syncing', n)) deaths.undo++;
    clock.advance(100_000);
    await world.syncAll();
    expect(world.misplaced('left')).toEqual([]);
    // Nothing came back a second time to the target either.
    for (const person of world.people)
      for (const [subject, count] of world.counts(person.right)) expect([subject, count]).toEqual([subject, 1]);
    expect(deaths.forward).toBeGreaterThan(25);
    expect(deaths.undo).toBeGreaterThan(25);
    expect(new Set((await world.store.switches()).map(({ state }) => state))).toEqual(new Set(['syncing']));
  }, 400_000);
});

const hand = { caller: 'people', displayName: 'Somebody' };

/** What a person does with mail in the mailbox that they work in. */
function work(box: WorldPerson['left']): void {
  const mails = [...box.folder('inbox').items()].filter((item) => {
    const subject = item.content.properties.get(key.subject)?.value;
    return typeof subject === 'string' && subject.startsWith('mail ');
  });
  const bySubject = [...mails].sort((a, b) => numberOf(a) - numberOf(b));
  bySubject.forEach((item, n) => {
    if (n % 4 === 0) box.setRead(item, true, hand, { suppressReceipts: true });
    else if (n % 4 === 1) box.move(item, box.folder('drafts'), hand);
    else if (n % 4 === 2) box.move(item, box.folder('deleteditems'), hand);
  });
}
const numberOf = (item: {
  readonly content: { readonly properties: ReadonlyMap<string, { readonly value: unknown }> };
}) => Number(String(item.content.properties.get(key.subject)?.value).slice(5));

test('mail that came in since the last pass does not keep a switch waiting, and is missing to everybody else', async () => {
  const clock = await open({ people: 1 });
  const [ana] = world.people as [WorldPerson];
  const passedMs = clock.nowMs();
  clock.advance(5_000);
  world.mail(ana, 'left');
  world.mail(ana, 'left');
  clock.advance(5_000);
  expect(await world.verify(ana, { carriedUntilMs: passedMs })).toMatchObject({ grade: 'perfect', inFlight: 2 });
  expect(await world.verify(ana)).toMatchObject({ grade: 'poor', missing: 2 });
});

describe('an undo', () => {
  /** The same mails at the same addresses, and the same work with them, in the mailbox where the person works. */
  async function lifeOf(isSwitched: boolean): Promise<readonly string[]> {
    const clock = await open({ people: 1 });
    const [ana] = world.people as [WorldPerson];
    await ready(ana);
    const arrive = (count: number) => {
      for (let n = 0; n < count; n++) {
        world.mail(ana, n % 2 === 0 ? 'left' : 'right');
        clock.advance(1_000);
      }
    };
    arrive(6);
    await world.syncAll();
    if (isSwitched) await switchOver(ana);
    arrive(6);
    await world.syncAll();
    work(isSwitched ? ana.right : ana.left);
    if (isSwitched) await undo(ana);
    else await world.syncAll();
    arrive(2);
    await world.syncAll();
    const contents = world.contents(ana.left);
    const report = await world.verify(ana);
    // What came back is as good as what was always there.
    expect(report.findings.filter(({ explainedBy }) => explainedBy === null)).toEqual([]);
    expect(['perfect', 'good']).toContain(report.grade);
    await world.close();
    return contents;
  }

  test('is equal to never having switched, plus what came in between', async () => {
    const undone = await lifeOf(true);
    const never = await lifeOf(false);
    expect(undone).toEqual(never);
    expect(undone.filter((line) => line.includes('| mail '))).toHaveLength(14);
    await open({ people: 1, items: 0 });
  }, 60_000);
});
