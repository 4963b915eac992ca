import type { Connector } from '#connectors/contract.ts';
import { mirrorBack, mirrorFolder, mirrorLink } from '#engine/switch/mirror.ts';
import type { Clock } from '#kit/clock.ts';
import { isFault } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';
import type { PairId } from '#model/ids.ts';
import type { LinkRow } from '#model/link.ts';
import type { MailPolicy } from '#model/policy.ts';
import type { Claim, Store } from '#store/store.ts';
import { runMailPass } from '../mail/mail-pass.ts';
import type { PassServices } from '../mail/pass-context.ts';
import type { CarriedBack, StepMemory } from './ports.ts';

/** The track of the way back. No project names it, so that nobody else works on it. */
const returnTrack = (pair: PairId): PairId => `return: ${pair}` as PairId;

/** Deletes wait one pass for their create elsewhere; what is not settled after so many passes is said, and left. */
const passesMax = 8;
const pageSize = 500;

export interface CarryBackServices {
  readonly store: Store;
  readonly left: Connector;
  readonly right: Connector;
  readonly clock: Clock;
  readonly random: Random;
  readonly requestDeadlineMs: number;
  readonly policy: MailPolicy;
  readonly lanes: number;
}

/**
 * Carries mail from the target back to the source: what came in there, and what the person read, moved, flagged and deleted. Ordinary mail
 * passes over the pair turned round, with intents, stamps and budgets like every other, so nothing is doubled by a crash. Three phases,
 * each remembered when it is over:
 *
 * 1. a last pass from source to target, after which the links say where everything is; they are mirrored;
 * 2. passes from target to source until nothing is left;
 * 3. the mirror is turned back: what came to the source is linked with its original, so that no later pass takes it for new.
 *
 * @param claim of the pair's mail: no pass of anybody runs meanwhile.
 */
export async function carryBack(
  services: CarryBackServices,
  id: PairId,
  claim: Claim | null,
  memory: StepMemory,
  signal: AbortSignal,
): Promise<CarriedBack> {
  const phase = memory.get('phase') ?? 'begun';
  if (phase === 'begun') {
    await pass(services, id, claim, signal);
    await mirror(services.store, id, claim);
    await memory.set('phase', 'mirrored');
  }
  if (phase === 'begun' || phase === 'mirrored') {
    const carried = await passesBack(services, id, claim, signal);
    await memory.set('carried', { ...carried });
    await memory.set('phase', 'returned');
  }
  if (phase !== 'turned') {
    await turnBack(services, id, claim, signal);
    await memory.set('phase', 'turned');
  }
  await services.store.forget(returnTrack(id));
  const { writes = 0, held = 0 } = (memory.get('carried') ?? {}) as Partial<CarriedBack>;
  return { writes, held };
}

/** From source to target: reads both feeds, so that every link knows where its items are now. */
async function pass(services: CarryBackServices, id: PairId, claim: Claim | null, signal: AbortSignal): Promise<void> {
  const policy: MailPolicy = { ...services.policy, keepsDeleted: true };
  await runMailPass({ ...services, policy }, id, claim, signal, { everything: true });
}

async function mirror(store: Store, id: PairId, claim: Claim | null): Promise<void> {
  const pair = await store.pair(id);
  if (pair === null) return;
  const back = returnTrack(id);
  const isNew = (await store.pair(back)) === null;
  await store.putPairs([
    {
      id: back,
      kind: 'mail',
      collection: pair.collection,
      left: { ...pair.right, mailbox: null },
      right: { ...pair.left, mailbox: null },
    },
  ]);
  // A mirroring that broke off is made anew.
  await store.forget(back);
  const folders = (await store.folders(id)).flatMap((row) => mirrorFolder(row) ?? []);
  // What is linked below is not met by chance: nothing went out that way before.
  const known = isNew ? { knownSinceMs: 0 } : {};
  await store.commit(back, claim, { folders, pair: { state: 'new', stoppedBecause: null, ...known } });
  for await (const links of allLinks(store, id))
    await store.commit(back, claim, { links: links.flatMap((link) => mirrorLink(link) ?? []) });
}

async function* allLinks(store: Store, id: PairId): AsyncGenerator<readonly LinkRow[]> {
  for (let after: LinkRow['id'] | null = null; ; ) {
    const links: readonly LinkRow[] = await store.links(id, {}, after, pageSize);
    if (links.length > 0) yield links;
    if (links.length < pageSize) return;
    after = links.at(-1)?.id ?? null;
  }
}

async function passesBack(
  services: CarryBackServices,
  id: PairId,
  claim: Claim | null,
  signal: AbortSignal,
): Promise<CarriedBack> {
  // The person worked in the target: where both changed the same thing, the target is right. Nothing is left out on the way back.
  const policy: MailPolicy = {
    ...services.policy,
    conflict: 'source',
    include: [],
    exclude: [],
    map: [],
    since: null,
    until: null,
    itemMaxBytes: null,
    carriesOurs: true,
  };
  const turned: PassServices = { ...services, policy, left: services.right, right: services.left };
  let writes = 0;
  let held = 0;
  for (let n = 0; n < passesMax; n++) {
    const { summary, again, held: heldNow } = await runMailPass(turned, returnTrack(id), claim, signal);
    writes += summary.writes;
    held = heldNow;
    if (!again) break;
  }
  const refused = (await services.store.pair(returnTrack(id)))?.counts.quarantined ?? 0;
  return { writes, held: held + refused };
}

/** Tells the passes from source to target what is where. Repeated, it writes the same rows again. */
async function turnBack(
  { store, left, clock, requestDeadlineMs }: CarryBackServices,
  id: PairId,
  claim: Claim | null,
  signal: AbortSignal,
): Promise<void> {
  const pair = await store.pair(id);
  if (pair === null) return;
  const box = left.mailbox(pair.left.address);
  const known = new Map((await store.folders(id)).map((row) => [row.left, row]));
  const folders = (await store.folders(returnTrack(id))).flatMap((row) => {
    const before = row.right === null ? undefined : known.get(row.right);
    if (before === undefined || before.right !== row.left) return [];
    return [
      {
        ...before,
        leftName: row.rightName ?? before.leftName,
        leftParent: row.rightParent ?? before.leftParent,
        rightName: row.leftName,
        rightParent: row.leftParent,
        // Read again, since what came to the source is not known to its feed's cursor.
        leftMark: null,
        rightMark: null,
      },
    ];
  });
  await store.commit(id, claim, { folders });
  for await (const links of allLinks(store, returnTrack(id))) {
    const live = links.filter(({ state }) => state === 'live');
    const ours = new Set(live.map((link) => link.id));
    const there = [
      ...(await store.linksById(
        id,
        'right',
        live.map(({ leftId }) => leftId),
      )),
      ...(await store.linksById(
        id,
        'left',
        live.map(({ rightId }) => rightId),
      )),
    ];
    const before = new Map(there.map((link) => [link.id, link]));
    // Of what was deleted in the source and is back: the old link is over.
    const linksForgotten = [...before.keys()].filter((link) => !ours.has(link));
    const fresh = live.filter((link) => !before.has(link.id));
    const heads =
      fresh.length === 0
        ? null
        : await box.heads(
            fresh.map(({ rightId }) => rightId),
            { signal, deadlineMs: clock.monotonicMs() + requestDeadlineMs },
          );
    const turned = live.map((link) => {
      const head = heads?.get(link.rightId);
      return mirrorBack(link, before.get(link.id) ?? null, head === undefined || isFault(head) ? null : head);
    });
    await store.commit(id, claim, { linksForgotten, links: turned });
  }
}
