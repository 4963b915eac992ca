import { numberedNames } from '#engine/folder-name.ts';
import { type FolderDecision, planFolders, type RightPlace } from '#engine/plan-folders.ts';
import { FaultError } from '#kit/fault.ts';
import type { FolderInfo, FolderRole } from '#model/folder.ts';
import type { FolderId } from '#model/ids.ts';
import type { FolderRow } from '#model/link.ts';
import { newFolderRow } from '../pass/new-folder-row.ts';
import { history } from '../pass/pass-core.ts';
import type { Trees } from '../pass/read-trees.ts';
import { tryNames } from '../pass/try-names.ts';
import { isToBeDone, type PassContext, pathOf, withRows } from './pass-context.ts';

/**
 * Brings the folder rows in step with both trees, and the target's folders in step with the source's. Roles are asked for only
 * when one side shows a folder that is not known yet: their ids never change.
 */
export async function followFolders(context: PassContext, trees: Trees): Promise<void> {
  const rows = [...context.rows.values()];
  const knownLeft = new Set(rows.map((r) => r.left));
  const strange = trees.left.folders.some((f) => !knownLeft.has(f.id));
  const [leftRoles, rightRoles] = strange
    ? await Promise.all([context.leftBox.roles(context.call()), context.rightBox.roles(context.call())])
    : [rolesOf(rows, (r) => r.left), rolesOf(rows, (r) => r.right)];
  const decisions = planFolders({
    rows,
    left: trees.left,
    right: trees.right,
    leftRoles,
    rightRoles,
    policy: context.policy,
  });
  const roleOf = new Map([...leftRoles].map(([role, id]) => [id, role]));
  for (const decision of decisions) await tryOut(context, decision, trees, roleOf);
  await recordPlaces(context, trees);
}

function rolesOf(
  rows: readonly FolderRow[],
  id: (row: FolderRow) => FolderId | null,
): ReadonlyMap<FolderRole, FolderId> {
  return new Map(rows.flatMap((r) => (r.role && id(r) ? [[r.role, id(r) as FolderId] as const] : [])));
}

/** One folder that the target refuses to rename or move does not stop the others: it is due again in the next pass. */
async function tryOut(
  context: PassContext,
  decision: FolderDecision,
  trees: Trees,
  roleOf: ReadonlyMap<FolderId, FolderRole>,
): Promise<void> {
  try {
    await carryOut(context, decision, trees, roleOf);
  } catch (error) {
    const kind = error instanceof FaultError ? error.fault.kind : null;
    if (kind !== 'stale' && kind !== 'poison' && kind !== 'gone') throw error;
    context.counts.held++;
    const left = 'row' in decision ? decision.row.left : decision.left.id;
    const detail = (error as FaultError).message;
    await context.commit({
      history: [
        history(context, `${decision.do}-folder`, 'refused by the target', { left, outcome: 'failed', detail }),
      ],
    });
  }
}

async function carryOut(
  context: PassContext,
  decision: FolderDecision,
  trees: Trees,
  roleOf: ReadonlyMap<FolderId, FolderRole>,
): Promise<void> {
  switch (decision.do) {
    case 'link': {
      const { left, right } = decision;
      const row = {
        ...newFolderRow(left, roleOf.get(left.id) ?? null),
        // An announced folder knows where its source was then, so that it follows what happened to it since.
        ...(decision.because === 'announced' ? context.rows.get(left.id) : undefined),
        right: right.id,
        rightName: right.name,
        rightParent: right.parent,
      };
      await context.commit(withRows(context, [row]));
      return;
    }
    case 'exclude': {
      const row =
        context.rows.get(decision.left.id) ?? newFolderRow(decision.left, roleOf.get(decision.left.id) ?? null);
      await context.commit(withRows(context, [{ ...row, excluded: decision.because }]));
      return;
    }
    case 'create':
      return createFolder(context, decision.left, decision.place, trees);
    // No name (or parent) of the target is recorded while ours is on its way, so that a lost answer is not taken for a person's doing.
    case 'rename': {
      const { name } = decision;
      const row = asKnown(context, decision.row);
      const left = trees.left.folders.find((f) => f.id === row.left);
      const reason =
        left === undefined || left.name === row.leftName
          ? `its name ${JSON.stringify(name)} is free by now`
          : `renamed on the source from ${JSON.stringify(row.leftName)} to ${JSON.stringify(left.name)}`;
      if (!isToBeDone(context, 'rename-folder', reason, row)) return;
      await context.commit(withRows(context, [{ ...row, rightName: null }]));
      const written = await tryNames(name, (n) => context.rightBox.renameFolder(must(row), n, context.call()));
      context.counts.folderWrites++;
      await context.commit(
        withRows(context, [{ ...row, leftName: left?.name ?? row.leftName, rightName: written.name }], {
          history: [history(context, 'rename-folder', reason, row)],
        }),
      );
      return;
    }
    case 'move': {
      const { place } = decision;
      const row = asKnown(context, decision.row);
      const reason = 'moved on the source';
      if (!isToBeDone(context, 'move-folder', reason, row)) return;
      const parent = await parentFor(context, place, trees);
      await context.commit(withRows(context, [{ ...row, rightParent: null }]));
      const shown = trees.right.folders.find((f) => f.id === row.right);
      const there = shown?.parent === parent;
      // The tree was read before this pass wrote: it may have been renamed since.
      const name = there ? (row.rightName ?? shown.name) : await moveAside(context, row, parent);
      if (!there) context.counts.folderWrites++;
      const left = trees.left.folders.find((f) => f.id === row.left);
      await context.commit(
        withRows(
          context,
          [{ ...row, leftParent: left?.parent ?? row.leftParent, rightParent: parent, rightName: name }],
          {
            history: [history(context, 'move-folder', reason, row)],
          },
        ),
      );
      return;
    }
    case 'yield': {
      const { aspect } = decision;
      const row = asKnown(context, decision.row);
      const left = trees.left.folders.find((f) => f.id === row.left);
      context.counts.conflicts++;
      const reason = `the target's folder was ${aspect === 'name' ? 'renamed' : 'moved'} by a person and keeps its ${aspect}`;
      const next = { ...row, leftName: left?.name ?? row.leftName, leftParent: left?.parent ?? row.leftParent };
      if (context.plan === null)
        await context.commit(
          withRows(context, [next], { history: [history(context, 'yield', reason, { ...row, outcome: 'held' })] }),
        );
      return;
    }
    case 'gone':
      return context.commit(withRows(context, [{ ...decision.row, goneSincePass: context.pass }]));
    case 'back':
      return context.commit(withRows(context, [{ ...decision.row, goneSincePass: null, leftMark: null }]));
    case 'right-gone': {
      const reason = 'a person removed the folder on the target: nothing is written to it any more';
      return context.commit(
        withRows(context, [{ ...decision.row, rightGone: true }], {
          history: [history(context, 'yield', reason, { ...decision.row, outcome: 'held' })],
        }),
      );
    }
  }
}

