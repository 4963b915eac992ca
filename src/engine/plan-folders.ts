import { type FolderInfo, type FolderRole, type FolderTree, folderContent } from '#model/folder.ts';
import type { FolderId } from '#model/ids.ts';
import type { FolderRow } from '#model/link.ts';
import type { MailPolicy } from '#model/policy.ts';
import { comparableName, safeFolderName } from './folder-name.ts';
import { type FolderPlace, matchesFolder, readPath, writePath } from './folder-pattern.ts';

/**
 * Never carried by default, and why (field notes §1). What is below such a folder is not carried either.
 */
const excludedRoles: Partial<Record<FolderRole, string>> = {
  outbox: 'outbox: what is in it is about to be sent',
  syncissues: 'sync issues belong to one client',
  conflicts: 'sync issues belong to one client',
  localfailures: 'sync issues belong to one client',
  serverfailures: 'sync issues belong to one client',
  conversationactions: 'conversation actions are bound to the server',
  rssfeeds: 'feeds are fetched again by the client',
  quickcontacts: 'made by the server',
  suggestedcontacts: 'made by the server',
};

export type FolderDecision =
  /** An existing folder of the target is the counterpart. */
  | {
      readonly do: 'link';
      readonly left: FolderInfo;
      readonly right: FolderInfo | { readonly id: FolderId; readonly name: string; readonly parent: FolderId | null };
      readonly because: 'role' | 'name' | 'announced';
    }
  | { readonly do: 'create'; readonly left: FolderInfo; readonly place: RightPlace }
  | { readonly do: 'exclude'; readonly left: FolderInfo; readonly because: string }
  | { readonly do: 'rename'; readonly row: FolderRow; readonly name: string }
  | { readonly do: 'move'; readonly row: FolderRow; readonly place: RightPlace }
  /** A person renamed or moved the copy: it stays as it is, and the difference is journalled. */
  | { readonly do: 'yield'; readonly row: FolderRow; readonly aspect: 'name' | 'place' }
  | { readonly do: 'gone'; readonly row: FolderRow }
  | { readonly do: 'back'; readonly row: FolderRow }
  | { readonly do: 'right-gone'; readonly row: FolderRow };

/** Where a folder belongs on the target: below the counterpart of a source folder, or at a path of the project file. */
export type RightPlace =
  | { readonly below: FolderId; readonly name: string }
  | { readonly path: readonly string[]; readonly name: string };

export interface FolderKnowledge {
  readonly rows: readonly FolderRow[];
  readonly left: FolderTree;
  readonly right: FolderTree;
  readonly leftRoles: ReadonlyMap<FolderRole, FolderId>;
  readonly rightRoles: ReadonlyMap<FolderRole, FolderId>;
  readonly policy: MailPolicy;
}

