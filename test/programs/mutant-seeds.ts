/**
 * The simulation of `--mutants` in a process of its own: lives from one seed to another, of a kind, in a world and with a store (the arguments), until a checker reports something.
 * Prints one line of JSON: `{"seed":12,"violation":"lost: mail 3 …"}`, or `{"seed":null}` when every life passed.
 */
import { lifeOf } from '#test/simulation/lives.ts';
import type { StoreKind } from '#test/simulation/shared-store.ts';

const [from = '1', to = '1', kind = 'mail', world = 'memory', store = 'sqlite'] = process.argv.slice(2);
const live = lifeOf(kind, world);
let found: { readonly seed: number | null; readonly violation?: string | undefined } = { seed: null };
for (let seed = Number(from); seed <= Number(to) && found.seed === null; seed++) {
  const { violations } = await live(seed, store as StoreKind);
  if (violations.length > 0) found = { seed, violation: violations[0] };
}
process.stdout.write(`${JSON.stringify(found)}\n`);
