import type { OpenStore } from '../open-store.ts';
import type { Store } from '../store.ts';
import type { WakeBell } from '../wake-bell.ts';
import { type CalledMethod, calledMethods } from './messages.ts';

/**
 * A store whose methods are calls of another one.
 *
 * @param bell Rings for work that the other store tells of.
 */
export function callingStore(
  call: (method: CalledMethod, args: readonly unknown[]) => Promise<unknown>,
  bell: WakeBell,
  close: () => Promise<void>,
): OpenStore {
  const methods = Object.fromEntries(
    calledMethods.map((method) => [method, (...args: readonly unknown[]) => call(method, args)]),
  ) as Pick<Store, CalledMethod>;
  return {
    ...methods,
    claim(...args) {
      bell.hear(args[1]);
      return methods.claim(...args);
    },
    waitForWork: (timeoutMs, signal, kindPrefix = '') => bell.wait(timeoutMs, signal, kindPrefix),
    onWake: (listener) => bell.onRing(listener),
    close,
  };
}
