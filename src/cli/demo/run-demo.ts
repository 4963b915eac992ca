import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type AgentEvent, passKey } from '#agent/work.ts';
import { type Grade, grades } from '#jobs/verify/grade.ts';
import { type ControlClient, controlClient } from '#lab/control-client.ts';
import type { MeetingAction } from '#lab/meetings/meeting-people.ts';
import type { LabVersion } from '#lab/seams.ts';
import { type Project, tracksOf } from '#project/project.ts';
import type { OpenStore } from '#store/open-store.ts';
import { trackId } from '#store/store.ts';
import { CliError } from '../cli-error.ts';
import { countOf, formatBytes, formatCount, formatDuration, plain } from '../format.ts';
import { type LagStatus, lagStatus } from '../lag-status.ts';
import { createLog } from '../log.ts';
import { PairProgress } from '../pair-progress.ts';
import { progressBars } from '../progress.ts';
import { putProjectPairs } from '../put-pairs.ts';
import { readEverythingNext } from '../read-everything.ts';
import { saidWaits } from '../said-waits.ts';
import { openServices, type Services } from '../services.ts';
import type { Run } from '../session.ts';
import { type CalendarTruth, compareCalendars } from './calendar-truth.ts';
import { writeDemoProject } from './demo-project.ts';
import { compareMailboxes, type GroundTruth } from './ground-truth.ts';
import { type ReadyLab, startLab } from './lab-process.ts';

export interface DemoOptions {
  /** Versions of the sources; their mailboxes all go into the one target. */
  readonly from: readonly LabVersion[];
  readonly to: LabVersion;
  readonly mailboxes: number;
  readonly items: number;
  readonly appointments: number;
  readonly seed: number;
  /** So many times shorter than in the real service are the windows of the lab's Exchange Online. */
  readonly faster: number;
  readonly samples?: string;
  /** Folder in which the project file and the store stay. */
  readonly keep?: string;
}

/** The last line of `demo --json`. */
export interface DemoResult {
  readonly mailboxes: number;
  readonly folders: number;
  readonly items: number;
  readonly bytes: number;
  /** From the start of the migration until everything had settled; not the start of the lab, not verification. */
  readonly seconds: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly altered: number;
  readonly quarantined: number;
  readonly writesInSecondPass: number;
  /** Messages and receipts that left an organization because of us. */
  readonly mails: number;
  /** What people sent meanwhile: messages, invitations, answers. */
  readonly mailsOfPeople: number;
  readonly calendar: Omit<CalendarTruth, 'differences'> & {
    /** As `status` shows it: until a change is on the other side; null: nothing was changed. */
    readonly lagP50Ms: number | null;
    readonly lagP95Ms: number | null;
  };
}

/** Figures of a result that are 0 when all went well. */
export const faultsIn = ({ calendar, ...result }: DemoResult): number =>
  [result.lost, result.duplicated, result.altered, result.writesInSecondPass, result.mails]
    .concat(calendar.lost, calendar.duplicated, calendar.altered)
    .reduce((sum, count) => sum + count, 0);

/** What the lab's people do in a second while they are migrated. */
const actionsPerSecond = 10;
/** What people do with their calendars besides, each second on each side. Invitations are answered where the mail is, on the source. */
const calendarActionsPerSecond = 4;
const calendarActions = {
  source: ['answer', 'note', 'move-occurrence', 'cancel-occurrence'],
  target: ['note', 'move', 'relocate', 'move-occurrence', 'cancel-occurrence', 'cancel'],
} as const satisfies Readonly<Record<string, readonly MeetingAction[]>>;
const dayMs = 24 * 3_600_000;
/** Both calendars are compared from so many days before today to so many after it. */
const comparedDays = { before: 365, after: 730 };
/** They go on for so long after the last first pass, so that keeping in step is seen as well. */
const afterwardsMs = 3_000;
const settleTimeoutMs = 120_000;

/**
 * Starts a lab with two organizations, migrates all of its mailboxes while its people go on working, waits until all has settled,
 * passes once more, and compares: by `verify` and by what the lab itself knows.
 */
