import type { Command } from 'commander';
import type { PlannedWrite } from '#jobs/pass/planned-write.ts';
import { FaultError } from '#kit/fault.ts';
import { tracksOf } from '#project/project.ts';
import { trackId } from '#store/store.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { countOf, formatBytes, formatCount, plain, table } from '../format.ts';
import type { JobPair } from '../jobs.ts';
import { limit } from '../options.ts';
import { pickPairs } from '../pick-pairs.ts';
import { SaidWays } from '../say-ways.ts';
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

async function plan(run: Run, options: PlanOptions, addresses: readonly string[]): Promise<ExitCode> {
  const services = run.services();
  const { output } = run;
  let code: ExitCode = exitCodes.ok;
  const around = { clock: run.terminal.clock, signal: run.signal };
  const pairs = pickPairs(services.project, addresses, options.collection);
  const ways = new SaidWays(run);
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
    // Also where nothing can be done, since it may say why.
    if (jobPair !== null) ways.say(pair.collection, kind, jobPair);
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
