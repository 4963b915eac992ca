import type { Bench, BenchOptions } from '../support/bench.ts';
import { startResponder } from '../support/copy.ts';
import { against, round } from '../support/results.ts';
import { watchedSync } from '../support/watched-sync.ts';

const pairCount = 40;
const itemsEach = 5_000;
const mailBytes = 4 * 1024;
/** Below this the ratio says nothing: a worker's start alone is a good part of it. */
const enoughSeconds = 60;

/** `causeway sync` over 40 similar pairs with as many workers as it takes by itself; their CPU time as the system counts it. */
export async function measureCores({ quick, items, say }: BenchOptions) {
  const each = items ?? (quick ? itemsEach / 10 : itemsEach);
  const responder = await startResponder(each, mailBytes);
  try {
    const result = await watchedSync(responder, pairCount, []);
    if (result.items !== pairCount * each) throw new Error(`${result.items} of ${pairCount * each} mails were created`);
    const { workers } = result;
    say(
      `cores: ${result.items} mails in ${round(result.seconds)} s; workers ${workers.map(round).join(', ')} s CPU, supervisor ${round(result.supervisorCpuSeconds)} s`,
    );
    const sum = workers.reduce((a, b) => a + b, 0);
    if (sum < enoughSeconds)
      say(`cores: ${round(sum)} s of CPU in all; a figure that counts needs ${enoughSeconds} s: raise --items`);
    return { ...result, ratio: (workers[0] ?? 0) / Math.max(0.01, workers.at(-1) ?? 0) };
  } finally {
    await responder.close();
  }
}

export const cores: Bench = async (options) => {
  const result = await measureCores(options);
  const { ratio, items, seconds, workers, supervisorCpuSeconds } = result;
  return {
    figures: { coreRatio: round(ratio), workers: workers.map(round) },
    lines: [
      against('CPU of the busiest worker over idlest', ratio, '≤ 1.2', (value) => value <= 1.2),
      `  ${items} mails in ${round(seconds)} s: ${round(items / seconds)} mails/s by the whole program`,
      `  CPU seconds: workers ${workers.map(round).join(', ')}; supervisor with the store ${round(supervisorCpuSeconds)}`,
    ],
    details: result,
  };
};
