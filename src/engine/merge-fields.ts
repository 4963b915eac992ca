import type { Side } from '#model/ids.ts';
import type { TypedRow } from '#model/property-row.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { Shown } from '#model/typed-link.ts';
import { typedRows } from '#model/typed-properties.ts';
import type { Day } from '#model/wall-time.ts';
import type { MergeContext } from './merge-context.ts';
import { mergeGroup } from './merge-group.ts';
import {
  isChanged,
  isRevised,
  type Levels,
  laterRevision,
  own,
  pick,
  revisionFields,
  type SideValues,
  same,
} from './merge-level.ts';
import { mergeSetLike } from './merge-lists.ts';
import { mergeReminder } from './merge-reminder.ts';
import { mergeResponse } from './merge-response.ts';
import { isOwnMeeting, mergeStateFlags } from './merge-state-flags.ts';
import { sameJson, sameTimes } from './shown.ts';

/**
 * Fields that were changed together on one side belong together: when both sides changed the same one of a group, one side's whole
 * group wins, so that no recurrence stands beside the start of another.
 */
const groups: Readonly<Record<TypedKind, readonly (readonly string[])[]>> = {
  calendar: [['when', 'recurrence']],
  contacts: [],
  tasks: [
    ['status', 'percentComplete', 'completedDay'],
    ['startDay', 'dueDay', 'recurrence'],
  ],
  notes: [],
};

/**
 * Merges all fields of a level.
 * @param day Of the occurrence; null: the item, or the series.
 * @returns what each side is to have. What differs although neither side changed it stays different.
 */
export function mergeLevel(context: MergeContext, day: Day | null, levels: Levels): SideValues {
  const rows = typedRows(context.kind);
  const merged: { left: Record<string, unknown>; right: Record<string, unknown> } = { left: {}, right: {} };
  const put = (field: string, value: { readonly left: unknown; readonly right: unknown }) => {
    merged.left[field] = value.left;
    merged.right[field] = value.right;
  };
  const done = new Set<string>();
  const response = mergeResponse(context, day, levels);
  const isCountOnly = day === null && context.isCountOnly;
  for (const [field, value] of Object.entries(response.fields)) {
    put(field, value);
    done.add(field);
  }
  for (const [field, row] of Object.entries(rows)) {
    if (row.carriage !== 'state' || done.has(field) || (day !== null && row.occurrence !== true)) continue;
    if (!(field in levels.left.values) && !(field in levels.right.values) && !isChanged(levels, field, row).any)
      continue;
    if (growing.has(field))
      put(field, isCountOnly && field !== 'invited' ? own(levels, field) : mergeGrowing(levels, field, row));
    else if (revisionFields.includes(field))
      put(field, isCountOnly ? own(levels, field) : mergeRevision(levels, field));
    else if (field === 'stateFlags') put(field, mergeStateFlags(context, day, levels));
    else if (row.codec === 'reminder') put(field, mergeReminder(context, day, levels, field, row));
    else if (row.merge !== 'scalar') put(field, mergeSetLike(context, day, levels, field, row));
    else {
      const group = groups[context.kind].find((g) => g.includes(field)) ?? [field];
      const present = group.filter((f) => f in rows && (day === null || rows[f]?.occurrence === true));
      for (const [f, value] of Object.entries(mergeGroup(context, day, levels, present, response.answered))) {
        put(f, value);
        done.add(f);
      }
    }
  }
  return merged;
}

/** Values that only grow: the higher, later or true one is right on both sides. */
const growing = new Set(['attendeeCriticalChangeAt', 'invited']);

/**
 * Two copies of one's own meeting that say the same, of which nothing is remembered: which numbers they bear is the servers' own count of what
 * was written there, by us as well. A higher one beside attendees who were told the lower one makes the Repair Assistant tell them again.
 * Copies of which one lacks an occurrence of the other do not say the same, though the series are equal: one of them was updated, and the
 * other one is to be.
 */
export function isTellingTheSame({ left, right }: Readonly<Record<Side, Shown>>): boolean {
  if (!isOwnMeeting(left.fields) || !isOwnMeeting(right.fields)) return false;
  const days = Object.keys({ ...left.occurrences, ...right.occurrences }) as Day[];
  return (
    told.every((field) => sameJson(left.fields[field], right.fields[field])) &&
    days.every((day) => {
      const [l = {}, r = {}] = [left.occurrences[day], right.occurrences[day]];
      if (l === 'deleted' || r === 'deleted') return l === r;
      return told.every((field) => sameJson(l[field], r[field]) || sameTimes(l[field], r[field]));
    })
  );
}

/** What attendees are told of a change of. */
export const told = ['when', 'recurrence', 'location'] as const;

/**
 * Sequence and time of one revision go together: one with the time of another is a revision that nobody was told, and the Repair Assistant
 * would tell it to everybody.
 */
function mergeRevision(levels: Levels, field: string) {
  const later = isRevised(levels).any ? laterRevision(levels.left.values, levels.right.values) : null;
  return later === null ? own(levels, field) : pick(levels, later, field);
}

function mergeGrowing(levels: Levels, field: string, row: TypedRow<unknown>) {
  const { left, right } = own(levels, field);
  if (!isChanged(levels, field, row).any) return { left, right };
  const rank = (value: unknown): number =>
    value === null || value === undefined ? Number.NEGATIVE_INFINITY : Number(value);
  return same(rank(left) >= rank(right) ? left : right);
}