export async function runDemo(run: Run, options: DemoOptions): Promise<DemoResult> {
  const { output, terminal } = run;
  const folder = await folderFor(options);
  const sources = options.from.map((_, n) => (n === 0 ? 'source' : `source${n + 1}`));
  output.note(
    `starting a lab: Exchange ${options.from.join(' and ')} to ${options.to}, ${countOf(options.mailboxes, 'mailbox', 'mailboxes')}, ${countOf(options.items, 'mail')}, ${countOf(options.appointments, 'appointment')}`,
  );
  if (isRebuilt(options) && options.faster > 1)
    output.note(
      `the limits of Exchange Online hold, in windows that are ${options.faster} times shorter than the real ones: 10,000 requests and twice 150 MB a mailbox are for ${formatDuration(600_000 / options.faster)}`,
    );
  const lab = await startLab(
    [
      ...options.from.flatMap((version, n) => [
        '--org',
        `${sources[n]}:${version}:${Math.ceil((options.mailboxes - n) / options.from.length)}`,
      ]),
      ...['--org', `target:${options.to}:${options.mailboxes}`, '--sources', String(sources.length)],
      ...['--items', String(options.items), '--appointments', String(options.appointments)],
      ...['--seed', String(options.seed), '--faster', String(options.faster)],
      ...(options.samples === undefined ? [] : ['--samples', options.samples]),
    ],
    run.signal,
  );
  let services: Services | null = null;
  try {
    const project = await writeDemoProject(folder, lab.ready, options.faster);
    services = openServices(
      project,
      terminal,
      createLog(terminal, run.options.debug === true),
      run.jobs,
      saidWaits(terminal.clock, output),
    );
    const store = await services.store('own');
    await putProjectPairs(project, store);
    const control = controlClient(lab.ready.control);
    const { seconds, actions } = await migrate(run, {
      ...{ project, store, services, control, sources },
      items: options.items,
    });
    const lag = await calendarLag(run, { project, store });
    const writesInSecondPass = await passOnce(run, { project, store, services });
    const grade = await verifyAll(run, { project, store, services });
    const callers = ourCallers(lab.ready);
    const truth = await compareAll(run, project, control, { callers, rebuilt: isRebuilt(options) });
    const calendars = await compareAllCalendars(run, project, control);
    const outbox = await control.outbox();
    const ours = outbox.filter(({ caller }) => callers.has(caller.toLowerCase()));
    const quarantined = (await store.pairs()).reduce((sum, { counts }) => sum + counts.quarantined, 0);
    const result: DemoResult = {
      mailboxes: project.pairs.length,
      folders: truth.folders,
      items: truth.items,
      bytes: truth.bytes,
      seconds: Math.round(seconds * 10) / 10,
      lost: Math.max(0, truth.lost - quarantined),
      duplicated: truth.duplicated,
      altered: truth.altered,
      quarantined,
      writesInSecondPass,
      mails: ours.length,
      mailsOfPeople: outbox.length - ours.length,
      calendar: { ...withoutDifferences(calendars), lagP50Ms: lag?.p50Ms ?? null, lagP95Ms: lag?.p95Ms ?? null },
    };
    const mailsByCause = countBy(ours.map(({ cause }) => cause));
    const differences = { ...truth.differences, ...calendars.differences };
    output.line({ event: 'compared', grade, differences, mailsByCause });
    report(run, result, { grade, actions, differences, mailsByCause });
    return result;
  } catch (error) {
    // When the lab is gone, its own last words say more than the request that found it gone.
    await Promise.race([lab.failed, terminal.clock.sleep(500)]);
    throw error;
  } finally {
    await services?.close();
    await lab.close();
    if (options.keep === undefined) await rm(folder, { recursive: true, force: true });
    else output.note(`kept for history, status and journal: -p ${plain(join(folder, 'causeway.yaml'))}`);
  }
}

interface Peopled {
  readonly control: ControlClient;
  /** Names of organizations whose people work. */
  readonly sources: readonly string[];
}

interface Parts {
  readonly project: Project;
  readonly store: OpenStore;
  readonly services: Services;
}

