import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '#kit/clock.ts';
import { seededRandom } from '#kit/random.ts';
import { readProject } from '#project/read-project.ts';
import { linkedChannels } from '#store/ipc/linked-channels.ts';
import { openStore } from '#store/open-store.ts';
import { runAgent } from './run-agent.ts';
import { runWorker } from './run-worker.ts';
import { type Handler, subjectOf } from './work.ts';
import type { WorkerProcess } from './worker-process.ts';

const log = { info() {}, warn() {} };
const HOUR_MS = 3_600_000;

function projectOf(pairs: readonly string[], given: { readonly secret?: string; readonly ca?: string } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'causeway-agent-'));
  writeFileSync(join(folder, 'secret'), 'open sesame', { mode: 0o600 });
  const organization = (name: string) => `
  ${name}:
    kind: exchange
    endpoint: https://${name}.example/EWS/Exchange.asmx
    signIn: { method: ntlm, user: ${name}, password: 'file:${given.secret ?? 'secret'}' }
    ${given.ca === undefined ? '' : `tls: { ca: ${given.ca} }`}`;
  const text = `version: 1
organizations:${organization('old')}${organization('new')}
collections:
  all: { source: old, target: new, pairs: { list: [${pairs.map((name) => `'${name}@old.example -> ${name}@new.example'`)}] } }
`;
  return readProject(text, { file: join(folder, 'causeway.yaml'), shown: 'causeway.yaml' });
}

/** One pass over the pairs with a worker inside this process. */
async function onePass(handler: Handler, pairs: readonly string[], project = projectOf(pairs)) {
  const store = await openStore('sqlite::memory:', { clock: systemClock, log });
  const start = (): WorkerProcess => {
    const { left, right, cut } = linkedChannels();
    const running = runWorker({
      channel: right,
      clock: systemClock,
      random: seededRandom(1),
      meter: { cpuSeconds: () => 0, busyShare: () => 0 },
      peakRssBytes: () => 1,
      pid: 1,
      open: async () => ({ handlers: { mail: handler }, close: async () => {} }),
    });
    return { pid: 1, channel: left, ended: running.then(() => 'exit code 0'), kill: cut };
  };
  const failed = await runAgent({
    project,
    store,
    storeUrl: null,
    log,
    clock: systemClock,
    workers: 1,
    pairs: project.pairs,
    until: 'one-pass',
    signal: AbortSignal.timeout(15_000),
    onEvent() {},
    start,
  });
  return { failed, work: await store.work() };
}

test('one pass ends although a pair stops, which would be looked at again in an hour', async () => {
  const { failed, work } = await onePass(
    async ({ key }, { clock, emit }) => {
      if (!key.includes('ben')) return { nextAtMs: clock.nowMs() + HOUR_MS, failed: false };
      emit({ kind: 'pair-stopped', key, pair: subjectOf(key) as never, because: 'mailbox-gone: nobody' });
      return { nextAtMs: clock.nowMs() + HOUR_MS, failed: true };
    },
    ['ana', 'ben'],
  );
  expect(failed).toEqual([]);
  expect(work.every(({ owner }) => owner === null)).toBe(true);
});

test('one pass names the pairs that fail each time, for whatever reason', async () => {
  let tries = 0;
  const { failed } = await onePass(
    async ({ key }, { clock }) => {
      if (key.includes('ben')) tries++;
      return { nextAtMs: clock.nowMs() + 10, failed: key.includes('ben') };
    },
    ['ana', 'ben'],
  );
  expect(failed).toEqual(['ben@old.example → ben@new.example']);
  expect(tries).toBe(3);
});

test('one pass goes on when it was throttled, until it comes to its end', async () => {
  const ends: string[] = [];
  const { failed } = await onePass(
    async ({ key }, { clock }) => {
      ends.push(subjectOf(key));
      if (!key.includes('ben') || ends.length > 4) return { nextAtMs: clock.nowMs() + HOUR_MS, failed: false };
      // Longer than it takes until somebody looks whether others have done it.
      return { nextAtMs: clock.nowMs() + (ends.length === 2 ? 5_500 : 10), failed: false, goesOn: true };
    },
    ['ana', 'ben'],
  );
  expect(failed).toEqual([]);
  expect(ends.filter((pair) => pair.startsWith('ben'))).toHaveLength(4);
});

test('what was put off is looked at when somebody starts again, directories among it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'causeway-agent-'));
  writeFileSync(join(folder, 'secret'), 'open sesame', { mode: 0o600 });
  const organization = (name: string) => `
  ${name}:
    kind: exchange
    endpoint: https://${name}.example/EWS/Exchange.asmx
    signIn: { method: ntlm, user: ${name}, password: 'file:secret' }
    directory: { url: 'ldaps://dc.${name}.example', user: svc, password: 'file:secret', domains: [${name}.example] }`;
  const project = readProject(
    `version: 1
organizations:${organization('old')}${organization('new')}
collections:
  all: { source: old, target: new, pairs: { list: ['ana@old.example -> ana@new.example'] } }
directory:
  main: { source: old, target: new, into: { target: 'OU=Old,DC=new,DC=example' } }
`,
    { file: join(folder, 'causeway.yaml'), shown: 'causeway.yaml' },
  );
  const store = await openStore('sqlite::memory:', { clock: systemClock, log });
  // After it failed a few times the next try is an hour away.
  const later = systemClock.nowMs() + HOUR_MS;
  await store.ensureWork([{ key: 'directory:main', priority: 30, nextAtMs: later }]);
  const begun = new AbortController();
  const { left, right, cut } = linkedChannels();
  const running = runWorker({
    channel: right,
    clock: systemClock,
    random: seededRandom(1),
    meter: { cpuSeconds: () => 0, busyShare: () => 0 },
    peakRssBytes: () => 1,
    pid: 1,
    open: async () => ({
      handlers: {
        directory: async ({ key }) => {
          begun.abort(key);
          return { nextAtMs: later, failed: false };
        },
      },
      close: async () => {},
    }),
  });
  await runAgent({
    project,
    store,
    storeUrl: null,
    log,
    clock: systemClock,
    workers: 1,
    pairs: project.pairs,
    until: 'continuous',
    signal: AbortSignal.any([begun.signal, AbortSignal.timeout(15_000)]),
    onEvent() {},
    start: () => ({ pid: 1, channel: left, ended: running.then(() => 'exit code 0'), kill: cut }),
  });
  expect(begun.signal.reason).toBe('directory:main');
});

test.each([
  ['secret', { secret: 'nowhere' }, /secret file .*nowhere cannot be opened/],
  ['certificate', { ca: 'nowhere.pem' }, /certificate file .*nowhere\.pem cannot be read/],
])('nothing is begun without a %s that the project names', async (_what, given, message) => {
  const begun: string[] = [];
  const pass = onePass(
    async ({ key }) => {
      begun.push(key);
      return { nextAtMs: null, failed: false };
    },
    ['ana'],
    projectOf(['ana'], given),
  );
  await expect(pass).rejects.toThrow(message);
  expect(begun).toEqual([]);
});
