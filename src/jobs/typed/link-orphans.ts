import type { TypedDecision } from '#engine/join-typed-decisions.ts';
import { isFault } from '#kit/fault.ts';
import type { TypedItem, TypedKind } from '#model/typed-item.ts';
import type { LinkEnd, TypedIntentRow, TypedLinkRow } from '#model/typed-link.ts';
import { newLinkId } from '../pass/pass-core.ts';
import { givenShare, noVersion } from './link-ends.ts';
import { readItems } from './read-items.ts';
import { otherSide, type TypedContext } from './typed-context.ts';

type Orphan = Extract<TypedDecision, { do: 'orphan' }>;

/**
 * Copies of ours that are found again when what they were made of is gone. Made again as something new they would bring back what a
 * person deleted; linked with what they were made of they go when their wait is over, unless somebody changed them.
 */
export async function linkOrphans<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  orphans: readonly Orphan[],
): Promise<void> {
  if (orphans.length === 0) return;
  context.isAgain = true;
  for (const side of ['left', 'right'] as const) {
    const there = orphans.filter(({ intent }) => intent.side === side);
    const items = await readItems(
      context,
      side,
      there.map(({ copy }) => copy),
    );
    for (const { copy, intent } of there) {
      const item = items.get(copy.id);
      if (item !== undefined && !isFault(item)) linkOrphan(context, item, intent);
      else context.staged.add({ unlinked: [{ side, head: copy }] });
    }
  }
}

export function linkOrphan(context: TypedContext, copy: TypedItem, intent: TypedIntentRow): void {
  const { side, from, folder, stampKey } = intent;
  const gone = otherSide(side);
  // Where it was made, and at no version that anybody knows: a move and a change are found when the wait is over.
  const here: LinkEnd = { id: copy.head.id, folder, version: noVersion, seen: givenShare(from.seen, copy) };
  const link: TypedLinkRow = {
    id: newLinkId(context),
    identity: copy.head.identity,
    stampKey,
    ...(side === 'left' ? { left: here, right: from } : { left: from, right: here }),
    state: `${gone}-gone`,
    goneSincePass: context.pass,
  };
  context.staged.add({
    typedLinks: [link],
    typedIntentsResolved: [stampKey],
    unlinkedTaken: [
      { side, id: copy.head.id },
      { side: gone, id: from.id },
    ],
  });
}
