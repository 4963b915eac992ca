import { connectorBudgets, waitLog } from '#agent/connector-budgets.ts';
import { mailWork } from '#agent/mail-work.ts';
import { passKey } from '#agent/work.ts';
import { runWorkLoop } from '#agent/work-loop.ts';
import { putProjectPairs } from '#cli/put-pairs.ts';
import type { Connector } from '#connectors/contract.ts';
import { ewsConnector } from '#connectors/ews/connector.ts';
import { ewsHttp } from '#connectors/ews/http-client.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { paced } from '#connectors/wrappers/paced.ts';
import { retried } from '#connectors/wrappers/retried.ts';
import { must } from '#kit/assert.ts';
import { seededRandom } from '#kit/random.ts';
import { type BudgetCounters, policyOf, type ThrottlingPolicy } from '#lab/edge/throttling.ts';
import { createLab, type LabOrganization } from '#lab/lab.ts';
import { loadProject } from '#project/read-project.ts';
import { openStore } from '#store/open-store.ts';
import type { Store } from '#store/store.ts';
import type { Bench, BenchOptions } from '../support/bench.ts';
import { writeProject } from '../support/project.ts';
import { against, round } from '../support/results.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const mails = 12_000;
/** Small batches: a policy counts requests more than mails, and is felt with fewer mails. */
const batchMax = 4;
/** A request takes at least this on the way, on the clock of both. */
const latencyMs = 5;
/**
 * The shipped policies in a smaller scale: what may be used at once and what may be overdrawn, so that the steady state is reached with
 * thousands of mails instead of millions. The rates are those of the policies.
 */
const scales = { '2010': 10, '2013': 100 } as const;
const pausesMaxMs = 86_400_000;

interface Reached {
  readonly version: string;
  readonly items: number;
  readonly failed: number;
  /** Of the lab's clock. */
  readonly seconds: number;
  readonly itemsPerSecond: number;
  /** By the organization that limits: milliseconds of cost used, and allowed from the first request to the last. */
  readonly limitedBy: string;
  readonly usedMs: number;
  readonly allowedMs: number;
  readonly share: number;
  readonly refused: number;
  readonly delayed: number;
}

/**
 * One mailbox between two organizations under the policy that their version ships with, in one process and on a virtual clock:
 * the lab's servers, and the agent's loop with the real connectors and budgets. The lab counts what the policy let the caller use.
 */
export const throttled: Bench = async (options) => {
  const reached: Reached[] = [];
  for (const version of ['2010', '2013'] as const) {
    const one = await reach(version, options);
    options.say(`throttled ${version}: ${JSON.stringify(one)}`);
    reached.push(one);
  }
  return {
    figures: Object.fromEntries(reached.map((one) => [`exchange${one.version}`, one])),
    lines: reached.flatMap((one) => [
      against(`Exchange ${one.version}: used of what is allowed`, one.share, '≥ 0.95', (share) => share >= 0.95),
      against(`Exchange ${one.version}: failed mails`, one.failed, '0', (failed) => failed === 0),
      `    ${one.itemsPerSecond} mails/s over ${one.seconds} s of the lab's clock; at the same cost a mail the policy allows ${round(one.itemsPerSecond / one.share)} (limited by the ${one.limitedBy})`,
      `    ${one.refused} requests were refused, ${one.delayed} delayed by the server`,
    ]),
    details: { scales, batchMax, latencyMs },
  };
};

const scaled = (policy: ThrottlingPolicy, by: number): ThrottlingPolicy => ({
  ...policy,
  times: policy.times.map((limit) => ({
    ...limit,
    burstMs: limit.burstMs / by,
    cutoffMs: limit.cutoffMs / by,
    lockMs: limit.lockMs === null ? null : limit.lockMs / by,
  })),
});

