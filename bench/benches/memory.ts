import type { Bench, BenchOptions } from '../support/bench.ts';
import { startResponder } from '../support/copy.ts';
import { against, round } from '../support/results.ts';
import { watchedSync } from '../support/watched-sync.ts';

const manyItems = 50_000;
const largeBytes = 150 * 1024 * 1024;

/** Highest resident size of a worker of `causeway sync`: with a large mailbox, and with a large mail. */
export async function measureMemory({ quick, items, say }: BenchOptions) {
  const peak = async (count: number, mailBytes: number) => {
    const responder = await startResponder(count, mailBytes);
    try {
      const result = await watchedSync(responder, 1, ['--workers', '1']);
      if (result.items !== count) throw new Error(`${result.items} of ${count} mails were created`);
      say(
        `memory: ${count} of ${mailBytes} bytes in ${round(result.seconds)} s: worker ${round(result.workerPeakRssMb)} MB, supervisor with the store ${round(result.supervisorPeakRssMb)} MB`,
      );
      return result;
    } finally {
      await responder.close();
    }
  };
  const many = await peak(items ?? (quick ? manyItems / 10 : manyItems), 4 * 1024);
  const large = await peak(1, quick ? largeBytes / 10 : largeBytes);
  return { manyMb: many.workerPeakRssMb, largeMb: large.workerPeakRssMb, many, large };
}

export const memory: Bench = async (options) => {
  const { manyMb, largeMb, many, large } = await measureMemory(options);
  const most = (value: number) => value <= 250;
  return {
    figures: { peakRssMb: round(Math.max(manyMb, largeMb)), manyMb: round(manyMb), largeMb: round(largeMb) },
    lines: [
      against(`${many.items} mails, worker's peak RSS in MB`, manyMb, '≤ 250', most),
      against("one large mail, worker's peak RSS in MB", largeMb, '≤ 250', most),
      `  the supervisor, which holds the store: ${round(many.supervisorPeakRssMb)} and ${round(large.supervisorPeakRssMb)} MB`,
    ],
    details: { many, large },
  };
};
