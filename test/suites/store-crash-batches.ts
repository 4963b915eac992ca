import type { LinkRow } from '#model/link.ts';
import { link } from './store-rows.ts';

/** Links of one commit. */
export const BATCH = 20;

export const batchLinks = (batch: number): readonly LinkRow[] =>
  Array.from({ length: BATCH }, (_, n) => link(batch * BATCH + n));
