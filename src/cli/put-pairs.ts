import { must } from '#kit/assert.ts';
import type { Project } from '#project/project.ts';
import type { Store } from '#store/store.ts';

/** Tells the store which pairs the project has. Pairs that are no longer named keep their rows and are not worked on. */
export async function putProjectPairs(project: Project, store: Store): Promise<void> {
  await store.putPairs(
    project.pairs.map(({ id, collection: name, source, target }) => {
      const collection = must(project.collections.get(name), `the pair ${id} belongs to no collection`);
      return {
        id,
        kind: 'mail',
        collection: name,
        left: { organization: collection.source, address: source, mailbox: null },
        right: { organization: collection.target, address: target, mailbox: null },
      };
    }),
  );
}
