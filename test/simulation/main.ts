/**
 * `npm run sim -- [--of mail,calendar,series] [--world memory|ews] [--seeds N] [--from N] [--seed N] [--json]`: lives of a pair from seeds, with
 * faults, on a clock of their own; a life of its mail and a life of its calendars from each seed. With `--world ews` over the real EWS
 * connectors, against the lab in this process.
 * Prints every violation with the command that replays it; the last line with `--json` is
 * `{"seeds","violations","firstBadSeed","duplicated","lost","mails"}`.
 *
 * With `--store plain` lives remember in plain maps instead of a database, which takes less than half of the time; they are others then.
 *
 * Seeds and schedules are spread over `--lanes` (1) processes.
 *
 * `npm run sim -- rival [--moves N] [--seeds N] [--seed N] [--json]`: Repair Assistant, Calendar Attendant and clients like Outlook and phones
 * against the program: every way in which up to N (2) moves of theirs can fall between its requests, then N lives from seeds.
 *
 * `npm run sim -- --mutants [--mutant NAME] [--seeds N] [--json]`: plants bugs into the program (`mutants.ts`), each of which the
 * checkers must find within N (2,000) seeds. Last line: `{"mutants","caught","missed":[…]}`.
 */
import { parseArgs } from 'node:util';
import { runExhaustively, type Schedule } from './calendar/rival-exhaustive.ts';
import { runInLanes } from './lanes.ts';
import { lifeOf } from './lives.ts';
import { storeKinds } from './shared-store.ts';

const { values, positionals } = parseArgs({
  options: {
    world: { type: 'string', default: 'memory' },
    store: { type: 'string', default: 'sqlite' },
    of: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    json: { type: 'boolean', default: false },
    'stop-at-first': { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    mutant: { type: 'string' },
    moves: { type: 'string', default: '2' },
    schedule: { type: 'string' },
    lanes: { type: 'string', default: '1' },
    /** Of a process of a lane: `2/3` is the third of three. */
    part: { type: 'string', default: '0/1' },
  },
  allowPositionals: true,
});
const say = (line: string) => (values.json ? process.stderr : process.stdout).write(`${line}\n`);

const [part = 0, parts = 1] = values.part.split('/').map(Number);
const isMine = (n: number) => n % parts === part;

/** Kinds of lives that are lived when none is named. */
const kinds = ['mail', 'calendar'];
const { world } = values;
const store = storeKinds.find((kind) => kind === values.store) ?? noStore(values.store);
/** What a command that replays a life has to name besides. */
const beside = `${world === 'memory' ? '' : `--world ${world} `}${store === 'sqlite' ? '' : `--store ${store} `}`;

function noStore(name: string): never {
  throw new Error(`there is no store ${name}; there are ${storeKinds.join(' and ')}`);
}

async function runSeeds(): Promise<void> {
  const chosen = (values.of?.split(',') ?? kinds).map((kind) => [kind, lifeOf(kind, world)] as const);
  const from = Number(values.seed ?? values.from);
  const count = values.seed === undefined ? Number(values.seeds ?? 200) : 1;
  const total = { seeds: 0, violations: 0, firstBadSeed: null as number | null, duplicated: 0, lost: 0, mails: 0 };
  for (let seed = from; seed < from + count; seed++) {
    if (!isMine(seed)) continue;
    total.seeds++;
    for (const [kind, live] of chosen) {
      const report = await live(seed, store);
      total.violations += report.violations.length;
      total.duplicated += report.duplicated;
      total.lost += report.lost;
      total.mails += report.mails;
      if (values.seed !== undefined) for (const event of report.events) say(`  ${event}`);
      if (report.violations.length === 0) continue;
      total.firstBadSeed ??= seed;
      say(`seed ${seed}: replay with npm run sim -- ${beside}--of ${kind} --seed ${seed}`);
      for (const violation of report.violations) say(`  ${violation}`);
    }
    if (values['stop-at-first'] && total.violations > 0) break;
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

async function runRivals(): Promise<void> {
  const live = lifeOf('rival', world);
  const total = {
    schedules: 0,
    seeds: 0,
    violations: 0,
    firstBadSeed: null as number | null,
    duplicated: 0,
    lost: 0,
    mails: 0,
  };
  const add = (found: { violations: number; lost: number; duplicated: number; mails: number }) => {
    total.violations += found.violations;
    total.duplicated += found.duplicated;
    total.lost += found.lost;
    total.mails += found.mails;
  };
  if (values.seed === undefined && world === 'memory') {
    const only = values.schedule === undefined ? null : (JSON.parse(values.schedule) as Schedule);
    const report = await runExhaustively(Number(values.moves), say, { only, isMine, store });
    say(`${report.schedules} schedules of up to ${values.moves} moves, ${report.violations} violations`);
    add(report);
    total.schedules += report.schedules;
  }
  const from = Number(values.seed ?? values.from);
  const count = values.schedule !== undefined ? 0 : values.seed === undefined ? Number(values.seeds ?? 200) : 1;
  for (let seed = from; seed < from + count; seed++) {
    if (!isMine(seed)) continue;
    const report = await live(seed, store);
    total.seeds++;
    add({ ...report, violations: report.violations.length });
    if (values.seed !== undefined) for (const event of report.events) say(`  ${event}`);
    if (report.violations.length === 0) continue;
    total.firstBadSeed ??= seed;
    say(`seed ${seed}: replay with npm run sim -- rival ${beside}--seed ${seed}`);
    for (const violation of report.violations) say(`  ${violation}`);
    if (values['stop-at-first']) break;
  }
  say(
    `${total.seeds} seeds, ${total.violations} violations, ${total.lost} lost, ${total.duplicated} duplicated, ${total.mails} mails`,
  );
  if (values.json) process.stdout.write(`${JSON.stringify(total)}\n`);
  process.exitCode = total.violations > 0 ? 1 : 0;
}

const [what, ...more] = positionals;
if (more.length > 0 || (what !== undefined && what !== 'rival'))
  throw new Error(`there is no simulation ${positionals.join(' ')}; there is rival`);
const lanes = values.seed === undefined && values.schedule === undefined ? Number(values.lanes) : 1;
if (lanes > 1 && values.mutants) throw new Error('planted bugs have lanes of their own');
await (lanes > 1
  ? runInLanes(lanes, values.json)
  : what === 'rival'
    ? runRivals()
    : values.mutants || values.mutant !== undefined
      ? plantBugs()
      : runSeeds());
