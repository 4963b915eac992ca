import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { calendarMutants } from './calendar/calendar-mutants.ts';
import { lifeOf } from './lives.ts';
import { type Mutant, mutants as mailMutants } from './mutants.ts';
import type { StoreKind } from './shared-store.ts';

/** All planted bugs. */
export const mutants: readonly Mutant[] = [...mailMutants, ...calendarMutants];
/** What is bundled with a planted bug, from the project's root. */
export const mutantProgram = 'test/programs/mutant-seeds.ts';
/** How many mutated programs run at the same time. */
const lanes = 2;
/**
 * How many seeds a process lives through. Databases in memory are let go when JavaScript collects its own garbage, which is seldom
 * asked for where there is little of it: a process for all of them grows by gigabytes.
 */
const seedsAtOnce = 200;
/** A mutated program may loop for ever: then no checker reported it, and it counts as missed. */
const limitMs = 60 * 60_000;

export interface MutantsReport {
  readonly mutants: number;
  readonly caught: number;
  /** Names of those that survived every seed. */
  readonly missed: readonly string[];
}

/** The project's root, from a source file and from a bundle alike. */
export function projectRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory);
  return directory;
}

/** The mutated source. Throws when the place is not there, or there more than once: then the mutant says nothing any more. */
export function mutate(mutant: Mutant, source: string): string {
  const pieces = source.split(mutant.find);
  if (pieces.length !== 2)
    throw new Error(
      `mutant "${mutant.name}" is stale: what it looks for stands ${pieces.length - 1} times in ${mutant.file}`,
    );
  return pieces.join(mutant.replace);
}

/** Runs every planted bug over the seeds 1 to `seeds` until a checker reports it. */
export async function runMutants(
  seeds: number,
  only: string | null,
  say: (line: string) => void,
): Promise<MutantsReport> {
  const root = projectRoot();
  // Inside of the project, because packages are looked up from there.
  mkdirSync(join(root, 'dist'), { recursive: true });
  const folder = mkdtempSync(join(root, 'dist', 'mutants-'));
  const chosen = mutants.filter(
    (m) => only === null || m.name.includes(only) || (m.lives ?? 'mail') === only || m.world === only,
  );
  if (chosen.length === 0) throw new Error(`there is no planted bug ${only}`);
  const missed: string[] = [];
  try {
    for (const mutant of chosen) mutate(mutant, readFileSync(join(root, mutant.file), 'utf8'));
    let next = 0;
    const lane = async () => {
      for (let n = next++; n < chosen.length; n = next++) {
        const mutant = chosen[n] as Mutant;
        const path = join(folder, `${n}.mjs`);
        await bundle(root, mutant, path);
        const { seed: known } = mutant;
        const lives: Lives = [mutant.lives ?? 'mail', mutant.world ?? 'memory', mutant.store ?? 'sqlite'];
        let outcome = known === undefined ? nothing : await runProgram(path, lives, known, known);
        if (outcome.seed === null) outcome = await search(path, lives, 1, seeds);
        // A life that ends badly without any planted bug says nothing about this one.
        while (outcome.seed !== null && (await endsBadly(lives, outcome.seed))) {
          say(`seed ${outcome.seed} fails without any planted bug`);
          outcome = await search(path, lives, outcome.seed === known ? 1 : outcome.seed + 1, seeds);
        }
        if (outcome.seed === null) {
          missed.push(mutant.name);
          say(`MISSED  ${mutant.name} (${mutant.file}): ${outcome.report}`);
          continue;
        }
        say(`caught  ${mutant.name}: seed ${outcome.seed}, ${outcome.report}`);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { mutants: chosen.length, caught: chosen.length - missed.length, missed };
}

/** The simulation with one planted bug, as one file. */
async function bundle(root: string, mutant: Mutant, outfile: string): Promise<void> {
  let planted = false;
  const plant: Plugin = {
    name: 'plant',
    setup(b) {
      b.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (path !== join(root, mutant.file)) return undefined;
        planted = true;
        return { contents: mutate(mutant, readFileSync(path, 'utf8')), loader: 'ts' };
      });
    },
  };
  await build({
    absWorkingDir: root,
    entryPoints: [mutantProgram],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    logLevel: 'silent',
    plugins: [plant],
  });
  if (!planted) throw new Error(`mutant "${mutant.name}": the simulation does not use ${mutant.file}`);
}

let living: Promise<unknown> = Promise.resolve();

/** Whether a life ends badly without any planted bug. One at a time: worlds of one process share a store. */
function endsBadly(lives: Lives, seed: number): Promise<boolean> {
  const [kind, world, store] = lives;
  const life = living.then(() => lifeOf(kind, world)(seed, store));
  living = life;
  return life.then(({ violations }) => violations.length > 0);
}

/** Kind, world and store. */
type Lives = readonly [kind: string, world: string, store: StoreKind];

interface Outcome {
  readonly seed: number | null;
  readonly report: string;
  /** The program itself ended before its time. */
  readonly broken?: boolean;
}

const nothing: Outcome = { seed: null, report: 'no seeds' };

/** One process after the other, until one of them reports something. */
async function search(path: string, lives: Lives, from: number, to: number): Promise<Outcome> {
  let outcome = nothing;
  for (let first = from; first <= to && outcome.seed === null; first += seedsAtOnce) {
    outcome = await runProgram(path, lives, first, Math.min(to, first + seedsAtOnce - 1));
    // It ended without a word of any seed: the next ones would, too.
    if (outcome.broken === true) break;
  }
  return outcome;
}

/** @returns the first seed with a violation, and what a checker said of it; no seed: the program survived, or ended otherwise. */
async function runProgram(path: string, lives: Lives, from: number, to: number): Promise<Outcome> {
  const child = spawn(process.execPath, [path, String(from), String(to), ...lives], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs);
  let out = '';
  let words = '';
  child.stdout.on('data', (data) => {
    out += data;
  });
  child.stderr.on('data', (data) => {
    words += data;
  });
  await new Promise((done) => child.once('close', done));
  clearTimeout(limit);
  if (out === '')
    return { seed: null, broken: true, report: `the program ended without a report: ${words.slice(-500)}` };
  const { seed, violation } = JSON.parse(out) as { seed: number | null; violation?: string };
  return { seed, report: violation?.split('\n')[0] ?? `no violation up to seed ${to}` };
}
