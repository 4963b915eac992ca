import type { When } from '#model/appointment.ts';
import { occurrenceDays } from '#model/expand-recurrence.ts';
import type { Side } from '#model/ids.ts';
import type { Instant } from '#model/mail.ts';
import type { Recurrence } from '#model/recurrence.ts';
import type { Shown } from '#model/typed-link.ts';
import { addDays, type Day, dayOfWall, type WallTime, wallOfDay } from '#model/wall-time.ts';
import type { Zone } from '#model/zone.ts';
import { journal, type MergeContext, otherSide, verdict } from './merge-context.ts';
import type { Values } from './merge-level.ts';
import type { Entry, SideEntries } from './merge-occurrences.ts';
import { sameJson, shownOverrides } from './shown.ts';

/** The clock on the wall of a zone, as the lists of zones have it. */
export type ClockOf = (zone: Zone | null) => { readonly toWall: (instant: Instant) => WallTime };

/** A series as both sides are to have it. */
interface Series {
  readonly when: When;
  readonly recurrence: Recurrence;
}
interface Place {
  readonly day: Day;
  readonly isMoved: boolean;
  readonly start: WallTime;
  readonly end: WallTime;
}

/** The longest step of a pattern is 99 months. */
const stepMaxDays = 3_200;

/**
 * No occurrence can be moved onto or across the day of its neighbour, or into its time: servers refuse that
 * (ErrorOccurrenceCrossingBoundary). What both sides did may come to it together, though each alone did not. Then one of the two goes
 * back to its own day: of two that were moved the one of the side that loses by the policy, otherwise the one that was moved.
 *
 * @param items What the sides have now.
 * @param after What the series shows on each side after the merge.
 */
export function placeOccurrences(
  context: MergeContext,
  series: Series | null,
  now: Readonly<Record<Side, Shown>>,
  after: Readonly<Record<Side, Shown['fields']>>,
  entries: ReadonlyMap<Day, SideEntries>,
): ReadonlyMap<Day, SideEntries> {
  if (series === null || ![...entries.values()].some(({ left, right }) => movedTo(left) ?? movedTo(right)))
    return entries;
  // What is as one of the sides has it already has found its place there.
  if (isAsOn(context, 'left', now, after, entries) || isAsOn(context, 'right', now, after, entries)) return entries;
  const placed = new Map(entries);
  for (;;) {
    const clash = firstClash(context, series, placed);
    if (clash === null) return placed;
    const [day, neighbour] = yielding(context, clash, now);
    goBack(context, day, neighbour, now, placed);
  }
}

const movedTo = (entry: Entry): When | null =>
  entry === null || entry === 'deleted' ? null : ((entry['when'] as When | undefined) ?? null);

/** Whether the merge leaves all days and times of a side as they are. */
function isAsOn(
  { kind }: MergeContext,
  side: Side,
  now: Readonly<Record<Side, Shown>>,
  after: Readonly<Record<Side, Shown['fields']>>,
  entries: ReadonlyMap<Day, SideEntries>,
): boolean {
  if (['when', 'recurrence'].some((field) => !sameJson(now[side].fields[field], after[side][field]))) return false;
  return [...entries].every(([day, { [side]: entry }]) => {
    const has = now[side].occurrences[day];
    if (entry === 'deleted' || has === 'deleted') return entry === has;
    return sameJson(entry === null ? undefined : shownOverrides(kind, entry, after[side])['when'], has?.['when']);
  });
}

/** The first two neighbours of which one was moved to where the other one is. */
function firstClash(
  { clockOf }: MergeContext,
  { when, recurrence }: Series,
  entries: ReadonlyMap<Day, SideEntries>,
): readonly [Place, Place] | null {
  const clock = clockOf(when.startZone ?? when.endZone);
  const midnight = wallOfDay(dayOfWall(clock.toWall(when.start)));
  const offsets = { start: clock.toWall(when.start) - midnight, end: clock.toWall(when.end) - midnight };
  const entryOf = (day: Day): Entry => {
    const { left, right } = entries.get(day) ?? { left: null, right: null };
    return left ?? right;
  };
  const placeOf = (day: Day): Place => {
    const moved = movedTo(entryOf(day));
    if (moved !== null) return { day, isMoved: true, start: clock.toWall(moved.start), end: clock.toWall(moved.end) };
    return { day, isMoved: false, start: wallOfDay(day) + offsets.start, end: wallOfDay(day) + offsets.end };
  };
  const clashes = (a: Place, b: Place) => b.start < a.end || dayOfWall(b.start) <= dayOfWall(a.start);
  for (const day of [...entries.keys()].sort()) {
    if (movedTo(entryOf(day)) === null) continue;
    const moved = placeOf(day);
    let before: Place | null = null;
    for (const other of occurrenceDays(recurrence, { from: addDays(day, -stepMaxDays) })) {
      if (other === day || entryOf(other) === 'deleted') continue;
      if (other < day) before = placeOf(other);
      else {
        const next = placeOf(other);
        if (clashes(moved, next)) return [moved, next];
        break;
      }
    }
    if (before !== null && clashes(before, moved)) return [before, moved];
  }
  return null;
}

/** The one that goes back, and the one that it makes way for. */
function yielding(
  context: MergeContext,
  [a, b]: readonly [Place, Place],
  now: Readonly<Record<Side, Shown>>,
): readonly [Day, Day] {
  if (!a.isMoved || !b.isMoved) return a.isMoved ? [a.day, b.day] : [b.day, a.day];
  const { winner } = verdict(context, 'when');
  const isOf = ({ day }: Place): boolean => whenOn(now[winner], day) !== undefined;
  return isOf(b) && !isOf(a) ? [a.day, b.day] : [b.day, a.day];
}

function whenOn({ occurrences }: Shown, day: Day): Values[string] {
  const entry = occurrences[day];
  return entry === undefined || entry === 'deleted' ? undefined : entry['when'];
}

function goBack(
  context: MergeContext,
  day: Day,
  neighbour: Day,
  now: Readonly<Record<Side, Shown>>,
  entries: Map<Day, SideEntries>,
): void {
  const { left, right } = entries.get(day) ?? { left: null, right: null };
  const { winner: first } = verdict(context, 'when');
  const mover = whenOn(now[otherSide(first)], day) === undefined ? first : otherSide(first);
  journal(
    context,
    {
      winner: otherSide(mover),
      outcome: 'occurrences-collide',
      why: `moved on the ${mover} to where the occurrence of ${neighbour} is after what the ${otherSide(mover)} did; it is on its own day again`,
    },
    'when',
    day,
    { base: null, left: null, right: null, [mover]: movedTo(mover === 'left' ? left : right) },
  );
  entries.set(day, { left: inPlace(left), right: inPlace(right) });
}

function inPlace(entry: Entry): Entry {
  if (entry === null || entry === 'deleted') return entry;
  const { when: _, ...rest } = entry;
  return Object.keys(rest).length === 0 ? null : rest;
}
