import type { PairId } from '#model/ids.ts';
import type { TypedKind } from '#model/typed-item.ts';
import { type Claim, type Commit, type Forgetting, trackId } from '#store/store.ts';
import { runMailPass } from './mail/mail-pass.ts';
import type { PassServices } from './mail/pass-context.ts';
import type { TypedPassServices } from './typed/typed-context.ts';
import { runTypedPass } from './typed/typed-pass.ts';

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
 *
 * @param forgetting What is to be believed of what is recorded.
 * @param also what is recorded in the same transaction.
 */
export async function relink(
  services: PassServices,
  pair: PairId,
  claim: Claim | null,
  signal: AbortSignal,
  forgetting: Forgetting,
  also: Commit = {},
): Promise<Relinked> {
  await services.store.commit(pair, claim, { ...also, forgetsAll: forgetting });
  const { counts } = await runMailPass(services, pair, claim, signal, { everything: true });
  return { found: counts.adopted, created: counts.created, unclaimed: await services.store.unclaimedCount(pair) };
}

/**
 * The same for events, contacts, tasks or notes: what is on both sides is linked by its stamp or its identity and merged without a base,
 * so where the two differ the policy decides and the loser is in the journal. Throws FaultError.
 */
export async function relinkTyped(
  services: TypedPassServices,
  pair: PairId,
  kind: TypedKind,
  claim: Claim | null,
  signal: AbortSignal,
  forgetting: Forgetting,
  also: Commit = {},
): Promise<Relinked> {
  await services.store.commit(trackId(pair, kind), claim, { ...also, forgetsAll: forgetting });
  const { counts } = await runTypedPass(services, pair, kind, claim, signal, { everything: true });
  const unclaimed = Object.values(counts.left).reduce((sum, n) => sum + n, 0);
  return { found: counts.adopted, created: counts.created, unclaimed };
}
