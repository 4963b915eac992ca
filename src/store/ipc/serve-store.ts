import type { OpenStore } from '../open-store.ts';
import { StoreError } from '../store-error.ts';
import type { Channel } from './channel.ts';
import { type Answer, type Call, type CalledMethod, calledMethods, isCall, toPlainError } from './messages.ts';

export interface StoreService {
  /** Ends it without a word. */
  stop(): void;
  /** Begins no call any more. Resolves when those that were begun are answered. */
  drain(): Promise<void>;
  /** After `drain`: whatever was not answered has to be asked of the next owner. */
  sayBye(): void;
}

/**
 * Answers the calls of another process, a worker or a command, and passes wake-ups on to it. Calls run side by side, so that commits of several
 * processes meet in one group; an answer to a process that died goes nowhere.
 */
export function serveStore(store: OpenStore, channel: Channel): StoreService {
  const running = new Set<Promise<void>>();
  function answer(message: Answer): void {
    try {
      channel.post(message);
    } catch (error) {
      if ('call' in message) channel.post({ to: 'store-caller', call: message.call, error: toPlainError(error) });
    }
  }
  const stopListening = channel.listen((message) => {
    if (!isCall(message)) return;
    const answered = answerCall(store, message)
      .then(answer)
      .finally(() => running.delete(answered));
    running.add(answered);
  });
  const stopWaking = store.onWake((kinds) => {
    // Whoever sleeps looks every few seconds by itself.
    if (!channel.isFull) answer({ to: 'store-caller', wake: true, kinds });
  });
  const stop = () => {
    stopListening();
    stopWaking();
  };
  channel.closed.addEventListener('abort', stop, { once: true });
  return {
    stop,
    async drain() {
      stop();
      await Promise.all(running);
    },
    sayBye: () => answer({ to: 'store-caller', bye: true }),
  };
}

const known: ReadonlySet<string> = new Set<CalledMethod>(calledMethods);

async function answerCall(store: OpenStore, { call, method, args }: Call): Promise<Answer> {
  try {
    if (!known.has(method))
      throw new StoreError('closed', `the store has no method ${method}: worker and owner are of different versions`);
    const run = store[method] as (...args: readonly unknown[]) => Promise<unknown>;
    return { to: 'store-caller', call, value: await run.apply(store, args as unknown[]) };
  } catch (error) {
    return { to: 'store-caller', call, error: toPlainError(error) };
  }
}
