import { describeFault, type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { Context, TypedItems, Written } from '../../contract.ts';

/**
 * Removes what was made half, recoverably, unless somebody wrote into it in the meantime. What stays, for that reason or because it could
 * not be removed, is found again by its stamp and completed.
 *
 * @param made Versions as our last write was answered.
 * @returns whether each is gone now.
 */
export async function takeAway(
  remove: TypedItems<TypedKind>['remove'],
  made: readonly Written[],
  context: Context,
): Promise<readonly boolean[]> {
  if (made.length === 0) return [];
  try {
    const removed = await remove(
      made.map(({ id, version }) => ({ id, expect: version })),
      context,
    );
    return made.map((_, at) => {
      const fault = removed[at];
      return fault === null || (fault !== undefined && isFault(fault) && fault.kind === 'gone');
    });
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    return made.map(() => false);
  }
}

/** The fault of what failed after its first write, and is there all the same: one that would have the call repeated says so. */
export const thereAllTheSame = (fault: Fault): Fault =>
  fault.kind === 'throttled' || fault.kind === 'transient' || fault.kind === 'stale'
    ? { kind: 'transient', detail: describeFault(fault), mayHaveHappened: true }
    : fault;
