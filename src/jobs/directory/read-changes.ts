import type { DirectoryPage } from '#connectors/directory/contract.ts';
import { FaultError } from '#kit/fault.ts';
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { DirectoryObject, ObjectGuid } from '#model/directory/directory-object.ts';
import type { Side } from '#model/ids.ts';
import { hash128 } from '#model/stamp.ts';
import type { DirectoryContext } from './directory-context.ts';
import type { Reach } from './reach.ts';

const BATCH = 500;
/** Pages of one reading: a feed that never ends is broken. */
const PAGES_MAX = 100_000;

/** What happened on a side since its cursor. */
export interface SideChanges {
  readonly upserts: ReadonlyMap<ObjectGuid, DirectoryObject>;
  readonly gone: readonly ObjectGuid[];
  /** What is recorded once everything was carried out. */
  readonly cursor: string;
  /** Everything in scope was read. */
  readonly isWhole: boolean;
}

/** Reads the feed of a side to its end, from the beginning where the cursor is lost. */
export async function readChanges(
  context: DirectoryContext,
  side: Side,
  recorded: string | null,
  reach: Reach,
): Promise<SideChanges> {
  const before = recorded === null ? null : splitCursor(recorded);
  let read: Awaited<ReturnType<typeof readFeed>>;
  try {
    read = await readFeed(context, side, before?.feed ?? null);
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.kind !== 'cursor-lost') throw error;
    read = await readFeed(context, side, null);
  }
  if (read.isWhole && before !== null) await expectHeard(context, side);
  const membersMoved = !read.isWhole && reach.members !== null && before?.members !== membersMark(reach);
  const cursor = joinCursor(read.cursor, membersMark(reach));
  if (!read.isWhole && !membersMoved) return { ...read, cursor };
  const { upserts } = read;
  const gone = new Set(read.gone);
  // What a whole reading does not name, and who joined or left a group of the scope, is looked at by itself.
  const unnamed: ObjectGuid[] = [];
  for await (const link of allLinks(context)) {
    const guid = link[side];
    const isNamed = read.isWhole ? upserts.has(guid) || gone.has(guid) : reach.members?.has(guid) || upserts.has(guid);
    if (!isNamed) unnamed.push(guid);
  }
  if (membersMoved) unnamed.push(...[...(reach.members ?? [])].filter((guid) => !upserts.has(guid)));
  for (let at = 0; at < unnamed.length; at += BATCH) {
    const asked = unnamed.slice(at, at + BATCH);
    const found = await context.ends[side].directory.read(asked, context.wanted[side], context.call());
    for (const guid of asked) {
      const object = found.get(guid);
      if (object) upserts.set(guid, object);
      else gone.add(guid);
    }
  }
  return { upserts, gone: [...gone], cursor, isWhole: read.isWhole };
}

/**
 * Another controller than the last time may not have heard yet of what was written on that one. What it shows is the past: taken for
 * changes, it would be carried to the other side over what is newer, and what it lacks would be made twice.
 */
async function expectHeard(context: DirectoryContext, side: Side): Promise<void> {
  const versions: string[] = [];
  for await (const link of allLinks(context)) versions.push(link[`${side}Version`]);
  const { directory, organization } = context.ends[side];
  const unheard = await directory.unheard(versions, context.call());
  if (unheard.length === 0) return;
  const { controller } = await directory.describe(context.call());
  throw new FaultError({
    kind: 'transient',
    detail: `${organization}: the controller ${controller} has not heard yet of ${unheard.length} of ${versions.length} objects as another one showed them, so nothing is done until they are replicated; if that one is lost for good, directory sync --all takes for true what this one shows`,
    mayHaveHappened: false,
  });
}

async function readFeed(context: DirectoryContext, side: Side, from: string | null) {
  const { directory, scope } = context.ends[side];
  const upserts = new Map<ObjectGuid, DirectoryObject>();
  const gone = new Set<ObjectGuid>();
  let cursor = from;
  let isWhole = true;
  for (let pages = 0; ; pages++) {
    if (pages > PAGES_MAX)
      throw new FaultError({ kind: 'fatal', code: 'protocol', detail: 'the change feed of the directory never ends' });
    context.checkpoint();
    const page: DirectoryPage = await directory.changes(scope, context.wanted[side], cursor, context.call());
    isWhole &&= page.isWhole;
    for (const change of page.changes) {
      if (change.kind === 'upsert') {
        upserts.set(change.object.guid, change.object);
        gone.delete(change.object.guid);
      } else {
        gone.add(change.guid);
        upserts.delete(change.guid);
      }
    }
    cursor = page.cursor;
    if (page.complete) return { upserts, gone: [...gone], cursor: page.cursor, isWhole };
  }
}

/** Every link of the sync, page by page. */
export async function* allLinks({
  store,
  sync,
}: Pick<DirectoryContext, 'store' | 'sync'>): AsyncIterable<DirectoryLink> {
  for (let after: ObjectGuid | null = null; ; ) {
    const page: readonly DirectoryLink[] = await store.pageDirectoryLinks(sync, after, BATCH);
    yield* page;
    after = page.at(-1)?.left ?? null;
    if (page.length < BATCH) return;
  }
}

/** The place in the feed, and who belonged to the groups of the scope at that time. */
const membersMark = ({ members, version }: Reach): string => (members === null ? '' : hash128(version));
const joinCursor = (feed: string, members: string): string => (members === '' ? feed : `members ${members} ${feed}`);
function splitCursor(recorded: string): { readonly feed: string; readonly members: string } {
  const [, members, feed] = /^members ([0-9a-f]+) (.*)$/s.exec(recorded) ?? [];
  return members === undefined || feed === undefined ? { feed: recorded, members: '' } : { feed, members };
}
