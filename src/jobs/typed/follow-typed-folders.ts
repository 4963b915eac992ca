import { decisionKey, nextTypedFolderDecision, type TypedFolderDecision } from '#engine/plan-typed-folders.ts';
import { FaultError } from '#kit/fault.ts';
import { type FolderInfo, type FolderRole, type FolderTree, folderContent } from '#model/folder.ts';
import type { FolderId, Side } from '#model/ids.ts';
import type { FolderRow } from '#model/link.ts';
import { discardFolders } from '../pass/discard-folder.ts';
import { newFolderRow } from '../pass/new-folder-row.ts';
import { history } from '../pass/pass-core.ts';
import type { Trees } from '../pass/read-trees.ts';
import { tryNames } from '../pass/try-names.ts';
import { allLinks } from './all-links.ts';
import { flush, otherSide, pathOf, type TypedContext } from './typed-context.ts';

/** No calendar tree has so many things due; a server that answers differently each time must not keep us here. */
const DECISIONS_MAX = 20_000;

/** Trees that follow what this pass does to them, so that each decision sees the ones before it. */
interface Working {
  left: FolderTree;
  right: FolderTree;
}

/**
 * Brings the folder rows of a kind in step with both trees, and the folders of both sides in step with each other. Roles are asked for
 * only when a folder shows that no row knows: their ids never change.
 */
export async function followTypedFolders(context: TypedContext, trees: Trees): Promise<void> {
  const working: Working = { ...trees };
  const refused = new Set<string>();
  let roles: Readonly<Record<Side, ReadonlyMap<FolderRole, FolderId>>> | null = null;
  for (let n = 0; n < DECISIONS_MAX; n++) {
    const rows = [...context.rows.values()];
    const decision = nextTypedFolderDecision({
      kind: context.kind,
      rows,
      ...working,
      leftRoles: roles?.left ?? rolesOf(rows, 'left'),
      rightRoles: roles?.right ?? rolesOf(rows, 'right'),
      policy: context.policy,
      refused,
    });
    if (decision === null) return;
    if (roles === null && (decision.do === 'link' || decision.do === 'create' || decision.do === 'exclude')) {
      const [left, right] = await Promise.all([
        context.leftBox.roles(context.call()),
        context.rightBox.roles(context.call()),
      ]);
      roles = { left, right };
      continue;
    }
    context.checkpoint();
    try {
      await carryOut(context, decision, working);
    } catch (error) {
      const kind = error instanceof FaultError ? error.fault.kind : null;
      if (kind !== 'stale' && kind !== 'poison' && kind !== 'gone') throw error;
      // One folder that a server refuses does not stop the others: it is due again in the next pass.
      refused.add(decisionKey(decision));
      const detail = (error as FaultError).message;
      const reason = 'refused by the server';
      context.staged.add({
        history: [history(context, `${decision.do}-folder`, reason, { ...idsOf(decision), outcome: 'failed', detail })],
      });
    }
    if (context.plan !== null && !changesRows(decision)) refused.add(decisionKey(decision));
  }
}

const changesRows = (decision: TypedFolderDecision): boolean =>
  decision.do === 'link' || decision.do === 'create' || decision.do === 'exclude';

function idsOf(decision: TypedFolderDecision): { readonly left: FolderId | null; readonly right: FolderId | null } {
  if ('row' in decision) return { left: decision.row.left, right: decision.row.right };
  if (decision.do === 'create')
    return {
      left: decision.side === 'right' ? decision.from.id : null,
      right: decision.side === 'left' ? decision.from.id : null,
    };
  return { left: decision.left.id, right: decision.do === 'link' ? decision.right.id : null };
}

function rolesOf(rows: readonly FolderRow[], side: Side): ReadonlyMap<FolderRole, FolderId> {
  return new Map(
    rows.flatMap((row) => {
      const id = side === 'left' ? row.left : row.right;
      return row.role !== null && id !== null ? [[row.role, id] as const] : [];
    }),
  );
}

function keep(context: TypedContext, row: FolderRow): void {
  context.rows.set(row.left, row);
  context.staged.add({ folders: [row] });
}

