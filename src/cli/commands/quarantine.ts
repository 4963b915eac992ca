import { type Command, Option } from 'commander';
import { passKey } from '#agent/work.ts';
import { type PoisonReason, poisonReasons } from '#kit/fault.ts';
import { tracksOf } from '#project/project.ts';
import type { QuarantineRow } from '#store/store.ts';
import { trackId } from '#store/store.ts';
import { exitCodes } from '../exit-codes.ts';
import { countOf, formatBytes, formatInstant, table } from '../format.ts';
import { limit } from '../options.ts';
import { pickTracks } from '../pick-tracks.ts';
import { command, type Run, type Session } from '../session.ts';

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

/** One filter a track of the address; without an address one for all. */
function filtersOf(run: Run, options: QuarantineOptions, [address]: readonly string[]) {
  const tracks = pickTracks(run.services().project, address);
  const reason = options.reason ? { reason: options.reason } : {};
  return tracks === null ? [reason] : tracks.map(({ pair, kind }) => ({ ...reason, pair: trackId(pair.id, kind) }));
}

async function listQuarantine(run: Run, options: QuarantineOptions, args: readonly string[]) {
  const filters = filtersOf(run, options, args);
  const store = await run.services().store('look');
  const found = await Promise.all(filters.map((filter) => store.quarantine(filter, options.limit)));
  const rows = found.flat().slice(0, options.limit);
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
  const filters = filtersOf(run, options, args);
  const services = run.services();
  const store = await services.store('own');
  let count = 0;
  for (const filter of filters) count += await store.retryQuarantine(filter);
  // An agent that is running need not wait for its next look.
  const again = new Set((await store.quarantine({ retry: true }, count)).map(({ pair }) => pair));
  const tracks = tracksOf(services.project, services.project.pairs);
  await store.notify(
    tracks
      .filter(({ pair, kind }) => again.has(trackId(pair.id, kind)))
      .map(({ pair, kind }) => passKey(pair.id, kind)),
    run.terminal.clock.nowMs(),
  );
  run.output.say(
    { retried: count },
    count === 0
      ? 'nothing is in quarantine'
      : `the next pass tries ${countOf(count, 'item')} again: at once while causeway run is running, or run: causeway sync`,
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
