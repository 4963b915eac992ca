/**
 * The merge of two copies of one typed item: per field, per element of a set, and per occurrence of a series. Three-way, with a base per
 * side: a field has changed when a side shows something else than when it was last read back. What comes out of it in every case is
 * in `docs/operating/calendars.md`.
 */
import type { AttachmentHead, When } from '#model/appointment.ts';
import { isReceived } from '#model/client-intent.ts';
import type { Side } from '#model/ids.ts';
import type { TypedPolicy } from '#model/policy.ts';
import type { TypedRow } from '#model/property-row.ts';
import type { Recurrence } from '#model/recurrence.ts';
import type { Receipt } from '#model/stamp.ts';
import type { TypedEdit, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Json, Shown } from '#model/typed-link.ts';
import { typedRows } from '#model/typed-properties.ts';
import type { Day } from '#model/wall-time.ts';
import {
  carriedOut,
  decided,
  isAnyOnItsWay,
  type OnItsWay,
  receiptFor,
  withOnTheirWay,
} from './elements-on-their-way.ts';
import { type MergeContext, otherSide } from './merge-context.ts';
import { isTellingTheSame, mergeLevel, told } from './merge-fields.ts';
import { type Level, laterRevision, type SideValues, type Values } from './merge-level.ts';
import { mergeOccurrences, type SideEntries } from './merge-occurrences.ts';
import type { MergeOutcome } from './merge-outcomes.ts';
import { isOrganizers, isOwnMeeting } from './merge-state-flags.ts';
import { type ClockOf, placeOccurrences } from './place-occurrences.ts';
import {
  attachmentKey,
  canonical,
  changesSince,
  elementBase,
  sameJson,
  sameShown,
  shown,
  shownFields,
  shownOverrides,
  withoutOccurrences,
} from './shown.ts';

export interface MergeInput<Kind extends TypedKind> {
  readonly kind: Kind;
  readonly left: TypedItem<Kind>;
  readonly right: TypedItem<Kind>;
  /** What each side showed when it was last read back; null: nobody had linked them, there is no base. */
  readonly seen: { readonly left: Shown; readonly right: Shown } | null;
  /** Without a base: one of the two is a copy of ours whose answer was lost, and this is what it was made of. */
  readonly madeOf?: Shown | null;
  readonly policy: TypedPolicy;
  /** The person's addresses in both organizations, lower case: whose response is the person's own. */
  readonly own: readonly string[];
  /** What zones say: the lists of them are no business of decisions. */
  readonly clockOf: ClockOf;
}

/** One value that lost, for the journal. `left` and `right` are complete values, not hashes. */
export interface TypedConflict {
  readonly outcome: MergeOutcome;
  /** A field of the kind's table; `occurrence` for one as a whole, `item` for the item as a whole, `folder` for its place. */
  readonly field: string;
  readonly day: Day | null;
  readonly base: Json;
  readonly left: Json;
  readonly right: Json;
  readonly winner: Side;
  /** One sentence for a person. */
  readonly why: string;
}

/** Bytes that an edit needs: fetched from `side` before the edit is carried out, and put into `edit.attachments` by hash. */
export interface NeededAttachments {
  readonly side: Side;
  /** Occurrence that holds them there; null: the item or the series. */
  readonly day: Day | null;
  readonly heads: readonly AttachmentHead[];
}

export interface SideEdit<Kind extends TypedKind> {
  /** Its `attachments` are empty: `needs` says which bytes belong there. */
  readonly edit: TypedEdit<Kind>;
  readonly needs: readonly NeededAttachments[];
  /**
   * The edit sets `recurrence` or a series' `when`, so the server drops every exception before it makes those again that the edit
   * names. A crash in between looks like a person who dropped them; see `TypedMerge.before`.
   */
  readonly rewrites: boolean;
}

/** Which side's value a field takes, where the merge changed something: for plans and history. */
export interface FieldTaken {
  readonly field: string;
  readonly day: Day | null;
  /** `both`: made of both, element by element. */
  readonly from: Side | 'both';
}