async function carryOut(context: TypedContext, decision: TypedFolderDecision, working: Working): Promise<void> {
  switch (decision.do) {
    case 'link': {
      const { left, right, role } = decision;
      keep(context, { ...newFolderRow(left, role), right: right.id, rightName: right.name, rightParent: right.parent });
      return;
    }
    case 'exclude': {
      const { left, role, because } = decision;
      keep(context, { ...(context.rows.get(left.id) ?? newFolderRow(left, role)), excluded: because });
      return;
    }
    case 'include': {
      // Without a counterpart the row is made again, like that of a folder that was never seen.
      const { row } = decision;
      if (row.right !== null) keep(context, { ...row, excluded: null, ...unread });
      else {
        context.rows.delete(row.left);
        context.staged.add({ foldersForgotten: [row.left] });
        await flush(context);
      }
      return;
    }
    case 'create':
      return createFolder(context, decision, working);
    case 'rename': {
      const { side, row, name } = decision;
      const id = idOn(row, side);
      const was = side === 'left' ? row.leftName : row.rightName;
      const reason = `renamed on the ${wordOf(otherSide(side))} from ${JSON.stringify(was)} to ${JSON.stringify(name)}`;
      if (!planned(context, 'rename-folder', side, reason, row)) return;
      const written = await tryNames(name, (n) => context.sides[side].box.renameFolder(id, n, context.call()));
      context.counts.folderWrites++;
      changeTree(working, side, id, { name: written.name });
      const shown = working[otherSide(side)].folders.find((f) => f.id === idOn(row, otherSide(side)))?.name;
      const names =
        side === 'left'
          ? { leftName: written.name, rightName: shown ?? row.rightName }
          : { leftName: shown ?? row.leftName, rightName: written.name };
      keep(context, { ...row, ...names });
      context.staged.add({ history: [history(context, 'rename-folder', reason, row)] });
      return;
    }
    case 'move': {
      const { side, row, parent } = decision;
      const id = idOn(row, side);
      const reason = `moved on the ${wordOf(otherSide(side))}`;
      if (!planned(context, 'move-folder', side, reason, row)) return;
      await context.sides[side].box.moveFolder(id, parent, context.call());
      context.counts.folderWrites++;
      changeTree(working, side, id, { parent });
      const shown = working[otherSide(side)].folders.find((f) => f.id === idOn(row, otherSide(side)))?.parent ?? null;
      const parents =
        side === 'left' ? { leftParent: parent, rightParent: shown } : { leftParent: shown, rightParent: parent };
      keep(context, { ...row, ...parents });
      context.staged.add({ history: [history(context, 'move-folder', reason, row)] });
      return;
    }
    case 'record':
      keep(context, decision.row);
      return;
    case 'gone':
      keep(context, { ...decision.row, goneSincePass: context.pass, rightGone: decision.side === 'right' });
      return;
    case 'back':
      keep(context, { ...decision.row, goneSincePass: null, rightGone: false, ...unread });
      return;
  }
}

/** Feeds are read from their beginning: what happened while the folder was not in step is in no feed. */
const unread = { leftCursor: null, rightCursor: null, leftMark: null, rightMark: null } as const;

const wordOf = (side: Side): string => (side === 'left' ? 'source' : 'target');
const idOn = (row: FolderRow, side: Side): FolderId => (side === 'left' ? row.left : (row.right as FolderId));

function changeTree(working: Working, side: Side, id: FolderId, change: Partial<FolderInfo>): void {
  const tree = working[side];
  working[side] = { ...tree, folders: tree.folders.map((f) => (f.id === id ? { ...f, ...change } : f)) };
}

function planned(
  context: TypedContext,
  action: 'rename-folder' | 'move-folder',
  side: Side,
  reason: string,
  row: FolderRow,
): boolean {
  context.plan?.push({
    action,
    side,
    reason,
    folder: pathOf(context, 'left', row.left),
    left: row.left,
    right: row.right,
    bytes: 0,
    detail: null,
  });
  return context.plan === null;
}

