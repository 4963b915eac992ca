/**
 * `npm run test:peers [-- NAME…]`: suites against programs that are not ours. Installs their Debian packages, starts and
 * stops what they need, listens on the loopback interface only, keeps state in a temporary directory. The last line is
 * `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dateutil } from './dateutil.ts';
import { davmail } from './davmail.ts';
import { directory } from './directory.ts';
import { exchangelib } from './exchangelib.ts';
import { ntlm } from './ntlm.ts';
import { postgres } from './postgres.ts';
import type { PeerContext, PeerSuite } from './suite.ts';

const suites: readonly PeerSuite[] = [dateutil, exchangelib, davmail, postgres, ntlm, directory];
const root = resolve(fileURLToPath(import.meta.url), '../..');
const reference = resolve(root, process.env['CAUSEWAY_REFERENCE'] ?? '../shared');

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort(new Error(signal)));

const counts = { passed: 0, failed: 0 };
const oneLine = (error: unknown): string =>
  String(error instanceof Error ? error.message : error)
    .replaceAll(/\s+/g, ' ')
    .slice(0, 600);

function record(name: string, failure: string | null): void {
  counts[failure === null ? 'passed' : 'failed']++;
  console.log(failure === null ? `ok ${name}` : `FAIL ${name}: ${failure}`);
}

async function runSuite(suite: PeerSuite, scratch: string): Promise<void> {
  const startMs = performance.now();
  console.log(`--- ${suite.name}`);
  const installed = spawnSync(join(root, 'scripts/debian-packages.sh'), suite.packages, {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (installed.status !== 0) return record(`${suite.name} packages`, 'could not be installed; the reason is above');

  const state = join(scratch, suite.name);
  mkdirSync(state);
  const running: { stop(): Promise<void> }[] = [];
  const context: PeerContext = {
    root,
    reference,
    state,
    signal: interrupted.signal,
    record: (name, failure) => record(`${suite.name} ${name}`, failure),
    async check(name, body) {
      interrupted.signal.throwIfAborted();
      try {
        await body();
        record(`${suite.name} ${name}`, null);
        return true;
      } catch (error) {
        record(`${suite.name} ${name}`, oneLine(error));
        return false;
      }
    },
    leftOut: (what, reason) => console.log(`left out ${suite.name} ${what}: ${reason}`),
    started(program) {
      running.push(program);
      return program;
    },
  };
  const stopAll = async () => {
    for (const program of running.splice(0).reverse()) await program.stop();
  };
  const onAbort = () => void stopAll();
  interrupted.signal.addEventListener('abort', onAbort);
  try {
    await suite.run(context);
  } catch (error) {
    record(`${suite.name} suite`, oneLine(error));
  } finally {
    interrupted.signal.removeEventListener('abort', onAbort);
    await stopAll();
  }
  console.log(`--- ${suite.name}: ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
}

const names = process.argv.slice(2);
const unknown = names.filter((name) => !suites.some((suite) => suite.name === name));
if (unknown.length > 0) {
  console.error(`no such suite: ${unknown.join(' ')} (there are: ${suites.map((suite) => suite.name).join(' ')})`);
  process.exit(2);
}
const scratch = mkdtempSync(join(tmpdir(), 'causeway-peers-'));
chmodSync(scratch, 0o755);
for (const suite of suites) {
  if (interrupted.signal.aborted) break;
  if (names.length === 0 || names.includes(suite.name)) await runSuite(suite, scratch);
}
if (interrupted.signal.aborted) record('run', 'interrupted');
if (counts.failed === 0) rmSync(scratch, { recursive: true, force: true });
else console.log(`logs are kept in ${scratch}`);
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 ? 0 : 1;