export interface TypedMerge<Kind extends TypedKind> {
  /** Null: nothing to write on this side. */
  readonly left: SideEdit<Kind> | null;
  readonly right: SideEdit<Kind> | null;
  /**
   * In which order the sides are written: a side that is rewritten comes last, when the other one has everything that it had; otherwise
   * the one the person works on comes first, and rings before the other one is silent. A crash in the middle can then lose nothing.
   * Where nothing is remembered, a side that only gets numbers comes before one that is told something: when both say the same, nobody
   * could tell any more whose number is right (`isTellingTheSame`).
   */
  readonly order: readonly Side[];
  /**
   * Snapshots to record before the first write, because after a write whose answer is lost the recorded ones would mislead: a series
   * that is rewritten without its exceptions looks like one whose exceptions a person dropped, so what was agreed about them is forgotten
   * and the next merge unites what both sides have; and elements that were added look as if they came from where they were written
   * (`elements-on-their-way.ts`). Null: the recorded ones hold.
   */
  readonly before: Readonly<Record<Side, Shown>> | null;
  readonly conflicts: readonly TypedConflict[];
  /**
   * Both sides are rewritten: what only the first one has would be nowhere if the process died in the middle. Goes to the journal before
   * the first write, with `before`. Empty otherwise.
   */
  readonly precautions: readonly TypedConflict[];
  readonly taken: readonly FieldTaken[];
  /**
   * Changes of the right that a one-way policy leaves where they are. Their base stays recorded (`seenAfter`), so that a later change
   * on the left is known to be a conflict.
   */
  readonly drift: readonly { readonly field: string; readonly day: Day | null }[];
}

export function mergeTyped<Kind extends TypedKind>(input: MergeInput<Kind>): TypedMerge<Kind> {
  const { kind, left, right, policy } = input;
  const now = { left: shown(left), right: shown(right) };
  const seen = input.seen && carriedOut(input.seen, now, { left: left.head.version, right: right.head.version });
  const context: MergeContext = {
    kind,
    policy,
    own: input.own,
    hasBase: seen !== null,
    madeOf: seen === null ? (input.madeOf ?? null) : null,
    clockOf: input.clockOf,
    organizerNewer: organizerNewer(left, right, seen),
    isCountOnly: seen === null && isTellingTheSame(now),
    heads: { left: left.head, right: right.head },
    conflicts: [],
  };
  const level = (side: Side): Level => ({ values: valuesOf(input[side]), base: seen?.[side].fields ?? null });
  const merged = mergeLevel(context, null, { left: level('left'), right: level('right') });
  const after = { left: shownFields(kind, merged.left), right: shownFields(kind, merged.right) };
  const pattern = mergedPattern(merged, now, after);
  const entries = placeOccurrences(
    context,
    seriesOf(merged),
    now,
    after,
    mergeOccurrences(context, { left, right }, now, seen, after, pattern),
  );
  const changes = {
    left: writesOf(input, 'left', now, merged, after, entries),
    right: writesOf(input, 'right', now, merged, after, entries),
  };
  const oneWay = policy.direction === 'one-way';
  const leftEdit = oneWay ? null : sideEdit(input, 'left', merged, changes.left, entries);
  const rightEdit = sideEdit(input, 'right', merged, changes.right, entries);
  return {
    left: leftEdit,
    right: rightEdit,
    order: writingOrder({ left: leftEdit, right: rightEdit }, policy.active, seen !== null),
    before: seen && seenBefore(input, seen, now, merged, { left: leftEdit, right: rightEdit }),
    precautions: leftEdit?.rewrites && rightEdit?.rewrites ? atRisk(input, policy.active, now) : [],
    conflicts: context.conflicts,
    taken: takenBy(oneWay ? { fields: [], days: [] } : changes.left, changes.right),
    drift: oneWay ? driftOf(now.right, seen?.right ?? null, changes.left) : [],
  };
}

function writingOrder(
  edits: Readonly<Record<Side, SideEdit<TypedKind> | null>>,
  active: Side,
  hasBase: boolean,
): readonly Side[] {
  const isQuiet = ({ edit }: SideEdit<TypedKind>) => !('reminder' in edit.set) && edit.occurrences.length === 0;
  const lateness = (side: Side): number => {
    const [own, other] = [edits[side], edits[otherSide(side)]];
    if (own?.rewrites) return 2;
    return !hasBase && own && other && isQuiet(other) && told.some((field) => field in own.edit.set) ? 1 : 0;
  };
  const [left, right] = [lateness('left'), lateness('right')];
  const last = left === right ? otherSide(active) : left > right ? 'left' : 'right';
  return [otherSide(last), last];
}

const valuesOf = (item: TypedItem): Values => item.fields as unknown as Values;

/**
 * Both are attendee's copies, or both are copies of a meeting of one's own to which people were invited: the later revision is
 * what the organizer said last, and what the attendees have. A copy that a phone made anew may not say any more that invitations went out;
 * of one that never went out, nobody was told anything.
 */
