/**
 * A worker process for `src/agent/supervisor.test.ts`: the real worker with work that burns CPU time and waits in turn, as a pass does.
 */

import { processMeter } from '#agent/cpu-share.ts';
import { runWorker } from '#agent/run-worker.ts';
import { systemClock } from '#kit/clock.ts';
import { systemRandom } from '#kit/random.ts';
import { parentChannel } from '#store/ipc/channel.ts';

process.on('SIGINT', () => {});

await runWorker({
  channel: parentChannel(),
  clock: systemClock,
  random: systemRandom,
  meter: processMeter(),
  peakRssBytes: () => process.resourceUsage().maxRSS * 1024,
  pid: process.pid,
  open: async () => ({
    handlers: {
      mail: async (claim, { draining }) => {
        // `mail:NUMBER ROUNDS`
        const rounds = Number(claim.key.split(' ')[1] ?? 1);
        for (let round = 0; round < rounds && !draining.aborted; round++) {
          const end = process.cpuUsage().user + 10_000;
          while (process.cpuUsage().user < end);
          await systemClock.sleep(5);
        }
        return { nextAtMs: null, failed: false };
      },
    },
    close: async () => {},
  }),
});
process.disconnect?.();
