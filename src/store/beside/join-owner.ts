import { once } from 'node:events';
import { connect } from 'node:net';
import type { Clock } from '#kit/clock.ts';
import { remoteStore } from '../ipc/remote-store.ts';
import type { OpenStore } from '../open-store.ts';
import { FramedSocket } from './framed-socket.ts';
import { greetOwner } from './greeting.ts';
import { socketChannel } from './socket-channel.ts';
import type { OwnersDoor } from './store-listener.ts';

/** Why an owner cannot be worked through; `again`: it is beginning or ending just now. */
export type Refusal =
  | { readonly because: 'again' | 'no-answer' | 'other-account' }
  | { readonly because: 'version'; readonly version: string };

/** @returns the store of the process behind the door, or why there is none. */
export async function joinOwner(
  { address, key }: OwnersDoor,
  version: string,
  clock: Clock,
): Promise<OpenStore | Refusal> {
  const socket = connect(address);
  try {
    await once(socket, 'connect');
  } catch (error) {
    socket.destroy();
    const code = error instanceof Error && 'code' in error ? error.code : null;
    return { because: code === 'EACCES' || code === 'EPERM' ? 'other-account' : 'again' };
  }
  const line = new FramedSocket(socket);
  try {
    const owner = await greetOwner(line, version, key);
    if (owner.version !== version) {
      line.destroy();
      return { because: 'version', version: owner.version };
    }
  } catch {
    const because = line.closed.aborted ? 'again' : 'no-answer';
    line.destroy();
    return { because };
  }
  const store = remoteStore(socketChannel(line), clock);
  return {
    ...store,
    async close() {
      await store.close();
      await line.end();
    },
  };
}
