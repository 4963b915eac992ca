import { hostname } from 'node:os';
import { waitLog } from '#agent/connector-budgets.ts';
import { holdWork } from '#agent/hold-work.ts';
import { openConnector } from '#agent/open-connector.ts';
import { openDirectory, openSync } from '#agent/open-directory.ts';
import { runAgent } from '#agent/run-agent.ts';
import { switchOfPair } from '#agent/switch-services.ts';
import { SWITCH_PRIORITY, switchKey } from '#agent/switch-work.ts';
import { passKey, passPriorities } from '#agent/work.ts';
import { check } from '#jobs/check.ts';
import { checkFreeBusy } from '#jobs/compare-free-busy.ts';
import { dedupe } from '#jobs/dedupe.ts';
import { openDedupe } from '#jobs/dedupe-context.ts';
import { dedupeMail, undoDedupeMail } from '#jobs/dedupe-mail.ts';
import { undoGroup } from '#jobs/dedupe-undo.ts';
import { checkReplies } from '#jobs/directory/check-replies.ts';
import { checkRoutingOfSync } from '#jobs/directory/check-routing.ts';
import { probeRouting } from '#jobs/directory/probe-routing.ts';
import { discover } from '#jobs/discover.ts';
import { itemWays } from '#jobs/item-ways.ts';
import { runMailPass } from '#jobs/mail/mail-pass.ts';
import type { PassServices } from '#jobs/mail/pass-context.ts';
import type { PassBasics, PassProgress } from '#jobs/pass/pass-core.ts';
import type { PlannedWrite } from '#jobs/pass/planned-write.ts';
import { probe } from '#jobs/probe/probe.ts';
import { relink, relinkTyped } from '#jobs/relink.ts';
import { planResync, resync } from '#jobs/resync.ts';
import { checkOtherAddresses } from '#jobs/rivals.ts';
import { carryPairSettings } from '#jobs/settings/carry-pair-settings.ts';
import { restoreValue } from '#jobs/typed/restore-value.ts';
import type { TypedPassServices } from '#jobs/typed/typed-context.ts';
import { runTypedPass } from '#jobs/typed/typed-pass.ts';
import { verifyPair } from '#jobs/verify/verify-pair.ts';
import { planWaves } from '#jobs/waves/plan-waves.ts';
import { readSharing } from '#jobs/waves/read-sharing.ts';
import { must } from '#kit/assert.ts';
import { systemRandom } from '#kit/random.ts';
import type { TypedKind } from '#model/typed-item.ts';
import { openStore } from '#store/open-store.ts';
import type { Claim, ContentKind, Store } from '#store/store.ts';
import type { JobPair, JobSurroundings, Jobs } from './jobs.ts';
import { putProjectPairs } from './put-pairs.ts';

/** Commands look at one mailbox after the other; what has to be quick is the agent's. */
const lanes = 4;
const requestDeadlineMs = 60_000;

const basicsOf = ({ id, left, right }: JobPair, store: Store, { clock, onWaiting }: JobSurroundings): PassBasics => ({
  store,
  left: left.connector,
  right: right.connector,
  clock,
  random: systemRandom,
  requestDeadlineMs,
  progress: (event) => {
    if (event.kind === 'waiting') onWaiting?.(id, event.why, event.ms);
  },
});

const passServices = (pair: JobPair, store: Store, around: JobSurroundings): PassServices => ({
  ...basicsOf(pair, store, around),
  policy: pair.policy,
  lanes,
});

function typedServices(pair: JobPair, kind: TypedKind, store: Store, around: JobSurroundings): TypedPassServices {
  return {
    ...basicsOf(pair, store, around),
    policy: must(pair.typed.get(kind), `${kind} of ${pair.id} are not kept in step`),
  };
}

/** No running agent works on the same track meanwhile. */
const holdTrack = (store: Store, { id }: JobPair, kind: ContentKind, around: JobSurroundings) =>
  holdWork(store, { key: passKey(id, kind), priority: passPriorities[kind] }, 'repair', around);

