import { FaultError } from '#kit/fault.ts';
import type { ItemId } from '#model/ids.ts';
import type { Context } from '../../contract.ts';
import { eachInPlace } from '../batches.ts';
import { deleteItem } from '../operations/delete-item.ts';
import type { ItemTools } from './item-tools.ts';

/** Removes what was made half, recoverably. Should that fail as well, the stamp on it tells whose it is. */
export async function takeAway(tools: ItemTools, ids: readonly ItemId[], context: Context): Promise<void> {
  try {
    await eachInPlace(ids, (some) => tools.call(deleteItem, some, context));
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
  }
}
