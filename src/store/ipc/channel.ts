import type { ChildProcess } from 'node:child_process';
import { StoreError } from '../store-error.ts';

/** Two-way line between two processes, for plain data (structured clone). Ends when either process does. `post` throws for what cannot be sent. */
export interface Channel {
  /** Messages after the end are dropped: nobody is there to read them. */
  post(message: unknown): void;
  /** The other end reads no more for the moment: what may be left out is. */
  readonly isFull: boolean;
  /** @returns ends the listening. */
  listen(listener: (message: unknown) => void): () => void;
  /** Aborted when the other end is gone. */
  readonly closed: AbortSignal;
}

/** The parent's end of a child that was forked with `serialization: 'advanced'`. */
export const childChannel = (child: ChildProcess): Channel => channelOf(child);

/** The child's end. */
export const parentChannel = (): Channel => channelOf(process);

/** What a child process and the own process have in common. */
interface Ipc {
  readonly connected?: boolean;
  send?(message: unknown, callback: (error: Error | null) => void): boolean;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  off(event: 'message', listener: (message: unknown) => void): unknown;
  once(event: 'disconnect', listener: () => void): unknown;
}

function channelOf(ipc: Ipc): Channel {
  const end = new AbortController();
  const close = () => end.abort(new StoreError('closed', 'the other process ended'));
  if (ipc.connected === false || !ipc.send) close();
  else ipc.once('disconnect', close);
  return {
    closed: end.signal,
    isFull: false,
    post(message) {
      // A send to a process that is just ending fails late, by callback; `disconnect` tells the rest.
      if (!end.signal.aborted) ipc.send?.(message, () => {});
    },
    listen(listener) {
      ipc.on('message', listener);
      return () => void ipc.off('message', listener);
    },
  };
}
