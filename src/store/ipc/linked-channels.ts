import { StoreError } from '../store-error.ts';
import type { Channel } from './channel.ts';

/** Both ends of a line inside one process, with the copies and the order of a real one: for tests of what runs in workers. */
export function linkedChannels(): { readonly left: Channel; readonly right: Channel; cut(): void } {
  const end = new AbortController();
  const listeners = { left: new Set<(message: unknown) => void>(), right: new Set<(message: unknown) => void>() };
  const make = (own: 'left' | 'right', other: 'left' | 'right'): Channel => ({
    closed: end.signal,
    isFull: false,
    post(message) {
      const copy = structuredClone(message);
      setImmediate(() => {
        if (!end.signal.aborted) for (const listener of [...listeners[other]]) listener(copy);
      });
    },
    listen(listener) {
      listeners[own].add(listener);
      return () => void listeners[own].delete(listener);
    },
  });
  return {
    left: make('left', 'right'),
    right: make('right', 'left'),
    cut: () => end.abort(new StoreError('closed', 'the other process ended')),
  };
}
