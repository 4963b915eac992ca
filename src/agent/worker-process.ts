import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Channel, childChannel } from '#store/ipc/channel.ts';

/** A worker as its supervisor sees it. */
export interface WorkerProcess {
  readonly pid: number;
  readonly channel: Channel;
  /** Resolves with a word about how it ended. */
  readonly ended: Promise<string>;
  kill(): void;
}

/** The bundle beside the one this code is in. */
const bundle = new URL('./worker.js', import.meta.url);

/**
 * Megabytes of each half of the young generation. At Node's 16 a worker with a mailbox of 50,000 mails grows to 260 MB, nearly all of it
 * garbage that nobody has come to collect; at 4 it stays below 230 for a twentieth more CPU.
 */
const SEMI_SPACE_MB = 4;
/**
 * Megabytes of the old generation that no worker comes near. It is there for what V8 makes of it: the more a heap may grow the later it is
 * cleaned, up to four times what is alive where there is no limit.
 */
const OLD_SPACE_MB = 512;

/**
 * How much a heap grows between two collections. V8 goes by how fast a process fills it, and where that is slowly, by as little as a tenth: then an idle
 * worker marks all that it holds over and over.
 */
const HEAP_GROWING_PERCENT = 30;

/**
 * How glibc holds on to memory that was given back. Pools: with 2,000 pairs 34 and 52 MB more in all processes where there is one for each
 * thread. Thresholds, in bytes: left to itself it raises them with the largest buffer that it has met. With 10,000 pairs all processes took
 * 604 MB so, 570 with these at the same cost, and 581 with thresholds of 1 MB and 256 kB, but 5.2 % of a core instead of 4.8.
 */
const MALLOC = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '8388608', MALLOC_MMAP_THRESHOLD_: '1048576' };

export function forkWorker(path: string = fileURLToPath(bundle)): WorkerProcess {
  const child = fork(path, [], {
    serialization: 'advanced',
    execArgv: [
      '--enable-source-maps',
      `--max-semi-space-size=${SEMI_SPACE_MB}`,
      // Otherwise the nursery shrinks while little happens, and every half megabyte is a collection of its own.
      `--min-semi-space-size=${SEMI_SPACE_MB}`,
      `--max-old-space-size=${OLD_SPACE_MB}`,
      // It collects the whole heap again and again while a process idles: a quarter of what idling costs.
      '--no-memory-reducer',
      `--heap-growing-percent=${HEAP_GROWING_PERCENT}`,
    ],
    env: { ...process.env, ...MALLOC },
    // Its stdout is not the program's: `--json` must stay readable.
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ? `signal ${signal}` : `exit code ${code}`));
  });
  return { pid: child.pid ?? 0, channel: childChannel(child), ended, kill: () => void child.kill('SIGKILL') };
}
