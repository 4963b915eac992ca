/**
 * `npm run sim -- [--world memory|ews] [--seeds N] [--from N] [--seed N] [--json]`: lives of a pair from seeds, with faults, on a
 * clock of their own; with `--world ews` over the real EWS connectors, against the lab in this process.
 * Prints every violation with the command that replays it; the last line with `--json` is
 * `{"seeds","violations","firstBadSeed","duplicated","lost","mails"}`.
 *
 * `npm run sim -- --mutants [--mutant NAME] [--seeds N] [--json]`: plants bugs into the program (`mutants.ts`), each of which the
 * checkers must find within N (2,000) seeds. Last line: `{"mutants","caught","missed":[…]}`.
 */
import { parseArgs } from 'node:util';
import { ewsStage } from './ews/ews-stage.ts';
import { memoryStage } from './memory/memory-stage.ts';
import { runSeed } from './run-seed.ts';

const { values } = parseArgs({
  options: {
    world: { type: 'string', default: 'memory' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    json: { type: 'boolean', default: false },
    'stop-at-first': { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    mutant: { type: 'string' },
  },
});
const say = (line: string) => (values.json ? process.stderr : process.stdout).write(`${line}\n`);

const stages = { memory: memoryStage, ews: ewsStage } as const;
const isStage = (name: string): name is keyof typeof stages => Object.hasOwn(stages, name);
const { world } = values;

async function runSeeds(): Promise<void> {
  if (!isStage(world)) throw new Error(`there is no world ${world}; there are ${Object.keys(stages).join(' and ')}`);
  const again = world === 'memory' ? '' : `--world ${world} `;
  const from = Number(values.seed ?? values.from);
  const count = values.seed === undefined ? Number(values.seeds ?? 200) : 1;
  const total = { seeds: 0, violations: 0, firstBadSeed: null as number | null, duplicated: 0, lost: 0, mails: 0 };
  for (let seed = from; seed < from + count; seed++) {
    const report = await runSeed(seed, stages[world]);
    total.seeds++;
    total.violations += report.violations.length;
    total.duplicated += report.duplicated;
    total.lost += report.lost;
    total.mails += report.mails;
    if (values.seed !== undefined) for (const event of report.events) say(`  ${event}`);
    if (report.violations.length === 0) continue;
    total.firstBadSeed ??= seed;
    say(`seed ${seed}: replay with npm run sim -- ${again}--seed ${seed}`);
    for (const violation of report.violations) say(`  ${violation}`);
    if (values['stop-at-first']) break;
  }
  say(
    `${total.seeds} seeds, ${total.violations} violations, ${total.lost} lost, ${total.duplicated} duplicated, ${total.mails} mails`,
  );
  if (values.json) process.stdout.write(`${JSON.stringify(total)}\n`);
  process.exitCode = total.violations > 0 ? 1 : 0;
}

async function plantBugs(): Promise<void> {
  const { runMutants } = await import('./run-mutants.ts');
  const report = await runMutants(Number(values.seeds ?? 2000), values.mutant ?? null, say);
  say(`${report.mutants} planted bugs, ${report.caught} caught${report.missed.map((m) => `\nmissed: ${m}`).join('')}`);
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  process.exitCode = report.missed.length > 0 ? 1 : 0;
}

await (values.mutants || values.mutant !== undefined ? plantBugs() : runSeeds());
