import type { Random } from '#kit/random.ts';

/** Chances per occasion. Each is on or off per seed, so that rare mixes occur. */
export interface FaultMix {
  /** The request does not arrive. */
  readonly lostRequest: number;
  /** It was carried out and the answer does not arrive. */
  readonly lostAnswer: number;
  readonly throttled: number;
  readonly itemFails: number;
  readonly itemPoisoned: number;
  readonly cursorLost: number;
  /** The program dies before a call, or after it. */
  readonly crash: number;
  /** It dies while a create is on its way, which is carried out some time later. */
  readonly lateWrite: number;
  /** A worker stalls in a call until another has taken over, then goes on. */
  readonly stall: number;
  /** The database is lost and made anew. */
  readonly storeLost: number;
  /** The server touches an item again after it was written. */
  readonly laterTouch: number;
  /** People on the target change copies. */
  readonly targetPeople: number;
  /** People work between the requests of a pass. */
  readonly meanwhile: number;
  /** People write at the very moment at which the program does. */
  readonly race: number;
  /** The program dies, or the network, between a series and its occurrences. */
  readonly halfway: number;
}

export const calm: FaultMix = {
  lostRequest: 0,
  lostAnswer: 0,
  throttled: 0,
  itemFails: 0,
  itemPoisoned: 0,
  cursorLost: 0,
  crash: 0,
  lateWrite: 0,
  stall: 0,
  storeLost: 0,
  laterTouch: 0,
  targetPeople: 0,
  meanwhile: 0,
  race: 0,
  halfway: 0,
};

const strongest: FaultMix = {
  lostRequest: 0.05,
  lostAnswer: 0.15,
  throttled: 0.05,
  itemFails: 0.05,
  itemPoisoned: 0.02,
  cursorLost: 0.1,
  crash: 0.05,
  lateWrite: 0.1,
  stall: 0.05,
  storeLost: 0.15,
  laterTouch: 0.2,
  targetPeople: 0.5,
  meanwhile: 0.1,
  race: 0.3,
  halfway: 0.4,
};

export function swarm(random: Random): FaultMix {
  const mix: Record<string, number> = {};
  for (const [name, most] of Object.entries(strongest)) mix[name] = random.next() < 0.5 ? 0 : most * random.next();
  return mix as unknown as FaultMix;
}
