import type { Abilities } from '#connectors/contract.ts';
import { chooseWay, type WayChoice } from '#engine/choose-way.ts';
import { itemKindsOf } from '#model/item-ways.ts';
import type { ContentKind } from '#store/store.ts';

export type { WayChoice };

/**
 * What items of a content travel as from one organization to another, and why not as something else. Asked for after a look at both,
 * when servers have said what they are.
 */
export const itemWays = (left: Abilities, right: Abilities, content: ContentKind): readonly WayChoice[] =>
  itemKindsOf[content].map((kind) => chooseWay(kind, left.reads[kind], right.writes[kind]));
