import { sameValues } from '#engine/directory/values.ts';
import { attributeRow } from '#model/directory/attribute-rows.ts';
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { Attributes, DirectoryObject, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { dnKey, sameDn } from '#model/directory/distinguished-name.ts';
import { isSecurityGroup, recipientType } from '#model/directory/recipient-type.ts';
import { otherSide } from '#model/directory/sync-policy.ts';
import type { DirectoryCommit, DirectoryJournalRow } from '#store/directory-records.ts';
import type { DirectoryContext } from './directory-context.ts';
import { kindAttribute } from './handed-over.ts';

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
    const links: DirectoryLink[] = [];
    for (const entry of open) {
      const { guid, done } = await lookForEffect(context, entry);
      if (entry.action === 'add' && guid !== null) {
        found[entry.side].push(guid);
        const link = await linkOfGroup(context, entry, guid);
        if (link !== null) links.push(link);
      }
      settled.push({
        no: entry.no,
        outcome: done ? 'done' : 'refused',
        ...(guid !== null && { guid }),
        detail: done ? 'found done after an interruption' : 'interrupted before it was done',
      });
    }
    await context.commit({ journalSettled: settled, links });
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
async function madeBy(context: DirectoryContext, entry: DirectoryJournalRow): Promise<DirectoryObject | null> {
  const { directory, kind } = context.ends[entry.side];
  if (kind === 'entra') return groupMadeBy(context, entry);
  const { mark } = context.policy;
  const names = Object.keys(entry.after);
  const isOurs = (object: DirectoryObject): boolean =>
    mark !== null && entry.after[mark] !== undefined
      ? shows(object.attributes, entry.after, [mark])
      : shows(object.attributes, entry.after, names);
  const guids = [...(await directory.resolve([entry.dn], context.call())).values()];
  for (const object of (await directory.read(guids, names, context.call())).values()) if (isOurs(object)) return object;
  const marks = mark === null ? undefined : entry.after[mark];
  if (mark === null || marks === undefined) return null;
  const [object = null] = await directory.find([mark], marks, names, context.call());
  return object;
}

/** How far the clock of a tenant may be behind ours. */
const skewMs = 5 * 60_000;

/**
 * Groups without mail are all that is made in a tenant by ourselves. They have no name and no place for a mark, and show no account name:
 * ours is called so, says so, was made since, holds nobody that it was not to hold, and stands for nothing yet. Of two such nobody can say,
 * and somebody else's must never count as made by us.
 */
async function groupMadeBy(
  { ends, store, sync, call }: DirectoryContext,
  { side, after, atMs }: DirectoryJournalRow,
): Promise<DirectoryObject | null> {
  const called = after['displayName'] ?? [];
  if (called.length === 0 || (after[kindAttribute] ?? ['group'])[0] !== 'group') return null;
  const asked = ['displayName', 'description', 'member', 'groupType', 'msExchRecipientTypeDetails', 'whenCreated'];
  const members = new Set((after['member'] ?? []).map((id) => id.toLowerCase()));
  const alike = (await ends[side].directory.find(['displayName'], called, asked, call())).filter(
    (object) =>
      object.kind === 'group' &&
      recipientType(object) === 'none' &&
      isSecurityGroup(object.attributes) &&
      shows(object.attributes, after, ['displayName', 'description']) &&
      (object.attributes['member'] ?? []).every((id) => members.has(id.toLowerCase())) &&
      Date.parse(object.attributes['whenCreated']?.[0] ?? '') >= atMs - skewMs,
  );
  const guids = alike.map(({ guid }) => guid);
  const linked = new Set((await store.directoryLinks(sync, side, guids)).map((link) => link[side]));
  const [object = null, ...more] = alike.filter(({ guid }) => !linked.has(guid));
  return more.length > 0 ? null : object;
}

/**
 * A group of a tenant bears no mark that would join it to its original, so it is linked here. The original is known by the account name that
 * the group was to have, and its own name. Nothing counts as shown yet: the pass compares both from the beginning.
 *
 * @returns null: objects of a forest are joined by their mark; or nobody can say whom the group stands for.
 */
async function linkOfGroup(
  { ends, store, sync, call }: DirectoryContext,
  { side, after }: DirectoryJournalRow,
  guid: ObjectGuid,
): Promise<DirectoryLink | null> {
  const accounts = after['sAMAccountName'] ?? [];
  if (ends[side].kind !== 'entra' || accounts.length === 0) return null;
  const home = otherSide(side);
  const found = await ends[home].directory.find(['sAMAccountName'], accounts, ['displayName', 'cn'], call());
  const [original, ...more] = found.filter(
    ({ kind, attributes }) =>
      kind === 'group' && sameValues(attributes['displayName'] ?? attributes['cn'] ?? [], after['displayName'] ?? []),
  );
  if (original === undefined || more.length > 0) return null;
  if ((await store.directoryLinks(sync, home, [original.guid])).length > 0) return null;
  const unseen = { shownLeft: {}, shownRight: {}, leftVersion: '', rightVersion: '', goneSincePass: null };
  const nameless = '' as DistinguishedName;
  return home === 'left'
    ? {
        ...unseen,
        left: original.guid,
        right: guid,
        by: 'made',
        made: side,
        home,
        leftDn: original.dn,
        rightDn: nameless,
      }
    : {
        ...unseen,
        left: guid,
        right: original.guid,
        by: 'made',
        made: side,
        home,
        leftDn: nameless,
        rightDn: original.dn,
      };
}

/** Whether an object shows these values by now: DNs by what they name, texts without case. */
export const shows = (now: Attributes, wanted: Attributes, names: readonly string[]): boolean =>
  names.every((name) => sameValues(folded(name, now[name] ?? []), folded(name, wanted[name] ?? [])));

const folded = (name: string, values: readonly string[]): readonly string[] =>
  values.map(attributeRow(name)?.syntax === 'dn' ? dnKey : (value) => value.toLowerCase());
