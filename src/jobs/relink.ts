import type { PairId } from '#model/ids.ts';
import type { Claim } from '#store/store.ts';
import { runMailPass } from './mail/mail-pass.ts';
import type { PassServices } from './mail/pass-context.ts';

export interface Relinked {
  /** Copies that were found by their stamps and belong to an item of the source again. */
  readonly found: number;
  /** Items of the source that had no copy, and have one now. */
  readonly created: number;
  /** Copies with a stamp of ours whose item is not on the source (any more). */
  readonly unclaimed: number;
}

/**
 * After the loss of the store: forgets what is recorded of a pair and reads both sides from the beginning. Every copy carries its stamp, so
 * the pass that does it adopts what is there and creates only what is missing. Throws FaultError.
 */
export async function relink(
  services: PassServices,
  pair: PairId,
  claim: Claim | null,
  signal: AbortSignal,
): Promise<Relinked> {
  await services.store.forget(pair);
  const { counts } = await runMailPass(services, pair, claim, signal, { everything: true });
  return { found: counts.adopted, created: counts.created, unclaimed: await services.store.unclaimedCount(pair) };
}
