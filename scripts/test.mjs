/**
 * `npm test`: the whole truth about a clone that has only npm. Format and lint, types, unused code, then every test
 * (units, suites, the code about itself, simulation seeds). Arguments go to vitest: `npm test -- src/store`.
 * All checks run even when one fails. The last line is `N passed, N failed`, where each check counts as one.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(fileURLToPath(import.meta.url), '../..');
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

/** The program of an installed package, run by this Node: no shell, no look-up on the path. */
function program(name, bin) {
  const manifest = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'));
  return join(root, 'node_modules', name, typeof manifest.bin === 'string' ? manifest.bin : manifest.bin[bin]);
}

/** Far above what a slow machine takes: a test that hangs must not hang whoever waits for the verdict. */
const limitMs = 45 * 60_000;

/** @returns whether it passed, output (empty when inherited) and milliseconds. */
function run(script, args, { inherit = false } = {}) {
  const start = performance.now();
  return new Promise((done) => {
    const child = spawn(process.execPath, [script, ...args], {
      cwd: root,
      stdio: ['ignore', inherit ? 'inherit' : 'pipe', inherit ? 'inherit' : 'pipe'],
    });
    let output = '';
    const limit = setTimeout(() => {
      console.log(`${script} has not ended after ${seconds(limitMs)} and is stopped`);
      child.kill();
    }, limitMs);
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (output += data));
    child.once('close', (code) => {
      clearTimeout(limit);
      done({ ok: code === 0, output, ms: performance.now() - start });
    });
  });
}

const checks = [
  {
    name: 'format and lint (biome)',
    script: program('@biomejs/biome', 'biome'),
    args: ['check', '--max-diagnostics=50'],
  },
  { name: 'types (tsc)', script: program('typescript', 'tsc'), args: ['--noEmit', '--pretty', 'false'] },
  { name: 'unused code (knip)', script: program('knip', 'knip'), args: ['--no-progress', '--no-config-hints'] },
];

// The three at once: biome and knip fit beside the type check on two cores.
const results = await Promise.all(
  checks.map(async ({ name, script, args }) => ({ name, ...(await run(script, args)) })),
);
for (const { name, ok, output, ms } of results) {
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${seconds(ms)})`);
  if (!ok) console.log(`${output.trimEnd()}\n`);
}

const scratch = mkdtempSync(join(tmpdir(), 'causeway-test-'));
const report = join(scratch, 'vitest.json');
const tests = await run(
  program('vitest', 'vitest'),
  ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...process.argv.slice(2)],
  { inherit: true },
);
const counted = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : null;
rmSync(scratch, { recursive: true, force: true });
// A file that does not even load, or an error outside of any test, fails the run without a failed test to count.
const testsFailed = Math.max(counted?.numFailedTests ?? 0, tests.ok ? 0 : 1);

console.log();
for (const { name, ok, ms } of results) console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${seconds(ms)})`);
console.log(`${tests.ok ? 'ok  ' : 'FAIL'} tests (vitest) (${seconds(tests.ms)})`);
const skipped = counted?.numPendingTests ?? 0;
if (skipped > 0) console.log(`${skipped} skipped: the reasons are printed above`);
const checksFailed = results.filter(({ ok }) => !ok).length;
const failed = checksFailed + testsFailed;
console.log(`${results.length - checksFailed + (counted?.numPassedTests ?? 0)} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
