import { type FolderInfo, type FolderRole, type FolderTree, folderContent } from '#model/folder.ts';
import type { FolderId, Side } from '#model/ids.ts';
import type { FolderRow } from '#model/link.ts';
import type { TypedPolicy } from '#model/policy.ts';
import type { TypedKind } from '#model/typed-item.ts';
import { type FolderPlace, matchesFolder } from './folder-pattern.ts';
import { folderPlaces } from './plan-folders.ts';

/** What is known of both sides' folders. Decisions are made one at a time, each with what the one before it did. */
export interface TypedFolderKnowledge {
  readonly kind: TypedKind;
  readonly rows: readonly FolderRow[];
  readonly left: FolderTree;
  readonly right: FolderTree;
  readonly leftRoles: ReadonlyMap<FolderRole, FolderId>;
  readonly rightRoles: ReadonlyMap<FolderRole, FolderId>;
  readonly policy: TypedPolicy;
  /** Decisions that a server refused in this pass, by `decisionKey`: not made again. */
  readonly refused: ReadonlySet<string>;
}

export type TypedFolderDecision =
  | {
      readonly do: 'link';
      readonly left: FolderInfo;
      readonly right: FolderInfo;
      readonly role: FolderRole | null;
    }
  /** On `side`, below the counterpart of the parent that it has on the other side. */
  | { readonly do: 'create'; readonly side: Side; readonly from: FolderInfo; readonly parent: FolderId }
  | { readonly do: 'exclude'; readonly left: FolderInfo; readonly role: FolderRole | null; readonly because: string }
  | { readonly do: 'include'; readonly row: FolderRow }
  | { readonly do: 'rename'; readonly side: Side; readonly row: FolderRow; readonly name: string }
  | { readonly do: 'move'; readonly side: Side; readonly row: FolderRow; readonly parent: FolderId }
  /** Names and parents as both sides show them, once nothing of it is due any more. */
  | { readonly do: 'record'; readonly row: FolderRow }
  | { readonly do: 'gone'; readonly side: Side; readonly row: FolderRow }
  | { readonly do: 'back'; readonly row: FolderRow };

export function decisionKey(decision: TypedFolderDecision): string {
  const subject = 'row' in decision ? decision.row.left : 'from' in decision ? decision.from.id : decision.left.id;
  return `${decision.do} ${'side' in decision ? decision.side : ''} ${subject}`;
}

/** Container classes that people make; deeper ones (`IPF.Appointment.Birthday`, `IPF.Contact.GalContacts`) are made by servers. */
const plainClasses: Readonly<Record<TypedKind, string>> = {
  calendar: 'ipf.appointment',
  contacts: 'ipf.contact',
  tasks: 'ipf.task',
  notes: 'ipf.stickynote',
};
const rolesOfServers: ReadonlySet<FolderRole> = new Set(['quickcontacts', 'suggestedcontacts', 'conversationactions']);

/** The side that wins where both renamed or moved a folder. */
const winnerOf = ({ conflict, active }: TypedPolicy): Side =>
  conflict === 'source' ? 'left' : conflict === 'target' ? 'right' : active;

interface SideView {
  readonly tree: FolderTree;
  readonly byId: ReadonlyMap<FolderId, FolderInfo>;
  readonly places: ReadonlyMap<FolderId, FolderPlace>;
  readonly roles: ReadonlyMap<FolderRole, FolderId>;
  readonly trashed: ReadonlySet<FolderId>;
}

function viewOf(tree: FolderTree, roles: ReadonlyMap<FolderRole, FolderId>): SideView {
  const places = folderPlaces(tree, new Map([...roles].map(([role, id]) => [id, role])));
  const trashed = new Set<FolderId>();
  const trash = roles.get('deleteditems');
  for (const folder of tree.folders)
    if (folder.parent !== null && (folder.parent === trash || trashed.has(folder.parent))) trashed.add(folder.id);
  return { tree, byId: new Map(tree.folders.map((f) => [f.id, f])), places, roles, trashed };
}

/**
 * The first thing that is due about the folders of a kind, or null. Default folders belong together by role, others by their path;
 * both directions alike where the policy says so. What a person put into Deleted Items counts as gone.
 */
