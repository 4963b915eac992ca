import type { MailState, MailStateField } from '#model/mail.ts';
import { mailProperties, mailStateFields } from '#model/mail-properties.ts';
import type { MailPolicy } from '#model/policy.ts';

export interface StateConflict {
  readonly field: MailStateField;
  readonly base: unknown;
  readonly left: unknown;
  readonly right: unknown;
  readonly winner: 'left' | 'right';
  readonly why: string;
}

export interface StateMerge {
  /** What has to be written on the right; empty when nothing has. */
  readonly set: Partial<MailState>;
  /** Fields that stay different because a person on the target wanted them so. */
  readonly touched: readonly MailStateField[];
  readonly conflicts: readonly StateConflict[];
}

/** The fields of a follow-up flag mean something together only: a person who touched one of them touched the flag. */
export const flagFields: readonly MailStateField[] = [
  'flagStatus',
  'flagCompletedAt',
  'flagRequest',
  'flagStartAt',
  'flagDueAt',
  'flagColour',
  'toDoFlags',
];

/** Equal as values: lists of categories are sets, everything else is a scalar. */
export function sameValue(field: MailStateField, a: unknown, b: unknown): boolean {
  if (mailProperties[field].merge === 'set') return sameSet(a as readonly string[], b as readonly string[]);
  return a === b;
}

export function changedFields(before: MailState, after: MailState): MailStateField[] {
  return mailStateFields.filter((f) => !sameValue(f, before[f], after[f]));
}

/**
 * One-way merge with shadow rules: what changed on the left since it was last seen is written to the right, unless a person
 * changed the same thing there; then the policy decides and the loser is named.
 *
 * @param right What the right showed when it was last read; null when the copy was not read back yet, so nobody touched it.
 * @param touched What a person changed on the right since both agreed.
 */
export function mergeState(
  seenLeft: MailState,
  left: MailState,
  right: MailState | null,
  touched: readonly MailStateField[],
  policy: MailPolicy['conflict'],
): StateMerge {
  const now = right ?? seenLeft;
  const flagTouched = flagFields.some((f) => touched.includes(f));
  const set: Record<string, unknown> = {};
  const still = new Set(touched);
  const conflicts: StateConflict[] = [];
  for (const field of mailStateFields) {
    if (sameValue(field, left[field], now[field])) {
      still.delete(field);
      continue;
    }
    if (sameValue(field, left[field], seenLeft[field])) continue;
    if (mailProperties[field].merge === 'set') {
      const merged = mergeSet(
        seenLeft[field] as readonly string[],
        left[field] as readonly string[],
        now[field] as readonly string[],
      );
      if (!sameSet(merged, now[field] as readonly string[])) set[field] = merged;
      if (sameSet(merged, left[field] as readonly string[])) still.delete(field);
      continue;
    }
    const contested = touched.includes(field) || (flagTouched && flagFields.includes(field));
    if (!contested) {
      set[field] = left[field];
      continue;
    }
    const winner = policy === 'source' ? 'left' : 'right';
    conflicts.push({
      field,
      base: seenLeft[field],
      left: left[field],
      right: now[field],
      winner,
      why: `changed on both sides; the policy of the collection is ${policy}`,
    });
    if (winner === 'left') {
      set[field] = left[field];
      still.delete(field);
    } else still.add(field);
  }
  return { set: set as Partial<MailState>, touched: [...still], conflicts };
}

/** Three-way merge of a set: additions and removals of the left are applied to what the right has. Order of the right is kept. */
export function mergeSet(
  base: readonly string[],
  left: readonly string[],
  right: readonly string[],
): readonly string[] {
  const removed = new Set(base.filter((v) => !left.includes(v)));
  const kept = right.filter((v) => !removed.has(v));
  const added = left.filter((v) => !base.includes(v) && !kept.includes(v));
  return [...kept, ...added];
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((v) => b.includes(v));
}
