import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

/** Where time comes from. Injected everywhere, so that the simulation runs the real code on a virtual clock. */
export interface Clock {
  /** Wall clock, milliseconds since 1970-01-01 UTC. May jump. */
  nowMs(): number;
  /** Never goes back; only differences mean something. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    // Many sleep until one signal: Node takes more than ten for a leak.
    if (signal) setMaxListeners(0, signal);
    try {
      await delay(ms, undefined, signal ? { signal } : {});
    } catch (error) {
      // Node wraps the reason into an AbortError of its own.
      throw signal?.aborted ? signal.reason : error;
    }
  },
};
