/** Decisions that need whole items: about what is gone on one side, and about two items with one identity. */
import { must } from '#kit/assert.ts';
import type { AttachmentHead, EventFields, When } from '#model/appointment.ts';
import { isOccurrenceDay } from '#model/expand-recurrence.ts';
import type { ItemId, Side, Version } from '#model/ids.ts';
import { loneOccurrence } from '#model/lone-occurrence.ts';
import type { TypedPolicy } from '#model/policy.ts';
import type { TypedEdit, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Json, Shown, TypedLinkRow } from '#model/typed-link.ts';
import { typedRows } from '#model/typed-properties.ts';
import { type Day, dayOfWall, wallOfDay } from '#model/wall-time.ts';
import { applyEdit } from './apply-edit.ts';
import { otherSide } from './merge-context.ts';
import { isOwnMeeting } from './merge-state-flags.ts';
import { mergeTyped, type TypedConflict } from './merge-typed.ts';
import type { ClockOf } from './place-occurrences.ts';
import { canonical, sameJson, sameShown, shown } from './shown.ts';

/** An item in the journal: everything that it takes to make it again, but for the bytes of attachments. */
const journalled = ({ fields, occurrences, deletedDays, extras }: TypedItem): Json =>
  ({ fields, occurrences, deletedDays, extras }) as unknown as Json;

export type GoneDecision =
  /** Recoverably, if it is still at that version. */
  | {
      readonly do: 'remove';
      readonly on: Side;
      readonly expect: Version;
      /** What is lost by it; null: nobody changed it. */
      readonly conflict: TypedConflict | null;
    }
  /** Made again on the side where it was deleted, and linked anew. */
  | { readonly do: 'revive'; readonly on: Side; readonly conflict: TypedConflict }
  /** One-way: what the source deleted was changed on the target. It stays there, without a link. */
  | { readonly do: 'keep'; readonly conflict: TypedConflict }
  /** Gone there as well. */
  | { readonly do: 'forget' };

/**
 * An item is gone on one side, and its wait is over.
 * @param item The other side's, as it is now; null: gone too.
 */
export function settleGone(link: TypedLinkRow, gone: Side, item: TypedItem | null, policy: TypedPolicy): GoneDecision {
  if (!item) return { do: 'forget' };
  const there = otherSide(gone);
  const end = link[there];
  const isMoved = item.head.folder !== end.folder;
  const removal = { do: 'remove', on: there, expect: item.head.version } as const;
  if (!isMoved && sameShown(shown(item), end.seen)) return { ...removal, conflict: null };
  const changed = isMoved ? 'moved' : 'changed';
  const conflict: TypedConflict = {
    outcome: 'item-changed-and-deleted',
    field: 'item',
    day: null,
    base: null,
    left: there === 'left' ? journalled(item) : null,
    right: there === 'right' ? journalled(item) : null,
    winner: there,
    why: `deleted on the ${gone}, ${changed} on the ${there}; a change stays`,
  };
  if (isOwnMeeting(link[gone].seen.fields) && isOwnMeeting(item.fields as unknown as Shown['fields']))
    return {
      ...removal,
      conflict: {
        ...conflict,
        outcome: 'meeting-called-off',
        winner: gone,
        why: `a meeting of one’s own that was deleted on the ${gone} is off; ${changed} on the ${there}`,
      },
    };
  return gone === 'left' && policy.direction === 'one-way'
    ? { do: 'keep', conflict }
    : { do: 'revive', on: gone, conflict };
}

export interface DuplicateDecision<Kind extends TypedKind> {
  readonly keep: TypedItem<Kind>;
  /** Recoverably, once `edit` is done. */
  readonly remove: readonly TypedItem<Kind>[];
  /** What the kept one takes over from the others; null: nothing. */
  readonly edit: TypedEdit<Kind> | null;
  /** Bytes that the edit needs, and which of the items holds them. */
  readonly needs: readonly {
    readonly from: ItemId;
    readonly day: Day | null;
    readonly heads: readonly AttachmentHead[];
  }[];
  /** The removed ones, whole. */
  readonly conflicts: readonly TypedConflict[];
  /** Why this one was kept. */
  readonly why: string;
}

/**
 * Several items with one identity in one folder: the richest stays and takes over what the others have and it lacks.
 * @param linked Id of the one that is linked; null: none.
 * @param last Ids of those that stay only when there is nothing else.
 */
export function settleDuplicates<Kind extends TypedKind>(
  on: Side,
  items: readonly TypedItem<Kind>[],
  linked: ItemId | null,
  own: readonly string[],
  policy: TypedPolicy,
  clockOf: ClockOf,
  last: ReadonlySet<ItemId> = new Set(),
): DuplicateDecision<Kind> | null {
  const rank = (item: TypedItem) => [
    last.has(item.head.id) ? 0 : 1,
    items.some((series) => partOf(series, item) !== null) ? 0 : 1,
    ...rankOf(item, linked),
  ];
  const ranked = [...items].sort((a, b) => compareRanks(rank(b), rank(a)) || (a.head.id < b.head.id ? -1 : 1));
  const [keep, ...remove] = ranked;
  if (!keep || remove.length === 0) return null;
  let merged = keep;
  let edit: TypedEdit<Kind> | null = null;
  const needs: DuplicateDecision<Kind>['needs'][number][] = [];
  for (const other of remove) {
    const day = partOf(merged, other);
    if (day !== null) {
      const told = asOccurrence(merged, other, day, clockOf);
      if (told === null) continue;
      merged = applyEdit(merged, told);
      edit = edit ? bothEdits(edit, told) : told;
      continue;
    }
    const merge = mergeTyped({
      kind: keep.kind,
      left: merged,
      right: other,
      seen: null,
      policy: { ...policy, direction: 'both', conflict: 'source', active: 'left' },
      own,
      clockOf,
    });
    if (!merge.left) continue;
    for (const { side, day, heads } of merge.left.needs)
      needs.push({ from: (side === 'left' ? keep : other).head.id, day, heads });
    merged = applyEdit(merged, merge.left.edit);
    edit = edit ? bothEdits(edit, merge.left.edit) : merge.left.edit;
  }
  return {
    keep,
    remove,
    edit,
    needs,
    conflicts: remove.map((item) => removed(on, item, partOf(keep, item))),
    why: reasonFor(rank(keep), rank(remove[0] ?? keep)),
  };
}

