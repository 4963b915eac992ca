import type { Context, Mailbox } from '#connectors/contract.ts';
import { FaultError } from '#kit/fault.ts';
import type { Change } from '#model/change.ts';
import type { Cursor, FolderId } from '#model/ids.ts';

/**
 * Pages of a folder's feed after `cursor`, from the beginning when it is null. Ends early when the folder goes away meanwhile.
 * A cursor that the server forgets in the middle begins the folder again: entries may come twice.
 *
 * @returns the place up to which it was read; null when the folder is gone.
 */
export async function* readFeed(
  mailbox: Mailbox,
  folder: FolderId,
  from: Cursor | null,
  call: () => Context,
): AsyncGenerator<readonly Change[], Cursor | null> {
  let cursor = from;
  for (let losses = 0; ; ) {
    try {
      const page = await mailbox.changes(folder, cursor, call());
      cursor = page.cursor;
      yield page.changes;
      if (page.complete) return cursor;
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      if (error.fault.kind === 'gone') return null;
      if (error.fault.kind !== 'cursor-lost' || cursor === null || ++losses > 3) throw error;
      cursor = null;
    }
  }
}
