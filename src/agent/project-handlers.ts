import { hostname } from 'node:os';
import type { Connector } from '#connectors/contract.ts';
import type { Directory } from '#connectors/directory/contract.ts';
import { mailPolicyFor } from '#jobs/switch/pair-tracks.ts';
import { must } from '#kit/assert.ts';
import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import type { PairId } from '#model/ids.ts';
import type { TypedKind } from '#model/typed-item.ts';
import { type Collection, type Organization, type Project, type ProjectPair, typedPolicyOf } from '#project/project.ts';
import type { ContentKind, Store } from '#store/store.ts';
import { waitLog } from './connector-budgets.ts';
import { directoryWork } from './directory-work.ts';
import { sweepWork } from './full-sweep.ts';
import { holdWork } from './hold-work.ts';
import { type Looked, type LookGroup, lookGroups, lookWork } from './look-work.ts';
import { mailWork } from './mail-work.ts';
import { openConnector } from './open-connector.ts';
import { type OpenedSync, openDirectory, openSync } from './open-directory.ts';
import type { WorkerHandlers } from './run-worker.ts';
import { switchOfPair } from './switch-services.ts';
import { switchWork } from './switch-work.ts';
import { typedWork } from './typed-work.ts';
import { type Watched, type WatchGroup, watchGroups, watchWork } from './watch-work.ts';
import { passKey, passPriorities } from './work.ts';

/** The mailboxes that the pairs of a project watch: the sources, and the targets where changes there are carried back. */
export function projectWatchGroups(project: Project, pairs: ReadonlySet<PairId> | null): readonly WatchGroup[] {
  return watchGroups(
    chosenPairs(project, pairs).flatMap(({ pair, collection }): Watched[] => {
      const back = backwards(collection);
      return [
        {
          organization: collection.source,
          address: pair.source,
          pair: pair.id,
          side: 'left',
          kinds: kindsOf(collection),
        },
        ...(back.length === 0
          ? []
          : [
              {
                organization: collection.target,
                address: pair.target,
                pair: pair.id,
                side: 'right' as const,
                kinds: back,
              },
            ]),
      ];
    }),
  );
}

/** The pairs whose calendars, contacts, tasks and notes are looked at behind the notices. */
export function projectLookGroups(project: Project, pairs: ReadonlySet<PairId> | null): readonly LookGroup[] {
  return lookGroups(
    chosenPairs(project, pairs).flatMap(({ pair, collection }): Looked[] =>
      collection.typed.size === 0
        ? []
        : [
            {
              pair: pair.id,
              collection: collection.name,
              left: { organization: collection.source, address: pair.source },
              right: { organization: collection.target, address: pair.target },
              kinds: [...collection.typed.keys()],
              bothWays: backwards(collection),
              schedule: collection.schedule,
            },
          ],
    ),
  );
}

const kindsOf = ({ content, typed }: Collection): readonly ContentKind[] => [...content, ...typed.keys()];
const backwards = ({ typed }: Collection): readonly TypedKind[] =>
  [...typed].flatMap(([kind, { direction }]) => (direction === 'both' ? [kind] : []));

