import type { MeetingResponse } from '#model/appointment.ts';
import type { Side } from '#model/ids.ts';
import type { TypedRow } from '#model/property-row.ts';
import type { Json } from '#model/typed-link.ts';
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

export const own = ({ left, right }: Levels, field: string) => ({
  left: left.values[field],
  right: right.values[field],
});
export const same = (value: unknown) => ({ left: value, right: value });
export const pick = (levels: Levels, side: Side, field: string) => same(levels[side].values[field]);

export const isAnswer = (response: MeetingResponse | undefined): boolean =>
  response === 'tentative' || response === 'accept' || response === 'decline' || response === 'organizer';
