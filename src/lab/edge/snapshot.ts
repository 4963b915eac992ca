import { createHash } from 'node:crypto';
import { must } from '#kit/assert.ts';
import { withoutImportance } from '../world/export-mime.ts';
import type { Mailbox } from '../world/mailbox.ts';
import type { Property } from '../world/property.ts';

export interface FolderLine {
  readonly kind: 'folder';
  /** Names from the top of the visible tree; empty for the tree's root. */
  readonly path: readonly string[];
  readonly role: string | null;
  readonly containerClass: string | null;
  readonly items: number;
}

export interface ItemLine {
  readonly kind: 'item';
  readonly path: readonly string[];
  /** Unique within the mailbox, never used again. */
  readonly no: number;
  readonly searchKey: string;
  /** Who first put it into a mailbox of this organization: a user or an application, `people`, `server`; another organization's for what was delivered. */
  readonly madeBy: string;
  readonly itemClass: string;
  readonly isRead: boolean;
  /** PidTagMessageFlags without the read bit. */
  readonly flags: number;
  /** Of the MIME as it was given, but for its importance, which is a property; null when the item was made of properties. */
  readonly mimeSha256: string | null;
  readonly mimeBytes: number;
  readonly properties: Readonly<Record<string, Property>>;
}

export type SnapshotLine = FolderLine | ItemLine;

/**
 * What a mailbox holds, straight from the lab's memory: what no protocol had a hand in. Folders in the order of their creation, each
 * followed by its items in theirs; a generator, because a mailbox may have more than fits.
 */
export function* snapshot(mailbox: Mailbox): Generator<SnapshotLine> {
  for (const folder of mailbox.folders()) {
    const path = folder.path();
    yield { kind: 'folder', path, role: folder.role, containerClass: folder.containerClass, items: folder.count };
    if (folder.kind === 'search') continue;
    for (const item of folder.items()) {
      const { mime, properties } = item.content;
      const names = [...properties.keys()].sort();
      yield {
        kind: 'item',
        path,
        no: item.no,
        searchKey: item.searchKey,
        madeBy: item.lineage.madeBy,
        itemClass: item.itemClass,
        isRead: item.isRead,
        flags: item.flags,
        mimeSha256: mime && createHash('sha256').update(withoutImportance(mime)).digest('hex'),
        mimeBytes: mime?.length ?? 0,
        properties: Object.fromEntries(
          names.map((name) => [name, must(properties.get(name), 'a name of its own map')]),
        ),
      };
    }
  }
}
