/** Decisions that need whole items: about what is gone on one side, and about two items with one identity. */
import type { AttachmentHead, EventFields, OccurrenceFields, OccurrenceOverrides, When } from '#model/appointment.ts';
import { isReceived } from '#model/client-intent.ts';
import { isOccurrenceDay } from '#model/expand-recurrence.ts';
import type { ItemId, Side, Version } from '#model/ids.ts';
import { loneOccurrence } from '#model/lone-occurrence.ts';
import type { TypedPolicy } from '#model/policy.ts';
import type { TypedEdit, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Json, Shown, TypedLinkRow } from '#model/typed-link.ts';
import { typedRows } from '#model/typed-properties.ts';
import { type Day, dayOfWall, wallOfDay } from '#model/wall-time.ts';
import { applyEdit } from './apply-edit.ts';
import { carriedOut } from './elements-on-their-way.ts';
import { otherSide } from './merge-context.ts';
import { isOwnMeeting } from './merge-state-flags.ts';
import { mergeTyped, type TypedConflict } from './merge-typed.ts';
import type { ClockOf } from './place-occurrences.ts';
import { attachmentKey, sameShown, shown } from './shown.ts';

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
  // What we wrote ourselves is nobody's change, although its answer was lost.
  const now = { [there]: shown(item), [gone]: link[gone].seen } as Record<Side, Shown>;
  const versions = { [there]: item.head.version, [gone]: null } as Record<Side, Version | null>;
  const seen = carriedOut({ left: link.left.seen, right: link.right.seen }, now, versions);
  if (!isMoved && sameShown(now[there], seen[there])) return { ...removal, conflict: null };
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
  if (gone === 'left' && policy.direction === 'one-way') return { do: 'keep', conflict };
  if (!isMoved && isReceived(link[gone].seen.fields) && !isToldOf(shown(item).fields, end.seen.fields))
    return {
      ...removal,
      conflict: {
        ...conflict,
        outcome: 'invitation-deleted',
        winner: gone,
        why: `somebody else’s meeting: who deleted it on the ${gone} does not come, or it is off; changed on the ${there}`,
      },
    };
  return { do: 'revive', on: gone, conflict };
}

/**
 * Whether a copy of somebody else's meeting says that it takes place and concerns the person, as it did not when its twin went: the
 * organizer has sent an update, or the person comes. Whatever else was changed about it is the person's own. Made again for that, it would
 * stand there although its organizer may have called it off or taken the person off the list meanwhile, and the Repair Assistant would say so by mail.
 */
function isToldOf(now: Shown['fields'], before: Shown['fields']): boolean {
  const isLater = (field: 'sequence' | 'ownerCriticalChangeAt'): boolean =>
    Number(now[field] ?? 0) > Number(before[field] ?? 0);
  const { myResponse } = now;
  const comes = myResponse === 'accept' || myResponse === 'tentative';
  return isLater('sequence') || isLater('ownerCriticalChangeAt') || (comes && myResponse !== before['myResponse']);
}

export interface DuplicateDecision<Kind extends TypedKind> {
  readonly keep: TypedItem<Kind>;
  /** Recoverably, once `edit` is done. */
  readonly remove: readonly TypedItem<Kind>[];
  /** Occurrences that came by themselves, of days that the series which is kept does not have: they stay, as items of their own. */
  readonly apart: readonly TypedItem<Kind>[];
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
  /** What the series said of a day, and an occurrence that came by itself says otherwise. */
  readonly overruled: readonly TypedConflict[];
  /** Why this one was kept. */
  readonly why: string;
}

/**
 * Several items with one identity in one folder: the richest stays and takes over what the others have and it lacks. Occurrences of a
 * series that came by themselves become part of it where it has their day.
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
  const [keep, ...others] = ranked;
  if (!keep || others.length === 0) return null;
  let merged = keep;
  let edit: TypedEdit<Kind> | null = null;
  const needs: DuplicateDecision<Kind>['needs'][number][] = [];
  const remove: TypedItem<Kind>[] = [];
  const apart: TypedItem<Kind>[] = [];
  const overruled: TypedConflict[] = [];
  const takeOver = (more: TypedEdit<Kind>): void => {
    merged = applyEdit(merged, more);
    edit = edit ? bothEdits(edit, more) : more;
  };
  for (const other of others) {
    const day = partOf(merged, other);
    if (day !== null && !hasDay(merged, day)) {
      apart.push(other);
      continue;
    }
    remove.push(other);
    if (day !== null) {
      const told = asOccurrence(on, keep, merged, other, day, own, policy, clockOf);
      if (told === null) continue;
      needs.push(...told.needs);
      overruled.push(...told.overruled);
      takeOver(told.edit);
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
    takeOver(merge.left.edit);
  }
  return {
    keep,
    remove,
    apart,
    edit,
    needs,
    overruled,
    conflicts: remove.map((item) => removed(on, item, partOf(keep, item))),
    why: reasonFor(rank(keep), rank(remove[0] ?? keep)),
  };
}

/** The day by the pattern of a series, of an item that is one of its occurrences; null: it is another event. */
function partOf(series: TypedItem, item: TypedItem): Day | null {
  const lone = item.head.identity === null ? null : loneOccurrence(item.head.identity);
  return lone !== null && lone.series === series.head.identity ? lone.day : null;
}

