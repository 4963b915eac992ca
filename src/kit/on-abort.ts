import { setMaxListeners } from 'node:events';

/**
 * Calls when the signal is aborted. Everything that a pass waits for, or a watch of hundreds of mailboxes, waits for one signal as well
 * and stops listening when it is done, so that many listeners are no leak, for which Node takes more than ten.
 *
 * @returns what stops listening.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  setMaxListeners(0, signal);
  signal.addEventListener('abort', listener);
  return () => signal.removeEventListener('abort', listener);
}
