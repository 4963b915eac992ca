import type { EwsAnswer, EwsHttp, EwsPost } from '#connectors/ews/ews-http.ts';
import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';
import type { SteppingClock } from '#kit/stepping-clock.ts';
import { Crash, type Life } from '../stage.ts';
import type { RequestMix } from './mix.ts';

/**
 * Time and the network of one stage. Requests take no time by themselves and time does not pass while one is being carried out, so
 * that what a deadline promises can be held against it; what is planned happens at its own moment, whoever waits for whatever.
 */
export class Wire {
  private readonly clock: SteppingClock;
  private last: Promise<unknown> = Promise.resolve();
  private planned: { readonly atMs: number; readonly work: () => Promise<unknown> }[] = [];

  constructor(clock: SteppingClock) {
    this.clock = clock;
  }

  /** One thing at a time, in the order in which they asked. */
  private exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work, work);
    this.last = result.catch(() => {});
    return result;
  }

  later(atMs: number, work: () => Promise<unknown>): void {
    this.planned.push({ atMs, work });
    this.planned.sort((a, b) => a.atMs - b.atMs);
  }

  advance(ms: number): Promise<void> {
    return this.exclusively(() => this.pass(ms));
  }

  private async pass(ms: number): Promise<void> {
    const end = this.clock.nowMs() + ms;
    for (let next = this.planned[0]; next && next.atMs <= end; next = this.planned[0]) {
      this.planned.shift();
      this.clock.advance(Math.max(0, next.atMs - this.clock.nowMs()));
      await next.work();
    }
    this.clock.advance(end - this.clock.nowMs());
  }

  /** The clock of one life: who sleeps lets time pass, and the dead do not wake up. */
  clockOf(life: Life | null): Clock {
    return {
      nowMs: () => this.clock.nowMs(),
      monotonicMs: () => this.clock.monotonicMs(),
      sleep: async (ms, signal) => {
        signal?.throwIfAborted();
        if (life?.late) throw new Crash('it slept');
        await this.advance(Math.max(0, ms));
        if (life?.dead) throw new Crash('while it slept');
        signal?.throwIfAborted();
      },
    };
  }

  /** The way from one life of the program to a server, with all that can happen on it. */
  http(
    server: EwsHttp,
    life: Life,
    luck: { readonly random: Random; readonly mix: () => RequestMix },
    happens: { readonly people: (request: EwsPost) => void; readonly stall: () => Promise<void> },
  ): EwsHttp {
    const chance = (name: keyof RequestMix) => {
      const most = luck.mix()[name];
      return most > 0 && luck.random.next() < most;
    };
    const die = (when: string): never => {
      life.dead = true;
      throw new Crash(when);
    };
    return {
      post: async (request) => {
        // Sent before its death, and it arrives now: whoever moves the time holds the wire already.
        if (life.late) return whole(await server.post(request));
        if (chance('stall')) await happens.stall();
        return this.exclusively(async () => {
          if (life.dead) throw new Crash(`before ${request.operation}`);
          if (chance('people')) happens.people(request);
          if (chance('crash')) die(`before ${request.operation}`);
          if (chance('slow')) await this.delay(request, luck.random);
          const answer = await whole(await server.post(request));
          if (chance('crash')) die(`after ${request.operation}`);
          return answer;
        });
      },
    };
  }

  /** A request that is still on its way at its deadline is given up, and does not arrive. */
  private async delay({ context, operation }: EwsPost, random: Random): Promise<void> {
    await this.pass(random.int(8000));
    if (this.clock.monotonicMs() <= context.deadlineMs) return;
    throw new FaultError({ kind: 'transient', detail: `${operation} took too long`, mayHaveHappened: true });
  }
}

/** The answer as it arrived, up to where it broke off: nobody reads from a server while time passes. */
async function whole(answer: EwsAnswer): Promise<EwsAnswer> {
  const chunks: Uint8Array[] = [];
  let broken: { readonly error: unknown } | null = null;
  try {
    for await (const chunk of answer.body) chunks.push(chunk);
  } catch (error) {
    broken = { error };
  }
  async function* body() {
    yield* chunks;
    if (broken) throw broken.error;
  }
  return { ...answer, body: body() };
}
