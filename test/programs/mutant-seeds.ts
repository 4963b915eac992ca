/**
 * The simulation of `--mutants` in a process of its own: lives from the seeds 1 to N (the argument) until a checker reports something.
 * Prints one line of JSON: `{"seed":12,"violation":"lost: mail 3 …"}`, or `{"seed":null}` when every life passed.
 */
import { memoryStage } from '#test/simulation/memory/memory-stage.ts';
import { runSeed } from '#test/simulation/run-seed.ts';

const seeds = Number(process.argv[2]);
let found: { readonly seed: number | null; readonly violation?: string | undefined } = { seed: null };
for (let seed = 1; seed <= seeds && found.seed === null; seed++) {
  const { violations } = await runSeed(seed, memoryStage);
  if (violations.length > 0) found = { seed, violation: violations[0] };
}
process.stdout.write(`${JSON.stringify(found)}\n`);