/** The row as the decisions before this one left it. */
const asKnown = (context: PassContext, row: FolderRow): FolderRow => context.rows.get(row.left) ?? row;

/** Moves a folder; where its name is taken it comes under another one, and gets its own back when that is free. @returns its name. */
async function moveAside(context: PassContext, row: FolderRow, parent: FolderId): Promise<string | null> {
  try {
    await context.rightBox.moveFolder(must(row), parent, context.call());
    return row.rightName;
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.kind !== 'stale') throw error;
  }
  for (const name of numberedNames(row.rightName ?? row.leftName)) {
    // Another worker may have moved it meanwhile, so that its name is taken by itself: then this one is out, and changes no name.
    await context.commit(withRows(context, [{ ...row, rightName: null, rightParent: null }]));
    try {
      await context.rightBox.renameFolder(must(row), name, context.call());
      await context.rightBox.moveFolder(must(row), parent, context.call());
      return name;
    } catch (error) {
      if (!(error instanceof FaultError) || error.fault.kind !== 'stale') throw error;
    }
  }
  throw new FaultError({ kind: 'stale', detail: 'every name that was tried is taken' });
}

const must = (row: FolderRow): FolderId => row.right as FolderId;

async function createFolder(context: PassContext, left: FolderInfo, place: RightPlace, trees: Trees): Promise<void> {
  const row = newFolderRow(left, null);
  context.rows.set(left.id, row);
  const reason = 'on the source and not on the target';
  if (context.plan !== null) {
    context.plan.push({
      action: 'create-folder',
      reason,
      folder: pathOf(context, left.id),
      left: left.id,
      right: null,
      bytes: 0,
      detail: null,
    });
    context.rows.set(left.id, { ...row, right: `planned ${left.id}` as FolderId });
    return;
  }
  const parent = await parentFor(context, place, trees);
  // Said before it is made: should its answer be lost and the source's folder move on, it is found where it was to be.
  await context.commit(withRows(context, [{ ...row, rightName: place.name, rightParent: parent }]));
  try {
    const made = await tryNames(place.name, (name) =>
      context.rightBox.createFolder(parent, name, left.containerClass, context.call()),
    );
    context.counts.folderWrites++;
    const next = { ...row, right: made.result, rightName: made.name, rightParent: parent };
    const detail = nameNote(place.name, made.name);
    await context.commit(
      withRows(context, [next], {
        history: [history(context, 'create-folder', reason, { left: left.id, right: made.result, detail })],
      }),
    );
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.kind !== 'poison') throw error;
    const because = `${error.fault.reason}: ${error.fault.detail}`;
    await context.commit(
      withRows(context, [{ ...row, excluded: because, rightName: place.name }], {
        history: [history(context, 'create-folder', reason, { left: left.id, outcome: 'failed', detail: because })],
      }),
    );
  }
}

/** Why a folder has another name on the target than on the source; null: it has the same. */
function nameNote(wanted: string, made: string): string | null {
  if (made !== wanted) return `the name was taken or refused: ${JSON.stringify(made)}`;
  return wanted.includes('\ufffd') ? 'the name holds characters that XML forbids; U+FFFD stands for them' : null;
}

/** The target folder below which a folder belongs; folders of a mapped path are made on the way. */
async function parentFor(context: PassContext, place: RightPlace, trees: Trees): Promise<FolderId> {
  if ('below' in place) {
    for (let id: FolderId | null = place.below; id; id = context.rows.get(id)?.leftParent ?? null) {
      const row = context.rows.get(id);
      if (row?.right && !row.rightGone) return row.right;
    }
    return trees.right.root;
  }
  let parent = trees.right.root;
  const folders = [...trees.right.folders];
  for (const name of place.path) {
    const there = folders.find((f) => f.parent === parent && f.name.toLowerCase() === name.toLowerCase());
    parent = there?.id ?? (await context.rightBox.createFolder(parent, name, 'IPF.Note', context.call()));
  }
  return parent;
}

/** Keeps names and parents of both sides as they are now, where no decision is due any more. */
async function recordPlaces(context: PassContext, trees: Trees): Promise<void> {
  const changed: FolderRow[] = [];
  for (const folder of trees.left.folders) {
    const row = context.rows.get(folder.id);
    if (!row || context.plan !== null) continue;
    if (row.leftName !== folder.name || row.leftParent !== folder.parent)
      changed.push({ ...row, leftName: folder.name, leftParent: folder.parent });
  }
  if (changed.length > 0) await context.commit(withRows(context, changed));
}
