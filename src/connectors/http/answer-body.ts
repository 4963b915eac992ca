import type { HttpResponse } from '#kit/transport.ts';
import type { Lease } from './connection-pool.ts';
import type { Deadline } from './deadline.ts';

/** The body of an answer; its end frees the connection and the deadline. */
export class AnswerBody implements AsyncIterableIterator<Uint8Array> {
  #first: IteratorResult<Uint8Array> | null;
  readonly #rest: AsyncIterator<Uint8Array>;
  readonly #lease: Lease;
  readonly #call: Deadline;

  /** @param first What was already read of it, to see what it is. */
  constructor(
    rest: AsyncIterator<Uint8Array>,
    lease: Lease,
    call: Deadline,
    first: IteratorResult<Uint8Array> | null = null,
  ) {
    this.#first = first;
    this.#rest = rest;
    this.#lease = lease;
    this.#call = call;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#first) {
      const first = this.#first;
      this.#first = null;
      return first;
    }
    try {
      const result = await this.#rest.next();
      if (result.done) {
        this.#lease.release();
        this.#call.release();
      }
      return result;
    } catch (error) {
      this.#lease.discard();
      this.#call.release();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#lease.discard();
    this.#call.release();
    await this.#rest.return?.();
    return { done: true, value: undefined };
  }
}

/** Small answers are taken in, so that the connection (and its sign-in) can be used again. */
const takenInMax = 64 * 1024;

/** Ends an answer that is not read. */
export async function giveUp(response: HttpResponse, lease: Lease): Promise<void> {
  let read = 0;
  try {
    for await (const chunk of response.body) {
      read += chunk.length;
      if (read > takenInMax) break;
    }
  } catch {
    // It broke off, and nobody knows what comes next on it.
    read = Number.POSITIVE_INFINITY;
  }
  if (read > takenInMax) lease.discard();
  else lease.release();
}
