import { spawn } from 'node:child_process';

type Totals = Record<string, number | null>;

/**
 * This program again, once for each lane, with a part of the seeds and schedules each. What they say comes through; the totals are added up.
 */
export async function runInLanes(lanes: number, isJson: boolean): Promise<void> {
  const totals = await Promise.all(Array.from({ length: lanes }, (_, n) => runLane(`${n}/${lanes}`)));
  const sum: Totals = {};
  for (const [name, value] of totals.flatMap((t) => Object.entries(t))) {
    const before = sum[name] ?? null;
    if (name !== 'firstBadSeed') sum[name] = (before ?? 0) + (value ?? 0);
    else sum[name] = before === null || value === null ? (before ?? value) : Math.min(before, value);
  }
  if (isJson) process.stdout.write(`${JSON.stringify(sum)}\n`);
  else process.stdout.write(`${JSON.stringify(sum)} in ${lanes} lanes\n`);
  process.exitCode = (sum['violations'] ?? 0) > 0 ? 1 : 0;
}

async function runLane(part: string): Promise<Totals> {
  const [program = '', ...args] = process.argv.slice(1);
  const child = spawn(
    process.execPath,
    [...process.execArgv, program, ...args, '--lanes', '1', '--part', part, '--json'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let out = '';
  child.stdout.on('data', (data) => {
    out += data;
  });
  await new Promise((done) => child.once('close', done));
  if (out === '') throw new Error(`lane ${part} ended without its totals`);
  return JSON.parse(out) as Totals;
}
