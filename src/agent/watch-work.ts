import type { Connector } from '#connectors/contract.ts';
import type { PairId } from '#model/ids.ts';
import type { Store } from '#store/store.ts';
import { type Handler, mailKey, subjectOf } from './work.ts';

/** Mailboxes that one streaming connection carries (EWSDOC: up to 200 subscriptions). */
const GROUP_MAX = 200;
/** Notices are collected this long and written together. */
const TICK_MS = 250;

export interface WatchGroup {
  /** `watch:ORGANIZATION:NUMBER`. */
  readonly key: string;
  readonly organization: string;
  /** Source addresses, and the pairs that look at each. */
  readonly addresses: ReadonlyMap<string, readonly PairId[]>;
}

/** Splits the watched mailboxes of each organization into groups. In order of address, so that every process makes the same groups. */
export function watchGroups(
  watched: readonly { readonly organization: string; readonly address: string; readonly pair: PairId }[],
): readonly WatchGroup[] {
  const byOrganization = new Map<string, Map<string, PairId[]>>();
  for (const { organization, address, pair } of watched) {
    const addresses = byOrganization.get(organization) ?? new Map<string, PairId[]>();
    byOrganization.set(organization, addresses);
    addresses.set(address, [...(addresses.get(address) ?? []), pair]);
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
    const dirty = new Set<string>();
    let writing: Promise<void> | null = null;
    const write = async (): Promise<void> => {
      while (dirty.size > 0) {
        await clock.sleep(TICK_MS, signal).catch(() => {});
        const keys = [...dirty];
        dirty.clear();
        try {
          await store.notify(keys, clock.nowMs());
        } catch (error) {
          // The next tick tries again; if this process ends first, whoever takes over begins with a look at every mailbox.
          for (const key of keys) dirty.add(key);
          log.warn({ key: claim.key, error: String(error) }, 'notices could not be written; trying again');
          if (signal.aborted) return;
        }
      }
    };
    const notify = (pairs: readonly PairId[]) => {
      for (const pair of pairs) dirty.add(mailKey(pair));
      writing ??= write().finally(() => {
        writing = null;
      });
    };

    // Whatever happened before the watching began, or while nobody watched.
    notify([...group.addresses.values()].flat());
    try {
      for await (const event of connector.watch([...group.addresses.keys()], ending)) {
        const pairs = group.addresses.get(event.address.toLowerCase()) ?? [];
        if (event.kind === 'unwatchable')
          log.warn({ address: event.address, why: event.why }, 'a mailbox cannot be watched; sweeps look at it');
        else notify(pairs);
      }
    } catch (error) {
      if (!ending.aborted) throw error;
    }
    await writing;
    return { nextAtMs: clock.nowMs(), failed: false };
  };
}
