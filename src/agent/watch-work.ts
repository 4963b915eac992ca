import type { Connector, WatchEvent } from '#connectors/contract.ts';
import type { PairId, Side } from '#model/ids.ts';
import type { ContentKind, Store } from '#store/store.ts';
import { FolderKinds } from './folder-kinds.ts';
import { Notices, type Told } from './notices.ts';
import { type Handler, subjectOf } from './work.ts';

/** Mailboxes that one streaming connection carries (EWSDOC: up to 200 subscriptions). */
const GROUP_MAX = 200;
/** Notices are collected this long and written together: mail comes in bursts, and nobody waits for a quarter of a second of it. */
const MAIL_TICK_MS = 250;
/** A server tells one edit of an event in two or three events. */
const TYPED_TICK_MS = 20;

/** A mailbox that somebody looks at. */
export interface Watched {
  readonly organization: string;
  readonly address: string;
  readonly pair: PairId;
  readonly side: Side;
  /** Whose passes look at this side. */
  readonly kinds: readonly ContentKind[];
}

export interface WatchGroup {
  /** `watch:ORGANIZATION:NUMBER`. */
  readonly key: string;
  readonly organization: string;
  /** By address, who looks at it. */
  readonly addresses: ReadonlyMap<string, readonly Watched[]>;
}

/** What anybody looks at in any mailbox of a group. */
const contentOf = ({ addresses }: WatchGroup): ReadonlySet<ContentKind> =>
  new Set([...addresses.values()].flatMap((watched) => watched.flatMap(({ kinds }) => kinds)));

/** Splits the watched mailboxes of each organization into groups. In order of address, so that every process makes the same groups. */
export function watchGroups(watched: readonly Watched[]): readonly WatchGroup[] {
  const byOrganization = new Map<string, Map<string, Watched[]>>();
  for (const each of watched) {
    const addresses = byOrganization.get(each.organization) ?? new Map<string, Watched[]>();
    byOrganization.set(each.organization, addresses);
    addresses.set(each.address, [...(addresses.get(each.address) ?? []), each]);
  }
  return [...byOrganization].flatMap(([organization, addresses]) => {
    const sorted = [...addresses].sort(([a], [b]) => (a < b ? -1 : 1));
    return Array.from({ length: Math.ceil(sorted.length / GROUP_MAX) }, (_, n) => ({
      key: `watch:${organization}:${n}`,
      organization,
      addresses: new Map(sorted.slice(n * GROUP_MAX, (n + 1) * GROUP_MAX)),
    }));
  });
}

/**
 * The work `watch:ORGANIZATION:NUMBER`: holds the watching of a group as long as the claim lives, and turns events into notices. A
 * mailbox that cannot be watched is left to the sweeps. Ends when the process drains; the next one takes over at once.
 */
export function watchWork(
  groups: readonly WatchGroup[],
  connect: (organization: string, store: Store) => Promise<Connector>,
): Handler {
  const byKey = new Map(groups.map((group) => [subjectOf(group.key), group]));
  return async (claim, { store, clock, log, draining }, signal) => {
    const group = byKey.get(subjectOf(claim.key));
    if (!group) return { nextAtMs: null, failed: false };
    const connector = await connect(group.organization, store);
    // No watching here: the sweeps do it all.
    if (!connector.watch) return { nextAtMs: null, failed: false };

    const ending = AbortSignal.any([signal, draining]);
    const around = { store, clock, log };
    const mail = new Notices(around, MAIL_TICK_MS, signal);
    const typed = new Notices(around, TYPED_TICK_MS, signal);
    const notify = (pair: PairId, kinds: readonly ContentKind[], told: Told | null) => {
      for (const kind of kinds) (kind === 'mail' ? mail : typed).add(pair, kind, told);
    };
    const folderKinds = new FolderKinds(store, clock);
    const learning = new Set<Promise<void>>();
    const hear = (watched: Watched, event: Exclude<WatchEvent, { kind: 'unwatchable' }>) => {
      const { folder = null, items = null, content = null } = event.kind === 'changed' ? event : {};
      const told = items && { side: watched.side, items };
      if (folder === null)
        return notify(
          watched.pair,
          watched.kinds.filter((kind) => content === null || kind === content),
          told,
        );
      const known = folderKinds.of(watched.pair, folder);
      if (known)
        return notify(
          watched.pair,
          known.filter((kind) => watched.kinds.includes(kind)),
          told,
        );
      const learned = folderKinds.learn(watched.pair, watched.side, folder, watched.kinds).then(
        (kinds) => notify(watched.pair, kinds, told),
        () => notify(watched.pair, watched.kinds, told),
      );
      learning.add(learned);
      void learned.then(() => learning.delete(learned));
    };

    try {
      for await (const event of connector.watch([...group.addresses.keys()], ending, contentOf(group))) {
        if (event.kind === 'unwatchable') {
          log.warn({ address: event.address, why: event.why }, 'a mailbox cannot be watched; sweeps look at it');
          continue;
        }
        for (const watched of group.addresses.get(event.address.toLowerCase()) ?? []) hear(watched, event);
      }
    } catch (error) {
      if (!ending.aborted) throw error;
    }
    await Promise.all(learning);
    await Promise.all([mail.written(), typed.written()]);
    return { nextAtMs: clock.nowMs(), failed: false };
  };
}
