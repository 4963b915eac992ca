import { must } from '#kit/assert.ts';
import type { AttachmentHead, Attendee, Body, MeetingResponse, Reminder, When } from '#model/appointment.ts';
import type { Side } from '#model/ids.ts';
import type { TypedRow } from '#model/property-row.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { Json } from '#model/typed-link.ts';
import { typedRows } from '#model/typed-properties.ts';
import type { Day } from '#model/wall-time.ts';
import type { Zone } from '#model/zone.ts';
import { journal, type MergeContext, otherSide, type Verdict, verdict } from './merge-context.ts';
import {
  attachmentRules,
  attendeeAlias,
  attendeeRules,
  type ElementBase,
  elementBase,
  mergeElements,
  recordRules,
  setRules,
} from './merge-elements.ts';
import { canonical, held, sameJson, visibleText } from './shown.ts';

export type Values = Readonly<Record<string, unknown>>;
export interface SideValues {
  readonly left: Values;
  readonly right: Values;
}

/** One side of what is merged field by field: an item, or the overrides of an occurrence. */
export interface Level {
  /** `undefined`: the occurrence has what its series has. */
  readonly values: Values;
  /** What the snapshot holds; null: there is none. */
  readonly base: Readonly<Record<string, Json>> | null;
  /** Of an occurrence: what its series has on this side, now and in the snapshot. */
  readonly series?: { readonly values: Values; readonly base: Readonly<Record<string, Json>> | null };
}
interface Levels {
  readonly left: Level;
  readonly right: Level;
}

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

/** Values that only grow: the higher, later or true one is right on both sides. */
const growing = new Set(['sequence', 'ownerCriticalChangeAt', 'attendeeCriticalChangeAt', 'invited']);

