import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { rivalsInAll, rivalsOf, rivalsText } from '#jobs/rivals.ts';
import { type Track, tracksOf } from '#project/project.ts';
import { type Store, trackId } from '#store/store.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { formatBytes, formatCount, formatDuration, formatInstant, plain, table } from '../format.ts';
import { type LagStatus, lagStatus } from '../lag-status.ts';
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
  const tracks = tracksOf(project, pickPairs(project, addresses, options.collection));
  const store = await open('look');
  const everyMs = options.watch === undefined ? null : (options.watch === true ? 2 : options.watch) * 1000;
  for (;;) {
    const rows = new Map((await store.pairs()).map((row) => [row.id, row]));
    const keyOf = ({ pair, kind }: Track) => `${kind}:${pair.id}`;
    const work = new Map((await store.work(tracks.map(keyOf))).map((row) => [row.key, row]));
    const now = run.terminal.clock.nowMs();
    const known = tracks.map((track) => ({
      track,
      collection: track.pair.collection,
      kind: track.kind,
      row: rows.get(trackId(track.pair.id, track.kind)) ?? null,
      work: work.get(keyOf(track)) ?? null,
    }));
    const all = known.map(({ track, row, work }) => statusOf(track, row, work, now));
    show(run, all, lagStatus(project.collections, known, now), everyMs !== null);
    await showSwitches(run, store, tracks);
    if (everyMs === null) await showRivals(run, store, tracks, now);
    if (everyMs === null) return all.some(({ state }) => state === 'stopped') ? exitCodes.stopped : exitCodes.ok;
    try {
      await run.terminal.clock.sleep(everyMs, run.signal);
    } catch (error) {
      if (run.signal.aborted) return exitCodes.ok;
      throw error;
    }
  }
}

function show(run: Run, all: readonly PairStatus[], lags: readonly LagStatus[], watching: boolean): void {
  const { output } = run;
  for (const status of all) output.line(status);
  for (const lag of lags) output.line(lag);
  if (watching && output.live) output.text('\x1b[H\x1b[J');
  output.text(table(columns, all));
  for (const { pair, content, stoppedBecause } of all)
    if (stoppedBecause !== null)
      output.text(`${output.colours.red('stopped')} ${trackId(pair, content)}: ${stoppedBecause}`);
  for (const { pair, content, remindersMoveTo } of all)
    if (remindersMoveTo !== null)
      output.text(
        `${trackId(pair, content)}: reminders are being moved to the ${remindersMoveTo}, where the person works now`,
      );
  if (lags.length === 0) return;
  output.text(table(lagColumns, lags));
  for (const { collection, content, objectiveMs, warning } of lags)
    if (warning !== null)
      output.text(
        `${output.colours.yellow('warning')} ${content} of ${collection} will miss its objective of ${formatDuration(objectiveMs)}: ${warning}`,
      );
}

/** Who is on the way, was switched, or is to be; others have nothing to tell. */
async function showSwitches({ output }: Run, store: Store, tracks: readonly Track[]): Promise<void> {
  const pairs = [...new Set(tracks.map(({ pair }) => pair.id))];
  for (const { pair, state, active, at, because } of await store.switches(pairs)) {
    const isQuiet = !['switching', 'switched', 'undoing', 'finished'].includes(state) && at === null;
    if (isQuiet) continue;
    const where = active === 'left' ? 'source' : 'target';
    output.line({ event: 'switch', pair, state, active: where, at, because });
    const when = at === null ? '' : at === 'when-ready' ? ', as soon as it is ready' : `, at ${formatInstant(at)}`;
    const note = because === null ? '' : `: ${plain(because)}`;
    output.text(`${plain(pair)}: ${output.colours.bold(state)}, works in the ${where}${when}${note}`);
  }
}

/** Not while watching: it reads days of history. */
async function showRivals({ output }: Run, store: Store, tracks: readonly Track[], nowMs: number): Promise<void> {
  for (const { pair, kind } of tracks) {
    if (kind !== 'calendar') continue;
    const rivals = await rivalsOf(store, pair.id, nowMs);
    if (rivalsInAll(rivals) === 0) continue;
    output.line({ event: 'rivals', pair: pair.id, ...rivals });
    output.text(
      `${output.colours.yellow('warning')} ${pair.id}: ${rivalsText(rivals)}; causeway check prints the commands against it`,
    );
  }
}

const ms = (value: number | null): string => (value === null ? unknown : formatDuration(value));

const unknown = '–';
const columns = [
  { title: 'pair', value: (s: PairStatus) => s.pair },
  { title: 'content', value: (s: PairStatus) => s.content },
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

const lagColumns = [
  { title: 'collection', value: (l: LagStatus) => l.collection },
  { title: 'content', value: (l: LagStatus) => l.content },
  { title: 'lag p50', align: 'right', value: (l: LagStatus) => ms(l.p50Ms) },
  { title: 'p95', align: 'right', value: (l: LagStatus) => ms(l.p95Ms) },
  { title: 'p99', align: 'right', value: (l: LagStatus) => ms(l.p99Ms) },
  { title: 'changes', align: 'right', value: (l: LagStatus) => formatCount(l.changes) },
  { title: 'on the way', align: 'right', value: (l: LagStatus) => ms(l.oldestMs) },
  { title: 'objective', align: 'right', value: (l: LagStatus) => ms(l.objectiveMs) },
] as const;
