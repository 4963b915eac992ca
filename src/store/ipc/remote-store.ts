import type { Clock } from '#kit/clock.ts';
import type { Store } from '../store.ts';
import { StoreError } from '../store-error.ts';
import { WakeBell } from '../wake-bell.ts';
import type { Channel } from './channel.ts';
import { type Answer, type Call, type CalledMethod, calledMethods, fromPlainError, isAnswer } from './messages.ts';

/** Calls of one worker that are on their way at a time; more wait here, where they cost no memory of the owner. */
const CALLS_MAX = 64;

interface Pending {
  readonly call: Call;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The store of another process. When that process ends, every call fails with `StoreError` `closed`. */
export function remoteStore(channel: Channel, clock: Clock): Store {
  const bell = new WakeBell(clock);
  const running = new Map<number, Pending>();
  const waiting: Pending[] = [];
  let calls = 0;
  let closed = channel.closed.aborted;

  function send(pending: Pending): void {
    running.set(pending.call.call, pending);
    channel.post(pending.call);
  }

  function call(method: CalledMethod, args: readonly unknown[]): Promise<unknown> {
    if (closed) return Promise.reject(ended());
    return new Promise((resolve, reject) => {
      const pending = { call: { to: 'store', call: ++calls, method, args }, resolve, reject } as const;
      if (running.size < CALLS_MAX) send(pending);
      else waiting.push(pending);
    });
  }

  function settle(answer: Exclude<Answer, { wake: true }>): void {
    const pending = running.get(answer.call);
    if (!pending) return;
    running.delete(answer.call);
    const next = waiting.shift();
    if (next) send(next);
    if ('error' in answer) pending.reject(fromPlainError(answer.error));
    else pending.resolve(answer.value);
  }

  const stopListening = channel.listen((message) => {
    if (!isAnswer(message)) return;
    if ('wake' in message) bell.ring(message.kinds);
    else settle(message);
  });

  function close(): void {
    closed = true;
    stopListening();
    for (const pending of [...running.values(), ...waiting.splice(0)]) pending.reject(ended());
    running.clear();
    bell.ring();
  }
  if (!closed) channel.closed.addEventListener('abort', close, { once: true });

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
    async close() {
      channel.closed.removeEventListener('abort', close);
      close();
    },
  };
}

const ended = () => new StoreError('closed', 'the process that owns the store ended');
