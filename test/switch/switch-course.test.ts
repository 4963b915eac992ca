import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { bundlesForTest } from '#test/suites/bundle-for-test.ts';
import { SwitchCourse } from './switch-course.ts';

let programs: Awaited<ReturnType<typeof bundlesForTest<'cli' | 'worker' | 'lab'>>>;
let folder: string;
beforeAll(async () => {
  programs = await bundlesForTest({ cli: 'src/cli/main.ts', worker: 'src/agent/worker.ts', lab: 'src/lab/main.ts' });
  folder = mkdtempSync(join(tmpdir(), 'causeway-course-'));
});
afterAll(() => {
  programs?.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe('people are switched by commands of real processes', () => {
  test('over the directories of the lab, with two kills', async () => {
    const course = await SwitchCourse.open({ programs: programs.paths, folder, people: 3 });
    try {
      const named = async (_: string, body: () => Promise<void>) => body();
      await course.run(named);
      await course.killRounds(2, named);
    } finally {
      await course.close();
    }
  }, 900_000);
});
