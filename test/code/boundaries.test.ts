import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mayImport, pureRooms } from './may-import.ts';
import { importsOf, projectFiles, root, type SourceFile } from './source-files.ts';

const roomOf = (path: string): string => path.split('/')[1] ?? '';

/** Offending imports of one file of src/, as `path imports what`. */
function violations(file: SourceFile): readonly string[] {
  const room = roomOf(file.path);
  const isTest = /\.(?:test|fixture)\.ts$/.test(file.path);
  const allowed: readonly string[] = mayImport[room as keyof typeof mayImport] ?? [];
  const pure: readonly string[] | undefined = pureRooms[room as keyof typeof pureRooms];
  return importsOf(file)
    .filter((target) => {
      if (target.startsWith('src/')) {
        const inside = target.slice('src/'.length);
        return roomOf(target) !== room && !allowed.some((entry) => inside.startsWith(`${entry}/`));
      }
      if (target.startsWith('test/')) return !isTest;
      if (target.startsWith('..') || target.startsWith('bench/') || target.startsWith('scripts/')) return true;
      return pure !== undefined && !isTest && !pure.includes(target);
    })
    .map((target) => `${file.path} imports ${target}`);
}

const example = (path: string, text: string): readonly string[] => violations({ path, text });

describe('import boundaries', () => {
  test('every room of src/ has a row in the table, and every row a room', () => {
    const rooms = readdirSync(join(root, 'src'), { withFileTypes: true });
    expect(rooms.map(({ name }) => name).sort()).toEqual(Object.keys(mayImport).sort());
  });

  test('imports follow the table', () => {
    const files = projectFiles().filter(({ path }) => path.startsWith('src/') && path.endsWith('.ts'));
    expect(files.length).toBeGreaterThan(0);
    expect(files.flatMap(violations)).toEqual([]);
  });

  test('each way to break the table is seen', () => {
    expect(example('src/engine/a.ts', `import { x } from '#store/x.ts';`)).toHaveLength(1);
    expect(example('src/engine/a.ts', `import type { X } from '#store/x.ts';`)).toHaveLength(1);
    expect(example('src/engine/a.ts', `export * from '../store/x.ts';`)).toHaveLength(1);
    expect(example('src/engine/a.ts', `const x = await import('#store/x.ts');`)).toHaveLength(1);
    expect(example('src/engine/a.ts', `import { readFile } from 'node:fs/promises';`)).toHaveLength(1);
    expect(
      example('src/engine/a.test.ts', `import { test } from 'vitest'; import { y } from '#store/y.ts';`),
    ).toHaveLength(1);
    expect(example('src/lab/a.ts', `import { x } from '#formats/ical/x.ts';`)).toHaveLength(1);
    expect(example('src/lab/a.ts', `import { x } from '#test/suites/x.ts';`)).toHaveLength(1);
    expect(example('src/lab/a.ts', `import { x } from '#formats/text/x.ts'; import { y } from './y.ts';`)).toHaveLength(
      0,
    );
  });

  test('the benchmark’s floor is a second opinion on speed: at most 150 lines, nothing from src/', () => {
    for (const file of projectFiles().filter(({ path }) => path === 'bench/floor.ts')) {
      expect(importsOf(file).filter((target) => !target.startsWith('node:') && target.includes('/'))).toEqual([]);
      expect(file.text.trimEnd().split('\n').length).toBeLessThanOrEqual(150);
    }
  });
});
