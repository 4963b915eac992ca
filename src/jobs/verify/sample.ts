import { hash128 } from '#model/stamp.ts';

/** Which items something is done to: a share of all, or about so many. The same seed chooses the same items. */
export type Sample = { readonly share: number } | { readonly items: number };

export const everything: Sample = { share: 1 };

/** @param total Items there are, as the folders count them. */
export function sampler(sample: Sample, total: number, seed: string): (id: string) => boolean {
  const share = 'share' in sample ? sample.share : sample.items / Math.max(1, total);
  if (share >= 1) return () => true;
  if (!(share > 0)) return () => false;
  return (id) => Number.parseInt(hash128(`${seed}\n${id}`).slice(0, 12), 16) / 2 ** 48 < share;
}
