import type { Bench } from '../support/bench.ts';
export const throttled: Bench = async () => {
  throw new Error('x');
};
