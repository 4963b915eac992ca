import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** Runs the tests with planted mails under the project's own configuration. */
async function planted(): Promise<Report> {
  const script = `import { startVitest } from 'vitest/node';
await startVitest('test', [], { watch: false, include: ['test/no-mail/planted.fixture.ts'], reporters: ['json'] });`;
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  // Its exit code says that tests failed, which is what is wanted.
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd }).catch(
    (error: { readonly stdout: string }) => error,
  );
  return JSON.parse(stdout.slice(stdout.indexOf('{'))) as Report;
}

test('a test in which mail leaves a lab because of Causeway fails, whatever it looks at itself', async () => {
  const { testResults } = await planted();
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  expect(Object.fromEntries(results.map(({ title, status }) => [title, status]))).toEqual({
    'an invitation': 'failed',
    'what the Repair Assistant sends one night later': 'failed',
    'on purpose, which is no fault': 'passed',
    'nothing, which is no fault': 'passed',
    'in a lab that several tests share': 'failed',
    'after it nothing, which is no fault': 'passed',
  });
  const why = (title: string) => results.find((one) => one.title === title)?.failureMessages.join() ?? '';
  expect(why('an invitation')).toMatch(/meeting-request from \S+@source\.test to \S+@source\.test: because of \S+/);
  expect(why('what the Repair Assistant sends one night later')).toMatch(/repair-missing .* by the repair-assistant/);
});
