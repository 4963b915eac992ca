import type { Random } from '#kit/random.ts';
import type { FaultPoint, FaultSpec } from '#lab/seams.ts';

/** What goes wrong between the requests of one call, besides the lab's own faults. Chances per request. */
export interface RequestMix {
  /** The program dies before a request, or after its answer. */
  readonly crash: number;
  /** The worker stalls before a request until another has taken over, then goes on. */
  readonly stall: number;
  /** Somebody works in the mailbox between two requests. */
  readonly people: number;
  /** The request is on its way for seconds. */
  readonly slow: number;
  /** Per message delivered: it is larger than the target takes. */
  readonly tooLarge: number;
}

export const calmRequests: RequestMix = { crash: 0, stall: 0, people: 0, slow: 0, tooLarge: 0 };

const strongestRequests: RequestMix = { crash: 0.01, stall: 0.01, people: 0.1, slow: 0.05, tooLarge: 0.1 };

const strongestFaults: Partial<Record<FaultPoint, number>> = {
  'drop-before': 0.05,
  'drop-after': 0.15,
  'reset-mid': 0.1,
  'http-503': 0.05,
  'server-busy': 0.05,
  'item-busy': 0.1,
  'half-batch': 0.15,
  'stale-state': 0.1,
  'later-touch': 0.3,
};

/** Each is on or off per seed, so that rare mixes occur. */
export function swarmRequests(random: Random): RequestMix {
  const mix: Record<string, number> = {};
  for (const [name, most] of Object.entries(strongestRequests))
    mix[name] = random.next() < 0.6 ? 0 : most * random.next();
  return mix as unknown as RequestMix;
}

export function swarmFaults(random: Random): readonly FaultSpec[] {
  return (Object.entries(strongestFaults) as [FaultPoint, number][]).flatMap(([point, most]) =>
    random.next() < 0.5 ? [] : [{ point, chance: most * random.next(), ms: 200 + random.int(3000) }],
  );
}
