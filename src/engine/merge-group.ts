import { must } from '#kit/assert.ts';
import type { Body, When } from '#model/appointment.ts';
import type { Side } from '#model/ids.ts';
import type { TypedRow } from '#model/property-row.ts';
import type { Shown } from '#model/typed-link.ts';
import { typedRows } from '#model/typed-properties.ts';
import type { Day } from '#model/wall-time.ts';
import type { Zone } from '#model/zone.ts';
import { journal, type MergeContext, otherSide, type Verdict, verdict } from './merge-context.ts';
import { isChanged, type Levels, own, pick } from './merge-level.ts';
import { canonical, held, sameJson, sameTimes, visibleText } from './shown.ts';

export function mergeGroup(
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
  const by = clashes.length > 0 ? groupVerdict(context, day, levels, clashes, answered) : null;
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
  day: Day | null,
  levels: Levels,
  clashes: readonly { readonly field: string; readonly row: TypedRow<unknown> }[],
  answered: Side | null,
): GroupVerdict {
  const [first] = clashes;
  const field = must(first, 'a group without a clash has no verdict').field;
  if (!context.hasBase) {
    // A copy may have been left without its exceptions, so days say nothing about what was changed since.
    const madeOf = day === null ? context.madeOf : null;
    const isAsMade = (side: Side) =>
      madeOf !== null && clashes.every((c) => isAsIn(madeOf, c.field, c.row, levels[side].values[c.field]));
    if (isAsMade('left') !== isAsMade('right')) {
      const winner = isAsMade('left') ? 'right' : 'left';
      return { winner, outcome: 'no-common-past', why: 'changed there since the copy was made', silent: true };
    }
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

/** Whether a value is the one of which a copy was made, with zones as servers write them. */
function isAsIn(madeOf: Shown, field: string, row: TypedRow<unknown>, value: unknown): boolean {
  const was = madeOf.fields[field];
  const is = value === undefined ? undefined : held(canonical(field, row, value), row);
  return sameJson(is, was) || (row.codec === 'when' && sameTimes(is, was));
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
