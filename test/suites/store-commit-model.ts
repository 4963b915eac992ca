import fc from 'fast-check';
import { expect } from 'vitest';
import type { Side } from '#model/ids.ts';
import type { FolderRow, IntentRow, LinkRow } from '#model/link.ts';
import type { Json, Shown, TypedIntentRow, TypedLinkRow, UnlinkedRow } from '#model/typed-link.ts';
import type { Commit, PairRow, Store } from '#store/store.ts';
import {
  busy,
  folder,
  folderId,
  intent,
  itemId,
  link,
  linkId,
  typedHead,
  typedIntent,
  typedLink,
  unlinkedRow,
  untouched,
} from './store-rows.ts';

/** What a store must hold, as plain maps. */
interface Model {
  readonly folders: ReadonlyMap<string, FolderRow>;
  readonly links: ReadonlyMap<string, LinkRow>;
  readonly intents: ReadonlyMap<string, IntentRow>;
  readonly typedLinks: ReadonlyMap<string, TypedLinkRow>;
  readonly typedIntents: ReadonlyMap<string, TypedIntentRow>;
  readonly unlinked: ReadonlyMap<string, UnlinkedRow>;
  readonly bytes: number;
}

const small = fc.integer({ min: 0, max: 6 });
const links = fc.array(
  fc.record({
    n: small,
    left: small,
    right: small,
    state: fc.constantFrom<LinkRow['state']>('live', 'left-gone', 'right-gone'),
    seen: fc.constantFrom(untouched, busy, { ...untouched, categories: ['x'] }),
  }),
  { maxLength: 5 },
);
const names = fc.constantFrom('subject', 'body', 'showAs', 'location', 'categories', '__proto__', 'x');
const values = fc.constantFrom<Json>('a', '#b', 'busy', '', null, { y: 1, z: [] }, [], ['c']);
const shown: fc.Arbitrary<Shown> = fc.record({
  fields: fc.dictionary(names, values, { maxKeys: 4 }),
  occurrences: fc.dictionary(
    fc.constantFrom('2024-03-11', '2024-03-18', '1601-01-01'),
    fc.oneof(fc.constant('deleted' as const), fc.dictionary(names, values, { maxKeys: 2 })),
    { maxKeys: 3 },
  ),
});
const typedLinks = fc.array(
  fc.record({
    n: small,
    left: small,
    right: small,
    state: fc.constantFrom<LinkRow['state']>('live', 'left-gone', 'right-gone'),
    seenLeft: shown,
    seenRight: shown,
  }),
  { maxLength: 4 },
);
const sides = fc.constantFrom<Side>('left', 'right');
const commits = fc.record({
  typedLinks,
  typedLinksForgotten: fc.array(small, { maxLength: 3 }),
  typedIntents: fc.array(small, { maxLength: 3 }),
  typedIntentsResolved: fc.array(small, { maxLength: 3 }),
  unlinked: fc.array(fc.record({ side: sides, n: small, folder: small }), { maxLength: 3 }),
  unlinkedTaken: fc.array(fc.record({ side: sides, n: small }), { maxLength: 3 }),
  links,
  linksForgotten: fc.array(small, { maxLength: 3 }),
  folders: fc.array(fc.record({ n: small, mark: fc.option(fc.string()) }), { maxLength: 3 }),
  foldersForgotten: fc.array(small, { maxLength: 2 }),
  intents: fc.array(small, { maxLength: 3 }),
  intentsResolved: fc.array(small, { maxLength: 3 }),
  bytesCopied: fc.nat(1_000_000),
});

type Sample = typeof commits extends fc.Arbitrary<infer T> ? T : never;

function toCommit(sample: Sample): Commit {
  return {
    links: sample.links.map(({ n, left, right, state, seen }) =>
      link(n, {
        leftId: itemId(`l${left}`),
        rightId: itemId(`r${right}`),
        state,
        seenLeft: seen,
        seenRight: state === 'live' ? null : seen,
        leftFolder: folderId(left),
      }),
    ),
    typedLinks: sample.typedLinks.map(({ n, left, right, state, seenLeft, seenRight }) => {
      const whole = typedLink(n, { state });
      return {
        ...whole,
        left: { ...whole.left, id: itemId(`l${left}`), seen: seenLeft },
        right: { ...whole.right, id: itemId(`r${right}`), seen: seenRight },
      };
    }),
    typedLinksForgotten: sample.typedLinksForgotten.map(linkId),
    typedIntents: sample.typedIntents.map((n) => typedIntent(n)),
    typedIntentsResolved: sample.typedIntentsResolved.map((n) => typedIntent(n).stampKey),
    unlinked: sample.unlinked.map(({ side, n, folder }) => unlinkedRow(side, n, { folder: folderId(folder) })),
    unlinkedTaken: sample.unlinkedTaken.map(({ side, n }) => ({ side, id: typedHead(n).id })),
    linksForgotten: sample.linksForgotten.map(linkId),
    folders: sample.folders.map(({ n, mark }) => folder(n, { leftMark: mark })),
    foldersForgotten: sample.foldersForgotten.map(folderId),
    intents: sample.intents.map((n) => intent(n)),
    intentsResolved: sample.intentsResolved.map((n) => intent(n).stampKey),
    bytesCopied: sample.bytesCopied,
  };
}

