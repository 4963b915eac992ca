import type { Clock } from '#kit/clock.ts';
import { callingStore } from '../ipc/calling-store.ts';
import type { CalledMethod } from '../ipc/messages.ts';
import type { OpenStore } from '../open-store.ts';
import { NotBegun, StoreError } from '../store-error.ts';
import { WakeBell } from '../wake-bell.ts';

/**
 * A store through whichever process owns it. When the owner ends in order, calls go on with the next one, which may be this process; when
 * it was killed, calls that were on their way fail with `StoreError` `closed`, and later ones go on likewise.
 *
 * @param open Takes the store, or joins whoever has it.
 */
export async function followingStore(open: () => Promise<OpenStore>, clock: Clock): Promise<OpenStore> {
  const bell = new WakeBell(clock);
  let isClosed = false;
  let current: Promise<OpenStore> | null = reopen();
  await current;

  async function reopen(): Promise<OpenStore> {
    const store = await open();
    store.onWake((kinds) => bell.ring(kinds));
    // Work may have come in while nobody told us.
    bell.ring();
    return store;
  }

  async function call(method: CalledMethod, args: readonly unknown[]): Promise<unknown> {
    for (;;) {
      if (isClosed) throw new StoreError('closed', 'the store was closed');
      current ??= reopen();
      const asked = current;
      const leave = () => {
        if (current === asked) current = null;
      };
      const store = await asked.catch((error: unknown) => {
        leave();
        throw error;
      });
      try {
        const run = store[method] as (...args: readonly unknown[]) => Promise<unknown>;
        return await run.apply(store, args as unknown[]);
      } catch (error) {
        if (!(error instanceof NotBegun)) throw error;
        leave();
      }
    }
  }

  return callingStore(call, bell, async () => {
    isClosed = true;
    await (await current?.catch(() => null))?.close();
  });
}
