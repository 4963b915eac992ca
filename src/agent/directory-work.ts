import { runDirectoryPass } from '#jobs/directory/directory-pass.ts';
import { PassInterrupted } from '#jobs/pass/pass-core.ts';
import { FaultError } from '#kit/fault.ts';
import type { DirectorySync } from '#project/project.ts';
import { SecretError } from '#project/secret.ts';
import type { Store } from '#store/store.ts';
import type { OpenedSync } from './open-directory.ts';
import { type Handler, subjectOf } from './work.ts';
import { pauseAfterFailureMs } from './work-loop.ts';

/** A look at both change feeds is one search a side, so it is made this often. */
const LOOK_MS = 30_000;
/** How soon a pass follows that left something for the next one. */
const AGAIN_MS = 2_000;

/** The work of a sync, `directory:SYNC`. */
export const directoryKey = (sync: string): string => `directory:${sync}`;
/** Before passes of mailboxes, after whatever else is due. */
export const DIRECTORY_PRIORITY = 30;

/**
 * The work `directory:SYNC`: one pass, then the time of the next.
 *
 * @param find Null: this project has no such sync.
 */
export function directoryWork(
  find: (sync: string, store: Store) => Promise<{ readonly sync: DirectorySync; readonly opened: OpenedSync } | null>,
): Handler {
  return async (claim, { store, clock, log, draining }, signal) => {
    const name = subjectOf(claim.key);
    try {
      const known = await find(name, store);
      if (!known) return { nextAtMs: null, failed: false };
      const { summary, again, handedOver } = await runDirectoryPass(
        { ...known.opened.services, draining },
        claim,
        signal,
      );
      const { writes, refused, held } = summary;
      if (writes + refused + held > 0) log.info({ sync: name, writes, refused, held }, 'a directory was kept in step');
      if (handedOver.length > 0)
        log.warn({ sync: name, count: handedOver.length }, 'PowerShell has to be run: causeway provision prints it');
      const pauseMs = again ? AGAIN_MS : Math.min(LOOK_MS, known.sync.everyMs);
      return { nextAtMs: clock.nowMs() + pauseMs, failed: false };
    } catch (error) {
      if (error instanceof PassInterrupted) return { nextAtMs: clock.nowMs(), failed: false };
      const because = reasonOf(error);
      if (because === null) throw error;
      const row = await store.directorySync(name);
      const nowMs = clock.nowMs();
      await store.commitDirectory(name, claim, {
        sync: {
          lastPass: {
            pass: row?.pass ?? 0,
            startedAtMs: nowMs,
            endedAtMs: nowMs,
            searches: 0,
            writes: 0,
            refused: 0,
            held: 0,
            outcome: 'stopped',
            stoppedBecause: because,
          },
        },
      });
      log.warn({ sync: name, because }, 'a directory sync was stopped; it is tried again');
      return { nextAtMs: nowMs + pauseAfterFailureMs(claim.attempts), failed: true };
    }
  };
}

function reasonOf(error: unknown): string | null {
  if (error instanceof SecretError) return `config: ${error.message}`;
  return error instanceof FaultError ? error.message : null;
}
