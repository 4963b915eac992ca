/**
 * The simulation of `--mutants` in a process of its own: lives from one seed to another (the arguments) until a checker reports something.
 * Prints one line of JSON: `{"seed":12,"violation":"lost: mail 3 …"}`, or `{"seed":null}` when every life passed.
 */
import { memoryStage } from '#test/simulation/memory/memory-stage.ts';
import { runSeed } from '#test/simulation/run-seed.ts';

const [from = 1, to = 1] = process.argv.slice(2).map(Number);
let found: { readonly seed: number | null; readonly violation?: string | undefined } = { seed: null };
for (let seed = from; seed <= to && found.seed === null; seed++) {
  const { violations } = await runSeed(seed, memoryStage);
  if (violations.length > 0) found = { seed, violation: violations[0] };
}
process.stdout.write(`${JSON.stringify(found)}\n`);
