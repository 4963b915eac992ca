import { expect, test } from 'vitest';
import { memoryStage } from './memory/memory-stage.ts';
import { runSeed } from './run-seed.ts';

const seeds = 200;

test(`${seeds} lives of a pair converge, lose nothing, double nothing, mail nothing`, async () => {
  for (let seed = 1; seed <= seeds; seed++) {
    const report = await runSeed(seed, memoryStage);
    expect(report.violations, `replay: npm run sim -- --seed ${seed}`).toEqual([]);
  }
}, 300_000);
