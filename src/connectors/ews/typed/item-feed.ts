import type { TypedKind } from '#model/typed-item.ts';
import type { TypedItems } from '../../contract.ts';
import { onlyAnswer } from '../batches.ts';
import type { Call } from '../operation.ts';
import { feedOf } from '../operations/sync-folder-items.ts';
import { readTypedHead } from '../typed-heads.ts';

/** MaxChangesReturned, the most that the schema allows. */
const pageMax = 512;

/** The change feed of typed items. @param paths What heads are read from. */
export function itemFeed(call: Call, paths: string): TypedItems<TypedKind>['changes'] {
  const feed = feedOf({ paths, readHead: readTypedHead });
  return async (folder, cursor, context) => {
    const page = onlyAnswer(await call(feed, { folder, cursor, max: pageMax }, context));
    return {
      // Whether an item was opened is nobody's business.
      changes: page.changes.flatMap((change) => (change.kind === 'read-flag' ? [] : [change])),
      cursor: page.cursor,
      complete: page.last,
    };
  };
}
