import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { ItemId, Side } from '#model/ids.ts';
import type { TypedItem } from '#model/typed-item.ts';
import type { TypedContext } from './typed-context.ts';

/**
 * Which of these ids name nothing any more. A server that could not answer for one of them leaves the question open, and nothing may be
 * concluded from an open question: the pass stops here and is made again.
 */
export async function whichAreGone(
  context: TypedContext,
  side: Side,
  ids: readonly ItemId[],
): Promise<ReadonlySet<ItemId>> {
  const gone = new Set<ItemId>();
  const { items, connector } = context.sides[side];
  for (let at = 0; at < ids.length; at += connector.abilities.batchMax) {
    context.checkpoint();
    const some = ids.slice(at, at + connector.abilities.batchMax);
    const answers = await items.read(some, context.call());
    for (const id of some) if (isGone(answers.get(id))) gone.add(id);
  }
  return gone;
}

function isGone(answer: TypedItem | Fault | undefined): boolean {
  if (answer === undefined)
    throw new FaultError({
      kind: 'transient',
      detail: 'no answer for an item that was asked for',
      mayHaveHappened: false,
    });
  if (!isFault(answer)) return false;
  if (answer.kind === 'transient' || answer.kind === 'throttled' || answer.kind === 'fatal')
    throw new FaultError(answer);
  return answer.kind === 'gone';
}