export function nextTypedFolderDecision(known: TypedFolderKnowledge): TypedFolderDecision | null {
  const views = { left: viewOf(known.left, known.leftRoles), right: viewOf(known.right, known.rightRoles) };
  for (const decision of decisions(known, views)) if (!known.refused.has(decisionKey(decision))) return decision;
  return null;
}

type Views = Readonly<Record<Side, SideView>>;

function* decisions(known: TypedFolderKnowledge, views: Views): Generator<TypedFolderDecision> {
  const { rows, policy } = known;
  const byLeft = new Map(rows.map((r) => [r.left, r]));
  const byRight = new Map(rows.flatMap((r) => (r.right === null ? [] : [[r.right, r] as const])));
  for (const left of foldersOf(known, views.left)) {
    const row = byLeft.get(left.id);
    if (row) yield* followRow(known, views, row, left);
    else yield* newOnLeft(known, views, left, byRight);
  }
  if (policy.direction === 'both')
    for (const right of foldersOf(known, views.right)) {
      if (byRight.has(right.id) || exclusion(known, views.right, right) !== null) continue;
      const parent = counterpart(known, views, 'right', right.parent);
      // It is the counterpart of a folder whose own turn came above.
      if (findNamesake(known, views, 'left', parent, right.name, new Set(byLeft.keys()))) continue;
      yield { do: 'create', side: 'left', from: right, parent };
    }
  for (const row of rows) {
    if (!isThere(views.left, row.left)) {
      if (row.goneSincePass === null) yield { do: 'gone', side: 'left', row };
    } else if (row.right !== null && row.excluded === null && !isThere(views.right, row.right)) {
      if (!row.rightGone) yield { do: 'gone', side: 'right', row };
    }
  }
}

const isThere = (view: SideView, id: FolderId): boolean => view.byId.has(id) && !view.trashed.has(id);

function foldersOf({ kind }: TypedFolderKnowledge, view: SideView): readonly FolderInfo[] {
  return view.tree.folders.filter(
    (f) => f.kind === 'folder' && folderContent(f.containerClass) === kind && !view.trashed.has(f.id),
  );
}

function exclusion(known: TypedFolderKnowledge, view: SideView, folder: FolderInfo): string | null {
  const place = view.places.get(folder.id) ?? { segments: [folder.name], role: null, topRole: null };
  if (folder.containerClass?.toLowerCase() !== plainClasses[known.kind]) return 'made by the server for itself';
  if (place.role !== null && rolesOfServers.has(place.role)) return 'made by the server for itself';
  if (known.policy.exclude.some((p) => matchesFolder(p, place))) return 'excluded by the project file';
  if (known.policy.include.length > 0 && !known.policy.include.some((p) => matchesFolder(p, place)))
    return 'not included by the project file';
  return null;
}

function* newOnLeft(
  known: TypedFolderKnowledge,
  views: Views,
  left: FolderInfo,
  byRight: ReadonlyMap<FolderId, FolderRow>,
): Generator<TypedFolderDecision> {
  const role = views.left.places.get(left.id)?.role ?? null;
  const because = exclusion(known, views.left, left);
  if (because !== null) {
    yield { do: 'exclude', left, role, because };
    return;
  }
  const sameRole = role === null ? undefined : known.rightRoles.get(role);
  const twin = sameRole === undefined ? undefined : views.right.byId.get(sameRole);
  if (twin && !byRight.has(twin.id)) {
    yield { do: 'link', left, right: twin, role };
    return;
  }
  const parent = counterpart(known, views, 'left', left.parent);
  const namesake = findNamesake(known, views, 'right', parent, left.name, new Set(byRight.keys()));
  if (namesake) yield { do: 'link', left, right: namesake, role };
  else yield { do: 'create', side: 'right', from: left, parent };
}

/**
 * The folder on the other side that stands for this one: by its row, its role, or by name below its parent's. A folder without one is
 * skipped, so that what is in it is found one level higher.
 */
