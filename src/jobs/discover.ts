import type { Connector, Context } from '#connectors/contract.ts';
import { writePath } from '#engine/folder-pattern.ts';
import { folderPlaces } from '#engine/plan-folders.ts';
import type { Clock } from '#kit/clock.ts';
import type { Cursor, FolderId } from '#model/ids.ts';

export interface DiscoverServices {
  readonly connector: Connector;
  readonly clock: Clock;
  readonly requestDeadlineMs: number;
}

/** What is in a mailbox. No subjects: paths, classes, counts and sizes. */
export interface MailboxInventory {
  readonly organization: string;
  readonly address: string;
  readonly folders: readonly InventoryFolder[];
  /** Largest first. */
  readonly largest: readonly { readonly folder: string; readonly bytes: number; readonly itemClass: string }[];
  /** Item classes other than IPM.Note, with their counts. */
  readonly classes: Readonly<Record<string, number>>;
}

export interface InventoryFolder {
  readonly path: string;
  readonly role: string | null;
  readonly containerClass: string | null;
  readonly items: number;
  /** By the server's own count of each item. */
  readonly bytes: number;
}

const largestMax = 10;
/** A mailbox may hold items of classes that somebody invents for every item. */
const classesMax = 200;

/**
 * Walks a mailbox and counts. Reads the feed of every folder from its beginning, which is about what the first look of a pass
 * costs; writes nothing. Search folders are left out. Throws FaultError.
 */
export async function discover(
  { connector, clock, requestDeadlineMs }: DiscoverServices,
  address: string,
  signal: AbortSignal,
): Promise<MailboxInventory> {
  const mailbox = connector.mailbox(address);
  const call = (): Context => {
    signal.throwIfAborted();
    return { signal, deadlineMs: clock.monotonicMs() + requestDeadlineMs };
  };
  const [tree, roles] = await Promise.all([mailbox.tree(call()), mailbox.roles(call())]);
  const roleOf = new Map([...roles].map(([role, id]) => [id, role]));
  const places = folderPlaces(tree, roleOf);
  const folders: InventoryFolder[] = [];
  const largest: { folder: string; bytes: number; itemClass: string }[] = [];
  const classes = new Map<string, number>();
  for (const folder of tree.folders) {
    if (folder.kind === 'search') continue;
    const path = writePath(places.get(folder.id)?.segments ?? [folder.name]);
    const sum = { items: 0, bytes: 0 };
    for await (const { itemClass, sizeBytes } of factsIn(folder.id)) {
      sum.items++;
      sum.bytes += sizeBytes;
      if (itemClass !== 'IPM.Note') {
        const name = classes.has(itemClass) || classes.size < classesMax ? itemClass : 'others';
        classes.set(name, (classes.get(name) ?? 0) + 1);
      }
      if (largest.length < largestMax || sizeBytes > (largest.at(-1)?.bytes ?? 0)) {
        largest.push({ folder: path, bytes: sizeBytes, itemClass });
        largest.sort((a, b) => b.bytes - a.bytes).splice(largestMax);
      }
    }
    folders.push({ path, role: roleOf.get(folder.id) ?? null, containerClass: folder.containerClass, ...sum });
  }
  return { organization: connector.organization, address, folders, largest, classes: Object.fromEntries(classes) };

  async function* factsIn(folder: FolderId) {
    let cursor: Cursor | null = null;
    for (let complete = false; !complete; ) {
      const page: Awaited<ReturnType<typeof mailbox.changes>> = await mailbox.changes(folder, cursor, call());
      for (const change of page.changes) if (change.kind === 'upsert') yield change.head.facts;
      cursor = page.cursor;
      complete = page.complete;
    }
  }
}