/** Runs the agent while people work; they stop once every mailbox had its first pass. Ends when all has settled. */
async function migrate(
  run: Run,
  { project, store, services, control, sources, items }: Parts & Peopled & { readonly items: number },
): Promise<{ readonly seconds: number; readonly actions: number }> {
  const { clock } = run.terminal;
  run.output.note('migrating, while people go on working …');
  const startedMs = clock.monotonicMs();
  const end = new AbortController();
  const bars = progressBars(run.terminal, run.output);
  const show = progressOf(run, bars, items);
  const agent = run.jobs.runAgent({
    project,
    store,
    storeUrl: null,
    log: services.log,
    workers: null,
    pairs: project.pairs,
    until: 'continuous',
    clock,
    signal: AbortSignal.any([end.signal, run.signal]),
    onEvent: show,
  });
  // An agent that failed, or ended by itself, must not leave us waiting for mailboxes that nobody works on.
  const ended = agent.then((): never => {
    run.signal.throwIfAborted();
    throw new Error('the agent ended before it was told to');
  });
  const until = AbortSignal.any([end.signal, run.signal]);
  let actions = 0;
  try {
    actions = await Promise.race([ended, inStepWithPeople(run, until, { project, store, control, sources })]);
    await Promise.race([ended, settled(run, until, { project, store })]);
  } finally {
    bars.close();
    end.abort(new DOMException('the demo is over', 'AbortError'));
    await agent.catch(() => {});
  }
  return { seconds: (clock.monotonicMs() - startedMs) / 1000, actions };
}

/** @returns how much they did. */
async function inStepWithPeople(
  run: Run,
  signal: AbortSignal,
  { project, store, control, sources }: Pick<Parts, 'project' | 'store'> & Peopled,
): Promise<number> {
  const { clock } = run.terminal;
  const helpings = 4;
  let acted = 0;
  let throughMs: number | null = null;
  let turn = 0;
  for (;;) {
    signal.throwIfAborted();
    // One source after the other has its share.
    const source = sources[turn++ % sources.length] ?? 'source';
    acted += await control.people(source, Math.ceil(actionsPerSecond / helpings));
    acted += await control.meet(source, calendarActionsPerSecond / helpings, calendarActions.source);
    acted += await control.meet('target', calendarActionsPerSecond / helpings, calendarActions.target);
    await clock.sleep(1000 / helpings, signal);
    const rows = await store.pairs();
    const through =
      rows.filter(({ state }) => state === 'in-step' || state === 'stopped').length >=
      tracksOf(project, project.pairs).length;
    if (through) throughMs ??= clock.monotonicMs();
    if (throughMs !== null && clock.monotonicMs() - throughMs >= afterwardsMs) break;
  }
  run.output.line({ event: 'people-stopped', actions: acted });
  run.output.note(`people did ${countOf(acted, 'thing')} meanwhile; now they stop, and everything settles …`);
  return acted;
}

/** Until no pair has anything to do any more. */
async function settled(
  run: Run,
  signal: AbortSignal,
  { project, store }: Pick<Parts, 'project' | 'store'>,
): Promise<void> {
  const { clock } = run.terminal;
  const keys = tracksOf(project, project.pairs).map(({ pair, kind }) => passKey(pair.id, kind));
  const deadlineMs = clock.monotonicMs() + settleTimeoutMs;
  for (let quiet = 0; quiet < 4; ) {
    signal.throwIfAborted();
    await clock.sleep(250, signal);
    const work = await store.work(keys);
    const busy = work.some(
      (row) => row.owner !== null || row.dirtySinceMs !== null || row.generation !== row.startedGeneration,
    );
    quiet = busy ? 0 : quiet + 1;
    if (clock.monotonicMs() > deadlineMs) return run.output.note('it has not settled; going on');
  }
}

/** Passes that are made because one said that it had not come to its end: a deletion waits for a pass, in case the item turns up elsewhere. */
const unfinishedMax = 4;

/** Passes over everything until all have come to their end, and another one that must find nothing. @returns writes of the last. */
async function passOnce(run: Run, parts: Parts): Promise<number> {
  run.output.note('a pass over everything, and another one that must find nothing …');
  for (let n = 0; n < unfinishedMax && (await passOverAll(run, parts)).unfinished > 0; n++);
  const { writes } = await passOverAll(run, parts);
  return writes;
}

