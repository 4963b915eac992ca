import { comparableName } from '#engine/folder-name.ts';
import type { FolderId } from '#model/ids.ts';
import type { MailStateField } from '#model/mail.ts';
import { mailStateFields } from '#model/mail-properties.ts';
import { personsImportance, uidOf } from './people.ts';
import type { SimulatedFolder, SimulatedItem, SimulatedMailbox } from './simulated-mailbox.ts';
import type { World } from './world.ts';

/** What a checker found, in words; empty: all is well. */
export type Violations = readonly string[];

type ById = ReadonlyMap<FolderId, SimulatedFolder>;
const foldersById = (box: SimulatedMailbox): ById => new Map(box.folders().map((folder) => [folder.id, folder]));

/**
 * Folders of the target. One whose name is taken, there and by a folder that belongs to none of the source, has a number until that is away:
 * a lost database leaves such folders behind, and they may as well be a person's.
 */
async function targetFolders({ store, pair, right }: World): Promise<ById> {
  const followed = new Set((await store.folders(pair)).map((row) => row.right));
  const all = right.folders();
  const named = all.map((folder) => {
    const name = folder.name.replace(/ \(\d\)$/, '');
    const isTaken = all.some(
      (f) => f.parent === folder.parent && comparableName(f.name) === comparableName(name) && !followed.has(f.id),
    );
    return isTaken ? { ...folder, name } : folder;
  });
  return new Map(named.map((folder) => [folder.id, folder]));
}

function byUid(box: SimulatedMailbox): Map<string, SimulatedItem[]> {
  const folders = foldersById(box);
  const map = new Map<string, SimulatedItem[]>();
  for (const item of box.items()) {
    if (folders.get(item.folder)?.holdsMail) map.set(uidOf(item.mime), [...(map.get(uidOf(item.mime)) ?? []), item]);
  }
  return map;
}

function path(folders: ById, id: FolderId | null): string {
  const folder = id === null ? undefined : folders.get(id);
  if (!folder || folder.parent === null) return '';
  return `${path(folders, folder.parent)}/${folder.role ?? folder.name}`;
}

/** Everything about an item that has to be equal on both sides. */
function show(world: World, box: ById, item: SimulatedItem, unseen: readonly MailStateField[]): string {
  const allowed = world.allowances.get(uidOf(item.mime));
  const state = mailStateFields
    .filter((f) => !unseen.includes(f) && !allowed?.fields.has(f))
    .map((f) => {
      const value = item.state[f];
      return `${f}=${JSON.stringify(Array.isArray(value) ? [...value].sort() : value)}`;
    });
  const place = allowed?.moved ? '' : path(box, item.folder);
  return [place, item.mime.toString('latin1'), item.isDraft ? 8 : 0, ...state].join('|');
}

export async function nothingLostNothingDoubled(world: World): Promise<Violations> {
  const left = byUid(world.left);
  const right = byUid(world.right);
  const quarantined = new Set((await world.store.quarantine({ pair: world.pair }, 10_000)).map((q) => q.left));
  const found: string[] = [];
  const leftFolders = foldersById(world.left);
  const rightFolders = foldersById(world.right);
  const sourcePaths = new Set([...leftFolders.keys()].map((id) => path(leftFolders, id)));
  for (const uid of new Set([...left.keys(), ...right.keys()])) {
    const l = (left.get(uid) ?? []).filter((i) => !quarantined.has(i.id));
    const all = left.get(uid)?.length ?? 0;
    const allowed = world.allowances.get(uid);
    const copies = right.get(uid) ?? [];
    const r = copies.length;
    const deleted = world.left.recoverable().filter((i) => uidOf(i.mime) === uid).length;
    // After the loss of the database the copy of a deleted mail, in a folder that the source has no more, may as well be a person's;
    // and so may that of a draft as it was before it was edited, if the database was lost before it was removed.
    const outside = world.events.includes('store lost')
      ? copies.filter((i) => !sourcePaths.has(path(rightFolders, i.folder)))
      : [];
    const former = outside.filter(({ mime }) => !(left.get(uid) ?? []).some((i) => i.mime.equals(mime)));
    const stays = Math.min(deleted + former.length, outside.length);
    // A person who changed a copy keeps it when the source deletes the mail.
    // Without the database an original and a person's copy of it look alike: both stay.
    const copied = (allowed?.copied ?? 0) * (world.events.includes('store lost') ? 2 : 1);
    const keeps = allowed ? copied + (allowed.fields.size > 0 || allowed.moved ? Number.POSITIVE_INFINITY : 0) : 0;
    if (r < l.length - (allowed?.removed ?? 0))
      found.push(`lost: mail ${uid} is ${l.length} times on the source and ${r} times on the target`);
    if (r > all + keeps + stays)
      found.push(`duplicated: mail ${uid} is ${all} times on the source and ${r} times on the target`);
  }
  return found;
}

