import { type Command, Option } from 'commander';
import { type PoisonReason, poisonReasons } from '#kit/fault.ts';
import type { QuarantineRow } from '#store/store.ts';
import { exitCodes } from '../exit-codes.ts';
import { countOf, formatBytes, formatInstant, table } from '../format.ts';
import { pickPairs } from '../pick-pairs.ts';
import { command, type Run, type Session } from '../session.ts';
import { limit } from './history.ts';

interface QuarantineOptions {
  readonly reason?: PoisonReason;
  readonly limit: number;
}

export function quarantineCommand(session: Session): Command {
  const reason = () => new Option('--reason <reason>', 'only this reason').choices(Object.keys(poisonReasons));
  const list = command('list', 'items that could not be carried over, each with its reason', [
    ['causeway quarantine list', 'all of them'],
    ['causeway quarantine list --reason too-large --json', 'one reason, for programs'],
  ])
    .argument('[address]', 'only the pair with this address')
    .addOption(reason())
    .option('--limit <count>', 'at most so many lines', limit, 1000)
    .action(session.action<QuarantineOptions>(listQuarantine));
  const retry = command('retry', 'let the next pass try them again', [
    ['causeway quarantine retry --reason too-large', 'after the limit of the target was raised'],
    ['causeway quarantine retry ana@old.example', 'everything of one pair'],
  ])
    .argument('[address]', 'only the pair with this address')
    .addOption(reason())
    .action(session.action<QuarantineOptions>(retryQuarantine));
  return command('quarantine', 'items that could not be carried over', [
    ['causeway quarantine list', 'what is there, and why'],
    ['causeway quarantine retry', 'try all of it again'],
  ])
    .addCommand(list)
    .addCommand(retry);
}

function filterOf(run: Run, options: QuarantineOptions, [address]: readonly string[]) {
  const pair = address === undefined ? undefined : pickPairs(run.services().project, [address], undefined)[0];
  return { ...(pair ? { pair: pair.id } : {}), ...(options.reason ? { reason: options.reason } : {}) };
}

async function listQuarantine(run: Run, options: QuarantineOptions, args: readonly string[]) {
  const filter = filterOf(run, options, args);
  const store = await run.services().store('look');
  const rows = await store.quarantine(filter, options.limit);
  for (const row of rows) run.output.line(row);
  if (rows.length === 0) {
    run.output.text('nothing is in quarantine');
    return exitCodes.ok;
  }
  run.output.text(table(columns, rows));
  run.output.text(
    `${countOf(rows.length, 'item')}; what each reason means and what to do: docs/operating/quarantine.md`,
  );
  return exitCodes.ok;
}

async function retryQuarantine(run: Run, options: QuarantineOptions, args: readonly string[]) {
  const filter = filterOf(run, options, args);
  const store = await run.services().store('own');
  const count = await store.retryQuarantine(filter);
  run.output.say(
    { retried: count },
    count === 0
      ? 'nothing is in quarantine'
      : `the next pass tries ${countOf(count, 'item')} again; run: causeway sync`,
  );
  return exitCodes.ok;
}

const columns = [
  { title: 'pair', value: (row: QuarantineRow) => row.pair },
  { title: 'reason', value: (row: QuarantineRow) => (row.retry ? `${row.reason} (tried again next)` : row.reason) },
  { title: 'class', value: (row: QuarantineRow) => row.itemClass },
  { title: 'size', align: 'right', value: (row: QuarantineRow) => formatBytes(row.sizeBytes) },
  { title: 'attempts', align: 'right', value: (row: QuarantineRow) => String(row.attempts) },
  { title: 'since', value: (row: QuarantineRow) => formatInstant(row.sinceMs) },
  { title: 'detail', value: (row: QuarantineRow) => row.detail },
] as const;
