import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Connector } from '#connectors/contract.ts';
import { mailPolicyFor } from '#jobs/switch/pair-tracks.ts';
import { must } from '#kit/assert.ts';
import type { Project, ProjectPair, Track } from '#project/project.ts';
import { parseStoreAddress } from '#project/read-project.ts';
import { type OpenStore, openStore, type StoreOptions } from '#store/open-store.ts';
import { type BudgetRecords, type Store, trackId } from '#store/store.ts';
import { CliError } from './cli-error.ts';
import type { JobPair, Jobs } from './jobs.ts';
import type { Log } from './log.ts';
import { putProjectPairs } from './put-pairs.ts';
import type { OnWaiting } from './said-waits.ts';
import type { Terminal } from './terminal.ts';
import { version } from './version.ts';

/**
 * What a command works with. Each part is opened when it is first asked for: `status` needs no server and `discover` no
 * store. `close` closes what was opened.
 */
export interface Services {
  readonly project: Project;
  readonly log: Log;
  /** @param access `own`: writes, through the process that owns the store where there is one. `look`: beside it, writes nothing. */
  store(access: 'own' | 'look'): Promise<OpenStore>;
  /** PostgreSQL's address, for processes that open it by themselves; null: an embedded store, which is reached through this process. */
  storeUrl(): Promise<string | null>;
  /**
   * The store to look at, which knows this track. One that it does not know was never worked on: then it is an empty store in
   * memory, so that `plan` needs nothing written.
   */
  storeFor(track: Track): Promise<Store>;
  /** @param organization Its name in the project. Its secrets are read; nothing is sent yet. */
  connector(organization: string): Promise<Connector>;
  jobPair(pair: ProjectPair): Promise<JobPair>;
  close(): Promise<void>;
}

export function openServices(
  project: Project,
  terminal: Terminal,
  log: Log,
  jobs: Jobs,
  onWaiting: OnWaiting = () => {},
): Services {
  const around = { clock: terminal.clock, log, version: version() };
  let store: Promise<OpenStore> | null = null;
  let fresh: Promise<Store> | null = null;
  let counted: Promise<OpenStore> | null = null;
  /** The command's store; who has opened none by the time of the first request looks, or counts for himself where that fails. */
  const counts = (): Promise<BudgetRecords> =>
    store ??
    (counted ??= open(project, 'look', around).catch((error: unknown) => {
      log.warn({ error: String(error) }, 'the store cannot be opened: requests are counted by this command alone');
      return openStore('sqlite::memory:', around);
    }));
  const connectors = new Map<string, Promise<Connector>>();
  const connector = (organization: string): Promise<Connector> => {
    const open =
      connectors.get(organization) ??
      jobs.openConnector(project, organization, {
        ...around,
        signal: terminal.signal,
        onWaiting: (who, limit, ms) => onWaiting(organization, who, limit, ms),
        counts: {
          spend: async (...cost) => (await counts()).spend(...cost),
          release: async (...held) => (await counts()).release(...held),
          backOff: async (...pause) => (await counts()).backOff(...pause),
        },
      });
    connectors.set(organization, open);
    return open;
  };
  return {
    project,
    log,
    store: (access) => (store ??= open(project, access, around)),
    async storeUrl() {
      const address = await addressOf(project);
      return address.engine === 'postgres' ? address.url : null;
    },
    async storeFor({ pair, kind }) {
      const known = await this.store('look');
      if ((await known.pair(trackId(pair.id, kind))) !== null) return known;
      fresh ??= openStore('sqlite::memory:', around).then(async (empty) => {
        await putProjectPairs(project, empty);
        return empty;
      });
      return fresh;
    },
    connector,
    async jobPair(pair) {
      const { id, collection: name, source, target } = pair;
      const collection = must(project.collections.get(name), `the pair ${id} belongs to no collection`);
      const [left, right] = await Promise.all([connector(collection.source), connector(collection.target)]);
      // Where the person works by now, when the store was opened to be looked at.
      const [switched] = store === null ? [] : await (await store).switches([id]);
      const active = switched?.active ?? pair.active;
      return {
        id,
        left: { connector: left, address: source },
        right: { connector: right, address: target },
        policy: mailPolicyFor(collection.mail, active),
        typed: new Map([...collection.typed].map(([kind, policy]) => [kind, { ...policy, active }])),
      };
    },
    async close() {
      const opened = await Promise.allSettled([
        ...connectors.values(),
        ...[store, fresh, counted].flatMap((opened) => opened ?? []),
      ]);
      for (const part of opened) if (part.status === 'fulfilled') await part.value.close();
    },
  };
}

/** A store that is not there yet is not made just to look at it: an empty one in memory looks the same. */
async function open(
  project: Project,
  access: 'own' | 'look',
  around: Omit<StoreOptions, 'readOnly'>,
): Promise<OpenStore> {
  const address = await addressOf(project);
  const readOnly = access === 'look';
  if (address.engine === 'postgres') return openStore(address.url, { ...around, readOnly });
  if (readOnly && !existsSync(address.file)) return openStore('sqlite::memory:', around);
  mkdirSync(dirname(address.file), { recursive: true, mode: 0o700 });
  return openStore(`sqlite:${address.file}`, { ...around, readOnly });
}

async function addressOf({ store, directory }: Project) {
  const address =
    store.engine === 'referenced' ? parseStoreAddress(await store.url.reveal(), directory, 'from a secret') : store;
  if (typeof address === 'string') throw new CliError(`the address of the store: ${address}`);
  return address;
}
