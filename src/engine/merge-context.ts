import type { Side } from '#model/ids.ts';
import type { TypedPolicy } from '#model/policy.ts';
import type { TypedHead, TypedKind } from '#model/typed-item.ts';
import type { Json, Shown } from '#model/typed-link.ts';
import type { Day } from '#model/wall-time.ts';
import type { MergeOutcome } from './merge-outcomes.ts';
import type { TypedConflict } from './merge-typed.ts';
import type { ClockOf } from './place-occurrences.ts';

export const otherSide = (side: Side): Side => (side === 'left' ? 'right' : 'left');

/** Who wins, and by which rule. */
export interface Verdict {
  readonly winner: Side;
  readonly outcome: MergeOutcome;
  readonly why: string;
}

/** What every step of one merge needs. `conflicts` is filled on the way. */
export interface MergeContext {
  readonly kind: TypedKind;
  readonly policy: TypedPolicy;
  readonly own: readonly string[];
  readonly hasBase: boolean;
  /** See `MergeInput`. */
  readonly madeOf: Shown | null;
  readonly clockOf: ClockOf;
  /** The side whose copy the organizer updated later, where attendees were told of both and they differ in that; otherwise null. */
  readonly organizerNewer: Side | null;
  /** Numbers in which the two differ are what servers counted (`isTellingTheSame`): they stay different. */
  readonly isCountOnly: boolean;
  readonly heads: { readonly left: TypedHead; readonly right: TypedHead };
  readonly conflicts: TypedConflict[];
}

/** Of these nobody is told: they are the attendee's own, or the organizer's. */
const ownFields = new Set(['reminder', 'categories', 'showAs', 'sensitivity', 'myResponse', 'myResponseAt']);

/** Who wins a field that was changed on both sides. */
export function verdict(context: MergeContext, field: string): Verdict {
  if (context.organizerNewer && !ownFields.has(field)) {
    return {
      winner: context.organizerNewer,
      outcome: 'organizer-newer',
      why: `a meeting; the organizer updated the copy on the ${context.organizerNewer} later`,
    };
  }
  const { winner, why } = byPolicy(context);
  return context.hasBase
    ? { winner, outcome: 'both-changed', why: `changed on both sides; ${why}` }
    : { winner, outcome: 'no-common-past', why: `different when the two were first linked; ${why}` };
}

function byPolicy({ policy, heads }: MergeContext): { readonly winner: Side; readonly why: string } {
  const active = `the person works on the ${policy.active}`;
  switch (policy.conflict) {
    case 'source':
      return { winner: 'left', why: 'the policy of the collection is source' };
    case 'target':
      return { winner: 'right', why: 'the policy of the collection is target' };
    case 'active':
      return { winner: policy.active, why: active };
    case 'newest': {
      const left = heads.left.modifiedAt;
      const right = heads.right.modifiedAt;
      if (left === null || right === null || left === right)
        return { winner: policy.active, why: `the times of change do not tell; ${active}` };
      return { winner: left > right ? 'left' : 'right', why: 'the policy of the collection is newest' };
    }
  }
}

export function journal(
  context: MergeContext,
  by: Verdict,
  field: string,
  day: Day | null,
  values: { readonly base: Json | undefined; readonly left: unknown; readonly right: unknown },
): void {
  context.conflicts.push({
    outcome: by.outcome,
    field,
    day,
    base: values.base ?? null,
    left: (values.left ?? null) as Json,
    right: (values.right ?? null) as Json,
    winner: by.winner,
    why: by.why,
  });
}