/** Decides about the folders of a pair, parents before children. */
export function planFolders(known: FolderKnowledge): readonly FolderDecision[] {
  const rowByLeft = new Map(known.rows.map((r) => [r.left, r]));
  const rightOf = new Map<FolderId, FolderId>([[known.left.root, known.right.root]]);
  for (const row of known.rows) if (row.right) rightOf.set(row.left, row.right);
  const rightById = new Map(known.right.folders.map((f) => [f.id, f]));
  const roleOf = new Map([...known.leftRoles].map(([role, id]) => [id, role]));
  const takenRight = new Set(known.rows.flatMap((r) => (r.right ? [r.right] : [])));
  for (const id of known.rightRoles.values()) takenRight.add(id);
  const places = folderPlaces(known.left, roleOf);
  const excludedBelow = new Set<FolderId>();
  const decisions: FolderDecision[] = [];

  for (const left of known.left.folders) {
    const place = places.get(left.id) ?? { segments: [left.name], role: null, topRole: null };
    const row = rowByLeft.get(left.id);
    const roleReason = exclusionByRole(left, place, excludedBelow);
    if (roleReason) excludedBelow.add(left.id);
    if (row && row.goneSincePass !== null) decisions.push({ do: 'back', row });
    const because = roleReason ?? exclusionByPolicy(left, place, known.policy);
    const target = placeFor(left, place, known.policy);
    const made = row && because === null ? announced(row, rightById, takenRight) : null;
    if (row && made) {
      takenRight.add(made.id);
      rightOf.set(left.id, made.id);
      const linked = { ...row, right: made.id, rightName: made.name, rightParent: made.parent };
      decisions.push(
        { do: 'link', left, right: made, because: 'announced' },
        ...followFolder(linked, left, place, target, rightById, known),
      );
      continue;
    }
    if (row && !isAnnounced(row) && (row.excluded === because || isRefused(row, target))) {
      decisions.push(...followFolder(row, left, place, target, rightById, known));
      continue;
    }
    const counterpart = place.role ? known.rightRoles.get(place.role) : undefined;
    if (counterpart) {
      const right = rightById.get(counterpart) ?? { id: counterpart, name: left.name, parent: known.right.root };
      rightOf.set(left.id, counterpart);
      decisions.push({ do: 'link', left, right, because: 'role' });
    }
    if (because) {
      decisions.push({ do: 'exclude', left, because });
      continue;
    }
    if (counterpart) continue;
    const namesake = findNamesake(target, rightOf, rightById, takenRight);
    if (namesake) {
      takenRight.add(namesake.id);
      rightOf.set(left.id, namesake.id);
      decisions.push({ do: 'link', left, right: namesake, because: 'name' });
    } else {
      decisions.push({ do: 'create', left, place: target });
    }
  }
  const present = new Set(known.left.folders.map((f) => f.id));
  for (const row of known.rows) {
    if (row.left === known.left.root) continue;
    if (!present.has(row.left)) {
      if (row.goneSincePass === null) decisions.push({ do: 'gone', row });
    } else if (row.right !== null && !row.rightGone && !rightById.has(row.right) && row.right !== known.right.root) {
      decisions.push({ do: 'right-gone', row });
    }
  }
  return decisions;
}

/** Said before a folder is made: its answer did not arrive, or it was not sent. */
const isAnnounced = (row: FolderRow): boolean => row.right === null && row.excluded === null && row.rightName !== null;

/** What became of an announced folder: it is where it was to be, whatever happened to the one of the source since. */
function announced(
  row: FolderRow,
  rightById: ReadonlyMap<FolderId, FolderInfo>,
  taken: ReadonlySet<FolderId>,
): FolderInfo | null {
  if (!isAnnounced(row)) return null;
  const name = row.rightName?.toLowerCase();
  for (const f of rightById.values()) {
    if (f.parent === row.rightParent && f.name.toLowerCase() === name && f.kind === 'folder' && !taken.has(f.id))
      return f;
  }
  return null;
}

/** A name that the target refused (recorded as `rightName`) is not tried again in every pass; a new one makes the folder due again. */
const isRefused = (row: FolderRow, target: RightPlace): boolean =>
  row.excluded?.startsWith('name-refused') === true && row.rightName === target.name;

/** Every folder's place, for patterns and paths. */
export function folderPlaces(
  tree: FolderTree,
  roleOf: ReadonlyMap<FolderId, FolderRole>,
): ReadonlyMap<FolderId, FolderPlace> {
  const places = new Map<FolderId, FolderPlace>();
  for (const folder of tree.folders) {
    const parent = folder.parent ? places.get(folder.parent) : undefined;
    const role = roleOf.get(folder.id) ?? null;
    places.set(folder.id, {
      segments: [...(parent?.segments ?? []), folder.name],
      role,
      topRole: parent ? parent.topRole : role,
    });
  }
  return places;
}

function exclusionByRole(left: FolderInfo, place: FolderPlace, excludedBelow: ReadonlySet<FolderId>): string | null {
  if (left.parent && excludedBelow.has(left.parent)) return 'below a folder that is not carried';
  if (left.kind === 'search') return 'search folder: it shows items of other folders';
  return (place.role && excludedRoles[place.role]) || null;
}

