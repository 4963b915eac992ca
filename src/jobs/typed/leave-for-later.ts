import type { Fault } from '#kit/fault.ts';
import type { FolderId, Side } from '#model/ids.ts';
import type { TypedHead } from '#model/typed-item.ts';
import type { UnlinkedRow } from '#model/typed-link.ts';
import { unseenSince } from './link-ends.ts';
import type { Match } from './match.ts';
import { setAside, takeBack } from './set-aside.ts';
import type { TypedContext } from './typed-context.ts';

const unlinkedOf = (match: Pick<Match, Side>): readonly UnlinkedRow[] =>
  (['left', 'right'] as const).flatMap((side) => {
    const { head } = match[side];
    return head === null ? [] : [{ side, head }];
  });

/** An item without a link is remembered as such, since the feed will not show it once more. */
export function leaveForLater(context: TypedContext, side: Side, head: TypedHead, fault: Fault): void {
  if (fault.kind === 'gone') return;
  setAside(context, side, head, fault);
  context.staged.add({ unlinked: [{ side, head }] });
}

/**
 * What went away before anything was made of it. One that came and went between two places of its feed is shown by none of them, and
 * would be tried in every pass.
 */
export function forget(context: TypedContext, side: Side, head: TypedHead): void {
  takeBack(context, head);
  context.staged.add({ unlinkedTaken: [{ side, id: head.id }] });
}

/** Tried again in the next pass, or by the operator. The feed will not show it once more, so quarantine remembers it. */
export function later(context: TypedContext, match: Match, fault: Fault): void {
  const changed: Side = match.right.head === null ? 'left' : 'right';
  const { id, head } = match[changed];
  // Without a head nobody changed it, and only its link is known.
  const place = { id, folder: match.link?.[changed].folder ?? ('' as FolderId), itemClass: '', sizeBytes: 0 };
  setAside(context, changed, head ?? place, fault);
  remember(context, match);
}

/** No feed shows these once more under their ids of now; what feeds are going to say about them has to be understood. */
export function remember(context: TypedContext, { link, left, right }: Match): void {
  if (link === null) context.staged.add({ unlinked: unlinkedOf({ left, right }) });
  else context.staged.add({ typedLinks: [unseenSince(link, left.head, right.head)] });
}
