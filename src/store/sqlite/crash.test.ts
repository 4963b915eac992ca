import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '#kit/clock.ts';
import { seededRandom } from '#kit/random.ts';
import type { LinkId } from '#model/ids.ts';
import { bundleForTest, type TestProgram } from '#test/suites/bundle-for-test.ts';
import { BATCH, batchLinks } from '#test/suites/store-crash-batches.ts';
import { pairId } from '#test/suites/store-rows.ts';
import { type OpenStore, openStore } from '../open-store.ts';

const ROUNDS = 15;
const folder = mkdtempSync(join(tmpdir(), 'causeway-crash-'));
const path = join(folder, 'store.db');
const open = () => openStore(`sqlite:${path}`, { clock: systemClock, log: { info() {}, warn() {} } });
let writer: TestProgram;

beforeAll(async () => {
  writer = await bundleForTest('test/programs/store-crash-writer.ts');
});
afterAll(() => {
  writer.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the writer from batch `first` on and kills it `afterMs` after its first answer. @returns batches that were answered. */
async function writeUntilKilled(first: number, afterMs: number): Promise<readonly number[]> {
  const child: ChildProcess = spawn(process.execPath, [writer.path, path, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let answered = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    if (answered === '') setTimeout(() => child.kill('SIGKILL'), afterMs);
    answered += chunk;
  });
  const signal = await new Promise((resolve) => child.once('close', (_, by) => resolve(by)));
  expect(signal, 'the writer ended by itself').toBe('SIGKILL');
  // The last line may be cut off.
  return answered.slice(0, answered.lastIndexOf('\n')).split('\n').map(Number);
}

/** Batches in the store; fails when one is there in part. */
async function batchesIn(store: OpenStore): Promise<ReadonlySet<number>> {
  const found = new Map<number, number>();
  let after: LinkId | null = null;
  for (;;) {
    const page = await store.links(pairId(1), {}, after, 1000);
    for (const { id } of page) {
      const batch = Math.floor(Number.parseInt(id, 16) / BATCH);
      found.set(batch, (found.get(batch) ?? 0) + 1);
    }
    after = page.at(-1)?.id ?? null;
    if (page.length < 1000) break;
  }
  expect(
    [...found].filter(([, links]) => links !== BATCH),
    'a commit is there in part',
  ).toEqual([]);
  return new Set(found.keys());
}

test(`${ROUNDS} times killed while committing: opens, nothing that was answered is lost, nothing is there in part`, async () => {
  const random = seededRandom('killed while committing');
  const everAnswered = new Set<number>();
  for (let round = 0; round < ROUNDS; round++) {
    const first = round * 1_000_000;
    for (const batch of await writeUntilKilled(first, random.int(150))) everAnswered.add(batch);
    const store = await open();
    try {
      const there = await batchesIn(store);
      expect([...everAnswered].filter((batch) => !there.has(batch))).toEqual([]);
      expect((await store.pair(pairId(1)))?.counts).toMatchObject({
        links: there.size * BATCH,
        bytesCopied: there.size * BATCH,
      });
      const [some = 0] = everAnswered;
      expect(
        await store.linksById(
          pairId(1),
          'left',
          batchLinks(some).map((link) => link.leftId),
        ),
      ).toHaveLength(BATCH);
    } finally {
      await store.close();
    }
  }
  expect(everAnswered.size).toBeGreaterThan(ROUNDS);
});
