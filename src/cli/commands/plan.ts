import type { Command } from 'commander';
import type { WayChoice } from '#jobs/item-ways.ts';
import type { PlannedWrite } from '#jobs/pass/planned-write.ts';
import { FaultError } from '#kit/fault.ts';
import { type Representation, representations } from '#model/item-ways.ts';
import { tracksOf } from '#project/project.ts';
import { type ContentKind, trackId } from '#store/store.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { countOf, formatBytes, formatCount, plain, table } from '../format.ts';
import type { JobPair } from '../jobs.ts';
import { limit } from '../options.ts';
import type { Output } from '../output.ts';
import { pickPairs } from '../pick-pairs.ts';
import { command, type Run, type Session } from '../session.ts';

interface PlanOptions {
  readonly collection?: string;
  readonly limit: number;
}

export function planCommand(session: Session): Command {
  return command('plan', 'what a pass would do, and why; changes nothing', [
    ['causeway plan', 'for every pair, with the first writes of each'],
    ['causeway plan ana@old.example --limit 1000', 'more of them'],
    ['causeway plan --json', 'every single write, for programs'],
  ])
    .argument('[addresses...]', 'only the pairs with these addresses')
    .option('-c, --collection <name>', 'only this collection')
    .option('--limit <count>', 'show so many writes of each pair', limit, 20)
    .action(session.action<PlanOptions>(plan));
}

/** `collection: meeting as fields → stream: …`, and beneath it why not otherwise. */
function sayWay(output: Output, collection: string, content: ContentKind, choice: WayChoice): void {
  const { kind, way, because, dismissed } = choice;
  const name = (as: Representation) => representations[as];
  const as = way === null ? 'cannot travel' : `as ${[...new Set([way.read, way.write])].map(name).join(' → ')}`;
  const others = dismissed.map(
    (one) => `  not as ${name(one.as)}${one.side === 'left' ? ' from the source' : ''}: ${one.because}`,
  );
  output.say(
    { collection, content, item: kind, way, because, dismissed },
    [`${plain(collection)}: ${kind} ${as}: ${because}`, ...others].join('\n'),
  );
}

async function plan(run: Run, options: PlanOptions, addresses: readonly string[]): Promise<ExitCode> {
  const services = run.services();
  const { output } = run;
  let code: ExitCode = exitCodes.ok;
  const around = { clock: run.terminal.clock, signal: run.signal };
  const pairs = pickPairs(services.project, addresses, options.collection);
  const shown = new Set<string>();
  for (const track of tracksOf(services.project, pairs)) {
    const { pair, kind } = track;
    const id = trackId(pair.id, kind);
    let writes: readonly PlannedWrite[] = [];
    let stopped: string | null = null;
    let jobPair: JobPair | null = null;
    try {
      jobPair = await services.jobPair(pair);
      writes = await run.jobs.planPair(jobPair, kind, await services.storeFor(track), around);
    } catch (error) {
      // One mailbox that cannot be read does not hide the others.
      if (!(error instanceof FaultError)) throw error;
      stopped = error.message;
    }
    // The same for every pair of a collection, so it is said with the first; also where nothing can be done, since it may say why.
    if (jobPair !== null && !shown.has(`${pair.collection} ${kind}`)) {
      shown.add(`${pair.collection} ${kind}`);
      for (const choice of run.jobs.itemWays(jobPair, kind)) sayWay(output, pair.collection, kind, choice);
    }
    if (stopped !== null) {
      code = exitCodes.stopped;
      output.say(
        { pair: pair.id, content: kind, error: stopped },
        `${output.colours.red('stopped')} ${plain(id)}: ${plain(stopped)}`,
      );
      continue;
    }
    for (const write of writes) output.line({ pair: pair.id, content: kind, ...write });
    const bytes = writes.reduce((sum, write) => sum + write.bytes, 0);
    output.text(
      `${output.colours.bold(plain(id))}: ${writes.length === 0 ? 'nothing to do' : `${countOf(writes.length, 'write')}, ${formatBytes(bytes)}`}`,
    );
    if (writes.length === 0) continue;
    output.text(table(totalColumns, totals(writes)));
    output.text(table(writeColumns, writes.slice(0, options.limit)));
    if (writes.length > options.limit)
      output.text(`… and ${formatCount(writes.length - options.limit)} more (--limit)`);
  }
  return code;
}

interface Total {
  readonly action: string;
  readonly count: number;
  readonly bytes: number;
}

function totals(writes: readonly PlannedWrite[]): readonly Total[] {
  const sums = new Map<string, Total>();
  for (const { action, bytes } of writes) {
    const sum = sums.get(action) ?? { action, count: 0, bytes: 0 };
    sums.set(action, { action, count: sum.count + 1, bytes: sum.bytes + bytes });
  }
  return [...sums.values()];
}

const totalColumns = [
  { title: 'action', value: (total: Total) => total.action },
  { title: 'count', align: 'right', value: (total: Total) => formatCount(total.count) },
  { title: 'size', align: 'right', value: (total: Total) => formatBytes(total.bytes) },
] as const;

const writeColumns = [
  { title: 'action', value: (write: PlannedWrite) => write.action },
  { title: 'on', value: (write: PlannedWrite) => (write.side === 'left' ? 'source' : 'target') },
  { title: 'folder', value: (write: PlannedWrite) => write.folder },
  { title: 'size', align: 'right', value: (write: PlannedWrite) => formatBytes(write.bytes) },
  {
    title: 'why',
    value: (write: PlannedWrite) => (write.detail === null ? write.reason : `${write.reason} (${write.detail})`),
  },
] as const;