async function reach(version: '2010' | '2013', { quick, items }: BenchOptions): Promise<Reached> {
  const clock = new VirtualClock(Date.UTC(2026, 0, 5, 8));
  const random = seededRandom(`throttled ${version}`);
  const total = items ?? (quick ? mails / 4 : mails);
  const lab = createLab({
    organizations: [
      { name: 'source', version, schemes: ['basic'] },
      { name: 'target', version, schemes: ['basic'] },
    ],
    mailboxes: 1,
    items: total,
    throttling: 'shipped',
    clock,
  });
  for (const { throttle } of lab.organizations)
    throttle.setPolicy(scaled(policyOf(version, 'shipped'), scales[version]));
  const [source, target] = lab.organizations.map(({ name, domain, world }) => ({
    name,
    endpoint: `https://mail.${domain}/EWS/Exchange.asmx`,
    user: world.admin.user,
    password: world.admin.password,
    mailbox: must(world.mailboxes[0], 'a mailbox').address,
  }));
  const [from, to] = [must(source, 'a source'), must(target, 'a target')];
  const written = writeProject(from, to, [[from.mailbox, to.mailbox]]);
  const project = loadProject(written.file);
  const pair = must(project.pairs[0], 'a pair');
  const log = { info: () => {}, warn: () => {} };
  const store = await openStore('sqlite::memory:', { clock, log });
  const waits = waitLog();
  const transport = lab.transport({ latencyMs });
  const tls = { ca: [], min: '1.2' } as const;
  const connect = ({ name, endpoint, user, password }: typeof from): Connector => {
    const signIn = createSignIn(
      { method: 'basic', user, password: async () => password },
      { clock, random, transport, tls },
    );
    const inner = ewsConnector({
      organization: name,
      http: ewsHttp({ transport, clock, random, endpoint, tls, signIn, compress: false }),
      impersonate: true,
      clock,
      random,
      spoolDir: written.directory,
    });
    const organization = must(project.organizations.get(name), 'the project has it');
    const budgets = connectorBudgets(organization, { shared: store, owner: 'bench' }, clock, waits);
    const whole = retried(paced(inner, budgets), { clock, random });
    return {
      ...whole,
      get abilities() {
        return { ...inner.abilities, batchMax };
      },
    };
  };
  try {
    await putProjectPairs(project, store);
    await store.ensureWork([{ key: passKey(pair.id, 'mail'), priority: 1, nextAtMs: clock.nowMs() }]);
    const collection = must(project.collections.get(pair.collection), 'a collection');
    const connectors = { left: connect(from), right: connect(to) };
    const done = new AbortController();
    /** Counted when the last mail was copied: what comes after it is not about speed. */
    let last = { copied: 0, counters: [] as readonly (BudgetCounters & { readonly organization: string })[], atMs: 0 };
    let before = 0;
    await runWorkLoop({
      store,
      clock,
      random,
      log,
      owner: 'bench',
      kind: 'mail',
      handler: mailWork(async () => ({
        ...connectors,
        policy: collection.mail,
        schedule: collection.schedule,
        takeWaits: () => waits.take(from.mailbox),
      })),
      concurrency: 1,
      leaseMs: pausesMaxMs,
      yieldMs: () => 0,
      drain: done.signal,
      drainMs: pausesMaxMs,
      emit(event) {
        if (event.kind === 'items')
          last = { copied: before + event.copied, counters: countersOf(lab.organizations), atMs: clock.monotonicMs() };
        if (event.kind === 'pass-ended' || event.kind === 'waiting') before = last.copied;
        if (event.kind === 'pair-stopped') throw new Error(event.because);
      },
      onEnd: () => void endWhenInStep(store, done),
    });
    const row = must(await store.pair(pair.id), 'the pair is known');
    const tightest = must(
      [...last.counters].sort((a, b) => shareOf(b) - shareOf(a))[0],
      'the lab counted what was asked of it',
    );
    const seconds = last.atMs / 1000;
    return {
      version,
      items: row.counts.links,
      failed: row.counts.quarantined,
      seconds: round(seconds),
      itemsPerSecond: round(row.counts.links / seconds),
      limitedBy: tightest.organization,
      usedMs: round(tightest.usedMs),
      allowedMs: round(mostOf(tightest)),
      share: round(shareOf(tightest)),
      refused: last.counters.reduce((sum, { refused }) => sum + refused, 0),
      delayed: last.counters.reduce((sum, { delayed }) => sum + delayed, 0),
    };
  } finally {
    await store.close();
    await lab.close();
    written.remove();
  }
}

/** Nobody can use more: what was given, and what may be overdrawn before everything is refused. */
const mostOf = ({ allowedMs, overdraftMs }: BudgetCounters) => (allowedMs ?? Number.POSITIVE_INFINITY) + overdraftMs;
const shareOf = (counters: BudgetCounters) => counters.usedMs / mostOf(counters);

const countersOf = (organizations: readonly LabOrganization[]) =>
  organizations.flatMap(({ name, throttle }) => throttle.counters().map((one) => ({ ...one, organization: name })));

async function endWhenInStep(store: Store, done: AbortController): Promise<void> {
  const rows = (await store.pairs()).filter(({ kind }) => kind === 'mail');
  if (rows.every(({ state }) => state === 'in-step' || state === 'stopped')) done.abort();
}
