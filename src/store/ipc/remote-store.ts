import type { Clock } from '#kit/clock.ts';
import type { OpenStore } from '../open-store.ts';
import { NotBegun, StoreError } from '../store-error.ts';
import { WakeBell } from '../wake-bell.ts';
import { callingStore } from './calling-store.ts';
import type { Channel } from './channel.ts';
import { type Answer, type Call, type CalledMethod, fromPlainError, isAnswer } from './messages.ts';

/** Calls of one worker that are on their way at a time; more wait here, where they cost no memory of the owner. */
const CALLS_MAX = 64;

interface Pending {
  readonly call: Call;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The store of another process. When that process ends, every call fails with `StoreError` `closed`: with `NotBegun` those that it has not
 * begun for certain.
 */
export function remoteStore(channel: Channel, clock: Clock): OpenStore {
  const bell = new WakeBell(clock);
  const running = new Map<number, Pending>();
  const waiting: Pending[] = [];
  let calls = 0;
  let closed = channel.closed.aborted;

  function send(pending: Pending): void {
    running.set(pending.call.call, pending);
    try {
      channel.post(pending.call);
    } catch (error) {
      running.delete(pending.call.call);
      pending.reject(error);
      sendNext();
    }
  }

  function sendNext(): void {
    const next = waiting.shift();
    if (next) send(next);
  }

  function call(method: CalledMethod, args: readonly unknown[]): Promise<unknown> {
    if (closed) return Promise.reject(new NotBegun());
    return new Promise((resolve, reject) => {
      const pending = { call: { to: 'store', call: ++calls, method, args }, resolve, reject } as const;
      if (running.size < CALLS_MAX) send(pending);
      else waiting.push(pending);
    });
  }

  function settle(answer: Exclude<Answer, { wake: true } | { bye: true }>): void {
    const pending = running.get(answer.call);
    if (!pending) return;
    running.delete(answer.call);
    sendNext();
    if ('error' in answer) pending.reject(fromPlainError(answer.error));
    else pending.resolve(answer.value);
  }

  const stopListening = channel.listen((message) => {
    if (!isAnswer(message)) return;
    if ('wake' in message) bell.ring(message.kinds);
    else if ('bye' in message) close(new NotBegun());
    else settle(message);
  });

  function close(ofRunning: StoreError): void {
    closed = true;
    stopListening();
    for (const pending of running.values()) pending.reject(ofRunning);
    running.clear();
    for (const pending of waiting.splice(0)) pending.reject(new NotBegun());
    bell.ring();
  }
  const cut = () => close(ended());
  if (!closed) channel.closed.addEventListener('abort', cut, { once: true });

  return callingStore(call, bell, async () => {
    channel.closed.removeEventListener('abort', cut);
    close(ended());
  });
}

const ended = () =>
  new StoreError(
    'closed',
    'the process that owned the store ended in the middle of a call: everything that was recorded is safe, and what this call was about is recorded as a whole or not at all; run the command again, it goes on from there',
  );