function chosenPairs(project: Project, chosen: ReadonlySet<PairId> | null) {
  return project.pairs.flatMap((pair) => {
    const collection = project.collections.get(pair.collection);
    return collection === undefined || (chosen && !chosen.has(pair.id)) ? [] : [{ pair, collection }];
  });
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
  const syncs = new Map<string, Promise<OpenedSync>>();
  const openOnce = (name: string, store: Store): Promise<OpenedSync> => {
    const sync = must(project.directories.get(name), `the project has no directory sync ${name}`);
    const open = syncs.get(name) ?? openSync(project, sync, { store, clock: around.clock });
    syncs.set(name, open);
    open.catch(() => syncs.delete(name));
    return open;
  };
  const directories = new Map<string, Promise<Directory>>();
  const openDirectoryOnce = (organization: Organization): Promise<Directory> => {
    const open = directories.get(organization.name) ?? openDirectory(organization, around.clock);
    directories.set(organization.name, open);
    open.catch(() => directories.delete(organization.name));
    return open;
  };
  const pairs = new Map(project.pairs.map((pair) => [pair.id, pair]));
  const chosen = only && new Set(only);
  /** What every pass of a pair is given; null: it is not worked on, or not for this kind. */
  const basics = async (id: PairId, store: Store) => {
    const pair = pairs.get(id);
    const collection = pair && project.collections.get(pair.collection);
    if (!pair || !collection || (chosen && !chosen.has(id))) return null;
    // While a switch is taken back its own passes carry what came in; after it is final nobody's do.
    const [switched] = await store.switches([id]);
    if (switched?.state === 'undoing' || switched?.state === 'finished') return null;
    const [left, right] = await Promise.all([connect(collection.source, store), connect(collection.target, store)]);
    const takeWaits = () => ({ ...waits.take(pair.source), ...waits.take(pair.target) });
    const active = switched?.active ?? pair.active;
    return { pair, collection, active, work: { left, right, schedule: collection.schedule, takeWaits } };
  };
  const typed = (kind: TypedKind) =>
    typedWork(kind, async (id, store) => {
      const known = await basics(id, store);
      const policy = known && typedPolicyOf(project, { ...known.pair, active: known.active }, kind);
      return known && policy ? { ...known.work, policy } : null;
    });
  return {
    handlers: {
      mail: mailWork(async (id, store) => {
        const known = await basics(id, store);
        return known?.collection.content.includes('mail')
          ? { ...known.work, policy: mailPolicyFor(known.collection.mail, known.active) }
          : null;
      }),
      calendar: typed('calendar'),
      contacts: typed('contacts'),
      tasks: typed('tasks'),
      notes: typed('notes'),
      sweep: sweepWork((id) => {
        const collection = project.collections.get(pairs.get(id)?.collection ?? '');
        return collection ? kindsOf(collection) : [];
      }),
      look: lookWork(projectLookGroups(project, chosen), connect),
      directory: directoryWork(async (name, store) => {
        const sync = project.directories.get(name);
        return sync === undefined ? null : { sync, opened: await openOnce(name, store) };
      }),
      switch: switchWork(async (id, store) => {
        const pair = pairs.get(id);
        if (!pair || (chosen && !chosen.has(id))) return null;
        const surroundings = {
          ...around,
          project,
          store,
          connect: (organization: string) => connect(organization, store),
          openDirectory: openDirectoryOnce,
          hold: (of: ProjectPair, kind: ContentKind, signal: AbortSignal) =>
            holdWork(store, { key: passKey(of.id, kind), priority: passPriorities[kind] }, 'switch', {
              clock: around.clock,
              signal,
            }),
        };
        return switchOfPair(surroundings, pair, await wantedTogether(project, pair, store));
      }),
      watch: watchWork(projectWatchGroups(project, chosen), connect),
    },
    async close() {
      for (const opened of await Promise.allSettled(connectors.values()))
        if (opened.status === 'fulfilled') await opened.value.close();
      for (const opened of await Promise.allSettled(directories.values()))
        if (opened.status === 'fulfilled') await opened.value.close();
      for (const opened of await Promise.allSettled(syncs.values()))
        if (opened.status === 'fulfilled') await opened.value.close();
    },
  };
}

/** Pairs of the same collection that are to be switched, too: people who act for one another go along. */
async function wantedTogether(
  project: Project,
  { collection }: ProjectPair,
  store: Store,
): Promise<readonly ProjectPair[]> {
  const of = project.pairs.filter((pair) => pair.collection === collection);
  const wanted = new Set((await store.switches()).filter(({ at }) => at !== null).map(({ pair }) => pair));
  return of.filter(({ id }) => wanted.has(id));
}
