import { readPath, writePath } from '#engine/folder-pattern.ts';
import { folderPlaces, planFolders } from '#engine/plan-folders.ts';
import { type FolderInfo, type FolderRole, type FolderTree, folderContent } from '#model/folder.ts';
import type { FolderId } from '#model/ids.ts';
import type { FolderRow } from '#model/link.ts';
import type { MailPolicy } from '#model/policy.ts';
import { hash128 } from '#model/stamp.ts';
import type { Finding } from './report.ts';

export interface FolderSides {
  readonly left: FolderTree;
  readonly right: FolderTree;
  readonly leftRoles: ReadonlyMap<FolderRole, FolderId>;
  readonly rightRoles: ReadonlyMap<FolderRole, FolderId>;
  readonly policy: MailPolicy;
  /** Which target folder a pass made or found for a source folder. Everything else is read anew. */
  readonly rows: ReadonlyMap<FolderId, FolderRow>;
}

export interface FolderComparison {
  /** Target folder of every source folder that is due and has one. */
  readonly rightOf: ReadonlyMap<FolderId, FolderId>;
  /** Source folders whose items are due. */
  readonly due: readonly FolderInfo[];
  /** Why the items of the other folders are not. */
  readonly notDue: ReadonlyMap<FolderId, string>;
  /** Why a due folder has no counterpart, when a person's decision or the target's refusal accounts for it. */
  readonly explained: ReadonlyMap<FolderId, string>;
  readonly findings: readonly Finding[];
}

/** Which folders are due is decided anew from the trees and the policy, as for a pair that was never passed over. */
export function compareFolders(sides: FolderSides): FolderComparison {
  const { left, right, rows } = sides;
  const fresh = planFolders({ ...sides, rows: [] });
  const notDue = new Map(fresh.flatMap((d) => (d.do === 'exclude' ? [[d.left.id, d.because] as const] : [])));
  const byRole = new Map(
    fresh.flatMap((d) => (d.do === 'link' && d.because === 'role' ? [[d.left.id, d.right.id] as const] : [])),
  );
  const byName = new Map(
    fresh.flatMap((d) => (d.do === 'link' && d.because === 'name' ? [[d.left.id, d.right.id] as const] : [])),
  );
  const rightById = new Map(right.folders.map((f) => [f.id, f]));
  const roleOf = new Map([...sides.leftRoles].map(([role, id]) => [id, role]));
  const places = folderPlaces(left, roleOf);
  const rightOf = new Map<FolderId, FolderId>();
  const explained = new Map<FolderId, string>();
  const findings: Finding[] = [];
  const due = left.folders.filter((f) => !notDue.has(f.id));
  const pathOf = (id: FolderId) => writePath(places.get(id)?.segments ?? []);

  for (const folder of due) {
    const row = rows.get(folder.id);
    // A well-known folder has its counterpart by role, whatever is recorded.
    const counterpart = byRole.get(folder.id) ?? row?.right ?? byName.get(folder.id) ?? null;
    const there =
      counterpart !== null && (rightById.has(counterpart) || counterpart === right.root) ? counterpart : null;
    if (there !== null) {
      rightOf.set(folder.id, there);
      if (row?.rightGone === true) explained.set(folder.id, 'a person took over the folder on the target');
      continue;
    }
    const because = whyNoFolder(row);
    if (because !== null) explained.set(folder.id, because);
    findings.push(finding(folder, pathOf(folder.id), counterpart, 'existence', 'there', 'absent', because));
  }

  const known = { ...sides, places, rightOf, roleOf };
  for (const folder of due) {
    const counterpart = rightById.get(rightOf.get(folder.id) ?? ('' as FolderId));
    if (!counterpart || places.get(folder.id)?.role) continue;
    const row = rows.get(folder.id);
    const at = (property: string, l: string, r: string, because: string | null) =>
      findings.push(finding(folder, pathOf(folder.id), counterpart.id, property, l, r, because));
    const expected = expectedPlace(folder, known);
    if (counterpart.name !== expected.name)
      at('name', hashed(expected.name), hashed(counterpart.name), whyName(row, expected.name, counterpart.name));
    if (expected.parent !== null && counterpart.parent !== expected.parent)
      at('parent', hashed(expected.parent), hashed(counterpart.parent ?? ''), movedByPerson(row, counterpart));
    const [l, r] = [folderContent(folder.containerClass), folderContent(counterpart.containerClass)];
    if (l !== r) at('containerClass', l, r, null);
  }
  const claimed = new Map<FolderId, FolderInfo>();
  for (const folder of due) {
    const there = rightOf.get(folder.id);
    const other = there && claimed.get(there);
    if (other)
      findings.push(
        finding(
          folder,
          pathOf(folder.id),
          there,
          'existence',
          'a folder of its own',
          'shared with another',
          mappedTogether(sides.policy, pathOf(folder.id)),
        ),
      );
    if (there) claimed.set(there, folder);
  }
  return { rightOf, due, notDue, explained, findings };
}

