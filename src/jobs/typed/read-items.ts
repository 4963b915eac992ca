import { batchBySize } from '#engine/batches.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { ItemId, Side } from '#model/ids.ts';
import type { TypedItem, TypedKind } from '#model/typed-item.ts';
import type { TypedContext } from './typed-context.ts';

type ReadContext<Kind extends TypedKind> = Pick<TypedContext<Kind>, 'sides' | 'call' | 'checkpoint'>;

export const noAnswer: Fault = { kind: 'transient', detail: 'not in the answer', mayHaveHappened: false };

export interface Wanted {
  readonly id: ItemId;
  /** As the feed showed it; 0 when unknown. */
  readonly sizeBytes: number;
}

/**
 * Complete items of a side, in as few requests as their sizes allow. A request that fails as a whole for what one of its items holds is
 * split, so that only that one is left without an answer; a mailbox that does not answer at all ends the pass.
 */
export async function readItems<Kind extends TypedKind>(
  context: ReadContext<Kind>,
  side: Side,
  wanted: readonly Wanted[],
): Promise<ReadonlyMap<ItemId, TypedItem<Kind> | Fault>> {
  const { abilities } = context.sides[side].connector;
  const unique = [...new Map(wanted.map((w) => [w.id, w])).values()];
  const found = new Map<ItemId, TypedItem<Kind> | Fault>();
  for (const batch of batchBySize(unique, (w) => w.sizeBytes, abilities.batchMax, abilities.batchMaxBytes)) {
    context.checkpoint();
    for (const [id, answer] of await readBatch(context, side, batch)) found.set(id, answer);
  }
  return found;
}

async function readBatch<Kind extends TypedKind>(
  context: ReadContext<Kind>,
  side: Side,
  batch: readonly Wanted[],
): Promise<ReadonlyMap<ItemId, TypedItem<Kind> | Fault>> {
  const bytes = batch.reduce((n, w) => n + w.sizeBytes, 0);
  const { items, box } = context.sides[side];
  try {
    const answers = await items.read(
      batch.map((w) => w.id),
      context.call(bytes),
    );
    const stop = [...answers.values()].find((a) => isFault(a) && a.kind === 'fatal');
    if (stop && isFault(stop)) throw new FaultError(stop);
    return answers;
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    const { fault } = error;
    // An answer that cannot be read may be so because of one item; everything else that is not the network's ends the pass.
    const ofAnItem = fault.kind === 'poison' || (fault.kind === 'fatal' && fault.code === 'protocol');
    const passed = fault.kind === 'transient' || (fault.kind === 'fatal' && fault.code === 'exhausted');
    if (!ofAnItem && !passed) throw error;
    if (batch.length === 1) {
      // Only a server that answers something else makes it the item's own fault.
      await box.ping(context.call());
      return new Map(batch.map((w) => [w.id, fault.kind === 'poison' ? fault : corrupt(fault)]));
    }
    const middle = batch.length >> 1;
    const first = await readBatch(context, side, batch.slice(0, middle));
    return new Map([...first, ...(await readBatch(context, side, batch.slice(middle)))]);
  }
}

/** Tried again a few times, like everything that may pass. */
const corrupt = (fault: Fault): Fault => ({
  kind: 'transient',
  detail: 'detail' in fault ? fault.detail : fault.kind,
  mayHaveHappened: false,
});