/** The jobs of the program as it is started. */
export const realJobs: Jobs = {
  runAgent,
  async planPair(pair, kind, store, around) {
    const plan: PlannedWrite[] = [];
    const { signal } = around;
    if (kind === 'mail') await runMailPass(passServices(pair, store, around), pair.id, null, signal, { plan });
    else await runTypedPass(typedServices(pair, kind, store, around), pair.id, kind, null, signal, { plan });
    return plan;
  },
  itemWays: ({ left, right }, kind) => itemWays(left.connector.abilities, right.connector.abilities, kind),
  check: (pairs, endpoints, { clock, signal }) => check({ endpoints, clock, requestDeadlineMs }, pairs, signal),
  checkOtherAddresses: (pair, { clock, signal }) => checkOtherAddresses(pair, { clock, requestDeadlineMs }, signal),
  checkFreeBusy: (pairs, { clock, signal }) => checkFreeBusy({ clock, requestDeadlineMs }, pairs, signal),
  probe: (connector, addresses, { clock, signal }) =>
    probe({ connector, clock, random: systemRandom, requestDeadlineMs }, addresses, signal),
  discover: (connector, address, { clock, signal }) =>
    discover({ connector, clock, requestDeadlineMs }, address, signal),
  verifyPair: (pair, store, { contents, propertyLists, progress }, around) =>
    verifyPair(
      {
        ...passServices(pair, store, around),
        progress: (event) => {
          if (event.kind === 'items') progress(event.done, event.due);
        },
      },
      pair.id,
      { contents: { share: contents }, propertyLists: { share: propertyLists } },
      around.signal,
    ),
  async relinkPair(pair, kind, store, forgetting, around) {
    const { claim, signal, release } = await holdTrack(store, pair, kind, around);
    try {
      return kind === 'mail'
        ? await relink(passServices(pair, store, around), pair.id, claim, signal, forgetting)
        : await relinkTyped(typedServices(pair, kind, store, around), pair.id, kind, claim, signal, forgetting);
    } finally {
      await release();
    }
  },
  async planResync(pair, kind, project, store, around) {
    const empty = await openStore('sqlite::memory:', { clock: around.clock, log: { info() {}, warn() {} } });
    try {
      await putProjectPairs(project, empty);
      return kind === 'mail'
        ? await planResync<'mail'>(passServices(pair, store, around), empty, pair.id, kind, around.signal)
        : await planResync<TypedKind>(typedServices(pair, kind, store, around), empty, pair.id, kind, around.signal);
    } finally {
      await empty.close();
    }
  },
  async resyncPair(pair, kind, accept, store, around) {
    const { claim, signal, release } = await holdTrack(store, pair, kind, around);
    try {
      return kind === 'mail'
        ? await resync<'mail'>(passServices(pair, store, around), pair.id, kind, accept, claim, signal)
        : await resync<TypedKind>(typedServices(pair, kind, store, around), pair.id, kind, accept, claim, signal);
    } finally {
      await release();
    }
  },
  carrySettings: ({ id, left, right, typed }, { directories }, store, dryRun, { clock, signal }) =>
    carryPairSettings(
      {
        store,
        pair: id,
        kinds: ['mail', ...typed.keys()],
        source: left.connector.mailbox(left.address),
        target: right.connector.mailbox(right.address),
        syncs: [...directories.keys()],
        clock,
        requestDeadlineMs,
      },
      signal,
      { dryRun },
    ),
  async restoreValue(pair, kind, entry, apply, store, around) {
    const services = typedServices(pair, kind, store, around);
    if (!apply) return restoreValue(services, pair.id, kind, entry, null, false, around.signal);
    const { claim, signal, release } = await holdTrack(store, pair, kind, around);
    try {
      return await restoreValue(services, pair.id, kind, entry, claim, true, signal);
    } finally {
      await release();
    }
  },
  async *dedupePair(pair, kind, store, undo, around) {
    const progress = (event: PassProgress) => {
      if (event.kind === 'items') around.seen(event.copied);
    };
    const find = (claim: Claim | null, signal: AbortSignal) => {
      const options = { undo: undo?.write ?? null, firstGroup: (undo?.groups ?? 0) + 1 };
      return kind === 'mail'
        ? dedupeMail({ ...passServices(pair, store, around), progress }, pair.id, claim, signal, options)
        : dedupe({ ...typedServices(pair, kind, store, around), progress }, pair.id, kind, claim, signal, options);
    };
    if (undo === null) return yield* find(null, around.signal);
    const { claim, signal, release } = await holdTrack(store, pair, kind, around);
    try {
      yield* find(claim, signal);
    } finally {
      await release();
    }
  },
  async *undoDedupeMail(pair, entries, store, around) {
    const { claim, signal, release } = await holdTrack(store, pair, 'mail', around);
    try {
      yield* undoDedupeMail(passServices(pair, store, around), pair.id, claim, signal, entries);
    } finally {
      await release();
    }
  },
  async *undoDedupe(pair, kind, entries, newIds, store, around) {
    const services = typedServices(pair, kind, store, around);
    const { claim, signal, release } = await holdTrack(store, pair, kind, around);
    try {
      const context = await openDedupe(services, pair.id, kind, claim, signal, true);
      // Of twins the left one first: the right one is known as its copy.
      const leftFirst = [...entries].sort((a, b) => (a.group.side < b.group.side ? -1 : 1));
      if (context !== null) for (const entry of leftFirst) yield await undoGroup(context, entry, newIds);
    } finally {
      await release();
    }
  },
  switchOfPair: (project, pair, wave, store, { signal, ...around }) =>
    switchOfPair(
      {
        ...around,
        project,
        store,
        random: systemRandom,
        hold: ({ id }, kind, inner) =>
          holdWork(store, { key: passKey(id, kind), priority: passPriorities[kind] }, 'switch', {
            ...around,
            signal: AbortSignal.any([signal, inner]),
          }),
      },
      pair,
      wave,
    ),
  holdSwitch: (pair, store, around) =>
    holdWork(store, { key: switchKey(pair), priority: SWITCH_PRIORITY }, 'switch', around),
  openDirectory,
  readSharing: (directory, people, { clock, signal }) =>
    readSharing({ directory, clock, requestDeadlineMs, lanes }, people, signal),
  planWaves,
  checkReplies: (asked, { clock, signal }) => checkReplies({ ...asked, clock, requestDeadlineMs, lanes }, signal),
  checkRouting: (services, { signal }) => checkRoutingOfSync(services, signal),
  probeRouting: (services, active, signal) => probeRouting(services, active, String(services.clock.nowMs()), signal),
  openDirectorySync: openSync,
  openConnector: (project, organization, { clock, signal, counts, onWaiting }) =>
    openConnector(project, organization, {
      clock,
      random: systemRandom,
      signal,
      counting: { shared: counts, owner: `${hostname()} ${process.pid}` },
      waits: waitLog(onWaiting),
      isPatient: true,
    }),
};
