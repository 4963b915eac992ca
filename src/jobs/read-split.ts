import { type Fault, FaultError } from '#kit/fault.ts';
import type { ItemId } from '#model/ids.ts';

/** Reads a batch. A request that fails as a whole is split, so that one item does not hide the others; alone it has the fault in its place. */
export async function readSplit<Item extends { readonly id: ItemId }, Answer>(
  items: readonly Item[],
  signal: AbortSignal,
  read: (items: readonly Item[]) => Promise<ReadonlyMap<ItemId, Answer | Fault>>,
): Promise<ReadonlyMap<ItemId, Answer | Fault>> {
  signal.throwIfAborted();
  try {
    return await read(items);
  } catch (error) {
    if (!(error instanceof FaultError) || (error.fault.kind !== 'poison' && error.fault.kind !== 'transient'))
      throw error;
    const [only] = items;
    if (!only) throw error;
    if (items.length === 1) return new Map([[only.id, error.fault]]);
    const middle = items.length >> 1;
    const first = await readSplit(items.slice(0, middle), signal, read);
    return new Map([...first, ...(await readSplit(items.slice(middle), signal, read))]);
  }
}