function counterpart(known: TypedFolderKnowledge, views: Views, side: Side, folder: FolderId | null): FolderId {
  const [here, there] = side === 'left' ? [views.left, views.right] : [views.right, views.left];
  if (folder === null || folder === here.tree.root) return there.tree.root;
  const info = here.byId.get(folder);
  if (!info) return there.tree.root;
  const row = known.rows.find((r) => (side === 'left' ? r.left : r.right) === folder);
  const linked = row && (side === 'left' ? row.right : row.left);
  if (linked && isThere(there, linked)) return linked;
  const role = here.places.get(folder)?.role;
  const sameRole = role ? there.roles.get(role) : undefined;
  if (sameRole !== undefined && isThere(there, sameRole)) return sameRole;
  const above = counterpart(known, views, side, info.parent);
  const content = folderContent(info.containerClass);
  const namesake = there.tree.folders.find(
    (f) =>
      f.parent === above &&
      f.kind === 'folder' &&
      folderContent(f.containerClass) === content &&
      f.name.toLowerCase() === info.name.toLowerCase(),
  );
  return namesake?.id ?? above;
}

/** @param side Where it is looked for. @param taken Folders there that stand for others. */
function findNamesake(
  known: TypedFolderKnowledge,
  views: Views,
  side: Side,
  parent: FolderId,
  name: string,
  taken: ReadonlySet<FolderId>,
): FolderInfo | undefined {
  const roles = new Set(side === 'left' ? known.leftRoles.values() : known.rightRoles.values());
  return foldersOf(known, views[side]).find(
    (f) => f.parent === parent && f.name.toLowerCase() === name.toLowerCase() && !taken.has(f.id) && !roles.has(f.id),
  );
}

function* followRow(
  known: TypedFolderKnowledge,
  views: Views,
  row: FolderRow,
  left: FolderInfo,
): Generator<TypedFolderDecision> {
  if (row.goneSincePass !== null && !row.rightGone) {
    yield { do: 'back', row };
    return;
  }
  const because = exclusion(known, views.left, left);
  const byPolicy = row.excluded === null || !row.excluded.startsWith('refused');
  if (byPolicy && row.excluded !== because) {
    if (because === null) yield { do: 'include', row };
    else yield { do: 'exclude', left, role: row.role, because };
    return;
  }
  const right = row.right === null ? undefined : views.right.byId.get(row.right);
  if (row.excluded !== null || !right) return;
  if (views.right.trashed.has(right.id)) return;
  if (row.rightGone) {
    yield { do: 'back', row };
    return;
  }
  if (row.role === null) {
    yield* followName(known, row, left, right);
    yield* followPlace(known, views, row, left, right);
  }
  const shown = {
    ...row,
    leftName: left.name,
    rightName: right.name,
    leftParent: left.parent,
    rightParent: right.parent,
  };
  if (
    shown.leftName !== row.leftName ||
    shown.rightName !== row.rightName ||
    shown.leftParent !== row.leftParent ||
    shown.rightParent !== row.rightParent
  )
    yield { do: 'record', row: shown };
}

function* followName(
  { policy }: TypedFolderKnowledge,
  row: FolderRow,
  left: FolderInfo,
  right: FolderInfo,
): Generator<TypedFolderDecision> {
  const leftMoved = left.name !== row.leftName;
  const rightMoved = row.rightName !== null && right.name !== row.rightName && policy.direction === 'both';
  if ((!leftMoved && !rightMoved) || left.name === right.name) return;
  const wins = leftMoved && rightMoved ? winnerOf(policy) : leftMoved ? 'left' : 'right';
  if (wins === 'left') yield { do: 'rename', side: 'right', row, name: left.name };
  else yield { do: 'rename', side: 'left', row, name: right.name };
}

function* followPlace(
  known: TypedFolderKnowledge,
  views: Views,
  row: FolderRow,
  left: FolderInfo,
  right: FolderInfo,
): Generator<TypedFolderDecision> {
  const leftMoved = left.parent !== row.leftParent;
  const rightMoved = row.rightParent !== null && right.parent !== row.rightParent && known.policy.direction === 'both';
  if (!leftMoved && !rightMoved) return;
  const wins = leftMoved && rightMoved ? winnerOf(known.policy) : leftMoved ? 'left' : 'right';
  const parent = counterpart(known, views, wins, wins === 'left' ? left.parent : right.parent);
  const present = wins === 'left' ? right.parent : left.parent;
  if (parent !== present) yield { do: 'move', side: wins === 'left' ? 'right' : 'left', row, parent };
}