function organizerNewer(left: TypedItem, right: TypedItem, seen: Readonly<Record<Side, Shown>> | null): Side | null {
  if (left.kind !== 'calendar' || right.kind !== 'calendar') return null;
  const copies = [valuesOf(left), valuesOf(right)] as const;
  if (copies.every(isReceived)) return laterRevision(...copies);
  const wereSent = seen && [isOwnMeeting(seen.left.fields), isOwnMeeting(seen.right.fields)];
  const areSent = wereSent
    ? copies.every((copy, n) => isOwnMeeting(copy) || wereSent[n])
    : copies.some((copy) => isOwnMeeting(copy));
  return copies.every(isOrganizers) && areSent ? laterRevision(...copies) : null;
}

/** The recurrence after the merge and the side it came from; from nobody when no side gets a new one. */
function mergedPattern(
  merged: SideValues,
  now: Readonly<Record<Side, Shown>>,
  after: Readonly<Record<Side, Shown['fields']>>,
): { readonly recurrence: Recurrence | null; readonly from: Side | null } {
  const isNew = (side: Side) => !sameJson(now[side].fields['recurrence'], after[side]['recurrence']);
  const from = isNew('right') ? 'left' : isNew('left') ? 'right' : null;
  return { recurrence: (merged[from ?? 'left']['recurrence'] ?? null) as Recurrence | null, from };
}

/** The series after the merge, when it is one. */
function seriesOf({ left }: SideValues): { readonly when: When; readonly recurrence: Recurrence } | null {
  const [when, recurrence] = [left['when'], left['recurrence']] as [When | undefined, Recurrence | null | undefined];
  return when && recurrence ? { when, recurrence } : null;
}

interface Writes {
  readonly fields: readonly string[];
  readonly days: readonly Day[];
}

/** What has to be written on a side so that it has what the merge says. */
function writesOf(
  input: MergeInput<TypedKind>,
  side: Side,
  now: Readonly<Record<Side, Shown>>,
  merged: SideValues,
  after: Readonly<Record<Side, Shown['fields']>>,
  entries: ReadonlyMap<Day, SideEntries>,
): Writes {
  const values = valuesOf(input[side]);
  const fields = Object.keys(after[side]).filter(
    (field) => merged[side][field] !== values[field] && !sameJson(now[side].fields[field], after[side][field]),
  );
  const days = [...entries].flatMap(([day, entry]) => {
    const wanted = entry[side];
    const held =
      wanted === null ? undefined : wanted === 'deleted' ? wanted : shownOverrides(input.kind, wanted, after[side]);
    return sameJson(held, now[side].occurrences[day]) ? [] : [day];
  });
  return { fields, days };
}

/** Whose elements servers keep under the names that they are given, in the request that brings them. */
const isList = (row: TypedRow<unknown> | undefined): boolean => row?.merge === 'set' || row?.merge === 'attendees';

function sideEdit<Kind extends TypedKind>(
  input: MergeInput<Kind>,
  side: Side,
  merged: SideValues,
  writes: Writes,
  entries: ReadonlyMap<Day, SideEntries>,
): SideEdit<Kind> | null {
  if (writes.fields.length === 0 && writes.days.length === 0) return null;
  const item = input[side];
  const set = Object.fromEntries(writes.fields.map((field) => [field, merged[side][field]]));
  const wasSeries = valuesOf(item)['recurrence'] != null;
  // A day that was deleted comes back only with the whole pattern.
  const restores = writes.days.some((day) => item.deletedDays.includes(day) && entries.get(day)?.[side] !== 'deleted');
  if (restores) set['recurrence'] = merged[side]['recurrence'];
  const rewrites = wasSeries && ('recurrence' in set || 'when' in set) && item.kind === 'calendar';
  const occurrences = (rewrites ? [...entries.keys()] : writes.days).flatMap((day): TypedEdit<Kind>['occurrences'] => {
    const entry = entries.get(day)?.[side] ?? null;
    if (entry === 'deleted') return [{ day, do: 'delete' }];
    if (entry === null) return rewrites ? [] : [{ day, do: 'modify', overrides: {} }];
    return [{ day, do: 'modify', overrides: entry }];
  });
  const lists = Object.entries(set).filter(([field]) => input.seen !== null && isList(typedRows(input.kind)[field]));
  const edit: TypedEdit<Kind> = {
    set: set as TypedEdit<Kind>['set'],
    occurrences,
    attachments: new Map(),
    ...(lists.length === 0 ? {} : { receipt: receiptFor(item.head.version, Object.fromEntries(lists)) }),
  };
  return { edit, needs: neededAttachments(input, side, edit, rewrites), rewrites };
}

