import { mkdirSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { build } from 'esbuild';
import { root } from '#test/code/source-files.ts';

export interface TestProgram {
  /** To be run by Node. */
  readonly path: string;
  remove(): void;
}

/** Programs that find one another beside themselves, as in `dist/`. @param sources by the name that each is to have. */
export async function bundlesForTest<Name extends string>(
  sources: Readonly<Record<Name, string>>,
): Promise<{ readonly paths: Readonly<Record<Name, string>>; remove(): void }> {
  const folder = join(root, 'node_modules', '.causeway-test', `programs-${process.pid}`);
  await build({
    absWorkingDir: root,
    entryPoints: sources,
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    sourcemap: true,
    logLevel: 'error',
  });
  const paths = Object.fromEntries(Object.keys(sources).map((name) => [name, join(folder, `${name}.js`)]));
  return { paths: paths as Record<Name, string>, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A program of its own from one of our files, for tests that need a process to kill. Built as `dist/` is. */
export async function bundleForTest(source: string): Promise<TestProgram> {
  // Inside the project, because packages are looked up from there.
  const folder = join(root, 'node_modules', '.causeway-test');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${basename(source, '.ts')}-${process.pid}.mjs`);
  await build({
    absWorkingDir: root,
    entryPoints: [resolve(root, source)],
    outfile: path,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    logLevel: 'error',
  });
  return { path, remove: () => rmSync(path, { force: true }) };
}
