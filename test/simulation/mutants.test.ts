import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, transform } from 'esbuild';
import { expect, test } from 'vitest';
import { mutantProgram, mutants, mutate, projectRoot } from './run-mutants.ts';

const source = (file: string): string => readFileSync(join(projectRoot(), file), 'utf8');

test.each(mutants)('the planted bug "$name" applies and can be read', async (mutant) => {
  await transform(mutate(mutant, source(mutant.file)), { loader: 'ts' });
});

test('every planted bug lies in a file that the simulation uses', async () => {
  const { metafile } = await build({
    absWorkingDir: projectRoot(),
    entryPoints: [mutantProgram],
    format: 'esm',
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    packages: 'external',
    logLevel: 'silent',
  });
  const used = Object.keys(metafile.inputs);
  expect(mutants.filter((m) => !used.includes(m.file)).map((m) => m.name)).toEqual([]);
});

test('names are told apart', () => {
  expect(new Set(mutants.map((m) => m.name)).size).toBe(mutants.length);
});

test('a place that is not there, or there twice, is refused', () => {
  const mutant = { name: 'x', file: 'x.ts', find: 'a()', replace: 'b()', why: '' };
  expect(mutate(mutant, 'a();')).toBe('b();');
  expect(() => mutate(mutant, 'c();')).toThrow('stands 0 times in x.ts');
  expect(() => mutate(mutant, 'a(); a();')).toThrow('stands 2 times in x.ts');
});