async function passOverAll(run: Run, { project, store, services }: Parts) {
  const sum = { writes: 0, unfinished: 0 };
  await readEverythingNext(
    store,
    project.pairs.map(({ id }) => id),
    run.terminal.clock,
  );
  await run.jobs.runAgent({
    project,
    store,
    storeUrl: null,
    log: services.log,
    workers: null,
    pairs: project.pairs,
    until: 'one-pass',
    clock: run.terminal.clock,
    signal: run.signal,
    onEvent: ({ key, ...event }) => {
      if (event.kind !== 'pass-ended') return;
      const { writes, outcome } = event.summary;
      sum.writes += writes;
      if (outcome === 'partial') sum.unfinished++;
      if (writes > 0) run.output.line({ event: 'wrote', work: key, writes, outcome });
    },
  });
  run.signal.throwIfAborted();
  return sum;
}

async function verifyAll(run: Run, { project, store, services }: Parts): Promise<Grade> {
  run.output.note('comparing both sides item by item …');
  let worst: Grade = 'perfect';
  for (const pair of project.pairs) {
    const { grade, findings } = await run.jobs.verifyPair(
      await services.jobPair(pair),
      store,
      { contents: 1, propertyLists: 0.01, progress: () => {} },
      { clock: run.terminal.clock, signal: run.signal },
    );
    for (const finding of findings) run.output.line({ event: 'finding', pair: pair.id, ...finding });
    for (const { kind, folder, property } of findings.filter(({ explainedBy }) => explainedBy === null).slice(0, 5))
      run.output.note(`  ${plain(`${pair.id}: ${folder}: ${kind} ${property ?? ''}`)}`);
    run.output.line({ event: 'verified', pair: pair.id, grade });
    if (grades.indexOf(grade) > grades.indexOf(worst)) worst = grade;
  }
  return worst;
}

/** Between Exchange Online and the others mail goes as properties, of which each server makes MIME: whether the content is the same, `verify` says. */
const isRebuilt = ({ from, to }: DemoOptions): boolean => [...from, to].some((version) => version === 'online');

/** Those as whom we speak to the lab: who signs in as an application is known by its client id. */
const ourCallers = ({ orgs }: ReadyLab): ReadonlySet<string> =>
  new Set(
    orgs
      .flatMap(({ admin, application }) => [admin.user, application?.clientId ?? []].flat())
      .map((one) => one.toLowerCase()),
  );

async function compareAll(
  { output }: Run,
  project: Project,
  control: ControlClient,
  { callers, rebuilt }: { readonly callers: ReadonlySet<string>; readonly rebuilt: boolean },
): Promise<GroundTruth> {
  const sum = { folders: 0, items: 0, bytes: 0, lost: 0, duplicated: 0, altered: 0 };
  const differences: Record<string, number> = {};
  for (const { source, target } of project.pairs) {
    const one = await compareMailboxes(control.mailbox(source), control.mailbox(target), {
      rebuilt,
      isCopier: (madeBy) => callers.has(madeBy.toLowerCase()),
      tell: (difference) => output.line({ event: 'difference', pair: `${source} → ${target}`, ...difference }),
    });
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += one[name];
    for (const [what, count] of Object.entries(one.differences)) differences[what] = (differences[what] ?? 0) + count;
  }
  return { ...sum, differences };
}

async function compareAllCalendars(
  { output, terminal }: Run,
  project: Project,
  control: ControlClient,
): Promise<CalendarTruth> {
  const nowMs = terminal.clock.nowMs();
  const [fromMs, toMs] = [nowMs - comparedDays.before * dayMs, nowMs + comparedDays.after * dayMs];
  const sum = { events: 0, series: 0, exceptions: 0, lost: 0, duplicated: 0, altered: 0 };
  const differences: Record<string, number> = {};
  for (const { source, target } of project.pairs) {
    const one = await compareCalendars(
      control.calendar(source, fromMs, toMs),
      control.calendar(target, fromMs, toMs),
      (difference) => output.line({ event: 'difference', pair: `${source} → ${target}`, calendar: difference }),
    );
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += one[name];
    for (const [what, count] of Object.entries(one.differences))
      differences[`calendar ${what}`] = (differences[`calendar ${what}`] ?? 0) + count;
  }
  return { ...sum, differences };
}

const withoutDifferences = ({ differences: _, ...figures }: CalendarTruth) => figures;

