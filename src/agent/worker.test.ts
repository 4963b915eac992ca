import { fork } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleForTest, type TestProgram } from '#test/suites/bundle-for-test.ts';

let program: TestProgram;
beforeAll(async () => {
  program = await bundleForTest('src/agent/worker.ts');
});
afterAll(() => program.remove());

test('a worker whose supervisor was killed ends without a word', async () => {
  const worker = fork(program.path, { silent: true });
  let said = '';
  for (const stream of [worker.stdout, worker.stderr])
    stream?.on('data', (chunk: Buffer) => {
      said += chunk;
    });
  await once(worker, 'spawn');
  worker.disconnect();
  const [[code]] = await Promise.all([once(worker, 'exit'), worker.stderr && once(worker.stderr, 'end')]);
  expect(said).toBe('');
  expect(code).toBe(0);
});