interface Placing extends FolderSides {
  readonly places: ReturnType<typeof folderPlaces>;
  readonly rightOf: ReadonlyMap<FolderId, FolderId>;
}

/** Name and parent that the copy of a folder should have; a null parent stands for a mapped path, which is looked at by its name alone. */
function expectedPlace(
  folder: FolderInfo,
  { places, rightOf, left, right, policy }: Placing,
): { name: string; parent: FolderId | null } {
  const path = writePath(places.get(folder.id)?.segments ?? []).toLowerCase();
  const mapped = policy.map.find((m) => writePath(readPath(m.from)).toLowerCase() === path);
  if (mapped) return { name: readPath(mapped.to).at(-1) ?? folder.name, parent: null };
  const parents = new Map(left.folders.map((f) => [f.id, f.parent]));
  for (let id = folder.parent; id && id !== left.root; id = parents.get(id) ?? null) {
    const there = rightOf.get(id);
    if (there) return { name: folder.name, parent: there };
  }
  return { name: folder.name, parent: right.root };
}

function mappedTogether(policy: MailPolicy, path: string): string | null {
  return policy.map.some((m) => writePath(readPath(m.from)).toLowerCase() === path.toLowerCase())
    ? 'mapped into this folder by the project file'
    : null;
}

function whyNoFolder(row: FolderRow | undefined): string | null {
  if (row?.rightGone === true) return 'a person removed the folder on the target';
  if (row?.excluded?.startsWith('name-refused') === true) return `quarantined: ${row.excluded}`;
  return null;
}

/** Names that servers refuse or that were taken are replaced by the nearest that is accepted. */
function whyName(row: FolderRow | undefined, wanted: string, name: string): string | null {
  if (row?.rightName != null && row.rightName !== name) return 'renamed on the target by a person';
  if (wanted.toLowerCase() === name.toLowerCase()) return 'the target had a folder of this name, in other letters';
  const cut = (text: string, max: number) => text.slice(0, max).replace(/[\ud800-\udbff]$/, '');
  const safe = cut(wanted.replace(/[\u0000-\u001f\u007f\ufffe\uffff]/g, '_'), 255) || '_';
  const numbered = / \((\d)\)$/.exec(name);
  const base = numbered ? name.slice(0, numbered.index) : name;
  return base === safe || base === cut(safe, 250) ? 'the name was taken or refused on the target' : null;
}

function movedByPerson(row: FolderRow | undefined, counterpart: FolderInfo): string | null {
  return row?.rightParent != null && row.rightParent !== counterpart.parent ? 'moved on the target by a person' : null;
}

const hashed = (text: string): string => `${text.length} characters, ${hash128(text).slice(0, 12)}`;

function finding(
  folder: FolderInfo,
  path: string,
  right: FolderId | null,
  property: string,
  leftValue: string,
  rightValue: string,
  explainedBy: string | null,
): Finding {
  return { kind: 'folder', folder: path, left: folder.id, right, property, leftValue, rightValue, explainedBy };
}