/** What has to be recorded before edits are carried out; null: nothing. */
function seenBefore(
  input: MergeInput<TypedKind>,
  seen: Readonly<Record<Side, Shown>>,
  now: Readonly<Record<Side, Shown>>,
  merged: SideValues,
  edits: Readonly<Record<Side, SideEdit<TypedKind> | null>>,
): Readonly<Record<Side, Shown>> | null {
  if (edits.left === null && edits.right === null) return null;
  const fields = { left: { ...seen.left.fields }, right: { ...seen.right.fields } };
  /** An edit of the side that a write was for makes another version there, at which that write is refused. */
  const hasArrived = (held: OnItsWay, from: Side) =>
    held.thereAt !== undefined ||
    (held.by !== undefined && held.by === input[otherSide(from)].head.receipt) ||
    edits[otherSide(from)] !== null;
  for (const [field, row] of Object.entries(typedRows(input.kind))) {
    if (row.merge === 'scalar') continue;
    const elements = (value: unknown) => elementBase(canonical(field, row, value)) ?? new Map<string, Json>();
    const ofBoth = ({ left, right }: SideValues) => ({ left: elements(left[field]), right: elements(right[field]) });
    const recorded = { left: elementBase(seen.left.fields[field]), right: elementBase(seen.right.fields[field]) };
    const has = ofBoth({ left: valuesOf(input.left), right: valuesOf(input.right) });
    const base = decided(recorded, has, ofBoth(merged), hasArrived);
    for (const from of ['left', 'right'] as const) {
      const { [from]: before } = base;
      if (before === null) continue;
      const to = otherSide(from);
      const { set = {}, receipt }: { set?: Values; receipt?: Receipt } = edits[to]?.edit ?? {};
      const added = new Map([...elements(set[field])].filter(([key]) => has[from].has(key) && !has[to].has(key)));
      if (added.size > 0 || isAnyOnItsWay(before) || base !== recorded)
        fields[from][field] = withOnTheirWay(
          before,
          added,
          { elements: has[to], version: input[to].head.version },
          receipt,
        );
    }
  }
  const onTheirWay = (from: Side): Shown => ({
    ...seen[from],
    fields: fields[from],
    ...valuesOnTheirWay(input.kind, edits[from], now[otherSide(from)]),
  });
  const marked = { left: onTheirWay('left'), right: onTheirWay('right') };
  if (edits.left?.rewrites || edits.right?.rewrites) {
    const before = { left: seen.left.occurrences, right: seen.right.occurrences };
    const announced = (side: Side): Shown => {
      const bare = withoutOccurrences(marked[side]);
      if (!edits[side]?.rewrites) return bare;
      const rewrite = { at: input[side].head.version, before };
      return { ...bare, onTheirWay: { fields: {}, occurrences: {}, ...bare.onTheirWay, rewrite } };
    };
    return { left: announced('left'), right: announced('right') };
  }
  return isAsSeen(marked.left, seen.left) && isAsSeen(marked.right, seen.right) ? null : marked;
}

const isAsSeen = (marked: Shown, seen: Shown): boolean => marked.onTheirWay === undefined && sameShown(marked, seen);

/** What an edit gives a side that the other one shows. */
function valuesOnTheirWay(kind: TypedKind, side: SideEdit<TypedKind> | null, other: Shown): Pick<Shown, 'onTheirWay'> {
  if (side === null) return {};
  const { set, occurrences } = side.edit;
  const given = shownFields(kind, set as Values);
  const fields = Object.entries(other.fields).filter(
    ([field, value]) => field in set && typedRows(kind)[field]?.merge === 'scalar' && sameJson(given[field], value),
  );
  const days = occurrences.flatMap((one) => {
    const { [one.day]: entry } = other.occurrences;
    const own = one.do === 'delete' ? one.do : shownOverrides(kind, one.overrides as Values, other.fields);
    return entry !== undefined && sameJson(own, entry) ? [[one.day, entry] as const] : [];
  });
  if (fields.length === 0 && days.length === 0) return {};
  return { onTheirWay: { fields: Object.fromEntries(fields), occurrences: Object.fromEntries(days) } };
}

