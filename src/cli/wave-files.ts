import { readFileSync } from 'node:fs';
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

/**
 * Each wave as a collection: its pairs as CSV, and all of them as a piece of a project file, with everything else as the collection has it
 * from which they come. A wave with pairs of two collections becomes two.
 */
export function waveFiles(
  project: Pick<Project, 'file'>,
  plan: WavePlan,
  pairOf: (key: string) => ProjectPair,
): readonly WaveFile[] {
  const written = parse(readFileSync(project.file, 'utf8')) as {
    readonly collections: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
  const files: WaveFile[] = [];
  const collections: Record<string, unknown> = {};
  plan.waves.forEach(({ people }, at) => {
    const pairs = people.map(pairOf);
    for (const from of new Set(pairs.map(({ collection }) => collection))) {
      const name = `${from}-wave-${at + 1}`;
      const path = `${folder}/${name}.csv`;
      const own = pairs.filter(({ collection }) => collection === from);
      const lines = own.map(({ source, target, active }) =>
        csvLine([source, target, active === 'left' ? 'source' : 'target']),
      );
      files.push({ path, text: [csvLine(['source', 'target', 'active']), ...lines].join('') });
      const block = must(written.collections[from], `the project file has no collection ${from}`);
      collections[name] = { ...block, pairs: { file: path } };
    }
  });
  const instead = [...new Set(plan.waves.flatMap(({ people }) => people).map((key) => pairOf(key).collection))];
  const head = `# In place of ${instead.join(' and ')} under collections: in ${project.file.split(/[\\/]/).at(-1)}. Pairs stay the same, nothing is copied again.\n`;
  files.push({ path: `${folder}/collections.yaml`, text: head + stringify({ collections }, { lineWidth: 0 }) });
  return files;
}
