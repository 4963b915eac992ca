import { beginSwitch, beginUndo, runSwitch } from '#jobs/switch/run-switch.ts';
import { must } from '#kit/assert.ts';
import { systemClock } from '#kit/clock.ts';
import { key } from '#lab/world/property.ts';
import { SwitchWorld, type WorldPerson } from '#test/switch/switch-world.fixture.ts';
import type { Bench } from '../support/bench.ts';
import { against, round } from '../support/results.ts';

const mailsPerSecond = 20;
const lanes = 8;
/** Longer than this nobody should wait without a word. */
const slowMs = 30_000;
const signal = new AbortController().signal;

/** People are switched, and some of them back, while mail arrives at both addresses and calendars change. Real time, one process. */
export const switchUnderLoad: Bench = async ({ quick, pairs, say }) => {
  const people = pairs ?? (quick ? 20 : 200);
  const back = Math.ceil(people / 4);
  const world = await SwitchWorld.open({
    clock: systemClock,
    people,
    items: people * 5,
    calendars: true,
    replicationMs: [500, 1_500],
  });
  try {
    say(`first copy of ${people} people …`);
    await world.syncAll();
    for (const { pair } of world.people)
      await world.store.commitSwitch(null, {
        row: {
          pair: pair.id,
          state: 'ready',
          active: 'left',
          run: 0,
          at: null,
          changedAtMs: Date.now(),
          because: null,
        },
      });
    let n = 0;
    const load = setInterval(() => {
      const person = must(world.people[n % people], 'somebody');
      world.mail(person, (n >> 1) % 2 === 0 ? 'left' : 'right');
      if (n++ % mailsPerSecond === 0) world.lab.meet(n % 2 === 0 ? 'source' : 'target', 1, ['book', 'move', 'note']);
    }, 1000 / mailsPerSecond);
    const beganMs = systemClock.monotonicMs();
    say('switching …');
    await inLanes(world.people, (person) => over(world, person, 'forward', say));
    const switchedMs = systemClock.monotonicMs() - beganMs;
    say(`taking back ${back} …`);
    const returned = world.people.slice(0, back);
    await inLanes(returned, (person) => over(world, person, 'undo', say));
    clearInterval(load);
    await world.syncAll();
    const stayed = world.people.slice(back);
    const misplaced = [...world.misplaced('right', stayed), ...world.misplaced('left', returned)];
    const gapMs = longestGapMs(world, stayed);
    const calendars = await world.calendarsDiffer();
    const wrongEvents = calendars.lost + calendars.duplicated + calendars.altered;
    const figures = {
      people,
      undone: back,
      mails: world.mails.length,
      misplaced: misplaced.length,
      events: calendars.events,
      wrongEvents,
      longestGapSeconds: round(gapMs / 1000),
      switchSeconds: round(switchedMs / 1000),
      switchesPerMinute: round((people * 60_000) / switchedMs),
    };
    return {
      figures,
      lines: [
        `switch under load: ${people} people, ${mailsPerSecond} mails/s, undo of ${back}`,
        against('mails not exactly once where people work', misplaced.length, '0', (value) => value === 0),
        against(
          `of ${calendars.events} events and series not the same on both sides`,
          wrongEvents,
          '0',
          (value) => value === 0,
        ),
        `  longest time until a mail was in the target  ${round(gapMs / 1000)} s`,
        `  switches a minute                            ${figures.switchesPerMinute}`,
      ],
      details: { misplaced: misplaced.slice(0, 20), calendars },
    };
  } finally {
    await world.close();
  }
};

async function over(
  world: SwitchWorld,
  person: WorldPerson,
  direction: 'forward' | 'undo',
  say: (text: string) => void,
): Promise<void> {
  const services = world.services(person);
  const beganMs = systemClock.monotonicMs();
  let toldMs = beganMs;
  if (direction === 'forward') await beginSwitch(services, null, true);
  else await beginUndo(services, null);
  for (;;) {
    const end = await runSwitch(services, null, signal);
    if (end.end === 'complete') return;
    if (end.end === 'failed') throw new Error(end.because);
    const nowMs = systemClock.monotonicMs();
    if (nowMs - toldMs > slowMs) {
      say(`${person.pair.id} waits for ${Math.round((nowMs - beganMs) / 1000)} s: ${end.because}`);
      toldMs = nowMs;
    }
    await systemClock.sleep(end.againMs);
  }
}

async function inLanes(people: readonly WorldPerson[], work: (person: WorldPerson) => Promise<void>): Promise<void> {
  const queue = [...people];
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let person = queue.shift(); person !== undefined; person = queue.shift()) await work(person);
    }),
  );
}

/** From sending until the mail, or its copy, was made in the target. */
function longestGapMs(world: SwitchWorld, people: readonly WorldPerson[]): number {
  let longest = 0;
  for (const person of people) {
    const made = new Map<unknown, number>();
    for (const folder of person.right.folders())
      for (const item of folder.items()) made.set(item.content.properties.get(key.subject)?.value, item.createdAtMs);
    for (const { subject, atMs, person: to } of world.mails)
      if (to === person) longest = Math.max(longest, (made.get(subject) ?? atMs) - atMs);
  }
  return longest;
}
