import { writePath } from '#engine/folder-pattern.ts';
import { folderPlaces } from '#engine/plan-folders.ts';
import { FaultError } from '#kit/fault.ts';
import type { FolderRole, FolderTree } from '#model/folder.ts';
import type { FolderId, PairId } from '#model/ids.ts';
import { compareFolders, type FolderComparison } from './compare-folders.ts';
import type { VerifyReport } from './report.ts';
import { ReportWriter } from './report-writer.ts';
import { everything, sampler } from './sample.ts';
import { scan } from './scan.ts';
import { settle } from './settle.ts';
import type { VerifyContext, VerifyOptions, VerifyServices } from './verify-context.ts';

const defaultSettleMs = 5000;
const defaultFindingsMax = 10_000;

/**
 * Reads both sides of a pair again and compares them: folders, every due item with its copy, properties, contents. Of what is recorded it
 * uses which item belongs to which, and the decisions that explain a difference. Writes nothing anywhere.
 *
 * Memory: ids and hashes of the target's items, and their heads in packed form where feeds show all of them; two batches of contents a lane.
 *
 * Throws FaultError when a side cannot be read, and the signal's reason when it is aborted.
 */
export async function verifyPair(
  services: VerifyServices,
  id: PairId,
  options: VerifyOptions,
  signal: AbortSignal,
): Promise<VerifyReport> {
  const pair = await services.store.pair(id);
  if (!pair) throw new FaultError({ kind: 'fatal', code: 'config', detail: `no pair ${id}` });
  const report = new ReportWriter(id, options.findingsMax ?? defaultFindingsMax, services.clock.nowMs());
  const leftBox = services.left.mailbox(pair.left.address);
  const rightBox = services.right.mailbox(pair.right.address);
  const call = (bytes = 0) => {
    signal.throwIfAborted();
    return { signal, deadlineMs: services.clock.monotonicMs() + services.requestDeadlineMs + Math.ceil(bytes / 256) };
  };
  const [left, right, leftRoles, rightRoles, rows] = await Promise.all([
    leftBox.tree(call()),
    rightBox.tree(call()),
    leftBox.roles(call()),
    rightBox.roles(call()),
    services.store.folders(id),
  ]);
  for (const [side, tree] of [
    ['left', left],
    ['right', right],
  ] as const) {
    const pinned = pair[side].mailbox;
    if (pinned !== null && pinned !== tree.mailbox)
      throw new FaultError({
        kind: 'fatal',
        code: 'mailbox-replaced',
        detail: `the mailbox ${pair[side].address} was ${pinned} at the first pass and is ${tree.mailbox} now`,
      });
  }
  const folders = compareFolders({
    left,
    right,
    leftRoles,
    rightRoles,
    policy: services.policy,
    rows: new Map(rows.map((row) => [row.left, row])),
  });
  const total = folders.due.reduce((sum, folder) => sum + folder.itemCount, 0);
  const seed = String(options.seed ?? 1);
  const context: VerifyContext = {
    ...services,
    pair,
    leftBox,
    rightBox,
    leftMailbox: left.mailbox,
    carriedUntilMs: options.carriedUntilMs ?? Number.POSITIVE_INFINITY,
    signal,
    report,
    takesContent: sampler(options.contents ?? everything, total, `${seed} contents`),
    takesPropertyList: sampler(options.propertyLists ?? { share: 0.01 }, total, `${seed} property lists`),
    call,
    leftPath: paths(left, leftRoles),
    rightPath: paths(right, rightRoles),
  };
  reportFolders(context, left, folders);
  const scanned = await scan(context, folders, right, total);
  await settle(context, folders, right, scanned, options.settleMs ?? defaultSettleMs);
  return report.write(services.clock.nowMs());
}

function reportFolders({ report }: VerifyContext, left: FolderTree, folders: FolderComparison): void {
  report.folders = folders.due.length;
  for (const finding of folders.findings) report.find(finding);
  for (const folder of left.folders) {
    const because = folders.notDue.get(folder.id);
    if (because !== undefined && folder.kind === 'folder') report.skip(because, folder.itemCount);
  }
}

function paths(tree: FolderTree, roles: ReadonlyMap<FolderRole, FolderId>): (id: FolderId) => string {
  const places = folderPlaces(tree, new Map([...roles].map(([role, id]) => [id, role])));
  return (id) => writePath(places.get(id)?.segments ?? []);
}
