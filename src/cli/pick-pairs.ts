import type { Project, ProjectPair } from '#project/project.ts';
import { didYouMean } from '#project/suggest.ts';
import { CliError } from './cli-error.ts';

/**
 * The pairs that a command line names: by either address, or by collection; without any name all of them. Throws when a name
 * fits nothing, because a typing mistake must not become "nothing to do".
 */
export function pickPairs(
  project: Project,
  addresses: readonly string[],
  collection: string | undefined,
): readonly ProjectPair[] {
  if (collection !== undefined && !project.collections.has(collection)) {
    const known = [...project.collections.keys()];
    throw new CliError(
      `no collection is called ${collection}${didYouMean(collection, known) || `; there are ${known.join(', ')}`}`,
    );
  }
  const candidates = project.pairs.filter((pair) => collection === undefined || pair.collection === collection);
  if (candidates.length === 0)
    throw new CliError('there are no pairs; add some to the project file, under collections');
  if (addresses.length === 0) return candidates;
  const picked = new Set<ProjectPair>();
  for (const address of addresses) {
    const wanted = address.toLowerCase();
    const found = candidates.filter(({ id, source, target }) => [id, source, target].includes(wanted as typeof id));
    if (found.length === 0) {
      const known = candidates.flatMap(({ source, target }) => [source, target]);
      throw new CliError(`no pair has the address ${address}${didYouMean(address, known.slice(0, 5000))}`);
    }
    for (const pair of found) picked.add(pair);
  }
  return [...picked];
}
