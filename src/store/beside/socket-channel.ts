import { deserialize, serialize } from 'node:v8';
import type { Channel } from '../ipc/channel.ts';
import { StoreError } from '../store-error.ts';
import type { FramedSocket } from './framed-socket.ts';

/** Of one message. The largest are pages of rows and the commits of a batch, a few megabytes. */
const MESSAGE_BYTES_MAX = 128 * 1024 * 1024;

/** The line of two processes that know each other by now: the same messages as between a worker and its supervisor. */
export function socketChannel(line: FramedSocket): Channel {
  const listeners = new Set<(message: unknown) => void>();
  line.bytesMax = MESSAGE_BYTES_MAX;
  function hear(frame: Buffer): void {
    let message: unknown;
    try {
      message = deserialize(frame);
    } catch {
      line.destroy();
      return;
    }
    for (const listener of [...listeners]) listener(message);
  }
  return {
    closed: line.closed,
    get isFull() {
      return line.isFull;
    },
    post(message) {
      if (line.closed.aborted) return;
      const frame = serialize(message);
      if (frame.length > MESSAGE_BYTES_MAX)
        throw new StoreError(
          'too-large',
          `a message of ${frame.length} bytes is more than one process asks another for`,
        );
      line.send(frame);
    },
    listen(listener) {
      listeners.add(listener);
      if (listeners.size === 1) line.listen(hear);
      return () => void listeners.delete(listener);
    },
  };
}