function hasDay(series: TypedItem, day: Day): boolean {
  const { recurrence } = series.fields as Partial<EventFields>;
  return recurrence != null && isOccurrenceDay(recurrence, day) && !series.deletedDays.includes(day);
}

/** Values that every new item has: nobody said them of this occurrence. */
const saidByNobody: Partial<OccurrenceFields> = { sensitivity: 'normal', importance: 'normal' };

/**
 * What an occurrence that came by itself says of its day, as an edit of its series. It counts, as it is the later word; but what it says
 * nothing of stays (an answer, a reminder, a text), and categories, attendees and attachments are those of both.
 * @param kept The series as the server has it.
 * @param series As it is to be.
 * @returns null: nothing new.
 */
function asOccurrence<Kind extends TypedKind>(
  on: Side,
  kept: TypedItem<Kind>,
  series: TypedItem<Kind>,
  lone: TypedItem<Kind>,
  day: Day,
  own: readonly string[],
  policy: TypedPolicy,
  clockOf: ClockOf,
): (Pick<DuplicateDecision<Kind>, 'needs' | 'overruled'> & { readonly edit: TypedEdit<Kind> }) | null {
  const known = series.occurrences.find((o) => o.day === day)?.overrides ?? {};
  const ofSeries = series.fields as EventFields;
  const told = lone.fields as EventFields;
  const isOccurrenceField = (field: string) => typedRows(series.kind)[field]?.occurrence === true;
  const now = Object.fromEntries(
    Object.entries({ ...ofSeries, ...known }).filter(([field]) => isOccurrenceField(field)),
  );
  const isMoved =
    known.when === undefined
      ? !isByPattern(told.when, ofSeries.when, day, clockOf)
      : !sameTimesOf(known.when, told.when);
  const { left: merge } = mergeTyped({
    kind: series.kind,
    // Of one day, so that nothing but what occurrences have for themselves is compared.
    left: { ...lone, fields: { ...lone.fields, ...now, when: told.when } },
    right: lone,
    seen: null,
    policy: { ...policy, direction: 'both', conflict: 'target', active: 'left' },
    own,
    clockOf,
  });
  const set: Partial<OccurrenceFields> = {
    ...Object.fromEntries(
      Object.entries(merge?.edit.set ?? {}).filter(
        ([field, value]) => isOccurrenceField(field) && saidByNobody[field as keyof OccurrenceFields] !== value,
      ),
    ),
    ...(isMoved ? { when: told.when } : {}),
  };
  if (Object.keys(set).length === 0) return null;
  const overrides = { ...known, ...set };
  const edit = { set: {}, occurrences: [{ day, do: 'modify', overrides }], attachments: new Map() };
  return {
    edit: edit as TypedEdit<Kind>,
    needs: set.attachments ? bytesOf(set.attachments, known, kept, lone) : [],
    overruled: Object.entries(set).flatMap(([field, value]) => {
      const before = known[field as keyof OccurrenceOverrides];
      // Of lists nothing is taken away.
      if (before === undefined || Array.isArray(before)) return [];
      return [overruledBy(on, field, day, before as Json, value as Json)];
    }),
  };
}

/** The value that loses stands on the side on which both were. */
const overruledBy = (on: Side, field: string, day: Day, before: Json, told: Json): TypedConflict => ({
  outcome: 'occurrence-told-twice',
  field,
  day,
  base: null,
  left: on === 'left' ? before : told,
  right: on === 'right' ? before : told,
  winner: otherSide(on),
  why: `on the ${on} the series said something else of ${day} than the occurrence that had come there by itself, which counts`,
});

/** Who holds the bytes of attachments that an occurrence gets. What others hold that were merged before is among their needs. */
function bytesOf(
  wanted: readonly AttachmentHead[],
  known: OccurrenceOverrides,
  kept: TypedItem,
  lone: TypedItem,
): DuplicateDecision<TypedKind>['needs'] {
  const keysOf = (heads: readonly AttachmentHead[] | undefined) => new Set((heads ?? []).map(attachmentKey));
  const inPlace = keysOf(known.attachments);
  const holds = {
    lone: keysOf((lone.fields as EventFields).attachments),
    kept: keysOf((kept.fields as EventFields).attachments),
  };
  const missing = wanted.filter((head) => !inPlace.has(attachmentKey(head)));
  const ofLone = missing.filter((head) => holds.lone.has(attachmentKey(head)));
  const ofKept = missing.filter((head) => !ofLone.includes(head) && holds.kept.has(attachmentKey(head)));
  return [
    ...(ofLone.length > 0 ? [{ from: lone.head.id, day: null, heads: ofLone }] : []),
    ...(ofKept.length > 0 ? [{ from: kept.head.id, day: null, heads: ofKept }] : []),
  ];
}

const sameTimesOf = (a: When, b: When): boolean => a.start === b.start && a.end === b.end && a.isAllDay === b.isAllDay;

/** Whether an occurrence is where its series has it. */
function isByPattern(when: When, ofSeries: When, day: Day, clockOf: ClockOf): boolean {
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
      : `its series is in the same folder and has this occurrence on ${day}; what this one says of itself counts there now, and it was removed`,
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