function countBy(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

async function folderFor({ keep }: DemoOptions): Promise<string> {
  if (keep === undefined) return mkdtemp(join(tmpdir(), 'causeway-demo-'));
  const folder = resolve(keep);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if ((await readdir(folder)).length === 0) return folder;
  throw new CliError(`${folder} is not empty; name a new folder with --keep`);
}

/** What `status` would say now. */
async function calendarLag(run: Run, { project, store }: Pick<Parts, 'project' | 'store'>): Promise<LagStatus | null> {
  const rows = new Map((await store.pairs()).map((row) => [row.id, row]));
  const tracks = tracksOf(project, project.pairs).map(({ pair, kind }) => ({
    collection: pair.collection,
    kind,
    row: rows.get(trackId(pair.id, kind)) ?? null,
    work: null,
  }));
  return (
    lagStatus(project.collections, tracks, run.terminal.clock.nowMs()).find((l) => l.content === 'calendar') ?? null
  );
}

/** One bar for all, and one for each mailbox in work; lines every few seconds where there is no terminal. */
function progressOf(run: Run, bars: ReturnType<typeof progressBars>, total: number): (event: AgentEvent) => void {
  const { clock } = run.terminal;
  const progress = new PairProgress();
  let saidMs = clock.monotonicMs();
  return (event) => {
    progress.take(event);
    const own = progress.of(event.pair);
    if (event.kind === 'pair-stopped') run.output.note(plain(`  ${event.pair} stopped: ${event.because}`));
    const { all } = progress;
    const note = event.kind === 'waiting' ? `waits for ${event.why}` : '';
    bars.show('all mailboxes', { done: all.items, total, bytes: all.bytes, note: '' });
    if (event.kind === 'pass-ended' || event.kind === 'pair-stopped') bars.finish(event.pair);
    else bars.show(event.pair, { done: own.items, total: own.items, bytes: own.bytes, note });
    if (clock.monotonicMs() - saidMs < 5000) return;
    saidMs = clock.monotonicMs();
    run.output.line({ event: 'progress', items: all.items, bytes: all.bytes });
    if (!run.output.live)
      run.output.note(`  ${formatCount(all.items)} of about ${countOf(total, 'mail')}, ${formatBytes(all.bytes)}`);
  };
}

interface Explained {
  readonly grade: Grade;
  readonly actions: number;
  readonly differences: Readonly<Record<string, number>>;
  readonly mailsByCause: Readonly<Record<string, number>>;
}

function report(run: Run, result: DemoResult, { grade, actions, differences, mailsByCause }: Explained): void {
  const { green, red, bold } = run.output.colours;
  const zero = (count: number) => (count === 0 ? green('0') : red(formatCount(count)));
  const { calendar } = result;
  const lag = (ms: number | null) => (ms === null ? '–' : formatDuration(ms));
  run.output.text(`
${bold('What it did')}
  ${countOf(result.mailboxes, 'mailbox', 'mailboxes')} in ${formatDuration(result.seconds * 1000)} while people did ${countOf(actions, 'thing')}
  mail: ${countOf(result.folders, 'folder')}, ${countOf(result.items, 'mail')}, ${formatBytes(result.bytes)}
    lost ${zero(result.lost)}, duplicated ${zero(result.duplicated)}, altered ${zero(result.altered)}, in quarantine ${formatCount(result.quarantined)} (by the lab's own memory of both sides)
    consistency grade by verify: ${grade}
  calendars: ${countOf(calendar.events, 'event')}, ${formatCount(calendar.series)} of them series with ${countOf(calendar.exceptions, 'exception')}
    lost ${zero(calendar.lost)}, duplicated ${zero(calendar.duplicated)}, altered ${zero(calendar.altered)} (in the same way, every occurrence)
    a change was on the other side after ${lag(calendar.lagP50Ms)} (p50), ${lag(calendar.lagP95Ms)} (p95)
  writes in a pass right after a pass: ${zero(result.writesInSecondPass)}
  mails and receipts that left an organization because of us: ${zero(result.mails)}${listed(mailsByCause)}; people sent ${formatCount(result.mailsOfPeople)}`);
  if (Object.keys(differences).length > 0) run.output.text(`  differences${listed(differences)}`);
}

const listed = (counts: Readonly<Record<string, number>>): string => {
  const list = Object.entries(counts).map(([what, count]) => `${what} ${formatCount(count)}`);
  return list.length === 0 ? '' : `: ${list.join(', ')}`;
};
