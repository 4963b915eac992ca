import { hostname } from 'node:os';
import type { Connector } from '#connectors/contract.ts';
import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import type { PairId } from '#model/ids.ts';
import type { Project } from '#project/project.ts';
import type { Store } from '#store/store.ts';
import { waitLog } from './connector-budgets.ts';
import { mailWork, sweepWork } from './mail-work.ts';
import { openConnector } from './open-connector.ts';
import type { WorkerHandlers } from './run-worker.ts';
import { type WatchGroup, watchGroups, watchWork } from './watch-work.ts';

/** The mailboxes that the pairs of a project watch: the sources. */
export function projectWatchGroups(project: Project, pairs: ReadonlySet<PairId> | null): readonly WatchGroup[] {
  return watchGroups(
    project.pairs.flatMap(({ id, collection, source }) => {
      const organization = project.collections.get(collection)?.source;
      return organization === undefined || (pairs && !pairs.has(id))
        ? []
        : [{ organization, address: source, pair: id }];
    }),
  );
}

/** What a worker does with a project. Connectors are opened when the first pair needs them, one per organization and process. */
export function projectHandlers(
  project: Project,
  only: readonly PairId[] | null,
  around: { readonly clock: Clock; readonly random: Random },
): WorkerHandlers {
  const connectors = new Map<string, Promise<Connector>>();
  const waits = waitLog();
  const owner = `${hostname()} ${process.pid}`;
  const connect = (organization: string, store: Store): Promise<Connector> => {
    const open =
      connectors.get(organization) ??
      openConnector(project, organization, { ...around, waits, counting: { shared: store, owner } });
    connectors.set(organization, open);
    // A secret that could not be read may be there at the next try.
    open.catch(() => connectors.delete(organization));
    return open;
  };
  const pairs = new Map(project.pairs.map((pair) => [pair.id, pair]));
  const chosen = only && new Set(only);
  return {
    handlers: {
      mail: mailWork(async (id, store) => {
        const pair = pairs.get(id);
        const collection = pair && project.collections.get(pair.collection);
        if (!collection || (chosen && !chosen.has(id))) return null;
        const [left, right] = await Promise.all([connect(collection.source, store), connect(collection.target, store)]);
        return {
          left,
          right,
          policy: collection.mail,
          schedule: collection.schedule,
          takeWaits: () => ({ ...waits.take(pair.source), ...waits.take(pair.target) }),
        };
      }),
      sweep: sweepWork(),
      watch: watchWork(projectWatchGroups(project, chosen), connect),
    },
    async close() {
      for (const opened of await Promise.allSettled(connectors.values()))
        if (opened.status === 'fulfilled') await opened.value.close();
    },
  };
}
