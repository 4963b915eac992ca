import { shownAttributes } from '#connectors/directory/entra/entra-objects.ts';
import { sameValues } from '#engine/directory/values.ts';
import { attributeRow } from '#model/directory/attribute-rows.ts';
import type { Attributes, DirectoryObject, ObjectGuid } from '#model/directory/directory-object.ts';
import { dnKey, sameDn } from '#model/directory/distinguished-name.ts';
import type { DirectoryCommit, DirectoryJournalRow } from '#store/directory-records.ts';
import type { DirectoryContext } from './directory-context.ts';

const PAGE = 200;

/**
 * Writes that were begun and whose end nobody recorded: the process died, or the answer was lost. Each is looked up by what it would
 * have left behind. Nothing is repeated here: what was not done is decided again, because it shows in the change feed or is missing there.
 *
 * @returns objects that an add has left behind, by side: the pass has to look at them even if its feed does not name them.
 */
export async function settleOpen(
  context: DirectoryContext,
): Promise<{ readonly left: readonly ObjectGuid[]; readonly right: readonly ObjectGuid[] }> {
  const found = { left: [] as ObjectGuid[], right: [] as ObjectGuid[] };
  for (;;) {
    const open = await context.store.directoryJournal({ sync: context.sync, outcome: 'open' }, PAGE);
    if (open.length === 0) return found;
    const settled: NonNullable<DirectoryCommit['journalSettled']>[number][] = [];
    for (const entry of open) {
      const { guid, done } = await lookForEffect(context, entry);
      if (entry.action === 'add' && guid !== null) found[entry.side].push(guid);
      settled.push({
        no: entry.no,
        outcome: done ? 'done' : 'refused',
        ...(guid !== null && { guid }),
        detail: done ? 'found done after an interruption' : 'interrupted before it was done',
      });
    }
    await context.commit({ journalSettled: settled });
  }
}

async function lookForEffect(
  context: DirectoryContext,
  entry: DirectoryJournalRow,
): Promise<{ readonly guid: ObjectGuid | null; readonly done: boolean }> {
  const { directory } = context.ends[entry.side];
  if (entry.action === 'add') {
    const object = await madeBy(context, entry);
    return { guid: object?.guid ?? null, done: object !== null };
  }
  if (entry.guid === null) return { guid: null, done: false };
  const names = [...new Set([...Object.keys(entry.before), ...Object.keys(entry.after)])];
  const object = (await directory.read([entry.guid], names, context.call())).get(entry.guid);
  if (!object) return { guid: entry.guid, done: entry.action === 'remove' };
  if (entry.action === 'remove') return { guid: entry.guid, done: false };
  if (entry.action === 'move')
    return { guid: entry.guid, done: sameDn(object.dn, entry.after['distinguishedName']?.[0] ?? '') };
  return { guid: entry.guid, done: shows(object.attributes, entry.after, names) };
}

/** The object that an add has made: where it was to be, or wherever somebody moved it meanwhile, by its mark. */
async function madeBy(
  context: Pick<DirectoryContext, 'ends' | 'policy' | 'call'>,
  entry: Pick<DirectoryJournalRow, 'side' | 'dn' | 'after'>,
): Promise<DirectoryObject | null> {
  const { directory } = context.ends[entry.side];
  const { mark } = context.policy;
  const isEntra = context.ends[entry.side].kind === 'entra';
  const names = Object.keys(entry.after).filter((name) => !isEntra || shownAttributes.has(name.toLowerCase()));
  const isOurs = (object: DirectoryObject): boolean =>
    mark !== null && entry.after[mark] !== undefined
      ? shows(object.attributes, entry.after, [mark])
      : shows(object.attributes, entry.after, names);
  const guids = entry.dn === '' ? [] : [...(await directory.resolve([entry.dn], context.call())).values()];
  for (const object of (await directory.read(guids, names, context.call())).values()) if (isOurs(object)) return object;
  // Objects of a tenant have no names, and groups no place for a mark: they are known by what they are called.
  const called = isEntra ? (entry.after['displayName'] ?? []) : [];
  for (const object of called.length === 0 ? [] : await directory.find(['displayName'], called, names, context.call()))
    if (isOurs(object)) return object;
  const marks = mark === null ? undefined : entry.after[mark];
  if (mark === null || marks === undefined) return null;
  const [object = null] = await directory.find([mark], marks, names, context.call());
  return object;
}

/** Whether an object shows these values by now: DNs by what they name, texts without case. */
export const shows = (now: Attributes, wanted: Attributes, names: readonly string[]): boolean =>
  names.every((name) => sameValues(folded(name, now[name] ?? []), folded(name, wanted[name] ?? [])));

const folded = (name: string, values: readonly string[]): readonly string[] =>
  values.map(attributeRow(name)?.syntax === 'dn' ? dnKey : (value) => value.toLowerCase());
