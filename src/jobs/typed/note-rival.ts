import type { Side } from '#model/ids.ts';
import { rivalDetail } from '../rivals.ts';
import type { TypedContext } from './typed-context.ts';

/**
 * Counts what somebody else wrote under an identity that was known. What the first pass finds was there before us: nobody's rivalry.
 * @param side Where it is; null: it cannot be told. @returns the detail for the history.
 */
export function noteRival({ counts, pass }: Pick<TypedContext, 'counts' | 'pass'>, side: Side | null): string | null {
  if (pass > 1) counts.rivals[side ?? 'either']++;
  return rivalDetail(side);
}
