import { attributeRow } from '#model/directory/attribute-rows.ts';
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { ObjectGuid } from '#model/directory/directory-object.ts';
import type { DirectoryCommit, DirectoryJournalRow } from '#store/directory-records.ts';
import type { DirectoryContext } from './directory-context.ts';

/**
 * The link forgets an object that was taken away, and has seen what was put back: neither is carried to the other side, nor done again
 * before something else changes.
 *
 * @param known Links as they are to be recorded in the same transaction, by `left`.
 */
export async function linkAfterUndo(
  context: DirectoryContext,
  entry: DirectoryJournalRow,
  known: ReadonlyMap<ObjectGuid, DirectoryLink> = new Map(),
): Promise<Pick<DirectoryCommit, 'links' | 'linksForgotten'>> {
  if (entry.guid === null) return {};
  const [recorded] = await context.store.directoryLinks(context.sync, entry.side, [entry.guid]);
  if (!recorded) return {};
  const link = known.get(recorded.left) ?? recorded;
  if (entry.action === 'add') return { linksForgotten: [{ left: link.left, right: link.right }] };
  if (entry.action !== 'modify') return {};
  const [shown, version] =
    entry.side === 'left' ? (['shownLeft', 'leftVersion'] as const) : (['shownRight', 'rightVersion'] as const);
  const now = (
    await context.ends[entry.side].directory.read([entry.guid], context.wanted[entry.side], context.call())
  ).get(entry.guid);
  if (!now) return {};
  // References are remembered by GUID; those of the entry are read again by the next pass.
  const names = Object.keys({ ...entry.before, ...entry.after }).filter((name) => attributeRow(name)?.syntax !== 'dn');
  const seen: Record<string, readonly string[]> = { ...link[shown] };
  for (const name of names) {
    const values = now.attributes[name] ?? [];
    if (values.length > 0) seen[name] = values;
    else delete seen[name];
  }
  return { links: [{ ...link, [shown]: seen, [version]: now.version }] };
}
