import { isRedirection, openHandedOver, withoutRedirection } from '#jobs/directory/handed-over.ts';
import type { Clock } from '#kit/clock.ts';
import type { ObjectGuid } from '#model/directory/directory-object.ts';
import { otherSide } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import type { DirectorySync } from '#project/project.ts';
import type { Store } from '#store/store.ts';
import { DIRECTORY_PRIORITY, directoryKey } from './directory-work.ts';
import { holdWork, type OnHeld } from './hold-work.ts';

/**
 * Links of a person's entry get their home, in each of these syncs. No pass of a sync runs meanwhile: one that has read the link before would
 * record the old home again when it writes the link back, and the next one would turn mail round. Redirection that was handed over for the
 * old home and that nobody has run is withdrawn. Safe to repeat. Throws FaultError
 * (transient) when a pass does not end.
 *
 * @param source Organization that is left for the switch, and the person's entries in its directory.
 */
export async function turnHome(
  { store, clock, onHeld }: { readonly store: Store; readonly clock: Clock; readonly onHeld?: OnHeld },
  syncs: readonly Pick<DirectorySync, 'name' | 'source'>[],
  source: { readonly organization: string; readonly guids: readonly ObjectGuid[] },
  home: Side,
  signal: AbortSignal,
): Promise<void> {
  for (const sync of syncs) {
    const isSame = sync.source === source.organization;
    const homeThere = isSame ? home : otherSide(home);
    const held = await holdWork(store, { key: directoryKey(sync.name), priority: DIRECTORY_PRIORITY }, 'switch', {
      clock,
      signal,
      ...(onHeld === undefined ? {} : { onHeld }),
    });
    try {
      const links = await store.directoryLinks(sync.name, isSame ? 'left' : 'right', source.guids);
      const people = new Set(links.flatMap(({ left, right }) => [left, right]));
      const stale = (await openHandedOver(store, sync.name)).filter(
        (row) => row.guid !== null && people.has(row.guid) && isRedirection(row),
      );
      await store.commitDirectory(sync.name, held.claim, {
        links: links.map((link) => ({
          ...link,
          home: homeThere,
          shownLeft: withoutRedirection(link.shownLeft),
          shownRight: withoutRedirection(link.shownRight),
        })),
        journalSettled: stale.map(({ no }) => ({
          no,
          outcome: 'refused',
          detail: 'withdrawn before it was run: a switch has turned the person’s mail round',
        })),
      });
    } finally {
      await held.release();
    }
  }
}