/** The day by the pattern of a series, of an item that is one of its occurrences; null: it is another event. */
function partOf(series: TypedItem, item: TypedItem): Day | null {
  const lone = item.head.identity === null ? null : loneOccurrence(item.head.identity);
  return lone !== null && lone.series === series.head.identity ? lone.day : null;
}

/** What organizers say of a single occurrence. */
const toldOfOccurrences = ['subject', 'location', 'when', 'body'] as const;

/** What an occurrence that came by itself says, as an edit of its series; null: nothing new, or the series does not have that day (any more). */
function asOccurrence<Kind extends TypedKind>(
  series: TypedItem<Kind>,
  lone: TypedItem<Kind>,
  day: Day,
  clockOf: ClockOf,
): TypedEdit<Kind> | null {
  const { recurrence } = series.fields as Partial<EventFields>;
  if (!recurrence || !isOccurrenceDay(recurrence, day) || series.deletedDays.includes(day)) return null;
  const known = series.occurrences.find((o) => o.day === day)?.overrides ?? {};
  const now: Partial<EventFields> = { ...(series.fields as Partial<EventFields>), ...known };
  const told = lone.fields as Partial<EventFields>;
  const rows = typedRows(series.kind);
  const differs = toldOfOccurrences.filter((field) => {
    const row = must(rows[field], 'events have it');
    if (field === 'when' && known.when === undefined) return !isByPattern(told.when, now.when, day, clockOf);
    return !sameJson(canonical(field, row, told[field]), canonical(field, row, now[field]));
  });
  if (differs.length === 0) return null;
  const overrides = { ...known, ...Object.fromEntries(differs.map((field) => [field, told[field]])) };
  return { set: {}, occurrences: [{ day, do: 'modify', overrides }], attachments: new Map() } as TypedEdit<Kind>;
}

/** Whether an occurrence is where its series has it. */
function isByPattern(when: When | undefined, ofSeries: When | undefined, day: Day, clockOf: ClockOf): boolean {
  if (!when || !ofSeries) return when === ofSeries;
  const { toWall } = clockOf(ofSeries.startZone);
  const timeOf = (instant: number) =>
    toWall(instant as When['start']) - wallOfDay(dayOfWall(toWall(instant as When['start'])));
  return (
    dayOfWall(toWall(when.start)) === day &&
    timeOf(when.start) === timeOf(ofSeries.start) &&
    when.end - when.start === ofSeries.end - ofSeries.start
  );
}

const removed = (on: Side, item: TypedItem, day: Day | null): TypedConflict => ({
  outcome: 'duplicate-removed',
  field: 'item',
  day: null,
  base: null,
  left: on === 'left' ? journalled(item) : null,
  right: on === 'right' ? journalled(item) : null,
  winner: on,
  why:
    day === null
      ? 'another item with the same identity in the same folder is richer; this one was merged into it and removed'
      : `its series is in the same folder; what was said of ${day} was taken over there, and this one removed`,
});

/** In order of weight. */
const rankReasons = [
  'it is in step with what stays on the other side',
  'it is the series',
  'the organizer updated it last',
  'the person answered it',
  'it is linked',
  'we made it',
  'it has more changed occurrences',
  'it holds more',
  'it is older',
] as const;

function rankOf(item: TypedItem, linked: ItemId | null): readonly number[] {
  const fields = item.fields as Partial<EventFields>;
  const answered = fields.myResponse !== undefined && fields.myResponse !== 'unknown' && fields.myResponse !== 'none';
  return [
    fields.sequence ?? 0,
    answered ? 1 : 0,
    item.head.id === linked ? 1 : 0,
    item.head.stamp ? 1 : 0,
    item.occurrences.length + item.deletedDays.length,
    JSON.stringify(item.fields).length,
    -(item.head.createdAt ?? 0),
  ];
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [i, rank] of a.entries()) if (rank !== b[i]) return rank - (b[i] ?? 0);
  return 0;
}

function reasonFor(kept: readonly number[], removedRank: readonly number[]): string {
  const decisive = kept.findIndex((rank, i) => rank !== removedRank[i]);
  return rankReasons[decisive] ?? 'they are equal';
}

/** The second edit was made for what the first one leaves behind. */
function bothEdits<Kind extends TypedKind>(first: TypedEdit<Kind>, second: TypedEdit<Kind>): TypedEdit<Kind> {
  const days = new Set(second.occurrences.map((o) => o.day));
  return {
    set: { ...first.set, ...second.set },
    occurrences: [...first.occurrences.filter((o) => !days.has(o.day)), ...second.occurrences],
    attachments: new Map(),
  };
}
