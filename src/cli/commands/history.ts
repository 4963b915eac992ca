import { type Command, InvalidArgumentError } from 'commander';
import { type HistoryRow, trackId } from '#store/store.ts';
import { exitCodes } from '../exit-codes.ts';
import { formatInstant, table } from '../format.ts';
import { limit } from '../options.ts';
import { pickTracks } from '../pick-tracks.ts';
import { command, type Run, type Session } from '../session.ts';
import { listJournal } from './journal.ts';

interface HistoryOptions {
  readonly item?: string;
  readonly since?: number;
  readonly limit: number;
  readonly journal?: true;
}

export function historyCommand(session: Session): Command {
  return command('history', 'what was written, and why; newest first', [
    ['causeway history ana@old.example', 'the last writes of one pair'],
    ['causeway history --item AAMkAD… --json', 'everything about one item, by its id on either side'],
  ])
    .argument('[address]', 'only the pair with this address')
    .option('--item <id>', 'only this item, by its id on either side')
    .option('--since <day>', 'only from this day on, such as 2026-11-22 (UTC)', day)
    .option('--limit <count>', 'at most so many lines', limit, 100)
    .option('--journal', 'the conflict journal instead: see causeway journal')
    .action(session.action<HistoryOptions>(history));
}

function day(text: string): number {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw new InvalidArgumentError('Give a day such as 2026-11-22.');
  return at;
}

async function history(run: Run, options: HistoryOptions, [address]: readonly string[]) {
  const { project, store: open } = run.services();
  if (options.journal) {
    run.output.note('history --journal is journal list by now; journal show and journal restore do more');
    return listJournal(
      run,
      options,
      [address ?? ''].filter((text) => text !== ''),
    );
  }
  const tracks = pickTracks(project, address);
  const store = await open('look');
  const { output } = run;
  const filter = {
    ...(options.item === undefined ? {} : { item: options.item }),
    ...(options.since === undefined ? {} : { sinceMs: options.since }),
  };
  const found =
    tracks === null
      ? [await store.history(filter, options.limit)]
      : await Promise.all(
          tracks.map(({ pair, kind }) => store.history({ ...filter, pair: trackId(pair.id, kind) }, options.limit)),
        );
  const rows = found
    .flat()
    .sort((a, b) => b.atMs - a.atMs)
    .slice(0, options.limit);
  for (const row of rows) output.line(row);
  output.text(rows.length === 0 ? 'nothing was written' : table(historyColumns, rows));
  return exitCodes.ok;
}

const historyColumns = [
  { title: 'when', value: (row: HistoryRow) => formatInstant(row.atMs) },
  { title: 'pair', value: (row: HistoryRow) => row.pair },
  { title: 'pass', align: 'right', value: (row: HistoryRow) => String(row.pass) },
  { title: 'action', value: (row: HistoryRow) => row.action },
  { title: 'outcome', value: (row: HistoryRow) => row.outcome },
  { title: 'why', value: (row: HistoryRow) => (row.detail === null ? row.reason : `${row.reason} (${row.detail})`) },
] as const;
