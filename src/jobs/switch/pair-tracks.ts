import type { Connector } from '#connectors/contract.ts';
import { must } from '#kit/assert.ts';
import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import type { PairId, Side } from '#model/ids.ts';
import type { MailPolicy, TypedPolicy } from '#model/policy.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { Claim, ContentKind, Store } from '#store/store.ts';
import { runMailPass } from '../mail/mail-pass.ts';
import { runTypedPass } from '../typed/typed-pass.ts';
import { carryBack } from './carry-back.ts';
import type { Tracks } from './ports.ts';

/** The work of a track, held by us and nobody else. */
export interface HeldTrack {
  readonly claim: Claim | null;
  /** Aborted as well when the claim is lost. */
  readonly signal: AbortSignal;
  release(): Promise<void>;
}

export interface PairTracksOptions {
  readonly store: Store;
  readonly left: Connector;
  readonly right: Connector;
  readonly clock: Clock;
  readonly random: Random;
  readonly requestDeadlineMs: number;
  readonly lanes: number;
  readonly pair: PairId;
  /** Null: mail is not copied. */
  readonly mail: MailPolicy | null;
  readonly typed: ReadonlyMap<TypedKind, Omit<TypedPolicy, 'active'>>;
  /** Waits for a pass that is on its way. Throws FaultError (transient) when it does not end. */
  readonly hold: (kind: ContentKind, signal: AbortSignal) => Promise<HeldTrack>;
}

/** The policy of a mail pass by where the person works: after the switch nothing is removed from the target any more. */
export const mailPolicyFor = (policy: MailPolicy, active: Side): MailPolicy =>
  active === 'right' ? { ...policy, keepsDeleted: true } : policy;

/** The passes of one pair, each under the claim of its track. */
export function pairTracks(options: PairTracksOptions): Tracks {
  const { pair, mail, typed } = options;
  const held = async <Result>(
    kind: ContentKind,
    outer: AbortSignal,
    work: (claim: Claim | null, signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> => {
    const { claim, signal, release } = await options.hold(kind, outer);
    try {
      return await work(claim, signal);
    } finally {
      await release();
    }
  };
  return {
    kinds: [...(mail === null ? [] : (['mail'] as const)), ...typed.keys()],
    pass: (kind, active, outer) =>
      held(kind, outer, async (claim, signal) => {
        const { summary, again } =
          kind === 'mail'
            ? await runMailPass(
                { ...options, policy: mailPolicyFor(must(mail, 'mail is copied'), active) },
                pair,
                claim,
                signal,
              )
            : await runTypedPass(
                { ...options, policy: { ...must(typed.get(kind), `${kind} is kept in step`), active } },
                pair,
                kind,
                claim,
                signal,
              );
        return { writes: summary.writes, held: summary.held, again };
      }),
    carryBack: (memory, outer) =>
      held('mail', outer, (claim, signal) =>
        carryBack({ ...options, policy: must(mail, 'mail is copied') }, pair, claim, memory, signal),
      ),
  };
}