/** Occurrences that only this side has, and would have lost for a moment. */
function atRisk(
  input: MergeInput<TypedKind>,
  side: Side,
  now: Readonly<Record<Side, Shown>>,
): readonly TypedConflict[] {
  const other = otherSide(side);
  return input[side].occurrences
    .filter(
      ({ day }) => day in now[side].occurrences && !sameJson(now[side].occurrences[day], now[other].occurrences[day]),
    )
    .map(({ day, overrides }) => ({
      outcome: 'rewritten-together',
      field: 'occurrence',
      day,
      base: null,
      left: null,
      right: null,
      [side]: overrides as unknown as Json,
      winner: side,
      why: 'both sides get a new pattern at once; written down in case that is interrupted',
    }));
}

/** Attachments that the edit names and the item will lack: from the other side, or from this one where a rewrite would drop them. */
function neededAttachments(
  input: MergeInput<TypedKind>,
  side: Side,
  edit: TypedEdit,
  rewrites: boolean,
): readonly NeededAttachments[] {
  const needs: NeededAttachments[] = [];
  const ask = (day: Day | null, wanted: readonly AttachmentHead[] | undefined) => {
    if (!wanted) return;
    const inPlace = new Set(day !== null && rewrites ? [] : attachmentsOf(input[side], day).map(attachmentKey));
    const missing = wanted.filter((head) => !inPlace.has(attachmentKey(head)));
    for (const from of [otherSide(side), side]) {
      for (const place of day === null ? [null] : [day, null]) {
        const there = new Set(attachmentsOf(input[from], place).map(attachmentKey));
        const heads = missing.filter(
          (head) => there.has(attachmentKey(head)) && !needs.some((n) => n.heads.includes(head)),
        );
        if (heads.length > 0) needs.push({ side: from, day: place, heads });
      }
    }
  };
  ask(null, (edit.set as Values)['attachments'] as readonly AttachmentHead[] | undefined);
  for (const entry of edit.occurrences) if (entry.do === 'modify') ask(entry.day, entry.overrides.attachments);
  return needs;
}

function attachmentsOf(item: TypedItem, day: Day | null): readonly AttachmentHead[] {
  if (day === null) return (valuesOf(item)['attachments'] ?? []) as readonly AttachmentHead[];
  return item.occurrences.find((o) => o.day === day)?.overrides.attachments ?? [];
}

function takenBy(left: Writes, right: Writes): readonly FieldTaken[] {
  const from = (inLeft: boolean, inRight: boolean) => (inLeft && inRight ? 'both' : inLeft ? 'right' : 'left');
  return [
    ...union(left.fields, right.fields).map((field) => ({
      field,
      day: null,
      from: from(left.fields.includes(field), right.fields.includes(field)),
    })),
    ...union(left.days, right.days).map((day) => ({
      field: 'occurrence',
      day,
      from: from(left.days.includes(day), right.days.includes(day)),
    })),
  ] as readonly FieldTaken[];
}

const union = <T>(a: readonly T[], b: readonly T[]): readonly T[] => [...new Set([...a, ...b])].sort();

/** What the right changed and the left is not given. */
function driftOf(now: Shown, seen: Shown | null, withheld: Writes): TypedMerge<TypedKind>['drift'] {
  if (!seen) return [];
  const changed = changesSince(now, seen);
  return [
    ...withheld.fields.filter((f) => changed.fields.includes(f)).map((field) => ({ field, day: null })),
    ...withheld.days.filter((d) => changed.days.includes(d)).map((day) => ({ field: 'occurrence', day })),
  ];
}

/**
 * The snapshot to record of a side.
 * @param item As read back after the edits.
 * @param merge The one that the edits were of; null: nothing was merged.
 */
export function seenAfter(
  side: Side,
  item: TypedItem,
  former: Shown | null,
  merge: Pick<TypedMerge<TypedKind>, 'drift'> | null,
): Shown {
  const now = shown(item);
  if (side === 'left' || !former || !merge || merge.drift.length === 0) return now;
  const fields = { ...now.fields };
  const occurrences = { ...now.occurrences };
  for (const { field, day } of merge.drift) {
    const before = day === null ? former.fields[field] : former.occurrences[day];
    if (day === null && before !== undefined) fields[field] = before as Json;
    else if (day !== null && before !== undefined) occurrences[day] = before as Shown['occurrences'][Day];
    else if (day !== null) delete occurrences[day];
  }
  return { fields, occurrences };
}
