import type { Command } from 'commander';
import { must } from '#kit/assert.ts';
import { type Track, tracksOf } from '#project/project.ts';
import { type JournalRow, type Store, trackId } from '#store/store.ts';
import { CliError } from '../cli-error.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { formatInstant, plain, table } from '../format.ts';
import { limit } from '../options.ts';
import { pickTracks } from '../pick-tracks.ts';
import { command, type Run, type Session } from '../session.ts';

interface ListOptions {
  readonly limit: number;
}

interface RestoreOptions {
  readonly apply?: true;
}

export function journalCommand(session: Session): Command {
  const list = command('list', 'conflicts, newest first: who won, and why', [
    ['causeway journal list', 'of every pair'],
    ['causeway journal list ana@old.example --json', 'of one pair, for programs'],
  ])
    .argument('[address]', 'only the pair with this address')
    .option('--limit <count>', 'at most so many lines', limit, 100)
    .action(session.action<ListOptions>(listJournal));
  const show = command('show', 'one conflict, with both values and the one before', [
    ['causeway journal show 42', 'its number stands in journal list'],
  ])
    .argument('<number>', 'number of the entry')
    .action(session.action<object>(showEntry));
  const restore = command('restore', 'put the value that lost back on both sides', [
    ['causeway journal restore 42', 'only says what it would do'],
    ['causeway journal restore 42 --apply', 'does it; what stood there goes to the journal'],
  ])
    .argument('<number>', 'number of the entry')
    .option('--apply', 'write it')
    .action(session.action<RestoreOptions>(restoreEntry));
  return command('journal', 'conflicts, and the values that lost', [
    ['causeway journal list', 'what was decided, and why'],
    ['causeway journal restore 42 --apply', 'the other value after all'],
  ])
    .addCommand(list)
    .addCommand(show)
    .addCommand(restore);
}

export async function listJournal(run: Run, options: ListOptions, [address]: readonly string[]): Promise<ExitCode> {
  const { project, store: open } = run.services();
  const tracks = pickTracks(project, address);
  const store = await open('look');
  const found =
    tracks === null
      ? [await store.journal({}, options.limit)]
      : await Promise.all(tracks.map((t) => store.journal({ pair: trackId(t.pair.id, t.kind) }, options.limit)));
  const rows = found
    .flat()
    .sort((a, b) => b.no - a.no)
    .slice(0, options.limit);
  for (const row of rows) run.output.line(row);
  run.output.text(rows.length === 0 ? 'no conflicts' : table(columns, rows));
  return exitCodes.ok;
}

async function entryOf(store: Store, text: string | undefined): Promise<JournalRow> {
  const no = Number(text);
  const [row] = Number.isSafeInteger(no) && no > 0 ? await store.journal({ no }, 1) : [];
  if (row) return row;
  throw new CliError(`the journal has no entry ${text}; causeway journal list shows the numbers`);
}

async function showEntry(run: Run, _options: object, [number]: readonly string[]): Promise<ExitCode> {
  const row = await entryOf(await run.services().store('look'), number);
  run.output.line(row);
  run.output.text(`${run.output.colours.bold(`entry ${row.no}`)}, ${formatInstant(row.atMs)}, ${plain(row.pair)}`);
  run.output.text(
    `${row.day === null ? '' : `occurrence of ${row.day}, `}${row.field}: ${wordOf(row.winner)} won, ${plain(row.why)}`,
  );
  for (const [name, value] of [
    ['before', row.base],
    ['source', row.left],
    ['target', row.right],
  ] as const)
    run.output.text(`  ${name}: ${plain(JSON.stringify(value, null, 2) ?? '–').replaceAll('\\x0a', '\n  ')}`);
  if (row.restoredAtMs !== null) run.output.text(`put back ${formatInstant(row.restoredAtMs)}`);
  return exitCodes.ok;
}

async function restoreEntry(run: Run, options: RestoreOptions, [number]: readonly string[]): Promise<ExitCode> {
  const services = run.services();
  const store = await services.store(options.apply ? 'own' : 'look');
  const row = await entryOf(store, number);
  const track = trackOf(tracksOf(services.project, services.project.pairs), row);
  if (track.kind === 'mail')
    throw new CliError('conflicts of mail are put back by hand: journal show prints both values');
  const report = await run.jobs.restoreValue(
    await services.jobPair(track.pair),
    track.kind,
    row,
    options.apply === true,
    store,
    run.around,
  );
  run.output.line({ no: row.no, ...report });
  if (report.refused !== null) throw new CliError(`entry ${row.no} cannot be put back: ${report.refused}`);
  for (const { side, field, from, to } of report.steps)
    run.output.text(`${wordOf(side)}: ${row.day === null ? '' : `${row.day} `}${field}: ${short(from)} → ${short(to)}`);
  if (report.steps.length === 0) run.output.text('both sides show that value already');
  else run.output.text(report.applied ? 'put back on both sides' : 'nothing was written; do it with --apply');
  return exitCodes.ok;
}

function trackOf(tracks: readonly Track[], row: JournalRow): Track {
  const found = tracks.find(({ pair, kind }) => trackId(pair.id, kind) === row.pair);
  if (found) return found;
  throw new CliError(`${plain(row.pair)} is not in the project file any more`);
}

const wordOf = (side: JournalRow['winner']): string => (side === 'left' ? 'source' : 'target');
const short = (value: unknown): string => {
  const text = must(JSON.stringify(value ?? null), 'plain data');
  return plain(text.length > 120 ? `${text.slice(0, 117)}…` : text);
};

const columns = [
  { title: 'no', align: 'right', value: (row: JournalRow) => String(row.no) },
  { title: 'when', value: (row: JournalRow) => formatInstant(row.atMs) },
  { title: 'pair', value: (row: JournalRow) => row.pair },
  { title: 'field', value: (row: JournalRow) => (row.day === null ? row.field : `${row.day} ${row.field}`) },
  { title: 'source', value: (row: JournalRow) => short(row.left) },
  { title: 'target', value: (row: JournalRow) => short(row.right) },
  { title: 'winner', value: (row: JournalRow) => wordOf(row.winner) },
  { title: 'why', value: (row: JournalRow) => row.why },
] as const;