async function createFolder(
  context: TypedContext,
  { side, from, parent }: Extract<TypedFolderDecision, { do: 'create' }>,
  working: Working,
): Promise<void> {
  const reason = `on the ${wordOf(otherSide(side))} and not on the ${wordOf(side)}`;
  const ids = { left: side === 'right' ? from.id : null, right: side === 'left' ? from.id : null };
  let made: { readonly name: string; readonly result: FolderId };
  if (context.plan === null) {
    made = await tryNames(from.name, (name) =>
      context.sides[side].box.createFolder(parent, name, from.containerClass, context.call()),
    );
    context.counts.folderWrites++;
  } else {
    context.plan.push({ action: 'create-folder', side, reason, folder: from.name, ...ids, bytes: 0, detail: null });
    made = { name: from.name, result: `planned ${from.id}` as FolderId };
  }
  const folder: FolderInfo = {
    ...from,
    id: made.result,
    name: made.name,
    parent,
    itemCount: 0,
    childCount: 0,
    mark: null,
  };
  working[side] = { ...working[side], folders: [...working[side].folders, folder] };
  const [left, right] = side === 'right' ? [from, folder] : [folder, from];
  keep(context, { ...newFolderRow(left, null), right: right.id, rightName: right.name, rightParent: right.parent });
  const detail = made.name === from.name ? null : `the name was taken or refused: ${JSON.stringify(made.name)}`;
  // Recorded at once: a folder that nobody knows of would be made again under another name.
  context.staged.add({
    history: [history(context, 'create-folder', reason, { left: left.id, right: right.id, detail })],
  });
  await flush(context);
}

/**
 * Folders that are gone on one side: once nothing of ours is in the other one, it goes as well; what a person has in it that the side
 * without it never knew keeps it alive, and out of step.
 *
 * @returns how many still wait for what was in them.
 */
export async function removeGoneFolders(context: TypedContext, trees: Trees): Promise<number> {
  let waiting = 0;
  const discard = {
    left: discardFolders(context.sides.left.box, trees.left, () => context.call()),
    right: discardFolders(context.sides.right.box, trees.right, () => context.call()),
  };
  const deepestFirst = [...context.rows.values()].filter((r) => r.goneSincePass !== null).reverse();
  for (const row of deepestFirst) {
    if ((row.goneSincePass ?? 0) >= context.pass) {
      waiting++;
      continue;
    }
    const survivor: Side = row.rightGone ? 'left' : 'right';
    const id = survivor === 'left' ? row.left : row.right;
    const tree = trees[survivor];
    const folder = id === null ? undefined : tree.folders.find((f) => f.id === id);
    if (await isLinked(context, row)) {
      waiting++;
      continue;
    }
    const both = context.policy.direction === 'both' || survivor === 'right';
    const occupied = folder !== undefined && (folder.itemCount > 0 || tree.folders.some((f) => f.parent === folder.id));
    if (folder && !occupied && both && row.role === null && folderContent(folder.containerClass) === context.kind) {
      const reason = `gone on the ${wordOf(otherSide(survivor))}, and empty`;
      context.plan?.push({
        action: 'remove-folder',
        side: survivor,
        reason,
        folder: pathOf(context, 'left', row.left),
        left: row.left,
        right: row.right,
        bytes: 0,
        detail: null,
      });
      if (context.plan !== null) continue;
      await discard[survivor](folder);
      context.counts.folderWrites++;
      context.staged.add({ history: [history(context, 'remove-folder', reason, row)] });
    } else if (folder) {
      // It stays, known to be out of step, so that it is not taken for a new folder and made again where it was removed.
      continue;
    }
    if (context.plan !== null) continue;
    context.rows.delete(row.left);
    context.staged.add({ foldersForgotten: [row.left] });
  }
  return waiting;
}

async function isLinked(context: TypedContext, row: FolderRow): Promise<boolean> {
  for await (const link of allLinks(context))
    if (link.left.folder === row.left || link.right.folder === row.right) return true;
  return false;
}
