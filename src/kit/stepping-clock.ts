import type { Clock } from './clock.ts';

/**
 * A clock that moves only when somebody sleeps or `advance` is called: whole days of a migration in milliseconds. What was
 * planned with `at` happens on the way, in order of time.
 */
export class SteppingClock implements Clock {
  private now: number;
  private readonly start: number;
  private planned: { readonly atMs: number; readonly work: () => void }[] = [];

  constructor(startMs: number) {
    this.now = startMs;
    this.start = startMs;
  }

  nowMs(): number {
    return this.now;
  }

  monotonicMs(): number {
    return this.now - this.start;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.advance(Math.max(0, ms));
    // Others that wait get their turn, as they would in real time.
    await Promise.resolve();
    signal?.throwIfAborted();
  }

  at(atMs: number, work: () => void): void {
    this.planned.push({ atMs, work });
    this.planned.sort((a, b) => a.atMs - b.atMs);
  }

  advance(ms: number): void {
    const end = this.now + ms;
    for (let next = this.planned[0]; next && next.atMs <= end; next = this.planned[0]) {
      this.planned.shift();
      this.now = Math.max(this.now, next.atMs);
      next.work();
    }
    this.now = end;
  }
}
