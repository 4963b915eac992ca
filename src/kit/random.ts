import { randomBytes, randomInt } from 'node:crypto';

/** Where chance comes from. Injected like the clock, so that a seed replays a run. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [0, bound). */
  int(bound: number): number;
  bytes(length: number): Buffer;
}

/** Ids and nonces are asked for by the hundred, and each call of the system costs more than the bytes. */
const poolBytes = 4096;
let pool = Buffer.alloc(0);

export const systemRandom: Random = {
  next: () => randomInt(2 ** 47) / 2 ** 47,
  int: (bound) => randomInt(bound),
  bytes(length) {
    if (length > poolBytes) return randomBytes(length);
    if (pool.length < length) pool = randomBytes(poolBytes);
    const taken = Buffer.from(pool.subarray(0, length));
    pool = pool.subarray(length);
    return taken;
  },
};

/** xoshiro128**: small, fast, good enough for tests and demo data; never for secrets. */
export function seededRandom(seed: number | string): Random {
  const state = new Uint32Array(4);
  let h = 0x9e3779b9 ^ 0;
  for (const c of String(seed)) h = Math.imul(h ^ c.charCodeAt(0), 0x85ebca6b) ^ (h >>> 13);
  for (let i = 0; i < 4; i++) {
    h = (h + 0x6d2b79f5) | 0;
    let t = Math.imul(h ^ (h >>> 15), 1 | h);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    state[i] = (t ^ (t >>> 14)) >>> 0;
  }
  const rotl = (x: number, k: number) => ((x << k) | (x >>> (32 - k))) >>> 0;
  const next32 = (): number => {
    const [s0, s1, s2, s3] = state as unknown as [number, number, number, number];
    const result = Math.imul(rotl(Math.imul(s1, 5) >>> 0, 7), 9) >>> 0;
    const t = (s1 << 9) >>> 0;
    const n2 = (s2 ^ s0) >>> 0;
    const n3 = (s3 ^ s1) >>> 0;
    state[1] = s1 ^ n2;
    state[0] = s0 ^ n3;
    state[2] = n2 ^ t;
    state[3] = rotl(n3, 11);
    return result;
  };
  const next = (): number => (next32() * 2 ** 21 + (next32() >>> 11)) / 2 ** 53;
  return {
    next,
    int: (bound) => Math.floor(next() * bound),
    bytes: (length) => Buffer.from(Uint8Array.from({ length }, () => next32() & 0xff)),
  };
}
