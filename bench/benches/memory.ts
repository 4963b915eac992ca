import type { Bench, BenchOptions } from '../support/bench.ts';
import { copyCanned } from '../support/copy.ts';
import { against, round } from '../support/results.ts';

const manyItems = 50_000;
const largeBytes = 150 * 1024 * 1024;

/** Highest resident size of the process that makes the pass, store included: a large mailbox, and a large mail. */
export async function measureMemory({ quick, items, say }: BenchOptions) {
  const many = await copyCanned('causeway', items ?? (quick ? manyItems / 10 : manyItems), 4 * 1024);
  say(`memory: ${many.items} mails of 4 kB: ${round(many.peakRssMb)} MB`);
  const large = await copyCanned('causeway', 1, quick ? largeBytes / 10 : largeBytes);
  say(`memory: one mail of ${Math.round(large.bytes / 2 ** 20)} MB: ${round(large.peakRssMb)} MB`);
  return { manyMb: many.peakRssMb, largeMb: large.peakRssMb };
}

export const memory: Bench = async (options) => {
  const { manyMb, largeMb } = await measureMemory(options);
  const most = (value: number) => value <= 250;
  return {
    figures: { peakRssMb: round(Math.max(manyMb, largeMb)), manyMb: round(manyMb), largeMb: round(largeMb) },
    lines: [
      against('50,000 mails, peak RSS in MB', manyMb, '≤ 250', most),
      against('one mail of 150 MB, peak RSS in MB', largeMb, '≤ 250', most),
    ],
    details: {},
  };
};