function exclusionByPolicy(left: FolderInfo, place: FolderPlace, policy: MailPolicy): string | null {
  const content = folderContent(left.containerClass);
  if (content !== 'mail') return `holds ${content}, not mail`;
  if (policy.exclude.some((p) => matchesFolder(p, place))) return 'excluded by the project file';
  if (policy.include.length > 0 && !policy.include.some((p) => matchesFolder(p, place)))
    return 'not included by the project file';
  return null;
}

function placeFor(left: FolderInfo, place: FolderPlace, policy: MailPolicy): RightPlace {
  const path = writePath(place.segments).toLowerCase();
  const mapped = policy.map.find((m) => writePath(readPath(m.from)).toLowerCase() === path);
  if (mapped) {
    const segments = readPath(mapped.to);
    return { path: segments.slice(0, -1), name: segments.at(-1) ?? left.name };
  }
  return { below: left.parent as FolderId, name: left.name };
}

function findNamesake(
  target: RightPlace,
  rightOf: ReadonlyMap<FolderId, FolderId>,
  rightById: ReadonlyMap<FolderId, FolderInfo>,
  taken: ReadonlySet<FolderId>,
): FolderInfo | null {
  const parent = 'below' in target ? rightOf.get(target.below) : undefined;
  if (!parent) return null;
  const name = target.name.toLowerCase();
  for (const f of rightById.values()) {
    if (f.parent !== parent || f.kind !== 'folder' || taken.has(f.id) || f.name.toLowerCase() !== name) continue;
    // A calendar of that name is no place for mail.
    if (folderContent(f.containerClass) === 'mail') return f;
  }
  return null;
}

function followFolder(
  row: FolderRow,
  left: FolderInfo,
  place: FolderPlace,
  target: RightPlace,
  rightById: ReadonlyMap<FolderId, FolderInfo>,
  known: FolderKnowledge,
): FolderDecision[] {
  const right = row.right ? rightById.get(row.right) : undefined;
  if (!right || row.excluded !== null || row.rightGone || place.role !== null) return [];
  const decisions: FolderDecision[] = [];
  const yields = known.policy.conflict === 'target';
  if (left.name !== row.leftName) {
    const renamedByPerson = row.rightName !== null && right.name !== row.rightName && right.name !== target.name;
    if (renamedByPerson && yields) decisions.push({ do: 'yield', row, aspect: 'name' });
    else if (right.name !== target.name) decisions.push({ do: 'rename', row, name: target.name });
  } else if ((row.rightName === null || right.name === row.rightName) && isNameDue(target.name, right, rightById)) {
    // Without a name on record a rename of ours had no answer.
    decisions.push({ do: 'rename', row, name: target.name });
  }
  if (left.parent !== row.leftParent) {
    const movedByPerson = row.rightParent !== null && right.parent !== row.rightParent;
    if (movedByPerson && yields) decisions.push({ do: 'yield', row, aspect: 'place' });
    else decisions.push({ do: 'move', row, place: target });
  } else if (row.rightParent === null) {
    // A move of ours had no answer, and the source's folder is back where it was: wherever the copy is now, it belongs beside it.
    decisions.push({ do: 'move', row, place: target });
  }
  return decisions;
}

/** Whether the name was taken when the folder should have had it, and is free by now: as it is, and without what servers refuse. */
function isNameDue(name: string, folder: FolderInfo, rightById: ReadonlyMap<FolderId, FolderInfo>): boolean {
  const wanted = new Set([comparableName(name), comparableName(safeFolderName(name))]);
  if (wanted.has(comparableName(folder.name))) return false;
  for (const f of rightById.values()) {
    if (f.parent === folder.parent && f.id !== folder.id && wanted.has(comparableName(f.name))) return false;
  }
  return true;
}
