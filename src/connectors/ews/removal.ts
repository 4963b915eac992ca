import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { Instant } from '#model/mail.ts';
import type { Context } from '../contract.ts';
import { noId } from './answer-faults.ts';
import { eachInPlace, onlyAnswer } from './batches.ts';
import { deleteItem } from './operations/delete-item.ts';
import { getFolder } from './operations/get-folder.ts';
import { requiredFolderId } from './operations/ids.ts';
import { moveItem } from './operations/move-item.ts';
import { atLeast, type SchemaVersion } from './server-version.ts';
import type { ItemTools } from './typed/item-tools.ts';
import { searchKeyProperty } from './typed-heads.ts';

/** What of an item tells whether it is still what was to be removed. */
export interface Removable {
  readonly id: ItemId;
  readonly version: Version;
  readonly folder: FolderId;
  /** PidTagSearchKey in hex, by which it is found again; null: it has none. */
  readonly searchKey: string | null;
  readonly modifiedAt: Instant | null;
  /** Canonical text of what somebody might have changed; the removal itself changes nothing of it. */
  readonly state: string;
}

/** What a removal needs of its mailbox. */
export interface RemovalTools extends Pick<ItemTools, 'call' | 'search' | 'named' | 'clock'> {
  look(ids: readonly ItemId[], context: Context): Promise<readonly (Removable | Fault)[]>;
}

type Removed = readonly (null | Fault)[];

/** Tries of the look at what was removed: nobody else looks, and whoever changed it meanwhile has no other way to be heard. */
const looksMax = 4;
const lookAgainMs = 500;

const changed: Fault = { kind: 'stale', detail: 'it was changed just before it was removed' };

/** Removes items as they were just read, in the way that the version allows. Faults in place. */
export const removal = (version: SchemaVersion): typeof deleteAndLook =>
  atLeast(version, 'Exchange2010') ? deleteAndLook : moveLookAndDelete;

/**
 * Removes items as they were just read, from Exchange 2010 on. DeleteItem ignores versions, so what was removed is looked at in
 * Recoverable Items, where it lies under another id, and put back when it is not what was read. A removal that cannot be looked
 * at, time after time, stands: it stays recoverable.
 */
async function deleteAndLook(tools: RemovalTools, heads: readonly Removable[], context: Context): Promise<Removed> {
  const { call, look, search, named } = tools;
  const ids = (some: readonly Removable[]) => some.map(({ id }) => id);
  const results = [...(await eachInPlace(heads, (some) => call(deleteItem, ids(some), context)))];
  const keyed = heads.flatMap((head, i) => (results[i] === null && head.searchKey !== null ? [{ i, head }] : []));
  if (keyed.length === 0) return results;
  try {
    const keys = new Set(keyed.map(({ head }) => Buffer.from(head.searchKey ?? '', 'hex').toString('base64')));
    const found = await again(tools, context, async () => {
      const lying = await search(named('recoverableitemsdeletions'), searchKeyProperty, [...keys], context);
      const seen = await look(lying, context);
      const busy = seen.find((head) => isFault(head) && waitFor(head) !== null);
      if (isFault(busy)) throw new FaultError(busy);
      return seen.filter((head): head is Removable => !isFault(head));
    });
    for (const { i, head } of keyed) {
      const twins = found.filter(({ searchKey }) => searchKey === head.searchKey);
      const same = twins.find(({ state }) => state === head.state);
      const [newest] = twins.sort((a, b) => (b.modifiedAt ?? 0) - (a.modifiedAt ?? 0));
      const own = same ?? newest;
      if (own === undefined) continue;
      found.splice(found.indexOf(own), 1);
      if (same !== undefined) continue;
      results[i] = await putBack(tools, own.id, head.folder, context);
    }
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
  }
  return results;
}

/** Tries it again while it fails for passing reasons, as long as the deadline allows. */
async function again<T>({ clock }: RemovalTools, { signal, deadlineMs }: Context, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      const waitMs = error instanceof FaultError ? waitFor(error.fault) : null;
      if (waitMs === null || tries >= looksMax || clock.monotonicMs() + waitMs >= deadlineMs) throw error;
      await clock.sleep(waitMs, signal);
    }
  }
}

/** Null: it does not pass. */
const waitFor = (fault: Fault): number | null =>
  fault.kind === 'throttled' ? fault.retryAfterMs : fault.kind === 'transient' ? lookAgainMs : null;

/**
 * The same before Exchange 2010, whose dumpster cannot be looked into: the items go to Deleted Items first, are looked at there,
 * and only then go on. One that fails on the way stays in Deleted Items.
 */
async function moveLookAndDelete(tools: RemovalTools, heads: readonly Removable[], context: Context): Promise<Removed> {
  const { call, look, named } = tools;
  if (heads.length === 0) return [];
  const bin = requiredFolderId(
    onlyAnswer(await call(getFolder, { folders: [named('deleteditems')], properties: [] }, context)),
  );
  const results: (null | Fault)[] = heads.map(() => null);
  const lying = await moved(tools, heads, bin, results, context);
  const seen = await look(
    lying.map(({ id }) => id),
    context,
  );
  const doomed: { readonly i: number; readonly id: ItemId }[] = [];
  for (const [n, { i, id, head }] of lying.entries()) {
    const now = seen[n];
    if (now === undefined || isFault(now)) results[i] = now ?? { kind: 'gone', detail: 'it left Deleted Items' };
    else if (now.state === head.state) doomed.push({ i, id });
    else {
      results[i] = head.folder === bin ? changed : await putBack(tools, id, head.folder, context);
    }
  }
  const answers = await eachInPlace(doomed, (some) =>
    call(
      deleteItem,
      some.map(({ id }) => id),
      context,
    ),
  );
  for (const [n, { i }] of doomed.entries()) results[i] = answers[n] ?? null;
  return results;
}

/** Moves an item that was changed in between to where it was. */
async function putBack({ call }: RemovalTools, id: ItemId, to: FolderId, context: Context): Promise<Fault> {
  try {
    onlyAnswer(await call(moveItem, { ids: [id], to }, context));
    return { kind: 'stale', detail: 'it was changed while it was removed, and was put back' };
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    const detail = `it was changed while it was removed, and could not be put back (${error.message}); it is among the deleted items`;
    return { kind: 'transient', detail, mayHaveHappened: true };
  }
}

/** Moves what is not there yet into `bin`; faults go into `results`. */
async function moved(
  { call }: RemovalTools,
  heads: readonly Removable[],
  bin: FolderId,
  results: (null | Fault)[],
  context: Context,
) {
  const away = heads.flatMap((head, i) => (head.folder === bin ? [] : [{ i, head }]));
  const answers = await eachInPlace(away, (some) =>
    call(moveItem, { ids: some.map(({ head }) => head.id), to: bin }, context),
  );
  const lying = heads.flatMap((head, i) => (head.folder === bin ? [{ i, head, id: head.id }] : []));
  for (const [n, { i, head }] of away.entries()) {
    const answer = answers[n] ?? null;
    if (answer === null) results[i] = noId;
    else if (isFault(answer)) results[i] = answer;
    else lying.push({ i, head, id: answer.id });
  }
  return lying;
}
