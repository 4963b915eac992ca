import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from './source-files.ts';

interface Manifest {
  readonly engines: { readonly node: string };
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}
interface Lockfile {
  readonly packages: Readonly<
    Record<string, { readonly license?: string; readonly engines?: unknown; readonly resolved?: string }>
  >;
}

const read = <T>(name: string): T => JSON.parse(readFileSync(join(root, name), 'utf8')) as T;
const manifest = read<Manifest>('package.json');
const lockfile = read<Lockfile>('package-lock.json');

/** Licences that may come in: permissive ones only. Weak copyleft only where it is a tool that we do not ship. */
const permissive =
  /^\(?(?:MIT|MIT-0|ISC|0BSD|BSD|BSD-2-Clause|BSD-3-Clause|Apache-2\.0|BlueOak-1\.0\.0|CC0-1\.0|Unlicense|Python-2\.0)(?: OR [\w.+-]+)*(?: AND [\w.-]+)*\)?$/;

describe('package.json', () => {
  test('every version is exact', () => {
    const loose = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version),
    );
    expect(loose).toEqual([]);
  });

  test('the lockfile holds no download addresses', () => {
    expect(Object.entries(lockfile.packages).filter(([, entry]) => entry.resolved !== undefined)).toEqual([]);
  });

  test('every package that we ship with is under a permissive licence', () => {
    const others = Object.entries(lockfile.packages)
      .filter(([path, entry]) => path !== '' && !('dev' in entry) && !permissive.test(entry.license ?? 'none'))
      .map(([path, entry]) => `${path}: ${entry.license ?? 'none'}`);
    expect(others).toEqual([]);
  });
});
