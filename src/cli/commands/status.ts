import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { formatBytes, formatCount, formatDuration, table } from '../format.ts';
import { type PairStatus, statusOf } from '../pair-status.ts';
import { pickPairs } from '../pick-pairs.ts';
import { command, type Run, type Session } from '../session.ts';

interface StatusOptions {
  readonly collection?: string;
  readonly watch?: number | true;
}

export function statusCommand(session: Session): Command {
  return command('status', 'how far each pair is, and what limits it', [
    ['causeway status', 'one line a pair'],
    ['causeway status --watch', 'again every 2 seconds, until Ctrl-C'],
    ['causeway status ana@old.example --json', 'one pair, for programs'],
  ])
    .argument('[addresses...]', 'only the pairs with these addresses')
    .option('-c, --collection <name>', 'only this collection')
    .option('-w, --watch [seconds]', 'show again and again', seconds)
    .action(session.action<StatusOptions>(status));
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0.5 && value <= 3600)) throw new InvalidArgumentError('Give 0.5 to 3600 seconds.');
  return value;
}

async function status(run: Run, options: StatusOptions, addresses: readonly string[]): Promise<ExitCode> {
  const { project, store: open } = run.services();
  const pairs = pickPairs(project, addresses, options.collection);
  const store = await open('look');
  const everyMs = options.watch === undefined ? null : (options.watch === true ? 2 : options.watch) * 1000;
  for (;;) {
    const rows = new Map((await store.pairs()).map((row) => [row.id, row]));
    const work = new Map((await store.work(pairs.map(({ id }) => `mail:${id}`))).map((row) => [row.key, row]));
    const now = run.terminal.clock.nowMs();
    const all = pairs.map((pair) =>
      statusOf(pair, rows.get(pair.id) ?? null, work.get(`mail:${pair.id}`) ?? null, now),
    );
    show(run, all, everyMs !== null);
    if (everyMs === null) return all.some(({ state }) => state === 'stopped') ? exitCodes.stopped : exitCodes.ok;
    try {
      await run.terminal.clock.sleep(everyMs, run.signal);
    } catch (error) {
      if (run.signal.aborted) return exitCodes.ok;
      throw error;
    }
  }
}

function show(run: Run, all: readonly PairStatus[], watching: boolean): void {
  const { output } = run;
  for (const status of all) output.line(status);
  if (watching && output.live) output.text('\x1b[H\x1b[J');
  output.text(table(columns, all));
  for (const { pair, stoppedBecause } of all)
    if (stoppedBecause !== null) output.text(`${output.colours.red('stopped')} ${pair}: ${stoppedBecause}`);
}

const unknown = '–';
const columns = [
  { title: 'pair', value: (s: PairStatus) => s.pair },
  { title: 'state', value: (s: PairStatus) => (s.working ? `${s.state}, at work` : s.state) },
  { title: 'items', align: 'right', value: (s: PairStatus) => `${formatCount(s.items)} of ${formatCount(s.itemsDue)}` },
  { title: 'copied', align: 'right', value: (s: PairStatus) => formatBytes(s.bytesCopied) },
  { title: 'quarantined', align: 'right', value: (s: PairStatus) => formatCount(s.quarantined) },
  { title: 'lag', align: 'right', value: (s: PairStatus) => (s.lagMs === null ? unknown : formatDuration(s.lagMs)) },
  {
    title: 'items/s',
    align: 'right',
    value: (s: PairStatus) => (s.itemsPerSecond === null ? unknown : s.itemsPerSecond.toFixed(1)),
  },
  { title: 'limited by', value: (s: PairStatus) => s.limitedBy ?? unknown },
  {
    title: 'time left',
    align: 'right',
    value: (s: PairStatus) => (s.secondsLeft === null ? unknown : formatDuration(s.secondsLeft * 1000)),
  },
] as const;
