import type { ItemId } from '#model/ids.ts';
import type { LinkRow } from '#model/link.ts';
import { readStamp, stampKey } from '#model/stamp.ts';
import { compareItems, type Look } from './compare-items.ts';
import type { VerifyContext } from './verify-context.ts';

/**
 * After the undo of a switch some items of the source are copies: what came in on the target, and was carried back. Their originals are on the
 * target and have no stamp, so each such pair is compared again as it is seen from there.
 */
export async function compareCameBack(
  context: VerifyContext,
  looks: readonly Look[],
  links: ReadonlyMap<ItemId, LinkRow>,
): Promise<readonly Look[]> {
  const { left, right } = context.pair;
  const back = looks.flatMap((look) => {
    const text = look.leftHead?.stamp ?? null;
    const stamp = text === null ? null : readStamp(text);
    const isCopy = text !== null && stampKey(text) === links.get(look.pair.left)?.stampKey;
    return isCopy && stamp?.organization === right.organization ? [{ look, mailbox: stamp.mailbox }] : [];
  });
  const [first] = back;
  if (first === undefined) return looks;
  const seenFromThere: VerifyContext = {
    ...context,
    left: context.right,
    right: context.left,
    leftBox: context.rightBox,
    rightBox: context.leftBox,
    leftPath: context.rightPath,
    rightPath: context.leftPath,
    pair: { ...context.pair, left: right, right: left },
    leftMailbox: first.mailbox,
    takesPropertyList: () => false,
  };
  const turned = await compareItems(
    seenFromThere,
    back.map(({ look: { pair } }) => ({
      left: pair.right,
      leftFolder: pair.rightFolder ?? pair.leftFolder,
      sizeBytes: pair.sizeBytes,
      right: pair.left,
      rightFolder: null,
    })),
  );
  const byOriginal = new Map(turned.map((look) => [look.pair.left, look]));
  const copies = new Set(back.map(({ look }) => look));
  return looks.map((look) => {
    const there = copies.has(look) ? byOriginal.get(look.pair.right) : undefined;
    if (there === undefined) return look;
    return {
      ...look,
      leftGone: there.rightGone,
      rightGone: there.leftGone,
      findings: [
        // Where each is was looked at from here.
        ...look.findings.filter(({ property }) => property === 'folder'),
        ...there.findings.map((finding) => ({
          ...finding,
          folder: context.leftPath(look.pair.leftFolder),
          left: look.pair.left,
          right: look.pair.right,
          leftValue: finding.rightValue,
          rightValue: finding.leftValue,
        })),
      ],
    };
  });
}