/** @param unseen Fields that need not be equal yet. */
export async function converged(world: World, unseen: readonly MailStateField[]): Promise<Violations> {
  const left = byUid(world.left);
  const right = byUid(world.right);
  const quarantined = new Set((await world.store.quarantine({ pair: world.pair }, 10_000)).map((q) => q.left));
  const followed = new Set((await world.store.folders(world.pair)).map((row) => row.right));
  const leftFolders = foldersById(world.left);
  const rightFolders = await targetFolders(world);
  const found: string[] = [];
  for (const [uid, items] of left) {
    const allowed = world.allowances.get(uid);
    if (allowed && (allowed.removed > 0 || allowed.copied > 0)) continue;
    if (items.some((i) => quarantined.has(i.id))) continue;
    // Into a folder that had outlived its own on the source, because somebody's mails were in it: as good as put away.
    if (allowed?.moved && right.get(uid)?.some((i) => !followed.has(i.folder))) continue;
    const l = items.map((i) => show(world, leftFolders, i, unseen)).sort();
    const r = (right.get(uid) ?? []).map((i) => show(world, rightFolders, i, unseen)).sort();
    if (JSON.stringify(l) !== JSON.stringify(r) && l.length === r.length)
      found.push(`altered: mail ${uid}\n  source ${brief(l)}\n  target ${brief(r)}`);
  }
  return found;
}

/** What each mail ever held: several texts, when it is a draft that was edited. */
function contentsByUid(world: World): ReadonlyMap<string, ReadonlySet<string>> {
  const contents = new Map<string, Set<string>>();
  for (const { mime } of [...world.left.items(), ...world.left.recoverable(), ...world.right.recoverable()])
    contents.set(uidOf(mime), (contents.get(uidOf(mime)) ?? new Set()).add(mime.toString('latin1')));
  return contents;
}

/**
 * A copy goes for three reasons only: its mail was deleted, its content was edited, or a person removed it. Whatever else is removed was
 * made once too often, or is made again.
 */
export async function nothingRemovedInVain(world: World): Promise<Violations> {
  // A create that was on its way when the database or its folder was lost is made again, and the second copy goes when it shows.
  if (world.events.includes('store lost')) return [];
  const history = await world.store.history({ pair: world.pair }, 100_000);
  const orphans = new Set(
    history.filter((h) => h.action === 'remove' && h.left?.startsWith('gone ')).map((h) => h.right),
  );
  const contents = contentsByUid(world);
  const count = (items: readonly SimulatedItem[]) => {
    const counts = new Map<string, number>();
    for (const item of items) counts.set(uidOf(item.mime), (counts.get(uidOf(item.mime)) ?? 0) + 1);
    return counts;
  };
  const deleted = count(world.left.recoverable());
  const removed = count(
    // Each saving of a draft may cost a copy.
    world.right.recoverable().filter((i) => !orphans.has(i.id) && contents.get(uidOf(i.mime))?.size === 1 && i.stamp),
  );
  return [...removed].flatMap(([uid, n]) => {
    const { removed: byPersons = 0, expunged = 0 } = world.allowances.get(uid) ?? {};
    const due = (deleted.get(uid) ?? 0) + byPersons + expunged;
    return n > due ? [`removed in vain: ${n} copies of mail ${uid}, of which ${due} were due`] : [];
  });
}

