/**
 * Whether a write whose answer is lost was carried out nobody says. Of a scalar it does not matter: whoever differs from the base has
 * changed it. An element of a set that was added for one side, however, looks on the other as if somebody had added it there: taken out
 * afterwards where it came from, it would come back from its own copy. So snapshots of the side that it came from say before the write
 * that it is on its way.
 */
import type { Side } from '#model/ids.ts';
import type { Json } from '#model/typed-link.ts';

/** An element in a snapshot; in place of what is known of it: what the other side is given. */
interface OnItsWay {
  readonly onItsWay: Json;
}

const isOnItsWay = (held: Json | undefined): held is Json & OnItsWay =>
  typeof held === 'object' && held !== null && !Array.isArray(held) && 'onItsWay' in held;

/**
 * A set of a snapshot, with elements that are about to be written to the other side.
 * @param base What the snapshot holds, element by element.
 */
export function withOnTheirWay(base: ReadonlyMap<string, Json>, added: ReadonlyMap<string, Json>): Json {
  return {
    ...Object.fromEntries(base),
    ...Object.fromEntries([...added].map(([key, onItsWay]) => [key, { onItsWay }])),
  };
}

/** Elements as a snapshot holds them, by key; null: unknown. */
type Base = ReadonlyMap<string, Json> | null;

/**
 * Bases in which nothing is on its way any more. What the other side has was carried out: both had it. What it lacks was not, or is
 * gone again: it is as new as it was.
 */
export function arrived(
  base: Readonly<Record<Side, Base>>,
  now: Readonly<Record<Side, ReadonlyMap<string, unknown>>>,
): Readonly<Record<Side, Base>> {
  const sides = { left: base.left && new Map(base.left), right: base.right && new Map(base.right) };
  for (const [from, to] of [['left', 'right'] as const, ['right', 'left'] as const]) {
    for (const [key, held] of base[from] ?? []) {
      if (!isOnItsWay(held)) continue;
      if (!now[to].has(key)) sides[from]?.delete(key);
      else {
        sides[from]?.set(key, held.onItsWay);
        sides[to]?.set(key, held.onItsWay);
      }
    }
  }
  return sides;
}
