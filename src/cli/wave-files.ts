import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import type { WavePlan } from '#jobs/waves/plan-waves.ts';
import { must } from '#kit/assert.ts';
import type { Project, ProjectPair } from '#project/project.ts';
import { csvLine } from './format.ts';

export interface WaveFile {
  /** Relative to the folder of the project. */
  readonly path: string;
  readonly text: string;
}

/** Folder of what `waves --apply` writes, beside the project file. */
const folder = 'waves';

type Collections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/**
 * Each wave as a collection: its pairs as CSV, and all of them as a piece of a project file, with everything else as the collection has it
 * from which they come. A wave with pairs of two collections becomes two. Pairs of these collections that are in no wave, because they have
 * moved, become `COLLECTION-moved`: the piece takes the place of the whole collection, and nobody may drop out. Neither a collection of the
 * project nor a file that one reads is given again.
 */
export function waveFiles(
  project: Pick<Project, 'file' | 'pairs'>,
  plan: Pick<WavePlan, 'waves'>,
  pairOf: (key: string) => ProjectPair,
): readonly WaveFile[] {
  const written = parse(readFileSync(project.file, 'utf8')) as { readonly collections: Collections };
  const taken = takenNames(project, written.collections);
  const files: WaveFile[] = [];
  const collections: Record<string, unknown> = {};
  const add = (from: string, suffix: string, pairs: readonly ProjectPair[]) => {
    const wished = `${from}-${suffix}`;
    let name = wished;
    const keysOf = (one: string) => [one, `${folder}/${one}.csv`].map((key) => key.toLowerCase());
    for (let n = 2; keysOf(name).some((key) => taken.has(key)); n++) name = `${wished}-${n}`;
    for (const key of keysOf(name)) taken.add(key);
    const path = `${folder}/${name}.csv`;
    const lines = pairs.map(({ source, target, active }) =>
      csvLine([source, target, active === 'left' ? 'source' : 'target']),
    );
    files.push({ path, text: [csvLine(['source', 'target', 'active']), ...lines].join('') });
    const block = must(written.collections[from], `the project file has no collection ${from}`);
    collections[name] = { ...block, pairs: { file: path } };
  };
  const waves = plan.waves.map(({ people }) => people.map(pairOf));
  for (const [at, pairs] of waves.entries())
    for (const [from, own] of byCollection(pairs)) add(from, `wave-${at + 1}`, own);
  const instead = new Set(waves.flat().map(({ collection }) => collection));
  const inWaves = new Set(waves.flat().map(({ id }) => id));
  const others = project.pairs.filter(({ id, collection }) => instead.has(collection) && !inWaves.has(id));
  for (const [from, own] of byCollection(others)) add(from, 'moved', own);
  const head = `# In place of ${[...instead].join(' and ')} under collections: in ${project.file.split(/[\\/]/).at(-1)}. Pairs stay the same, nothing is copied again.\n`;
  files.push({ path: `${folder}/collections.yaml`, text: head + stringify({ collections }, { lineWidth: 0 }) });
  return files;
}

function byCollection(pairs: readonly ProjectPair[]): ReadonlyMap<string, readonly ProjectPair[]> {
  const groups = new Map<string, ProjectPair[]>();
  for (const pair of pairs) groups.set(pair.collection, [...(groups.get(pair.collection) ?? []), pair]);
  return groups;
}

/** Names of collections and files of theirs, without regard to case: some file systems have none. */
function takenNames(project: Pick<Project, 'file'>, collections: Collections): Set<string> {
  const here = dirname(project.file);
  const taken = new Set(Object.keys(collections).map((name) => name.toLowerCase()));
  for (const { pairs } of Object.values(collections)) {
    const file = (pairs as { readonly file?: unknown } | undefined)?.file;
    if (typeof file === 'string') taken.add(relative(here, resolve(here, file)).replaceAll('\\', '/').toLowerCase());
  }
  return taken;
}
