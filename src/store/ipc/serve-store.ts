import type { OpenStore } from '../open-store.ts';
import { StoreError } from '../store-error.ts';
import type { Channel } from './channel.ts';
import { type Answer, type Call, type CalledMethod, calledMethods, isCall, toPlainError } from './messages.ts';

/**
 * Answers the calls of a worker process and passes wake-ups on to it. Calls run side by side, so that commits of several workers
 * meet in one group; an answer to a worker that died goes nowhere.
 *
 * @returns ends the service.
 */
export function serveStore(store: OpenStore, channel: Channel): () => void {
  const answer = (message: Answer) => channel.post(message);
  const stopListening = channel.listen((message) => {
    if (isCall(message)) void answerCall(store, message).then(answer);
  });
  const stopWaking = store.onWake((kinds) => answer({ to: 'store-caller', wake: true, kinds }));
  const stop = () => {
    stopListening();
    stopWaking();
  };
  channel.closed.addEventListener('abort', stop, { once: true });
  return stop;
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
