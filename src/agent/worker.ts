/** Entry point of a worker process (`dist/worker.js`), forked by the supervisor. */
import { systemClock } from '#kit/clock.ts';
import { systemRandom } from '#kit/random.ts';
import { loadProject } from '#project/read-project.ts';
import { parentChannel } from '#store/ipc/channel.ts';
import { processMeter } from './cpu-share.ts';
import { projectHandlers } from './project-handlers.ts';
import { runWorker } from './run-worker.ts';

/** How long a worker may take to end once its supervisor is gone. */
const ORPHAN_MS = 5_000;

// Ctrl-C reaches every process of the terminal; the supervisor decides what it means.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

const channel = parentChannel();
const orphaned = () => setTimeout(() => process.exit(1), ORPHAN_MS).unref();
if (channel.closed.aborted) orphaned();
else channel.closed.addEventListener('abort', orphaned, { once: true });

await runWorker({
  channel,
  clock: systemClock,
  random: systemRandom,
  meter: processMeter(),
  peakRssBytes: () => process.resourceUsage().maxRSS * 1024,
  pid: process.pid,
  open: async (setup) =>
    projectHandlers(loadProject(setup.projectFile), setup.pairs, { clock: systemClock, random: systemRandom }),
});
// A supervisor that was killed has ended the channel already.
if (process.connected) process.disconnect();
// Idle connections to servers must not keep a finished worker alive.
setTimeout(() => process.exit(), 1_000).unref();
