import type { OnHeld } from '#agent/hold-work.ts';
import type { Clock } from '#kit/clock.ts';
import { plain } from './format.ts';
import type { Output } from './output.ts';

/** A wait that is shorter than this nobody notices. */
const noticedMs = 1_500;
/** One that goes on is said again after so long. */
const againMs = 30_000;
/** Told of no more for so long, it is over. */
const overMs = 5_000;

interface Known {
  readonly sinceMs: number;
  readonly toldMs: number;
  readonly saidMs: number;
}

/** Says whom a command waits for, because that one works on the same: once somebody would begin to wonder, and again while it lasts. */
export function saidHolds(clock: Clock, output: Output): OnHeld {
  const known = new Map<string, Known>();
  return (key, owner, endsInMs) => {
    const nowMs = clock.monotonicMs();
    const last = known.get(key);
    const before = last !== undefined && nowMs - last.toldMs < overMs ? last : null;
    const sinceMs = before?.sinceMs ?? nowMs;
    const saidMs = before?.saidMs ?? Number.NEGATIVE_INFINITY;
    const isToSay = nowMs - sinceMs >= noticedMs && nowMs - saidMs >= againMs;
    known.set(key, { sinceMs, toldMs: nowMs, saidMs: isToSay ? nowMs : saidMs });
    if (!isToSay) return;
    const seconds = Math.ceil(endsInMs / 1000);
    output.line({ event: 'waiting', work: key, owner, seconds });
    output.note(
      plain(`${key}: waiting until ${owner} gives it back; if that process was killed, in ${seconds} s at the latest`),
    );
  };
}
