import { must } from '#kit/assert.ts';
import { FaultError } from '#kit/fault.ts';
import { type FolderTree, folderContent } from '#model/folder.ts';
import type { FolderId, MailboxGuid, PairId, Side } from '#model/ids.ts';
import type { TypedHead, TypedKind } from '#model/typed-item.ts';
import { type Claim, trackId } from '#store/store.ts';
import { openCore, type PassCore } from './pass/pass-core.ts';
import { readTrees } from './pass/read-trees.ts';
import type { PassSide, TypedPassServices } from './typed/typed-context.ts';

/** What is shared by finding duplicates, removing them and putting them back. */
export interface DedupeContext extends TypedPassServices, PassCore {
  readonly kind: TypedKind;
  readonly ofPair: PairId;
  readonly sides: Readonly<Record<Side, PassSide<TypedKind>>>;
  readonly trees: Readonly<Record<Side, FolderTree>>;
  readonly mailboxes: Readonly<Record<Side, MailboxGuid>>;
}

/** @returns null: a connector does not know this kind. Throws FaultError. */
export async function openDedupe(
  services: TypedPassServices,
  ofPair: PairId,
  kind: TypedKind,
  claim: Claim | null,
  signal: AbortSignal,
  writes: boolean,
): Promise<DedupeContext | null> {
  const id = trackId(ofPair, kind);
  const pair = must(await services.store.pair(id), `the store has no pair ${id}`);
  const core = openCore(services, pair, claim, signal, writes ? null : []);
  const sideOf = (side: Side): PassSide<TypedKind> | null => {
    const connector = services[side];
    const box = connector.mailbox(pair[side].address);
    const items = box.typed(kind);
    return items === null ? null : { side, connector, box, items };
  };
  const [left, right] = [sideOf('left'), sideOf('right')];
  if (left === null || right === null) return null;
  const trees = await readTrees({ ...core, leftBox: left.box, rightBox: right.box });
  return {
    ...services,
    ...core,
    kind,
    ofPair,
    sides: { left, right },
    trees,
    mailboxes: { left: trees.left.mailbox, right: trees.right.mailbox },
  };
}

/** Folders of the kind that are not in Deleted Items, with their paths for people. */
export async function foldersOf(context: DedupeContext, side: Side): Promise<ReadonlyMap<FolderId, string>> {
  const { folders } = context.trees[side];
  const trash = (await context.sides[side].box.roles(context.call())).get('deleteditems') ?? null;
  const byId = new Map(folders.map((folder) => [folder.id, folder]));
  const found = new Map<FolderId, string>();
  for (const folder of folders) {
    if (folder.kind !== 'folder' || folderContent(folder.containerClass) !== context.kind) continue;
    const names: string[] = [];
    let isTrashed = false;
    for (let at = byId.get(folder.id); at; at = at.parent === null ? undefined : byId.get(at.parent)) {
      names.unshift(at.name);
      if (at.id === trash) isTrashed = true;
    }
    if (!isTrashed) found.set(folder.id, names.join('/'));
  }
  return found;
}

/** A feed that never ends is a server's mistake. */
const pageMax = 100_000;

/** Heads of what is in a folder now. Throws FaultError. */
export async function* headsOf(context: DedupeContext, side: Side, folder: FolderId): AsyncGenerator<TypedHead> {
  const { items } = context.sides[side];
  // An item may stand in a feed more than once, the last entry being right.
  const heads = new Map<string, TypedHead>();
  for (let cursor = null, pages = 0; ; pages++) {
    context.checkpoint();
    const page = await items.changes(folder, cursor, context.call());
    for (const change of page.changes) {
      if (change.kind === 'upsert') heads.set(change.head.id, change.head);
      else if (change.kind === 'delete') heads.delete(change.id);
    }
    if (page.complete) break;
    if (pages >= pageMax)
      throw new FaultError({ kind: 'fatal', code: 'protocol', detail: 'a change feed does not come to its end' });
    cursor = page.cursor;
  }
  yield* heads.values();
}
