import { type Command, InvalidArgumentError } from 'commander';
import type { HistoryRow, JournalRow } from '#store/store.ts';
import { exitCodes } from '../exit-codes.ts';
import { formatInstant, table } from '../format.ts';
import { pickPairs } from '../pick-pairs.ts';
import { command, type Run, type Session } from '../session.ts';

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
    ['causeway history --journal', 'conflicts, and the value that lost'],
  ])
    .argument('[address]', 'only the pair with this address')
    .option('--item <id>', 'only this item, by its id on either side')
    .option('--since <day>', 'only from this day on, such as 2026-11-22 (UTC)', day)
    .option('--limit <count>', 'at most so many lines', limit, 100)
    .option('--journal', 'the conflict journal instead')
    .action(session.action<HistoryOptions>(history));
}

function day(text: string): number {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw new InvalidArgumentError('Give a day such as 2026-11-22.');
  return at;
}

export function limit(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 1_000_000)
    throw new InvalidArgumentError('Give a number from 1 to 1000000.');
  return count;
}

async function history(run: Run, options: HistoryOptions, [address]: readonly string[]) {
  const { project, store: open } = run.services();
  const pair = address === undefined ? undefined : pickPairs(project, [address], undefined)[0];
  const store = await open('look');
  const only = pair === undefined ? {} : { pair: pair.id };
  const { output } = run;
  if (options.journal) {
    const rows = await store.journal(only, options.limit);
    for (const row of rows) output.line(row);
    output.text(rows.length === 0 ? 'no conflicts' : table(journalColumns, rows));
    return exitCodes.ok;
  }
  const rows = await store.history(
    {
      ...only,
      ...(options.item === undefined ? {} : { item: options.item }),
      ...(options.since === undefined ? {} : { sinceMs: options.since }),
    },
    options.limit,
  );
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

const journalColumns = [
  { title: 'when', value: (row: JournalRow) => formatInstant(row.atMs) },
  { title: 'pair', value: (row: JournalRow) => row.pair },
  { title: 'field', value: (row: JournalRow) => row.field },
  { title: 'source', value: (row: JournalRow) => JSON.stringify(row.left) ?? '' },
  { title: 'target', value: (row: JournalRow) => JSON.stringify(row.right) ?? '' },
  { title: 'winner', value: (row: JournalRow) => (row.winner === 'left' ? 'source' : 'target') },
  { title: 'why', value: (row: JournalRow) => row.why },
] as const;
