import { type Fault, isFault } from '#kit/fault.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { TypedItems } from '../../contract.ts';
import { missing, stale } from '../answer-faults.ts';
import { type Removable, type RemovalTools, removal } from '../removal.ts';
import type { ItemTools } from './item-tools.ts';

/** Removes typed items recoverably that are still at the version expected. Faults in place. */
export const removeItems =
  (tools: ItemTools, look: RemovalTools['look']): TypedItems<TypedKind>['remove'] =>
  async (items, context) => {
    const ids = items.map(({ id }) => id);
    const seen = await look(ids, context);
    const results: (null | Fault)[] = items.map(({ expect }, at) => {
      const one = seen[at] ?? missing;
      if (isFault(one)) return one;
      return one.version === expect ? null : stale;
    });
    const open = seen.flatMap((one, at): { readonly at: number; readonly one: Removable }[] =>
      isFault(one) || results[at] !== null ? [] : [{ at, one }],
    );
    const { call, search, named } = tools;
    const removed = await removal(tools.version)(
      { call, look, search, named },
      open.map(({ one }) => one),
      context,
    );
    for (const [n, { at }] of open.entries()) results[at] = removed[n] ?? null;
    return results;
  };
