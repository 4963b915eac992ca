import type { ItemKind, ItemWay, Representation } from '#model/item-ways.ts';

/** What one kind of items travels as from one organization to another, and why not as something else. Plain data, for `plan` and reports. */
export interface WayChoice {
  readonly kind: ItemKind;
  /** Null: there is no way, and `because` says what is in it. */
  readonly way: { readonly read: Representation; readonly write: Representation } | null;
  readonly because: string;
  /** In the order in which they would have been taken. */
  readonly dismissed: readonly {
    readonly side: 'left' | 'right';
    readonly as: Representation;
    readonly because: string;
  }[];
}

/** What a codec makes of what, besides each of itself: MIME is a stream by its properties, fields are. Nobody reads fields out of MIME. */
const madeOf: Readonly<Record<Representation, readonly Representation[]>> = {
  fts: ['fts', 'mime', 'typed'],
  mime: ['mime', 'fts'],
  typed: ['typed', 'fts'],
};

const isOpen = (way: ItemWay): way is Extract<ItemWay, { because: string }> => 'because' in way;
const closed = (ways: readonly ItemWay[], side: 'left' | 'right') =>
  ways.flatMap((way) => (isOpen(way) ? [] : [{ side, as: way.as, because: way.not }]));

/**
 * The best way that the right side can write of which the left side can read something that it is made of. What can be written counts
 * first, since that is where servers differ and things are lost; among what can be read the same representation is best, which is
 * moved and not converted.
 */
export function chooseWay(kind: ItemKind, reads: readonly ItemWay[], writes: readonly ItemWay[]): WayChoice {
  const dismissed = [...closed(writes, 'right'), ...closed(reads, 'left')];
  for (const write of writes.filter(isOpen)) {
    const readable = reads.filter(isOpen).filter((read) => madeOf[write.as].includes(read.as));
    const read = readable.find((one) => one.as === write.as) ?? readable[0];
    if (read === undefined) {
      dismissed.push({ side: 'right', as: write.as, because: 'nothing that the source hands out can be made into it' });
      continue;
    }
    return { kind, way: { read: read.as, write: write.as }, because: write.because, dismissed };
  }
  const [first] = dismissed;
  return { kind, way: null, because: first?.because ?? 'one of the two does not know such items', dismissed };
}
