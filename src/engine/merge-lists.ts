import type { AttachmentHead, Attendee } from '#model/appointment.ts';
import type { Side } from '#model/ids.ts';
import type { TypedRow } from '#model/property-row.ts';
import type { Day } from '#model/wall-time.ts';
import { withoutOnTheirWay } from './elements-on-their-way.ts';
import { journal, type MergeContext, otherSide, type Verdict, verdict } from './merge-context.ts';
import {
  attachmentRules,
  attendeeAlias,
  attendeeRules,
  mergeElements,
  recordRules,
  setRules,
} from './merge-elements.ts';
import { isAnswer, isChanged, type Levels, own, pick, same } from './merge-level.ts';
import { attendeeKey, type ElementBase, elementBase } from './shown.ts';

export function mergeSetLike(
  context: MergeContext,
  day: Day | null,
  levels: Levels,
  field: string,
  row: TypedRow<unknown>,
) {
  const changed = isChanged(levels, field, row);
  const values = own(levels, field);
  if (!changed.any) return values;
  if (day !== null) {
    // An occurrence that has its own list has all of it: a change on one side only is taken as it is.
    if (changed.left !== changed.right) return pick(levels, changed.left ? 'left' : 'right', field);
    if (values.left === undefined && values.right === undefined) return values;
  }
  const listOf = (side: Side): unknown => values[side] ?? levels[side].series?.values[field];
  const lists = { left: listOf('left'), right: listOf('right') };
  const alias = attendeeAlias(row.merge === 'attendees' ? oneOwn(context, lists as AttendeeLists) : []);
  const baseOf = (side: Side) => {
    const { base, series } = levels[side];
    const recorded = base?.[field] ?? null;
    // What is on its way is on its way to the series of the other side, and not to an occurrence that has a list of its own.
    return recorded === null
      ? withoutOnTheirWay(elementBase(series?.base?.[field], alias))
      : elementBase(recorded, alias);
  };
  const base = { left: baseOf('left'), right: baseOf('right') };
  // A snapshot that holds a hash names no elements: what only one side changed is taken as it is.
  if (context.hasBase && changed.left !== changed.right && (base.left === null || base.right === null)) {
    return pick(levels, changed.left ? 'left' : 'right', field);
  }
  const { heads } = context;
  const isTakenOut = (element: unknown, from: Side): boolean => {
    const to = otherSide(from);
    const by: Verdict = {
      winner: to,
      outcome: 'taken-out-unseen',
      why: `our write to the ${to} had no answer, and its receipt shows that it was carried out: somebody took this out there since`,
    };
    journal(context, by, field, day, { base: null, left: null, right: null, [from]: element });
    return true;
  };
  switch (row.merge) {
    case 'set':
      return mergeElements(
        lists.left as readonly string[],
        lists.right as readonly string[],
        base,
        heads,
        setRules(isTakenOut),
      );
    case 'attachments':
      return mergeElements(
        lists.left as readonly AttachmentHead[],
        lists.right as readonly AttachmentHead[],
        base,
        heads,
        attachmentRules,
      );
    case 'record': {
      const merged = mergeElements(
        entriesOf(lists.left),
        entriesOf(lists.right),
        base,
        heads,
        recordRules(({ key, left, right, base: before }) => {
          const by = verdict(context, field);
          journal(context, by, field, day, { base: before, left: { [key]: left[1] }, right: { [key]: right[1] } });
          return same(by.winner === 'left' ? left : right) as { left: typeof left; right: typeof left };
        }),
      );
      return { left: Object.fromEntries(merged.left), right: Object.fromEntries(merged.right) };
    }
    default:
      return mergeAttendees(context, day, lists as AttendeeLists, base, alias, isTakenOut);
  }
}

type AttendeeLists = Readonly<Record<Side, readonly Attendee[]>>;

/** Addresses of the person that mean one attendee. Where a list holds two of them, both were invited, and each is an attendee of its own. */
function oneOwn({ own }: MergeContext, lists: AttendeeLists): readonly string[] {
  const isTwice = Object.values(lists).some((list) => list.filter((a) => own.includes(attendeeKey(a))).length > 1);
  return isTwice ? [] : own;
}

/**
 * By address. Who is invited and as what is the organizer's to say, so a removal stands; of two answers the later one counts, since both
 * came from the attendee.
 */
function mergeAttendees(
  context: MergeContext,
  day: Day | null,
  lists: AttendeeLists,
  base: { readonly left: ElementBase; readonly right: ElementBase },
  alias: ReturnType<typeof attendeeAlias>,
  isTakenOut: (element: Attendee, from: Side) => boolean,
) {
  const rules = attendeeRules(
    alias,
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
    isTakenOut,
  );
  return mergeElements(lists.left, lists.right, base, context.heads, rules);
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
