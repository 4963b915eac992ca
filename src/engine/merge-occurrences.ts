import { isOccurrenceDay, occurrenceDays, recurrenceProblem } from '#model/expand-recurrence.ts';
import type { Side } from '#model/ids.ts';
import type { Recurrence } from '#model/recurrence.ts';
import type { TypedItem } from '#model/typed-item.ts';
import type { Shown } from '#model/typed-link.ts';
import type { Day } from '#model/wall-time.ts';
import { journal, type MergeContext, otherSide, type Verdict, verdict } from './merge-context.ts';
import { mergeLevel } from './merge-fields.ts';
import type { Values } from './merge-level.ts';
import { isOwnMeeting } from './merge-state-flags.ts';
import { sameJson, shownOverrides } from './shown.ts';

/** What a side has on a day of the pattern; null: what the series says. */
export type Entry = 'deleted' | Values | null;
export interface SideEntries {
  readonly left: Entry;
  readonly right: Entry;
}

/** What the sides have and had on one day. */
interface DayFacts {
  readonly day: Day;
  readonly now: SideEntries;
  readonly seen: Readonly<Record<Side, Shown['occurrences'][Day] | undefined>>;
  readonly changed: { readonly left: boolean; readonly right: boolean };
  /** The server does not list the day any more: a new pattern erased it. A person who undoes a change leaves an entry without overrides. */
  readonly erased: { readonly left: boolean; readonly right: boolean };
}

/**
 * Merges the occurrences of a series, day by day.
 * @param series What the series shows on each side after the merge.
 * @param pattern Recurrence after the merge, and the side it came from; null side: nobody changed it.
 */
export function mergeOccurrences(
  context: MergeContext,
  items: { readonly left: TypedItem; readonly right: TypedItem },
  shownNow: { readonly left: Shown; readonly right: Shown },
  seen: { readonly left: Shown; readonly right: Shown } | null,
  series: Readonly<Record<Side, Shown['fields']>>,
  pattern: { readonly recurrence: Recurrence | null; readonly from: Side | null },
): ReadonlyMap<Day, SideEntries> {
  const days = new Set<Day>();
  for (const s of [shownNow.left, shownNow.right, ...(seen ? [seen.left, seen.right] : [])]) {
    for (const day of Object.keys(s.occurrences)) days.add(day as Day);
  }
  const result = new Map<Day, SideEntries>();
  const entries = { left: entriesOf(items.left, shownNow.left), right: entriesOf(items.right, shownNow.right) };
  const listed = { left: listedDays(items.left), right: listedDays(items.right) };
  for (const day of [...days].sort()) {
    const facts: DayFacts = {
      day,
      now: withReminder(context, { left: entries.left.get(day) ?? null, right: entries.right.get(day) ?? null }),
      seen: { left: seen?.left.occurrences[day], right: seen?.right.occurrences[day] },
      changed: {
        left: !sameJson(shownNow.left.occurrences[day], seen?.left.occurrences[day]),
        right: !sameJson(shownNow.right.occurrences[day], seen?.right.occurrences[day]),
      },
      erased: { left: !listed.left.has(day), right: !listed.right.has(day) },
    };
    if (pattern.from !== null && !isInPattern(pattern.recurrence, day)) {
      result.set(day, fallOut(context, facts, pattern.from));
    } else {
      result.set(day, normal(context, mergeDay(context, facts, items, seen), series));
    }
  }
  keepOne(context, pattern.recurrence, entries, result);
  return result;
}

/**
 * A series keeps its last occurrence: servers refuse to delete that (ErrorRecurrenceHasNoOccurrence). Where each side deleted what the other
 * one has left, the first that the winner still has stays on both.
 * @param entries What the sides have now.
 */
function keepOne(
  context: MergeContext,
  recurrence: Recurrence | null,
  entries: Readonly<Record<Side, ReadonlyMap<Day, Entry>>>,
  merged: Map<Day, SideEntries>,
): void {
  if (recurrence === null || recurrence.range.end === 'never') return;
  const days: Day[] = [];
  for (const day of occurrenceDays(recurrence)) {
    const entry = merged.get(day);
    if (entry?.left !== 'deleted' || entry.right !== 'deleted') return;
    days.push(day);
  }
  const first = context.policy.direction === 'one-way' ? 'left' : verdict(context, 'recurrence').winner;
  for (const side of [first, otherSide(first)]) {
    const day = days.find((one) => entries[side].get(one) !== 'deleted');
    if (day === undefined) continue;
    const stays = entries[side].get(day) ?? null;
    const by: Verdict = {
      winner: side,
      outcome: 'last-occurrence-stays',
      why: 'the sides deleted all occurrences of the series between them; this one stays',
    };
    journal(context, by, 'occurrence', day, { base: undefined, left: 'deleted', right: 'deleted', [side]: stays });
    merged.set(day, { left: stays, right: stays });
    return;
  }
}

/** Where the person does not work an occurrence has a reminder of its own only until it is moved: the person was switched, or set it there. */
function withReminder({ policy: { active } }: MergeContext, now: SideEntries): SideEntries {
  const { [active]: ringing, [otherSide(active)]: silent } = now;
  if (!isModified(silent) || !('reminder' in silent) || ringing === 'deleted') return now;
  if (ringing !== null && 'reminder' in ringing) return now;
  return { ...now, [active]: { ...ringing, reminder: silent['reminder'] } };
}

/** A pattern that makes no sense has no days, and nothing falls out of it. */
function isInPattern(recurrence: Recurrence | null, day: Day): boolean {
  if (recurrence === null) return false;
  return isOccurrenceDay(recurrence, day) || recurrenceProblem(recurrence) !== null;
}

