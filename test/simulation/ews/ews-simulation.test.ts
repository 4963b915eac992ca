import { expect, test } from 'vitest';
import { runSeed } from '../run-seed.ts';
import { ewsStage } from './ews-stage.ts';

/** Every fourth life leads from 2007 to SE, the others from 2010 to 2016. The last ones ended badly before their causes were found. */
const seeds = [...Array.from({ length: 20 }, (_, n) => 1 + n), 46, 62];

test(`${seeds.length} lives of a pair over EWS converge, lose nothing, double nothing, mail nothing`, async () => {
  for (const seed of seeds) {
    const report = await runSeed(seed, ewsStage);
    expect(report.violations, `replay: npm run sim -- --world ews --seed ${seed}`).toEqual([]);
  }
}, 300_000);

test('a seed is one life, whenever it is lived', async () => {
  const [first, again] = [await runSeed(3, ewsStage), await runSeed(3, ewsStage)];
  expect(again).toEqual(first);
});
