import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundlesForTest } from '#test/suites/bundle-for-test.ts';
import { SwitchCourse } from './switch-course.ts';

let programs: Awaited<ReturnType<typeof bundlesForTest<'cli' | 'worker' | 'lab'>>>;
beforeAll(async () => {
  programs = await bundlesForTest({ cli: 'src/cli/main.ts', worker: 'src/agent/worker.ts', lab: 'src/lab/main.ts' });
});
afterAll(() => programs?.remove());

test('people are switched by commands beside an agent that is running, ends, or is killed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'causeway-beside-'));
  const course = await SwitchCourse.open({ programs: programs.paths, folder, people: 3 });
  const checked: string[] = [];
  try {
    await course.runBeside(async (name, body) => {
      await body();
      checked.push(name);
    });
  } finally {
    await course.close();
    rmSync(folder, { recursive: true, force: true });
  }
  expect(checked.length).toBeGreaterThan(8);
}, 900_000);