const listedDays = (item: TypedItem): ReadonlySet<Day> =>
  new Set([...item.occurrences.map((o) => o.day), ...item.deletedDays]);

function entriesOf(item: TypedItem, shownNow: Shown): ReadonlyMap<Day, Entry> {
  const entries = new Map<Day, Entry>();
  for (const { day, overrides } of item.occurrences) {
    const differing = shownNow.occurrences[day];
    if (!differing || differing === 'deleted') continue;
    entries.set(day, Object.fromEntries(Object.entries(overrides).filter(([field]) => field in differing)));
  }
  for (const day of item.deletedDays) entries.set(day, 'deleted');
  return entries;
}

/** An occurrence of a day that the new pattern lacks is gone on both sides; a changed one goes to the journal. */
function fallOut(context: MergeContext, { day, now, seen }: DayFacts, from: Side): SideEntries {
  if (isModified(now.left) || isModified(now.right)) {
    const by: Verdict = {
      winner: from,
      outcome: 'occurrence-out-of-pattern',
      why: `the pattern of the ${from} has no occurrence on this day`,
    };
    journal(context, by, 'occurrence', day, { base: seen.left ?? seen.right, ...now });
  }
  return { left: null, right: null };
}

const isModified = (entry: Entry): entry is Values => entry !== null && entry !== 'deleted';

function mergeDay(
  context: MergeContext,
  facts: DayFacts,
  items: { readonly left: TypedItem; readonly right: TypedItem },
  seen: { readonly left: Shown; readonly right: Shown } | null,
): SideEntries {
  const { now, changed } = facts;
  if (!changed.left && !changed.right) return now;
  if (changed.left !== changed.right) return follow(context, facts, changed.left ? 'left' : 'right', items, seen);
  if (isModified(now.left) && isModified(now.right)) return mergeBoth(context, facts, items, seen);
  // Deleted on one side and changed on the other: the change stays. What a new pattern erased does not count against a change.
  const survivor = survivorOf(now);
  if (survivor === null) return now;
  const { [survivor]: entry } = now;
  if (now[otherSide(survivor)] === 'deleted') {
    if (context.hasBase && isOwn(items.left) && isOwn(items.right)) {
      const by: Verdict = {
        winner: otherSide(survivor),
        outcome: 'meeting-called-off',
        why: `an occurrence of a meeting of one’s own that was deleted on the ${otherSide(survivor)} is off`,
      };
      journal(context, by, 'occurrence', facts.day, { base: facts.seen[survivor], ...now });
      return { left: 'deleted', right: 'deleted' };
    }
    const by: Verdict = {
      winner: survivor,
      outcome: 'occurrence-changed-and-deleted',
      why: `changed on the ${survivor}, deleted on the ${otherSide(survivor)}; a change stays`,
    };
    journal(context, by, 'occurrence', facts.day, { base: facts.seen[survivor], ...now });
  }
  return { left: entry, right: entry };
}

const isOwn = (item: TypedItem): boolean => isOwnMeeting(item.fields as unknown as Values);

/** Both sides changed a day, and not both modified it: whose entry stays. Null: both have the same. */
function survivorOf({ left, right }: SideEntries): Side | null {
  if (isModified(left)) return 'left';
  if (isModified(right)) return 'right';
  if (left === right) return null;
  return left === 'deleted' ? 'left' : 'right';
}

/** Only one side changed the day: the other follows. */
function follow(
  context: MergeContext,
  facts: DayFacts,
  from: Side,
  items: { readonly left: TypedItem; readonly right: TypedItem },
  seen: { readonly left: Shown; readonly right: Shown } | null,
): SideEntries {
  const entry = facts.now[from];
  const other = facts.now[otherSide(from)];
  if (isModified(entry) && isModified(other)) return mergeBoth(context, facts, items, seen);
  if (entry === null && isModified(other) && facts.erased[from]) {
    const by: Verdict = {
      winner: from,
      outcome: 'occurrence-erased',
      why: `a new pattern on the ${from} erased the change of this occurrence`,
    };
    journal(context, by, 'occurrence', facts.day, { base: facts.seen[from], ...facts.now });
  }
  return { left: entry, right: entry };
}

function mergeBoth(
  context: MergeContext,
  { day, now, seen: seenDay }: DayFacts,
  items: { readonly left: TypedItem; readonly right: TypedItem },
  seen: { readonly left: Shown; readonly right: Shown } | null,
): SideEntries {
  const level = (side: Side) => {
    const before = seenDay[side];
    return {
      values: now[side] as Values,
      base: context.hasBase ? (before === undefined || before === 'deleted' ? {} : before) : null,
      series: { values: items[side].fields as unknown as Values, base: seen?.[side].fields ?? null },
    };
  };
  const merged = mergeLevel(context, day, { left: level('left'), right: level('right') });
  return { left: withoutUndefined(merged.left), right: withoutUndefined(merged.right) };
}

const withoutUndefined = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

/**
 * Leaves out what is the series' value after the merge, and reminders where the person does not work; an occurrence without overrides is
 * what the series says.
 */
function normal(
  context: MergeContext,
  entries: SideEntries,
  series: Readonly<Record<Side, Shown['fields']>>,
): SideEntries {
  const on = (side: Side): Entry => {
    const entry = entries[side];
    if (!isModified(entry)) return entry;
    const differing = shownOverrides(context.kind, entry, series[side]);
    const kept = Object.entries(entry).filter(
      ([field]) => field in differing && (field !== 'reminder' || side === context.policy.active),
    );
    return kept.length === 0 ? null : Object.fromEntries(kept);
  };
  return { left: on('left'), right: on('right') };
}
