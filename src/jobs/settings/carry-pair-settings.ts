import type { Mailbox } from '#connectors/contract.ts';
import type { Clock } from '#kit/clock.ts';
import type { ObjectGuid } from '#model/directory/directory-object.ts';
import { otherSide } from '#model/directory/sync-policy.ts';
import type { PairId, Side } from '#model/ids.ts';
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

/**
 * Settings of one pair: its folders as they are linked, people as pairs and directories know them.
 *
 * @param back From target to source: what the person set there since a switch, which is taken back.
 */
export async function carryPairSettings(
  { store, pair, kinds, source, target, syncs, clock, requestDeadlineMs }: PairSettings,
  signal: AbortSignal,
  { dryRun, back = false }: { readonly dryRun: boolean; readonly back?: boolean },
): Promise<SettingsReport> {
  const people = await peopleThere(store, syncs, back ? 'right' : 'left');
  const folders = await linkedFolders(store, pair, kinds);
  return carrySettings({
    source: back ? target : source,
    target: back ? source : target,
    folders: back ? folders.map((one) => ({ ...one, source: one.target, target: one.source })) : folders,
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

/** Addresses of one side to those of the other, lower case: what the project pairs, then what directories link. */
async function peopleThere(store: Store, syncs: readonly string[], from: Side): Promise<ReadonlyMap<string, string>> {
  const people = new Map<string, string>();
  const to = otherSide(from);
  for (const pair of await store.pairs()) people.set(pair[from].address.toLowerCase(), pair[to].address);
  for (const sync of syncs) {
    for (let after: ObjectGuid | null = null; ; ) {
      const links = await store.pageDirectoryLinks(sync, after, 1000);
      for (const { shownLeft, shownRight } of links) {
        const shown = { left: shownLeft, right: shownRight };
        const [mail] = shown[to]['mail'] ?? [];
        if (mail === undefined) continue;
        for (const address of addressesOf(shown[from])) if (!people.has(address)) people.set(address, mail);
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