/** What a person of the target set stays, and does not keep the source's changes of other things away. */
export function personsChangesKept(world: World): Violations {
  if (world.events.includes('store lost')) return [];
  const left = byUid(world.left);
  const right = byUid(world.right);
  const contents = contentsByUid(world);
  const replaced = new Set(world.right.recoverable().map((i) => uidOf(i.mime)));
  const found: string[] = [];
  for (const { mime, state } of world.right.recoverable()) {
    const uid = uidOf(mime);
    const { removed = 0, expunged = 0 } = world.allowances.get(uid) ?? {};
    if (state.importance !== personsImportance || removed + expunged > 0 || contents.get(uid)?.size !== 1) continue;
    found.push(`removed: mail ${uid}, in which a person of the target had set the importance`);
  }
  for (const [uid, { fields, copied, removed }] of world.allowances) {
    // Removed: also what is put away, where nothing follows it.
    if (replaced.has(uid) || copied > 0 || removed > 0) continue;
    const l = left.get(uid) ?? [];
    const r = right.get(uid) ?? [];
    if (l.length > 1 || r.length > 1) continue;
    const missing = l[0]?.state.categories.filter((c) => !r[0]?.state.categories.includes(c)) ?? [];
    if (missing.length > 0) found.push(`withheld: categories ${missing} of mail ${uid}`);
    if (fields.has('importance') && r[0]?.state.importance !== personsImportance)
      found.push(`overwritten: importance of mail ${uid}, which a person of the target had set`);
  }
  return found;
}

const brief = (shown: readonly string[]): string =>
  shown.map((s) => s.replaceAll(/\s+/g, ' ').replaceAll(/\w+=(null|\[\]|0|"normal")\|?/g, '')).join('\n         ');

export function noMail(world: World): Violations {
  return [...world.left.sent(), ...world.right.sent()].map((s) => `mail: ${s}`);
}

export async function quietRunWritesNothing(world: World): Promise<Violations> {
  const before = world.left.commits + world.right.commits;
  const result = await world.pass(false);
  if (!result) return ['a quiet pass did not run'];
  const found: string[] = [];
  if (result.summary.writes > 0 || world.left.commits + world.right.commits !== before)
    found.push(`a quiet pass made ${result.summary.writes} writes`);
  if (result.counts.leftCalls !== 1 || result.counts.rightCalls !== 1)
    found.push(`a quiet pass cost ${result.counts.leftCalls} and ${result.counts.rightCalls} requests`);
  return found;
}

/** What the marks and cursors led to is what a look at everything, without any memory, leads to. */
export async function fullRescanChangesNothing(world: World): Promise<Violations> {
  // What the target refused is tried again by a rescan, and now it is taken.
  if ((await world.store.quarantine({ pair: world.pair }, 1)).length > 0) return [];
  const before = await untouched(world);
  await world.store.forget(world.pair);
  for (let i = 0; i < 3; i++) await world.pass(true);
  const after = await untouched(world);
  const found: string[] = [];
  for (const uid of new Set([...before.keys(), ...after.keys()])) {
    const [b, a] = [before.get(uid) ?? [], after.get(uid) ?? []];
    if (JSON.stringify(a) !== JSON.stringify(b))
      found.push(`rescan: mail ${uid}\n  before ${brief(b)}\n  after  ${brief(a)}`);
  }
  return found;
}

/** The target's mails that no person there changed: without the database nobody knows any more what a person changed. */
async function untouched(world: World): Promise<Map<string, readonly string[]>> {
  const folders = await targetFolders(world);
  const shown = [...byUid(world.right)].filter(([uid]) => !world.allowances.has(uid));
  return new Map(shown.map(([uid, items]) => [uid, items.map((i) => show(world, folders, i, [])).sort()]));
}
