import type { Mailbox } from '#connectors/contract.ts';
import { FaultError } from '#kit/fault.ts';
import type { MailboxGuid, PairId, Side } from '#model/ids.ts';
import type { TypedKind } from '#model/typed-item.ts';
import { type Claim, type Commit, type ContentKind, type PairRow, type Store, trackId } from '#store/store.ts';
import { runMailPass, surveyCopies } from './mail/mail-pass.ts';
import type { PassServices } from './mail/pass-context.ts';
import type { PassBasics } from './pass/pass-core.ts';
import type { PlannedWrite } from './pass/planned-write.ts';
import { type Relinked, relink, relinkTyped } from './relink.ts';
import type { TypedPassServices } from './typed/typed-context.ts';
import { runTypedPass } from './typed/typed-pass.ts';

/** What a resync of a track would do. */
export interface ResyncPlan {
  /** The mailbox that stands on the target now, where it is another one than at the first pass. */
  readonly replaced: { readonly was: MailboxGuid; readonly is: MailboxGuid } | null;
  /** Copies on the target that belong to an item of the source again; null: known once they are linked. */
  readonly found: number | null;
  /** Every write, on either side. */
  readonly writes: readonly PlannedWrite[];
  /** Links that are recorded now, and would be made anew. */
  readonly links: number;
}

type Services<Kind extends ContentKind> = Kind extends 'mail' ? PassServices : TypedPassServices;

/**
 * What `resync` would do: both sides are read as if nothing were known, into a store that is thrown away. Writes nothing, neither to
 * mailboxes nor to the store of the project. Throws FaultError.
 *
 * @param empty a store in memory that knows the pair and nothing of it.
 */
export async function planResync<Kind extends ContentKind>(
  services: Services<Kind>,
  empty: Store,
  pair: PairId,
  kind: Kind,
  signal: AbortSignal,
): Promise<ResyncPlan> {
  const known = await rowOf(services.store, pair, kind);
  const replaced = await replacedTarget(services, known, signal);
  const writes: PlannedWrite[] = [];
  const rehearsal = { ...services, store: empty, isRehearsal: true };
  let found: number | null = null;
  if (kind === 'mail') {
    await surveyCopies(rehearsal as PassServices, pair, signal);
    const options = { plan: writes, everything: true };
    found = (await runMailPass(rehearsal as PassServices, pair, null, signal, options)).counts.adopted;
  } else {
    const typed = rehearsal as TypedPassServices;
    const options = { plan: writes, everything: true };
    await runTypedPass(typed, pair, kind as TypedKind, null, signal, options);
  }
  return { replaced, found, writes, links: known.counts.links };
}

/**
 * Makes the links of a broken target mailbox anew, and copies what it lacks. Nothing is removed from it, and nothing that is there is copied a
 * second time: copies are found by their stamps, events by their identity. A target mailbox that was removed and made again is accepted as it
 * is now. Throws FaultError.
 *
 * @param accept GUID of the mailbox that `planResync` saw on the target: another one by now is refused.
 */
export async function resync<Kind extends ContentKind>(
  services: Services<Kind>,
  pair: PairId,
  kind: Kind,
  accept: MailboxGuid | null,
  claim: Claim | null,
  signal: AbortSignal,
): Promise<Relinked> {
  const { store, clock } = services;
  const known = await rowOf(store, pair, kind);
  const replaced = await replacedTarget(services, known, signal);
  if (replaced !== null && replaced.is !== accept)
    throw new FaultError({
      kind: 'fatal',
      code: 'mailbox-replaced',
      detail: `the target mailbox ${known.right.address} was ${replaced.was} and is ${replaced.is} now; look at the plan once more`,
    });
  // With the new mailbox pinned and the old links there, its emptiness would be taken for deletions: both in one transaction, or neither.
  const accepted: Commit = {
    ...(replaced === null ? {} : { pair: { rightMailbox: replaced.is } }),
    history: [
      {
        pass: known.pass,
        atMs: clock.nowMs(),
        action: 'resync',
        reason: replaced === null ? 'links are made anew' : 'the target mailbox was made again, and is accepted',
        left: null,
        right: null,
        outcome: 'done',
        detail: `${known.counts.links} links were recorded${replaced === null ? '' : `; ${replaced.was} was there, ${replaced.is} is now`}`,
      },
    ],
  };
  return kind === 'mail'
    ? relink(services as PassServices, pair, claim, signal, { lostAtMs: null }, accepted)
    : relinkTyped(services as TypedPassServices, pair, kind as TypedKind, claim, signal, { lostAtMs: null }, accepted);
}

async function rowOf(store: Store, pair: PairId, kind: ContentKind): Promise<PairRow> {
  const row = await store.pair(trackId(pair, kind));
  if (row !== null) return row;
  throw new FaultError({ kind: 'fatal', code: 'config', detail: `${kind} of ${pair} was never worked on` });
}

/** A source that was replaced is never accepted: what is gone there would be lost for good. */
async function replacedTarget(
  { left, right, clock, requestDeadlineMs }: PassBasics,
  pair: PairRow,
  signal: AbortSignal,
): Promise<ResyncPlan['replaced']> {
  const guidOf = async (side: Side, box: Mailbox) => {
    const { mailbox } = await box.tree({ signal, deadlineMs: clock.monotonicMs() + requestDeadlineMs });
    const was = pair[side].mailbox;
    return was === null || was === mailbox ? null : { was, is: mailbox };
  };
  const source = await guidOf('left', left.mailbox(pair.left.address));
  if (source !== null)
    throw new FaultError({
      kind: 'fatal',
      code: 'mailbox-replaced',
      detail: `the source mailbox ${pair.left.address} was ${source.was} and is ${source.is} now: only a target can be made again`,
    });
  return guidOf('right', right.mailbox(pair.right.address));
}
