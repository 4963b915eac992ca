import { must } from '#kit/assert.ts';
import { type Project, tracksOf } from '#project/project.ts';
import { type Store, trackId } from '#store/store.ts';

/** Tells the store which pairs the project has, a track a kind. What is no longer named keeps its rows and is not worked on. */
export async function putProjectPairs(project: Project, store: Store): Promise<void> {
  await store.putPairs(
    tracksOf(project, project.pairs).map(({ pair: { id, collection: name, source, target }, kind }) => {
      const collection = must(project.collections.get(name), `the pair ${id} belongs to no collection`);
      return {
        id: trackId(id, kind),
        kind,
        collection: name,
        left: { organization: collection.source, address: source, mailbox: null },
        right: { organization: collection.target, address: target, mailbox: null },
      };
    }),
  );
}
