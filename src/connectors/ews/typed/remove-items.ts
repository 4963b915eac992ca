import { type Fault, isFault } from '#kit/fault.ts';
import type { ItemId } from '#model/ids.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { Context, TypedItems } from '../../contract.ts';
import { missing, stale } from '../answer-faults.ts';
import { type Removable, removal } from '../removal.ts';
import type { ItemTools } from './item-tools.ts';

/**
 * Removes typed items recoverably that are still at the version expected. Faults in place.
 *
 * @param prepare Writes what has to be said of those that go; a fault in the place of one that stays for that.
 */
export const removeItems =
  <One extends Removable>(
    tools: ItemTools,
    look: (ids: readonly ItemId[], context: Context) => Promise<readonly (One | Fault)[]>,
    prepare: (doomed: readonly One[], context: Context) => Promise<readonly (null | Fault)[]> = async () => [],
  ): TypedItems<TypedKind>['remove'] =>
  async (items, context) => {
    const ids = items.map(({ id }) => id);
    const seen = await look(ids, context);
    const results: (null | Fault)[] = items.map(({ expect }, at) => {
      const one = seen[at] ?? missing;
      if (isFault(one)) return one;
      return one.version === expect ? null : stale;
    });
    const expected = seen.flatMap((one, at): { readonly at: number; readonly one: One }[] =>
      isFault(one) || results[at] !== null ? [] : [{ at, one }],
    );
    const prepared = await prepare(
      expected.map(({ one }) => one),
      context,
    );
    for (const [n, { at }] of expected.entries()) results[at] = prepared[n] ?? null;
    const open = expected.filter(({ at }) => results[at] === null);
    const { call, search, named, clock } = tools;
    const removed = await removal(tools.version)(
      { call, look, search, named, clock },
      open.map(({ one }) => one),
      context,
    );
    for (const [n, { at }] of open.entries()) results[at] = removed[n] ?? null;
    return results;
  };
