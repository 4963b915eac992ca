import { type Command, InvalidArgumentError } from 'commander';
import { grades } from '#jobs/verify/grade.ts';
import type { Finding, VerifyReport } from '#jobs/verify/report.ts';
import { FaultError } from '#kit/fault.ts';
import type { PairId } from '#model/ids.ts';
import { type ProjectPair, tracksOf } from '#project/project.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { countOf, formatCount, plain } from '../format.ts';
import type { JobPair } from '../jobs.ts';
import { limit } from '../options.ts';
import { pickPairs } from '../pick-pairs.ts';
import { progressBars } from '../progress.ts';
import { SaidWays } from '../say-ways.ts';
import { command, type Run, type Session } from '../session.ts';

interface VerifyOptions {
  readonly collection?: string;
  readonly sample: number;
  readonly contents: number;
  readonly limit: number;
}

export function verifyCommand(session: Session): Command {
  return command('verify', 'compare both sides item by item, and grade the result', [
    ['causeway verify', 'every pair, with the contents of every message'],
    ['causeway verify ana@old.example --sample 100%', 'everything there is about one mailbox'],
    ['causeway verify --contents 5%', 'quicker: properties of all, contents of some'],
    ['causeway verify --json', 'every difference, for programs'],
  ])
    .argument('[addresses...]', 'only the pairs with these addresses')
    .option('-c, --collection <name>', 'only this collection')
    .option('--sample <share>', 'items whose whole property lists are compared', share, 0.01)
    .option('--contents <share>', 'items whose contents are read again, decoded and compared', share, 1)
    .option('--limit <count>', 'show so many differences of each pair', limit, 20)
    .action(session.action<VerifyOptions>(verify));
}

function share(text: string): number {
  const percent = Number(/^(\d{1,3}(?:\.\d+)?)\s*%$/.exec(text)?.[1] ?? Number.NaN);
  if (!(percent >= 0 && percent <= 100)) throw new InvalidArgumentError('Give a percentage, such as 5%.');
  return percent / 100;
}

async function verify(run: Run, options: VerifyOptions, addresses: readonly string[]): Promise<ExitCode> {
  const services = run.services();
  const { output, terminal } = run;
  const pairs = pickPairs(services.project, addresses, options.collection);
  const store = await services.store('look');
  const bars = progressBars(terminal, output);
  const ways = new SaidWays(run);
  const results: VerifyReport[] = [];
  const read: { readonly pair: ProjectPair; readonly job: JobPair }[] = [];
  const failed: { readonly pair: PairId; readonly why: string }[] = [];
  try {
    for (const pair of pairs) {
      const progress = (done: number, total: number) => bars.show(pair.id, { done, total, bytes: 0, note: '' });
      const around = { clock: terminal.clock, signal: run.signal };
      try {
        const job = await services.jobPair(pair);
        results.push(
          await run.jobs.verifyPair(
            job,
            store,
            { contents: options.contents, propertyLists: options.sample, progress },
            around,
          ),
        );
        read.push({ pair, job });
      } catch (error) {
        // One mailbox that cannot be read does not hide the others.
        if (!(error instanceof FaultError)) throw error;
        failed.push({ pair: pair.id, why: error.message });
      }
      bars.finish(pair.id);
    }
  } finally {
    bars.close();
  }
  // Only now: to this both sides must have said what they are.
  for (const { pair, job } of read)
    for (const { kind } of tracksOf(services.project, [pair])) ways.say(pair.collection, kind, job);
  for (const result of results) show(run, result, options.limit);
  for (const { pair, why } of failed)
    output.say({ event: 'stopped', pair, why }, `${output.colours.red('stopped')} ${plain(pair)}: ${plain(why)}`);
  if (results.length === 0) return exitCodes.stopped;
  const grade = grades[Math.max(0, ...results.map((result) => grades.indexOf(result.grade)))] ?? 'perfect';
  const compared = results.reduce((sum, result) => sum + result.compared, 0);
  output.say(
    { grade, pairs: results.length, compared, sampled: results.reduce((sum, { sampled }) => sum + sampled, 0) },
    `${output.colours.bold(grade)}: ${countOf(compared, 'item')} of ${countOf(results.length, 'pair')} compared; the rules of the grades: docs/operating/verify.md`,
  );
  if (grade === 'investigate' || grade === 'poor') return exitCodes.differences;
  return failed.length > 0 ? exitCodes.stopped : exitCodes.ok;
}

function show(run: Run, report: VerifyReport, most: number): void {
  const { output } = run;
  const { findings, findingCounts, notCarried, ...rest } = report;
  for (const finding of findings) output.line({ event: 'finding', pair: report.pair, ...finding });
  output.line({ event: 'pair', ...rest, findingCounts, notCarried });
  const counts = [
    `${formatCount(report.compared)} compared`,
    `${formatCount(report.contents)} with their contents`,
    `${formatCount(report.sampled)} with all their properties`,
    `${formatCount(report.missing)} missing`,
    `${formatCount(report.surplus)} too many`,
    `${formatCount(report.differing)} different`,
  ];
  output.text(`${plain(report.pair)}: ${output.colours.bold(report.grade)}; ${counts.join(', ')}`);
  for (const finding of findings.slice(0, most)) output.text(`  ${describe(finding)}`);
  if (findings.length > most) output.text(`  … and ${formatCount(findings.length - most)} more (--limit)`);
  for (const { property, present, different } of notCarried.filter((one) => one.different > 0))
    output.text(
      `  not carried over: ${property}, on ${formatCount(present)} of the sample, different on ${formatCount(different)}`,
    );
}

function describe({ kind, folder, property, leftValue, rightValue, explainedBy }: Finding): string {
  const what = property === null ? kind : `${kind} ${property}: ${leftValue} became ${rightValue}`;
  return plain(`${folder}: ${what}${explainedBy === null ? '' : ` (explained: ${explainedBy})`}`);
}