const MEETING = 1;
const RECEIVED = 2;
const CANCELLED = 4;

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
  for (const [field, value] of Object.entries(response.fields)) {
    put(field, value);
    done.add(field);
  }
  for (const [field, row] of Object.entries(rows)) {
    if (row.carriage !== 'state' || done.has(field) || (day !== null && row.occurrence !== true)) continue;
    if (!(field in levels.left.values) && !(field in levels.right.values) && !isChanged(levels, field, row).any)
      continue;
    if (growing.has(field)) put(field, mergeGrowing(levels, field, row));
    else if (field === 'stateFlags') put(field, mergeStateFlags(levels));
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

interface Changed {
  readonly left: boolean;
  readonly right: boolean;
  readonly any: boolean;
}

function isChanged({ left, right }: Levels, field: string, row: TypedRow<unknown>): Changed {
  const on = (level: Level): boolean => {
    if (level.base === null) return true;
    // A field that the snapshot of an item lacks is new to us; a field that the one of an occurrence lacks was inherited.
    if (!level.series && !(field in level.base)) return false;
    const value = level.values[field];
    return !sameJson(value === undefined ? undefined : held(canonical(field, row, value), row), level.base[field]);
  };
  const changed = { left: on(left), right: on(right) };
  return { ...changed, any: changed.left || changed.right };
}

const own = ({ left, right }: Levels, field: string) => ({ left: left.values[field], right: right.values[field] });
const same = (value: unknown) => ({ left: value, right: value });
const pick = (levels: Levels, side: Side, field: string) => same(levels[side].values[field]);

function mergeGroup(
  context: MergeContext,
  day: Day | null,
  levels: Levels,
  fields: readonly string[],
  answered: Side | null,
): Readonly<Record<string, { readonly left: unknown; readonly right: unknown }>> {
  const rows = typedRows(context.kind);
  const rowOf = (field: string) => must(rows[field], `field ${field} has no row`);
  const facts = fields.map((field) => {
    const row = rowOf(field);
    const changed = isChanged(levels, field, row);
    const equal = sameAcross(context, field, row, levels.left.values[field], levels.right.values[field]);
    return { field, row, changed, equal };
  });
  const clashes = facts.filter((f) => f.changed.left && f.changed.right && !f.equal);
  const result: Record<string, { left: unknown; right: unknown }> = {};
  const by = clashes.length > 0 ? groupVerdict(context, levels, clashes, answered) : null;
  for (const { field, changed, equal } of facts) {
    if (!changed.any || (equal && !by)) result[field] = own(levels, field);
    else if (by) {
      result[field] = pick(levels, by.winner, field);
      const { left, right } = own(levels, field);
      const loser = otherSide(by.winner);
      if (changed[loser] && !equal && !by.silent) {
        journal(context, by, field, day, { base: levels.left.base?.[field], left, right });
      }
    } else result[field] = pick(levels, changed.left ? 'left' : 'right', field);
  }
  return result;
}

interface GroupVerdict extends Verdict {
  /** Nothing is lost by it: what yields is empty. */
  readonly silent: boolean;
}

function groupVerdict(
  context: MergeContext,
  levels: Levels,
  clashes: readonly { readonly field: string; readonly row: TypedRow<unknown> }[],
  answered: Side | null,
): GroupVerdict {
  const [first] = clashes;
  const field = must(first, 'a group without a clash has no verdict').field;
  if (!context.hasBase) {
    const isEmptyOn = (side: Side) => clashes.every((c) => isEmpty(c.row, levels[side].values[c.field]));
    if (isEmptyOn('left') !== isEmptyOn('right')) {
      const winner = isEmptyOn('left') ? 'right' : 'left';
      return { winner, outcome: 'no-common-past', why: 'the other side has none', silent: true };
    }
    const isSingle = (side: Side) => levels[side].values['recurrence'] === null;
    if (clashes.some((c) => c.field === 'recurrence') && isSingle('left') !== isSingle('right')) {
      const winner = isSingle('left') ? 'right' : 'left';
      return {
        winner,
        outcome: 'no-common-past',
        why: 'one side has the series, the other a part of it',
        silent: false,
      };
    }
    if (field === 'showAs' && answered) {
      return { winner: answered, outcome: 'no-common-past', why: 'the person answered there', silent: false };
    }
  }
  return { ...verdict(context, field), silent: false };
}

/** Nothing that a person would miss. */
function isEmpty(row: TypedRow<unknown>, value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true;
  return row.codec === 'body' && visibleText(value as Body) === '';
}

/**
 * Whether both sides have the same. Between two servers some differences mean nothing: one keeps the rules of a zone and the other its
 * name only; and bodies that two servers rendered are equal, when nothing else tells, if a reader sees the same.
 */
function sameAcross(
  context: MergeContext,
  field: string,
  row: TypedRow<unknown>,
  left: unknown,
  right: unknown,
): boolean {
  if (left === undefined || right === undefined) return left === right;
  if (row.codec === 'when') return sameWhen(left as When, right as When);
  if (sameJson(canonical(field, row, left), canonical(field, row, right))) return true;
  return row.codec === 'body' && !context.hasBase && visibleText(left as Body) === visibleText(right as Body);
}

function sameWhen(a: When, b: When): boolean {
  const second = (instant: number) => Math.floor(instant / 1000);
  return (
    second(a.start) === second(b.start) &&
    second(a.end) === second(b.end) &&
    a.isAllDay === b.isAllDay &&
    sameZone(a.startZone, b.startZone) &&
    sameZone(a.endZone, b.endZone)
  );
}

const sameZone = (a: Zone | null, b: Zone | null): boolean => {
  if (a === null || b === null) return true;
  if (a.id.toLowerCase() !== b.id.toLowerCase()) return false;
  return a.rules === null || b.rules === null || JSON.stringify(a.rules) === JSON.stringify(b.rules);
};

function mergeGrowing(levels: Levels, field: string, row: TypedRow<unknown>) {
  const { left, right } = own(levels, field);
  if (!isChanged(levels, field, row).any) return { left, right };
  const rank = (value: unknown): number =>
    value === null || value === undefined ? Number.NEGATIVE_INFINITY : Number(value);
  return same(rank(left) >= rank(right) ? left : right);
}

/**
 * Whether it is a meeting, and whether it is cancelled, are merged; whose copy it is (received) belongs to each side, but for an
 * appointment that becomes a meeting.
 */
function mergeStateFlags(levels: Levels) {
  const flags = {
    left: Number(levels.left.values['stateFlags'] ?? 0),
    right: Number(levels.right.values['stateFlags'] ?? 0),
  };
  const bit = (mask: number): number => {
    const changedOn = (side: Side): boolean => {
      const base = levels[side].base;
      return base !== null && 'stateFlags' in base && ((flags[side] ^ Number(base['stateFlags'])) & mask) !== 0;
    };
    const noBase = levels.left.base === null || levels.right.base === null;
    if (noBase || changedOn('left') === changedOn('right')) return (flags.left | flags.right) & mask;
    return flags[changedOn('left') ? 'left' : 'right'] & mask;
  };
  const row = must(typedRows('calendar')['stateFlags'], 'events have state flags');
  if (!isChanged(levels, 'stateFlags', row).any) return flags;
  const meeting = bit(MEETING);
  const cancelled = bit(CANCELLED);
  const receivedOf = (side: Side): number => {
    const role = flags[side] & MEETING ? flags[side] : flags[otherSide(side)];
    return meeting ? role & RECEIVED : 0;
  };
  return { left: meeting | cancelled | receivedOf('left'), right: meeting | cancelled | receivedOf('right') };
}

/**
 * Only the side the person works in rings. A reminder that is set on the other side is taken over here and silenced there: it was set
 * by a person who looked at that calendar, or the person was switched.
 */
function mergeReminder(context: MergeContext, day: Day | null, levels: Levels, field: string, row: TypedRow<unknown>) {
  const { active } = context.policy;
  const passive = otherSide(active);
  const values = own(levels, field) as { left: Reminder | undefined; right: Reminder | undefined };
  const quiet = values[passive];
  const ringing = values[active];
  const result = (onActive: Reminder | undefined, onPassive: Reminder | undefined) =>
    active === 'left' ? { left: onActive, right: onPassive } : { left: onPassive, right: onActive };
  if (!quiet?.isSet) return result(ringing, quiet);
  const silenced = levels[passive].series ? undefined : { ...quiet, isSet: false };
  const changed = isChanged(levels, field, row);
  const isEqual = ringing?.isSet === true && ringing.minutesBefore === quiet.minutesBefore;
  if (isEqual || !changed[passive]) return result(ringing?.isSet || changed[active] ? ringing : quiet, silenced);
  if (!changed[active] || ringing?.isSet !== true) return result(quiet, silenced);
  const by = verdict(context, field);
  journal(context, by, field, day, { base: levels[active].base?.[field], ...values });
  return result(by.winner === active ? ringing : quiet, silenced);
}

/** The person's own answer and its time are one value, and the later answer counts. */
function mergeResponse(
  context: MergeContext,
  day: Day | null,
  levels: Levels,
): {
  readonly fields: Readonly<Record<string, { readonly left: unknown; readonly right: unknown }>>;
  /** Without a base: the one side that was answered; null: both or none. */
  readonly answered: Side | null;
} {
  const rows = typedRows(context.kind);
  const [responseRow, timeRow] = [rows['myResponse'], rows['myResponseAt']];
  if (!responseRow || !timeRow) return { fields: {}, answered: null };
  const responses = own(levels, 'myResponse') as {
    left: MeetingResponse | undefined;
    right: MeetingResponse | undefined;
  };
  const times = own(levels, 'myResponseAt') as { left: number | null | undefined; right: number | null | undefined };
  const both = { myResponse: responses, myResponseAt: times };
  const answers = { left: isAnswer(responses.left), right: isAnswer(responses.right) };
  const answered: Side | null = answers.left === answers.right ? null : answers.left ? 'left' : 'right';
  const result = (winner: Side) => ({
    fields: { myResponse: pick(levels, winner, 'myResponse'), myResponseAt: pick(levels, winner, 'myResponseAt') },
    answered: context.hasBase ? null : answered,
  });
  const keep = { fields: both, answered: context.hasBase ? null : answered };
  const response = isChanged(levels, 'myResponse', responseRow);
  const time = isChanged(levels, 'myResponseAt', timeRow);
  const changed = { left: response.left || time.left, right: response.right || time.right };
  const equal =
    responses.left === responses.right &&
    sameJson(canonical('myResponseAt', timeRow, times.left), canonical('myResponseAt', timeRow, times.right));
  if (equal || (!changed.left && !changed.right)) return keep;
  if (changed.left !== changed.right) return result(changed.left ? 'left' : 'right');
  // Whose copy it is, is no answer.
  if ((responses.left === 'organizer') !== (responses.right === 'organizer')) return keep;
  const by = responseVerdict(context, times, answered);
  if (responses.left !== responses.right && (context.hasBase || answered === null)) {
    journal(context, by, 'myResponse', day, { base: levels.left.base?.['myResponse'], ...responses });
  }
  return result(by.winner);
}

function responseVerdict(
  context: MergeContext,
  times: { readonly left: number | null | undefined; readonly right: number | null | undefined },
  answered: Side | null,
): Verdict {
  if (answered) return { winner: answered, outcome: 'response-newer', why: 'the person answered there only' };
  const left = times.left ?? Number.NEGATIVE_INFINITY;
  const right = times.right ?? Number.NEGATIVE_INFINITY;
  if (left === right) return verdict(context, 'myResponse');
  const winner = left > right ? 'left' : 'right';
  return { winner, outcome: 'response-newer', why: `the answer on the ${winner} is later` };
}

const isAnswer = (response: MeetingResponse | undefined): boolean =>
  response === 'tentative' || response === 'accept' || response === 'decline' || response === 'organizer';

function mergeSetLike(context: MergeContext, day: Day | null, levels: Levels, field: string, row: TypedRow<unknown>) {
  const changed = isChanged(levels, field, row);
  const values = own(levels, field);
  if (!changed.any) return values;
  if (day !== null) {
    // An occurrence that has its own list has all of it: a change on one side only is taken as it is.
    if (changed.left !== changed.right) return pick(levels, changed.left ? 'left' : 'right', field);
    if (values.left === undefined && values.right === undefined) return values;
  }
  const listOf = (side: Side): unknown => values[side] ?? levels[side].series?.values[field];
  const baseOf = (side: Side) => {
    const { base, series } = levels[side];
    return elementBase(
      row,
      base?.[field] ?? series?.base?.[field],
      row.merge === 'attendees' ? attendeeAlias(context.own) : undefined,
    );
  };
  const base = { left: baseOf('left'), right: baseOf('right') };
  // A snapshot that holds a hash names no elements: what only one side changed is taken as it is.
  if (context.hasBase && changed.left !== changed.right && (base.left === null || base.right === null)) {
    return pick(levels, changed.left ? 'left' : 'right', field);
  }
  const lists = { left: listOf('left'), right: listOf('right') };
  switch (row.merge) {
    case 'set':
      return mergeElements(lists.left as readonly string[], lists.right as readonly string[], base, setRules);
    case 'attachments':
      return mergeElements(
        lists.left as readonly AttachmentHead[],
        lists.right as readonly AttachmentHead[],
        base,
        attachmentRules,
      );
    case 'record': {
      const merged = mergeElements(
        entriesOf(lists.left),
        entriesOf(lists.right),
        base,
        recordRules(({ key, left, right, base: before }) => {
          const by = verdict(context, field);
          journal(context, by, field, day, { base: before, left: { [key]: left[1] }, right: { [key]: right[1] } });
          return same(by.winner === 'left' ? left : right) as { left: typeof left; right: typeof left };
        }),
      );
      return { left: Object.fromEntries(merged.left), right: Object.fromEntries(merged.right) };
    }
    default:
      return mergeAttendees(context, day, lists as Readonly<Record<Side, readonly Attendee[]>>, base);
  }
}

/**
 * By address. Who is invited and as what is the organizer's to say, so a removal stands; of two answers the later one counts, since both
 * came from the attendee.
 */
function mergeAttendees(
  context: MergeContext,
  day: Day | null,
  lists: Readonly<Record<Side, readonly Attendee[]>>,
  base: { readonly left: ElementBase; readonly right: ElementBase },
) {
  const rules = attendeeRules(
    context.own,
    ({ left, right, base: before }) => {
      const was = String(before ?? '').split(' ');
      const role = verdict(context, 'attendees').winner === 'left' ? left : right;
      const roleFrom = left.role === was[0] ? right : right.role === was[0] ? left : role;
      const answerFrom = laterAnswer(left, right) ?? role;
      const becomes = (mine: Attendee): Attendee => ({
        ...mine,
        role: roleFrom.role,
        response: answerFrom.response,
        respondedAt: answerFrom.respondedAt,
      });
      const lost = [left, right].filter(
        (a) =>
          (a.role !== roleFrom.role && a.role !== was[0]) ||
          (a.response !== answerFrom.response && isAnswer(a.response)),
      );
      if (lost.length > 0) {
        const winner = lost.includes(left) ? 'right' : 'left';
        journal(context, { ...verdict(context, 'attendees'), winner }, 'attendees', day, { base: before, left, right });
      }
      return { left: becomes(left), right: becomes(right) };
    },
    (_, attendee) => {
      const kept = lists.left.includes(attendee) ? 'left' : 'right';
      const by: Verdict = {
        winner: otherSide(kept),
        outcome: 'attendee-removed',
        why: 'the attendee was removed there and changed here; who is invited stands above an answer',
      };
      journal(context, by, 'attendees', day, { base: null, left: null, right: null, [kept]: attendee });
      return false;
    },
  );
  return mergeElements(lists.left, lists.right, base, rules);
}

/** Null: neither answered later than the other. */
function laterAnswer(left: Attendee, right: Attendee): Attendee | null {
  if (isAnswer(left.response) !== isAnswer(right.response)) return isAnswer(left.response) ? left : right;
  const times = {
    left: left.respondedAt ?? Number.NEGATIVE_INFINITY,
    right: right.respondedAt ?? Number.NEGATIVE_INFINITY,
  };
  if (times.left === times.right) return null;
  return times.left > times.right ? left : right;
}

const entriesOf = (record: unknown): readonly (readonly [string, unknown])[] =>
  Object.entries(record as Readonly<Record<string, unknown>>).filter(
    ([, value]) => value !== undefined && value !== '',
  );