/** The model after the commit, or null when the commit contradicts it: two links of one item. */
function apply(model: Model, commit: Commit): Model | null {
  const changed = <T>(
    map: ReadonlyMap<string, T>,
    gone: readonly string[] = [],
    rows: readonly T[] = [],
    key: (row: T) => string,
  ) => {
    const next = new Map(map);
    for (const each of gone) next.delete(each);
    for (const row of rows) next.set(key(row), row);
    return next;
  };
  const next = changed(model.links, commit.linksForgotten, commit.links, (row) => row.id);
  const unique = (side: 'leftId' | 'rightId') => new Set([...next.values()].map((row) => row[side])).size === next.size;
  const nextTyped = changed(model.typedLinks, commit.typedLinksForgotten, commit.typedLinks, (row) => row.id);
  const uniqueEnds = (side: Side) =>
    new Set([...nextTyped.values()].map((row) => row[side].id)).size === nextTyped.size;
  if (!unique('leftId') || !unique('rightId') || !uniqueEnds('left') || !uniqueEnds('right')) return null;
  return {
    links: next,
    folders: changed(model.folders, commit.foldersForgotten, commit.folders, (row) => row.left),
    intents: changed(model.intents, commit.intentsResolved, commit.intents, (row) => row.stampKey),
    typedLinks: nextTyped,
    typedIntents: changed(model.typedIntents, commit.typedIntentsResolved, commit.typedIntents, (row) => row.stampKey),
    unlinked: changed(
      model.unlinked,
      commit.unlinkedTaken?.map(({ side, id }) => `${side} ${id}`),
      commit.unlinked,
      ({ side, head }) => `${side} ${head.id}`,
    ),
    bytes: model.bytes + (commit.bytesCopied ?? 0),
  };
}

const sorted = (rows: readonly unknown[]): readonly string[] => rows.map((row) => JSON.stringify(row, sortKeys)).sort();
const sortKeys = (_: string, value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

const allUnlinked = async (store: Store, pair: PairRow['id']): Promise<readonly UnlinkedRow[]> =>
  (
    await Promise.all(
      (['left', 'right'] as const).map((side) =>
        store.unlinked(
          pair,
          side,
          Array.from({ length: 7 }, (_, n) => typedHead(n).id),
        ),
      ),
    )
  ).flat();

/**
 * Random commits, some of which contradict what is there. The store may refuse more than the model does: it writes row by row, and two
 * links that exchange an item id in one commit meet on the way. Then nothing of the commit may be there.
 */
export async function commitModel(
  store: Store,
  newPair: () => Pick<PairRow, 'id' | 'kind' | 'collection' | 'left' | 'right'>,
  runs: number,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(commits, { minLength: 1, maxLength: 12 }), async (samples) => {
      const pair = newPair();
      await store.putPairs([pair]);
      let model: Model = {
        folders: new Map(),
        links: new Map(),
        intents: new Map(),
        typedLinks: new Map(),
        typedIntents: new Map(),
        unlinked: new Map(),
        bytes: 0,
      };
      for (const sample of samples) {
        const commit = toCommit(sample);
        const next = apply(model, commit);
        const accepted = await store.commit(pair.id, null, commit).then(
          () => true,
          (error: { code?: string }) => {
            if (error.code !== 'contradiction') throw error;
            return false;
          },
        );
        if (accepted) {
          expect(next, 'a contradiction was accepted').not.toBeNull();
          if (next) model = next;
        }
        expect(sorted(await store.links(pair.id, {}, null, 100))).toEqual(sorted([...model.links.values()]));
        expect(sorted(await store.folders(pair.id))).toEqual(sorted([...model.folders.values()]));
        expect(sorted(await store.intents(pair.id))).toEqual(sorted([...model.intents.values()]));
        expect(sorted(await store.pageTypedLinks(pair.id, null, 100))).toEqual(sorted([...model.typedLinks.values()]));
        expect(sorted(await store.typedIntents(pair.id))).toEqual(sorted([...model.typedIntents.values()]));
        expect(sorted(await allUnlinked(store, pair.id))).toEqual(sorted([...model.unlinked.values()]));
        expect((await store.pair(pair.id))?.counts).toMatchObject({
          links: [...model.links.values(), ...model.typedLinks.values()].filter((row) => row.state === 'live').length,
          folders: model.folders.size,
          bytesCopied: model.bytes,
        });
      }
    }),
    { numRuns: runs },
  );
}
