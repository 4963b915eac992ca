import type { Connector, Context } from '#connectors/contract.ts';
import type { Directory } from '#connectors/directory/contract.ts';
import { autodiscover } from '#connectors/ews/autodiscover/autodiscover.ts';
import { undiciTransport } from '#connectors/http/undici-transport.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { submit } from '#connectors/smtp/submission.ts';
import { carryPairSettings } from '#jobs/settings/carry-pair-settings.ts';
import { directoryRoute } from '#jobs/switch/directory-route.ts';
import { onlineRoute, unreadRoute } from '#jobs/switch/handed-over-route.ts';
import type { MeasureSources } from '#jobs/switch/measure.ts';
import { type HeldTrack, pairTracks } from '#jobs/switch/pair-tracks.ts';
import type { Post, Route, SwitchProgress, SwitchServices } from '#jobs/switch/ports.ts';
import { verifyPair } from '#jobs/verify/verify-pair.ts';
import { must } from '#kit/assert.ts';
import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';
import type { ObjectGuid } from '#model/directory/directory-object.ts';
import type { Side } from '#model/ids.ts';
import type { Collection, DirectorySync, Organization, Project, ProjectPair } from '#project/project.ts';
import { SecretError } from '#project/secret.ts';
import type { ContentKind, Store } from '#store/store.ts';
import type { OnHeld } from './hold-work.ts';
import { readReferences, signInOf } from './sign-in-of.ts';
import { turnHome } from './turn-home.ts';

/** No request of a switch is on its way longer than this. */
const REQUEST_DEADLINE_MS = 60_000;
const LANES = 4;
/** Servers say times to the second, by clocks of their own. */
const CLOCKS_MS = 60_000;
/** Several addresses are tried, and it is asked only to be told. */
const AUTODISCOVER_MS = 30_000;

/** What opens the systems of a project, once each. */
export interface SwitchSurroundings {
  readonly project: Project;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly connect: (organization: string) => Promise<Connector>;
  /** Of an organization that has one. */
  readonly openDirectory: (organization: Organization) => Promise<Directory>;
  readonly hold: (pair: ProjectPair, kind: ContentKind, signal: AbortSignal) => Promise<HeldTrack>;
  readonly progress?: (event: SwitchProgress) => void;
  /** Told whom the switch waits for. */
  readonly onHeld?: OnHeld;
}

export interface SwitchOfPair {
  readonly services: SwitchServices;
  readonly sources: MeasureSources;
}

/** Everything that the switch of one pair of a project works with. Throws FaultError, SecretError. @param wave addresses that go along. */
export async function switchOfPair(
  around: SwitchSurroundings,
  pair: ProjectPair,
  wave: readonly ProjectPair[],
): Promise<SwitchOfPair> {
  const { project, store, clock, random } = around;
  const collection = must(project.collections.get(pair.collection), `the pair ${pair.id} belongs to no collection`);
  const organizations = {
    left: must(project.organizations.get(collection.source), `the project has no organization ${collection.source}`),
    right: must(project.organizations.get(collection.target), `the project has no organization ${collection.target}`),
  };
  const [left, right] = await Promise.all([around.connect(collection.source), around.connect(collection.target)]);
  const addresses = { left: pair.source, right: pair.target };
  const basics = { store, clock, random, requestDeadlineMs: REQUEST_DEADLINE_MS };
  const policy = collection.switching;
  const betweenThem = syncsBetween(project, collection);
  const mail = collection.content.includes('mail') ? collection.mail : null;
  const route = (side: Side): Promise<Route> =>
    routeOf(around, organizations[side], addresses[side], policy.controllers[side]);
  return {
    services: {
      ...basics,
      pair: {
        id: pair.id,
        active: pair.active,
        left: { connector: left, address: pair.source },
        right: { connector: right, address: pair.target },
      },
      policy,
      lagObjectiveMs: collection.lagObjectiveMs,
      routes: { left: await route('left'), right: await route('right') },
      tracks: pairTracks({
        ...basics,
        left,
        right,
        lanes: LANES,
        pair: pair.id,
        mail,
        typed: collection.typed,
        hold: (kind, signal) => around.hold(pair, kind, signal),
      }),
      post: { left: postOf(organizations.left), right: postOf(organizations.right) },
      turnHome: async (home, signal) => {
        const syncs = [...project.directories.values()].filter(({ name }) => betweenThem.includes(name));
        if (syncs.length === 0 || organizations.left.directory === null) return;
        const directory = await around.openDirectory(organizations.left);
        const guids = await guidsOf(directory, [pair.source], {
          signal,
          deadlineMs: clock.monotonicMs() + REQUEST_DEADLINE_MS,
        });
        await turnHome(around, syncs, { organization: collection.source, guids }, home, signal);
      },
      carrySettings: async (to, signal) => {
        const { written, left: stayed } = await carryPairSettings(
          {
            store,
            clock,
            requestDeadlineMs: REQUEST_DEADLINE_MS,
            pair: pair.id,
            kinds: [...(mail === null ? [] : (['mail'] as const)), ...collection.typed.keys()],
            source: left.mailbox(pair.source),
            target: right.mailbox(pair.target),
            syncs: betweenThem,
          },
          signal,
          { dryRun: false, back: to === 'left' },
        );
        const count = written.permissions + written.delegates + written.stored;
        return `${count} settings carried${stayed.length > 0 ? `, ${stayed.length} stayed behind: causeway settings names them` : ''}`;
      },
      ...(around.progress ? { progress: around.progress } : {}),
    },
    sources: {
      autodiscover: (signal) => askAutodiscover(organizations.right, pair.target, around, signal),
      together: await togetherWith(around, collection.name, wave),
      ...(mail === null
        ? {}
        : {
            verify: async (signal: AbortSignal) => {
              // While people work there is always mail that no pass has seen; the first step of a switch carries it.
              const lastPass = (await store.pair(pair.id))?.lastPass ?? null;
              const { grade } = await verifyPair(
                { ...basics, left, right, policy: mail, lanes: LANES },
                pair.id,
                {
                  contents: { share: policy.gradeContents },
                  ...(lastPass === null ? {} : { carriedUntilMs: lastPass.startedAtMs - CLOCKS_MS }),
                },
                signal,
              );
              return grade;
            },
          }),
    },
  };
}

