import type { TypedKind } from '#model/typed-item.ts';
import type { TypedItems } from '../../contract.ts';
import { noId } from '../answer-faults.ts';
import { eachInPlace } from '../batches.ts';
import { moveItem } from '../operations/move-item.ts';
import type { ItemTools } from './item-tools.ts';

/** Moves typed items of one mailbox; a series takes its occurrences along. Faults in place. */
export const moveItems =
  (tools: ItemTools): TypedItems<TypedKind>['move'] =>
  async (ids, to, context) => {
    await tools.knowVersion(context);
    const answers = await eachInPlace(ids, (some) => tools.call(moveItem, { ids: some, to }, context));
    return answers.map((answer) => answer ?? noId);
  };
