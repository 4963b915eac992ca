/**
 * `npm run sim -- [--seeds N] [--from N] [--seed N] [--json]`: lives of a pair from seeds, with faults, on a clock of their own.
 * Prints every violation with the command that replays it; the last line with `--json` is
 * `{"seeds","violations","firstBadSeed","duplicated","lost","mails"}`.
 */
import { parseArgs } from 'node:util';
import { runSeed } from './run-seed.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    json: { type: 'boolean', default: false },
    'stop-at-first': { type: 'boolean', default: false },
  },
});
const from = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;
const total = { seeds: 0, violations: 0, firstBadSeed: null as number | null, duplicated: 0, lost: 0, mails: 0 };
const say = (line: string) => (values.json ? process.stderr : process.stdout).write(`${line}\n`);
for (let seed = from; seed < from + count; seed++) {
  const report = await runSeed(seed);
  total.seeds++;
  total.violations += report.violations.length;
  total.duplicated += report.duplicated;
  total.lost += report.lost;
  total.mails += report.mails;
  if (values.seed !== undefined) for (const event of report.events) say(`  ${event}`);
  if (report.violations.length === 0) continue;
  total.firstBadSeed ??= seed;
  say(`seed ${seed}: replay with npm run sim -- --seed ${seed}`);
  for (const violation of report.violations) say(`  ${violation}`);
  if (values['stop-at-first']) break;
}
say(
  `${total.seeds} seeds, ${total.violations} violations, ${total.lost} lost, ${total.duplicated} duplicated, ${total.mails} mails`,
);
if (values.json) process.stdout.write(`${JSON.stringify(total)}\n`);
process.exitCode = total.violations > 0 ? 1 : 0;