/** Names of the directory syncs that know people of both organizations. */
const syncsBetween = ({ directories }: Project, { source, target }: Collection): readonly string[] =>
  [...directories.values()]
    .filter((sync) => [sync.source, sync.target].includes(source) && [sync.source, sync.target].includes(target))
    .map(({ name }) => name);

/** Entries with these addresses. */
async function guidsOf(
  directory: Directory,
  addresses: readonly string[],
  context: Context,
): Promise<readonly ObjectGuid[]> {
  const proxies = addresses.flatMap((address) => [`SMTP:${address}`, `smtp:${address}`]);
  const found = proxies.length === 0 ? [] : await directory.find(['proxyAddresses'], proxies, ['mail'], context);
  return [...new Set(found.map(({ guid }) => guid))];
}

/** Left objects of a sync whose mail a switch is turning round at this moment: its pass leaves their addresses alone. */
export async function objectsBeingSwitched(
  { pairs, collections }: Pick<Project, 'pairs' | 'collections'>,
  { source }: Pick<DirectorySync, 'source'>,
  directory: Directory,
  { store, clock }: { readonly store: Store; readonly clock: Clock },
): Promise<ReadonlySet<ObjectGuid>> {
  const rows = await store.switches();
  const turning = new Set(
    rows.filter(({ state }) => state === 'switching' || state === 'undoing').map(({ pair }) => pair),
  );
  const addresses = pairs.flatMap((pair) => {
    if (!turning.has(pair.id)) return [];
    const collection = collections.get(pair.collection);
    return collection?.source === source ? [pair.source] : collection?.target === source ? [pair.target] : [];
  });
  const deadlineMs = clock.monotonicMs() + REQUEST_DEADLINE_MS;
  return new Set(await guidsOf(directory, addresses, { signal: new AbortController().signal, deadlineMs }));
}

async function routeOf(
  { openDirectory, clock }: SwitchSurroundings,
  organization: Organization,
  address: string,
  controllers: readonly string[] | null,
): Promise<Route> {
  if (organization.version === 'online' || organization.directory?.kind === 'entra') return onlineRoute(address);
  if (organization.directory === null) return unreadRoute(address);
  const directory = await openDirectory(organization);
  return directoryRoute({
    directory,
    address,
    controllers,
    context: (signal) => ({ signal, deadlineMs: clock.monotonicMs() + REQUEST_DEADLINE_MS }),
  });
}

/**
 * Whether Autodiscover knows the mailbox of the target. Null: nobody answered from here; clients may be in another network.
 */
async function askAutodiscover(
  organization: Organization,
  address: string,
  { clock, random }: SwitchSurroundings,
  signal: AbortSignal,
): Promise<{ readonly answers: boolean; readonly detail: string } | null> {
  if (organization.protocol !== 'ews') return null;
  try {
    const settings = await signInOf(organization);
    if (settings.method === 'forms') return null;
    const { ca } = await readReferences(organization);
    const surroundings = { clock, random, transport: undiciTransport(), tls: { ca, min: organization.tls.min } };
    const found = await autodiscover(
      address,
      {
        ...surroundings,
        signIn: createSignIn(settings, surroundings),
        redirectHosts: organization.redirectHosts,
        ...(organization.autodiscover === null ? {} : { server: organization.autodiscover }),
      },
      { signal, deadlineMs: clock.monotonicMs() + AUTODISCOVER_MS },
    );
    return { answers: true, detail: `answers for ${found.address}` };
  } catch (error) {
    signal.throwIfAborted();
    // It is asked only to be told; whoever needs the secret for more says that it is missing.
    if (error instanceof SecretError) return null;
    if (!(error instanceof FaultError)) throw error;
    const { fault } = error;
    const isAnswer = fault.kind === 'fatal' && ['mailbox-gone', 'access-denied'].includes(fault.code);
    return isAnswer ? { answers: false, detail: error.message } : null;
  }
}

function postOf(organization: Organization): Post | null {
  const { submission } = organization;
  if (submission === null) return null;
  return {
    from: submission.from,
    async send(mail, signal) {
      const { ca } = await readReferences(organization);
      const user = typeof submission.user === 'object' ? await submission.user?.reveal() : submission.user;
      const password = await submission.password?.reveal();
      await submit(
        {
          ...submission,
          policy: { ca, min: organization.tls.min === '1.3' ? '1.3' : '1.2' },
          signIn: user == null || password === undefined ? null : { user, password },
        },
        mail,
        signal,
      );
    },
  };
}

/** Addresses of everybody who works in the target already, or will with this wave. */
async function togetherWith(
  { project, store }: SwitchSurroundings,
  collection: string,
  wave: readonly ProjectPair[],
): Promise<ReadonlySet<string>> {
  const organizations = project.collections.get(collection);
  const moved = new Set(
    (await store.switches())
      .filter(({ active, state }) => active === 'right' || state === 'switching')
      .map(({ pair }) => pair),
  );
  const along = project.pairs.filter((pair) => {
    const own = project.collections.get(pair.collection);
    return own?.target === organizations?.target && (moved.has(pair.id) || pair.active === 'right');
  });
  return new Set([...along, ...wave].flatMap(({ source, target }) => [source, target]));
}
