import type { Mailbox } from '#connectors/contract.ts';
import type { Clock } from '#kit/clock.ts';
import type { ObjectGuid } from '#model/directory/directory-object.ts';
import type { PairId } from '#model/ids.ts';
import { type ContentKind, type Store, trackId } from '#store/store.ts';
import { type CarrySettings, carrySettings, type SettingsReport } from './carry-settings.ts';

export interface PairSettings {
  readonly store: Store;
  readonly pair: PairId;
  /** Kinds of content that are kept in step: permissions are carried for their folders. */
  readonly kinds: readonly ContentKind[];
  readonly source: Mailbox;
  readonly target: Mailbox;
  /** Names of the directory syncs that know people of both sides, in the order in which they are asked. */
  readonly syncs: readonly string[];
  readonly clock: Clock;
  readonly requestDeadlineMs: number;
}

/** Settings of one pair: its folders as they are linked, people as pairs and directories know them. */
export async function carryPairSettings(
  { store, pair, kinds, source, target, syncs, clock, requestDeadlineMs }: PairSettings,
  signal: AbortSignal,
  { dryRun }: { readonly dryRun: boolean },
): Promise<SettingsReport> {
  const people = await peopleOnTarget(store, syncs);
  return carrySettings({
    source,
    target,
    folders: await linkedFolders(store, pair, kinds),
    personOnTarget: (address) => people.get(address.toLowerCase()) ?? null,
    call: () => ({ signal, deadlineMs: clock.monotonicMs() + requestDeadlineMs }),
    dryRun,
  });
}

/** Folders that are on both sides, each once: tracks of several kinds share some. */
async function linkedFolders(
  store: Store,
  pair: PairId,
  kinds: readonly ContentKind[],
): Promise<CarrySettings['folders']> {
  const folders = new Map<string, CarrySettings['folders'][number]>();
  for (const kind of kinds) {
    const rows = await store.folders(trackId(pair, kind));
    for (const { left, right, leftName, excluded, rightGone } of rows)
      if (right !== null && excluded === null && !rightGone)
        folders.set(left, { source: left, target: right, path: leftName });
  }
  return [...folders.values()];
}

/** Addresses of the source to those of the target, lower case: what the project pairs, then what directories link. */
async function peopleOnTarget(store: Store, syncs: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const people = new Map<string, string>();
  for (const { left, right } of await store.pairs()) people.set(left.address.toLowerCase(), right.address);
  for (const sync of syncs) {
    for (let after: ObjectGuid | null = null; ; ) {
      const links = await store.pageDirectoryLinks(sync, after, 1000);
      for (const { shownLeft, shownRight } of links) {
        const [right] = shownRight['mail'] ?? [];
        if (right === undefined) continue;
        for (const address of addressesOf(shownLeft)) if (!people.has(address)) people.set(address, right);
      }
      const last = links.at(-1);
      if (last === undefined) break;
      after = last.left;
    }
  }
  return people;
}

function addressesOf(shown: Readonly<Record<string, readonly string[]>>): readonly string[] {
  const proxies = (shown['proxyAddresses'] ?? []).flatMap((one) => (/^smtp:/i.test(one) ? [one.slice(5)] : []));
  return [...(shown['mail'] ?? []), ...proxies].map((one) => one.toLowerCase());
}
