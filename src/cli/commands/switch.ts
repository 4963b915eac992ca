import { type Command, InvalidArgumentError } from 'commander';
import { SWITCH_PRIORITY, switchKey } from '#agent/switch-work.ts';
import { measure, neverAccepted, type ReadinessFinding, readinessChecks } from '#jobs/switch/measure.ts';
import { planSwitch } from '#jobs/switch/plan-switch.ts';
import { beginSwitch, confirmStep, planAt } from '#jobs/switch/run-switch.ts';
import type { Store } from '#store/store.ts';
import type { SwitchRow } from '#store/switch-records.ts';
import { CliError } from '../cli-error.ts';
import { type ExitCode, exitCodes, worstOf } from '../exit-codes.ts';
import { formatInstant, plain, table } from '../format.ts';
import { command, type Run, type Session } from '../session.ts';
import { eachSwitch, pickSwitched, type SwitchTurn, takeSteps } from '../switching.ts';

interface SwitchOptions {
  readonly collection?: string;
  readonly plan?: true;
  readonly now?: true;
  readonly at?: number;
  readonly whenReady?: true;
  readonly cancel?: true;
  readonly accept?: readonly string[];
  readonly confirmed?: true;
  readonly yes?: true;
}

export function switchCommand(session: Session): Command {
  return command('switch', 'make the target the mailbox that people work in', [
    ['causeway switch ana@old.example', 'whether she is ready, and every step with what it changes'],
    ['causeway switch ana@old.example --now --yes', 'now'],
    ['causeway switch -c finance --at 2026-03-01T22:00Z --yes', 'at a time, while causeway run is running'],
    ['causeway switch -c finance --when-ready --yes', 'each person as soon as nothing stands in the way'],
  ])
    .argument('[addresses...]', 'the pairs with these addresses')
    .option('-c, --collection <name>', 'everybody of this collection')
    .option('--plan', 'show it and change nothing (default)')
    .option('--now', 'switch now')
    .option('--at <time>', 'switch at this time, such as 2026-03-01T22:00Z', time)
    .option('--when-ready', 'switch each as soon as it is ready')
    .option('--cancel', 'do not switch by itself after all')
    .option('--accept <checks>', 'what may be not ready, such as quarantine,delegates', checks)
    .option('--confirmed', 'the lines that were handed over were run')
    .option('--yes', 'without it everything but --plan only shows what it would do')
    .action(session.action<SwitchOptions>(switchPeople));
}

function time(text: string): number {
  // Without a zone it would mean another time on another machine.
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new InvalidArgumentError('Give a time with its zone, such as 2026-03-01T22:00Z.');
  return ms;
}

function checks(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  for (const name of names) {
    const check = readinessChecks.find((known) => known === name);
    if (check === undefined) throw new InvalidArgumentError(`There is ${readinessChecks.join(', ')}.`);
    if (neverAccepted.includes(check))
      throw new InvalidArgumentError(`${name} is never accepted: mail would be lost or go round in circles.`);
  }
  return names;
}

async function switchPeople(run: Run, options: SwitchOptions, addresses: readonly string[]): Promise<ExitCode> {
  const ways = [options.plan, options.now, options.at, options.whenReady, options.cancel].filter(
    (way) => way !== undefined,
  );
  if (ways.length > 1) throw new CliError('one of --plan, --now, --at, --when-ready and --cancel');
  if (options.at !== undefined && options.at < run.terminal.clock.nowMs())
    throw new CliError('this time is over; --now switches at once');
  const pairs = pickSwitched(run, addresses, options.collection);
  const accepting = (turn: SwitchTurn): SwitchTurn => {
    const { services, sources } = turn.of;
    const accept = [...services.policy.accept, ...(options.accept ?? [])];
    return { ...turn, of: { sources, services: { ...services, policy: { ...services.policy, accept } } } };
  };
  const isPlan = ways.length === 0 || options.plan === true || !options.yes;
  if (isPlan) {
    const codes = await eachSwitch(run, pairs, 'look', (turn, store) => plan(run, accepting(turn), store));
    if (ways.length > 0 && !options.plan) run.output.text('nothing was changed; add --yes to do it');
    else if (ways.length === 0)
      run.output.text('nothing was changed; --now, --at TIME or --when-ready, with --yes, does it');
    return worstOf(codes);
  }
  const at = options.cancel ? null : options.whenReady ? 'when-ready' : (options.at ?? null);
  const codes = await eachSwitch(run, pairs, 'own', (turn, store) =>
    options.now ? now(run, accepting(turn), options.confirmed === true) : later(run, turn, at, store),
  );
  return worstOf(codes);
}

