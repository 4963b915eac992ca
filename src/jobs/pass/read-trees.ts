import type { Mailbox } from '#connectors/contract.ts';
import { FaultError } from '#kit/fault.ts';
import type { FolderTree } from '#model/folder.ts';
import type { PassCore } from './pass-core.ts';

export interface Trees {
  readonly left: FolderTree;
  readonly right: FolderTree;
}

/**
 * Both trees, one request a side. The mailboxes are pinned at the first pass: another mailbox under the same address is never
 * believed, since its emptiness would look like a mass deletion.
 */
export async function readTrees(
  context: PassCore & { readonly leftBox: Mailbox; readonly rightBox: Mailbox },
): Promise<Trees> {
  const { pair } = context;
  const [left, right] = await Promise.all([
    context.leftBox.tree(context.call()),
    context.rightBox.tree(context.call()),
  ]);
  for (const [side, tree] of [
    ['left', left],
    ['right', right],
  ] as const) {
    const pinned = pair[side].mailbox;
    if (pinned !== null && pinned !== tree.mailbox) {
      const where = side === 'left' ? 'source' : 'target';
      throw new FaultError({
        kind: 'fatal',
        code: 'mailbox-replaced',
        detail: `the ${where} mailbox ${pair[side].address} was ${pinned} and is ${tree.mailbox} now`,
      });
    }
  }
  if (pair.left.mailbox === null || pair.right.mailbox === null)
    await context.commit({ pair: { leftMailbox: left.mailbox, rightMailbox: right.mailbox } });
  return { left, right };
}
