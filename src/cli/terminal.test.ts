import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleForTest, type TestProgram } from '#test/suites/bundle-for-test.ts';

let program: TestProgram;
beforeAll(async () => {
  program = await bundleForTest('src/cli/main.ts');
});
afterAll(() => program.remove());

test('a reader that goes away ends the program without a crash', async () => {
  const child = spawn(process.execPath, [program.path, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk;
  });
  const [code] = await once(child, 'close');
  expect(err).toBe('');
  expect(code).toBe(0);
});