/** Shows what stands in the way and every step. */
async function plan(
  run: Run,
  { pair, of: { services, sources }, signal }: SwitchTurn,
  store: Store,
): Promise<ExitCode> {
  const { output } = run;
  const known = (await store.pair(pair.id)) !== null;
  // Only shown: a verify of the whole mailbox is made when it is switched.
  const { verify: _, ...quick } = sources;
  const looking = { ...services, store: readOnly(store) };
  const { state, findings, row } = await measure(looking, null, quick, signal);
  const shown = row.state === 'switching' || row.state === 'switched' || row.state === 'undoing' ? row.state : state;
  output.line({ event: 'measured', pair: pair.id, state: shown, known, at: row.at, because: row.because });
  for (const finding of findings) output.line({ event: 'check', pair: pair.id, ...finding });
  output.text(
    `${output.colours.bold(plain(pair.id))}: ${shown}${row.because === null ? '' : ` (${plain(row.because)})`}`,
  );
  output.text(table(findingColumns, findings));
  const steps = await planSwitch(looking, signal);
  for (const step of steps) output.line({ pair: pair.id, ...step });
  output.text(table(stepColumns, steps));
  return exitCodes.ok;
}

/** A plan writes nothing, not even what it measured. */
const readOnly = (store: Store): Store =>
  new Proxy(store, {
    get(target, name) {
      if (name === 'commitSwitch') return async () => {};
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

async function now(run: Run, turn: SwitchTurn, confirmed: boolean): Promise<ExitCode> {
  const { output } = run;
  const { pair, of, claim, signal } = turn;
  const { services, sources } = of;
  if (confirmed) await confirmStep(services, claim);
  const [known] = await services.store.switches([pair.id]);
  if (known?.state !== 'switching') {
    output.note(`${plain(pair.id)}: measuring …`);
    const { state, findings } = await measure(services, claim, sources, signal);
    const open = findings.filter(
      ({ check, verdict }) => verdict === 'not-ready' && !services.policy.accept.includes(check),
    );
    if (known?.state !== 'switched' && known?.state !== 'undoing' && known?.state !== 'finished' && state !== 'ready') {
      output.line({ pair: pair.id, state, notReady: open });
      output.text(`${output.colours.yellow('not ready')} ${plain(pair.id)}`);
      output.text(table(findingColumns, open));
      return exitCodes.notReady;
    }
    await beginSwitch(services, claim, false);
  }
  return takeSteps(run, turn);
}

async function later(run: Run, { pair, of, claim }: SwitchTurn, at: SwitchRow['at'], store: Store): Promise<ExitCode> {
  const row = await planAt(of.services, claim, at);
  const when =
    at === null ? 'not by itself' : at === 'when-ready' ? 'as soon as it is ready' : `at ${formatInstant(at)}`;
  await store.ensureWork([{ key: switchKey(pair.id), priority: SWITCH_PRIORITY, nextAtMs: null }]);
  run.output.say(
    { pair: pair.id, state: row.state, at: row.at },
    `${plain(pair.id)}: will be switched ${when}${at === null ? '' : ', while causeway run is running'}`,
  );
  return exitCodes.ok;
}

const findingColumns = [
  { title: 'check', value: (f: ReadinessFinding) => f.check },
  { title: '', value: (f: ReadinessFinding) => f.verdict },
  { title: 'what', value: (f: ReadinessFinding) => (f.advice === null ? f.detail : `${f.detail}; ${f.advice}`) },
] as const;

type Planned = Awaited<ReturnType<typeof planSwitch>>[number];
const stepColumns = [
  { title: 'step', value: (s: Planned) => s.step },
  { title: '', value: (s: Planned) => (s.state === 'open' || s.state === 'next' ? '' : s.state) },
  { title: 'now', value: (s: Planned) => s.now },
  { title: 'after it', value: (s: Planned) => s.after },
  { title: 'the way back', value: (s: Planned) => s.undo },
] as const;
