import { afterEach, describe, expect, test } from 'vitest';
import type { SwitchServices } from '#jobs/switch/ports.ts';
import { beginSwitch, beginUndo, runSwitch } from '#jobs/switch/run-switch.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
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
