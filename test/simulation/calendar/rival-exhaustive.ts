import { addDays, type Day, wallOfDay } from '#model/wall-time.ts';
import type { Violations } from '../checkers.ts';
import type { StoreKind } from '../shared-store.ts';
import { calm } from '../swarm.ts';
import {
  calendarsConverged,
  eventsLieInTheSameFolders,
  noMailSent,
  nothingRemovedInVain,
  nothingWrittenDisappears,
  onlyDuplicatesRemoved,
  quietPassWritesNothing,
} from './calendar-checkers.ts';
import { CalendarWorld } from './calendar-world.ts';
import { memoryCalendarStage } from './memory-calendar-stage.ts';
import { type RivalMove, rivalMoves } from './rivals.ts';

const day = '2024-01-01' as Day;
const at = wallOfDay(day) + 9 * 3_600_000;
const when = { start: at, end: at + 1_800_000, isAllDay: false, startZone: null, endZone: null };

/** How a pair of calendars stands when our pass begins. */
interface Opening {
  readonly name: string;
  begin(world: CalendarWorld): Promise<void>;
}

function book(world: CalendarWorld, isSeries: boolean): void {
  const [folder] = world.left.folders();
  if (folder === undefined) throw new Error('a mailbox has a calendar');
  const range = { end: 'count', startDay: day, count: 5 } as const;
  const id = world.left.book(
    folder,
    {
      subject: 'a meeting',
      when,
      stateFlags: 1,
      myResponse: 'organizer',
      ...(isSeries ? { recurrence: { pattern: { kind: 'daily', interval: 1 }, range } } : {}),
    },
    null,
  );
  if (isSeries) world.left.editOccurrence(id, addDays(day, 2), { subject: 'an exception' });
  world.look();
}

async function linked(world: CalendarWorld, isSeries: boolean): Promise<void> {
  book(world, isSeries);
  await world.quiesce(false);
}

const openings: readonly Opening[] = [
  { name: 'a new meeting on the left', begin: async (world) => book(world, false) },
  { name: 'a new series on the left', begin: async (world) => book(world, true) },
  {
    name: 'a new meeting on the left, of calendars whose feeds have places',
    async begin(world) {
      await world.quiesce(false);
      book(world, false);
    },
  },
  {
    name: 'a linked meeting, edited on the left',
    async begin(world) {
      await linked(world, false);
      const [event] = world.left.events();
      if (event) world.left.edit(event.id, { subject: 'edited' });
    },
  },
  {
    name: 'a linked series, an occurrence of which was moved on the left',
    async begin(world) {
      await linked(world, true);
      const [event] = world.left.events();
      const start = when.start + 3 * 86_400_000 + 3_600_000;
      if (event)
        world.left.editOccurrence(event.id, addDays(day, 3), { when: { ...when, start, end: start + 1_800_000 } });
    },
  },
];

/** One schedule: which move is made right before which request of our pass. */
export interface Schedule {
  readonly opening: string;
  readonly moves: readonly { readonly before: number; readonly move: string }[];
}

export interface ExhaustiveReport {
  readonly schedules: number;
  readonly violations: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly mails: number;
  readonly firstBad: Schedule | null;
}

export interface ExhaustiveOptions {
  /** This one, and tell of it. */
  readonly only?: Schedule | null;
  /** Of several processes, each plays the first moves that are its own, by their number. */
  readonly isMine?: (n: number) => boolean;
  readonly store?: StoreKind;
}

/**
 * Every way in which up to `movesMax` moves of rivals can fall between the requests of a pass over one event, from every opening: a
 * rival that acts between our look-up and our create, between a write and its reading back, and so on. A move that finds nothing to do
 * makes no other story than its schedule without it, so nothing is played after it.
 */
