import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import { MemoryOrganization } from '#connectors/memory/memory-organization.ts';
import { must } from '#kit/assert.ts';
import { loadProject } from '#project/read-project.ts';
import type { Jobs } from '../jobs.ts';
import { projectTemplate } from '../project-template.ts';
import { realJobs } from '../real-jobs.ts';
import { runCli, testTerminal } from '../terminal.fixture.ts';

/** A project, with calendars or without, between two organizations in memory, and the program run on it. */
export function memoryProject(
  hasCalendars = true,
  products: Readonly<Partial<Record<'source' | 'target', string>>> = {},
) {
  const { cwd } = testTerminal();
  const template = projectTemplate({
    schema: 'causeway.schema.json',
    source: 'https://a.example/EWS/Exchange.asmx',
    target: 'https://b.example/EWS/Exchange.asmx',
    sourceUser: 'A\\c',
    targetUser: 'B\\c',
    pairs: ['ana@old.example -> ana@new.example'],
  });
  const file = join(cwd, 'causeway.yaml');
  writeFileSync(file, hasCalendars ? template.replace('# calendar:', 'calendar:') : template);
  const project = loadProject(file, file);
  const [pair] = project.pairs;
  const { source, target } = must([...project.collections.values()][0], 'a collection');
  const organizations = new Map([source, target].map((name) => [name, new MemoryOrganization(name)]));
  const left = must(organizations.get(source), 'source').add('ana@old.example');
  const right = must(organizations.get(target), 'target').add('ana@new.example');
  const jobs: Jobs = {
    ...realJobs,
    openConnector: async (_project, name) => {
      const connector = memoryConnector(must(organizations.get(name), name));
      const product = products[name === source ? 'source' : 'target'] ?? 'memory';
      return { ...connector, abilities: { ...connector.abilities, product } };
    },
  };
  const run = (...args: string[]) => runCli(args, testTerminal({ cwd }), jobs);
  return { cwd, file, jobs, pair: must(pair, 'a pair'), left, right, run };
}
