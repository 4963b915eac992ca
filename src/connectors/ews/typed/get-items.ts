import type { Fault } from '#kit/fault.ts';
import type { Context } from '../../contract.ts';
import { eachInPlace, parts } from '../batches.ts';
import type { Call } from '../operation.ts';
import { type GotItem, getItem } from '../operations/get-item.ts';
import type { ItemRef } from '../operations/ids.ts';

/** Items of one GetItem. */
const readMax = 100;

/** Reads whatever the paths name; faults in place. */
export async function getItems(
  call: Call,
  refs: readonly ItemRef[],
  paths: string,
  context: Context,
): Promise<readonly (GotItem | Fault)[]> {
  const got: (GotItem | Fault)[] = [];
  for (const some of parts(refs, readMax))
    got.push(...(await eachInPlace(some, (ids) => call(getItem, { ids, shape: { paths } }, context))));
  return got;
}
