import { must } from '#kit/assert.ts';
import type { MeetingResponse } from '#model/appointment.ts';
import type { Side } from '#model/ids.ts';
import type { TypedRow } from '#model/property-row.ts';
import type { Json } from '#model/typed-link.ts';
import { typedRows } from '#model/typed-properties.ts';
import { canonical, held, sameJson } from './shown.ts';

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
export interface Levels {
  readonly left: Level;
  readonly right: Level;
}

export interface Changed {
  readonly left: boolean;
  readonly right: boolean;
  readonly any: boolean;
}

export function isChanged({ left, right }: Levels, field: string, row: TypedRow<unknown>): Changed {
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

/** What tells one revision of a meeting, which is what its organizer said at one time, from another. [MS-OXOCAL] 3.1.5.2 */
export const revisionFields: readonly string[] = ['sequence', 'ownerCriticalChangeAt'];

/** On which side the revision is another one than when it was last read. */
export function isRevised(levels: Levels): Changed {
  const rows = typedRows('calendar');
  const changed = revisionFields.map((field) => isChanged(levels, field, must(rows[field], `events have a ${field}`)));
  const [left, right] = [changed.some((c) => c.left), changed.some((c) => c.right)];
  return { left, right, any: left || right };
}

/** The copy with the higher sequence, then the later critical change, has what the organizer said last; null: both are of the same revision. */
export function laterRevision(left: Values, right: Values): Side | null {
  const sequence = { left: Number(left['sequence'] ?? 0), right: Number(right['sequence'] ?? 0) };
  if (sequence.left !== sequence.right) return sequence.left > sequence.right ? 'left' : 'right';
  const second = (at: unknown) => (at == null ? Number.NEGATIVE_INFINITY : Math.floor(Number(at) / 1000));
  const saidAt = { left: second(left['ownerCriticalChangeAt']), right: second(right['ownerCriticalChangeAt']) };
  return saidAt.left === saidAt.right ? null : saidAt.left > saidAt.right ? 'left' : 'right';
}

export const own = ({ left, right }: Levels, field: string) => ({
  left: left.values[field],
  right: right.values[field],
});
export const same = (value: unknown) => ({ left: value, right: value });
export const pick = (levels: Levels, side: Side, field: string) => same(levels[side].values[field]);

export const isAnswer = (response: MeetingResponse | undefined): boolean =>
  response === 'tentative' || response === 'accept' || response === 'decline' || response === 'organizer';
