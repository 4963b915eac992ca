import { describeFault, type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { Context, TypedItems, Written } from '../../contract.ts';

/**
 * Removes what nobody can complete, recoverably, unless somebody wrote into it in the meantime. What stays, for that reason or because it
 * could not be removed, is found again by its stamp.
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

/**
 * Whether what failed after its first write can be completed later. Then it stays where it is, since somebody may be writing into it, and is
 * found again by its stamp.
 */
export const isPassing = ({ kind }: Fault): boolean => kind === 'throttled' || kind === 'transient' || kind === 'stale';

/** The fault of what failed after its first write: one that would have the call repeated says that it is there all the same. */
export const thereAllTheSame = (fault: Fault): Fault =>
  isPassing(fault) ? { kind: 'transient', detail: describeFault(fault), mayHaveHappened: true } : fault;
