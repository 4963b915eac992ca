import type { PoolConfig } from 'pg';
import pg from 'pg';
import type { Clock } from '#kit/clock.ts';
import type { StoreLog } from '../open-store.ts';
import { errorCode } from './retryable.ts';

export const WAKE_CHANNEL = 'causeway_work';
const RECONNECT_MAX_MS = 10_000;

/**
 * Hears `NOTIFY` on a connection of its own and connects again when that breaks. What is missed in between is found by the poll
 * behind it.
 *
 * @returns ends the listening.
 */
export function listenForWakes(
  options: PoolConfig,
  { clock, log, ring }: { readonly clock: Clock; readonly log: StoreLog; readonly ring: () => void },
): () => Promise<void> {
  const ending = new AbortController();
  const stopped = new Promise<void>((resolve) => ending.signal.addEventListener('abort', () => resolve()));

  async function listen(): Promise<void> {
    // A listener waits for hours; a limit for statements is not meant for it.
    const current = new pg.Client({ ...options, statement_timeout: 0 });
    const ended = new Promise<void>((resolve) => {
      current.on('end', resolve);
      current.on('error', () => resolve());
    });
    current.on('notification', ring);
    try {
      await current.connect();
      await current.query(`listen ${WAKE_CHANNEL}`);
      // Whatever was announced while nobody listened.
      ring();
      await Promise.race([ended, stopped]);
    } finally {
      await current.end().catch(() => {});
    }
  }

  const running = (async () => {
    for (let failures = 0; !ending.signal.aborted; failures++) {
      const since = clock.monotonicMs();
      try {
        await listen();
      } catch (error) {
        if (!ending.signal.aborted)
          log.warn({ code: errorCode(error) }, 'the store’s wake-ups are not connected; polling until they are');
      }
      if (clock.monotonicMs() - since > 60_000) failures = 0;
      await clock.sleep(Math.min(RECONNECT_MAX_MS, 250 * 2 ** failures), ending.signal).catch(() => {});
    }
  })();

  return async () => {
    ending.abort();
    // Not `end` from here: pg never answers it while the connection is being made.
    await running;
  };
}