export async function runExhaustively(
  movesMax: number,
  say: (line: string) => void,
  { only = null, isMine = () => true, store = 'sqlite' }: ExhaustiveOptions = {},
): Promise<ExhaustiveReport> {
  const total = { schedules: 0, violations: 0, lost: 0, duplicated: 0, mails: 0 };
  let firstBad: Schedule | null = null;
  let firsts = 0;
  /** @returns false when its last move did nothing. */
  const run = async (opening: Opening, schedule: Schedule): Promise<boolean> => {
    const found = await play(store, opening, schedule, only === null ? () => {} : say);
    if (found === null) return false;
    total.schedules++;
    total.violations += found.length;
    total.lost += found.filter((v) => v.startsWith('lost')).length;
    total.duplicated += found.filter((v) => v.startsWith('duplicated')).length;
    total.mails += found.filter((v) => v.startsWith('mail')).length;
    if (found.length > 0) {
      if (firstBad === null || only)
        say(`replay with npm run sim -- rival --schedule '${JSON.stringify(schedule)}'\n  ${found.join('\n  ')}`);
      firstBad ??= schedule;
    }
    return true;
  };
  for (const opening of openings) {
    if (only && only.opening !== opening.name) continue;
    const points = await requestsOf(store, opening);
    const explore = async (moves: Schedule['moves'], from: number): Promise<void> => {
      if (moves.length === movesMax) return;
      // One point more than there are requests: after the last one.
      for (let before = from; before <= points; before++) {
        for (const { name } of rivalMoves) {
          if (moves.length === 0 && !isMine(firsts++)) continue;
          const more = [...moves, { before, move: name }];
          if (await run(opening, { opening: opening.name, moves: more })) await explore(more, before);
        }
      }
    };
    if (only) await run(opening, only);
    else await explore([], 0);
    say(`${opening.name}: ${points} requests, ${total.schedules} schedules so far, ${total.violations} violations`);
  }
  return { ...total, firstBad };
}

const open = (store: StoreKind) => CalendarWorld.open(1, memoryCalendarStage, { mix: calm, isEmpty: true, store });

/** How many requests our pass makes when nobody interferes. */
async function requestsOf(store: StoreKind, opening: Opening): Promise<number> {
  const world = await open(store);
  try {
    await opening.begin(world);
    let requests = 0;
    world.onCall = () => void requests++;
    await world.pass(false);
    return requests;
  } finally {
    await world.close();
  }
}

/** The last move found nothing to do. */
class Idle extends Error {
  override readonly name = 'Idle';
}

/** @returns what the checkers found; null when the last move did nothing, so that there is nothing new to be found. */
async function play(
  store: StoreKind,
  opening: Opening,
  schedule: Schedule,
  tell: (line: string) => void,
): Promise<Violations | null> {
  const world = await open(store);
  const named = new Map<string, RivalMove>(rivalMoves.map((move) => [move.name, move]));
  try {
    await opening.begin(world);
    let at = 0;
    let next = 0;
    const until = (point: number) => {
      for (let due = schedule.moves[next]; due && due.before <= point; due = schedule.moves[++next]) {
        const move = named.get(due.move);
        if (!move) throw new Error(`there is no move ${due.move}`);
        const before = world.left.commits + world.right.commits;
        world.rivalStep(move);
        const isLast = next === schedule.moves.length - 1;
        if (isLast && world.left.commits + world.right.commits === before) throw new Idle();
      }
    };
    world.onCall = () => until(at++);
    await world.pass(false);
    world.onCall = null;
    until(Number.POSITIVE_INFINITY);
    if ((await world.quiesce(false)) === null) return ['does not converge: passes go on writing'];
    return [
      ...calendarsConverged(world),
      ...(await eventsLieInTheSameFolders(world)),
      ...(await nothingWrittenDisappears(world)),
      ...nothingRemovedInVain(world),
      ...(await onlyDuplicatesRemoved(world)),
      ...(await quietPassWritesNothing(world)),
      ...noMailSent(world),
    ];
  } catch (error) {
    if (error instanceof Idle) return null;
    return [`threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`];
  } finally {
    await world.tellHistory();
    for (const event of world.events) tell(`  ${event}`);
    await world.close();
  }
}
