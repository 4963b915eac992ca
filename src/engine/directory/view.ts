/**
 * What a plan knows of a side: objects as they are now, who holds which value, which DN is whose. A view starts with the changed
 * objects and grows by the look-ups that `planDirectory` asks for, so that a pass never reads the whole forest.
 */
import type { DirectoryObject, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';

export interface DirectoryView {
  /** By GUID; null: looked for and not there. Absent: nobody has looked. */
  readonly objects: ReadonlyMap<ObjectGuid, DirectoryObject | null>;
  /** GUIDs of the objects that lie in the scope of this side. */
  readonly scoped: ReadonlySet<ObjectGuid>;
  /** By `dnKey`; null: nothing is there. */
  readonly resolved: ReadonlyMap<string, ObjectGuid | null>;
  /** Holders of a value, by `valueKey`; empty: nobody. */
  readonly holders: ReadonlyMap<string, readonly ObjectGuid[]>;
}

/** What somebody has to read before a plan can be made. Each list is free of doubles. */
export interface DirectoryLookups {
  /** `Directory.read`. */
  readonly read: readonly ObjectGuid[];
  /** `Directory.resolve`. */
  readonly resolve: readonly DistinguishedName[];
  /** `Directory.find`, one attribute at a time. */
  readonly find: readonly { readonly attribute: string; readonly values: readonly string[] }[];
  /** Links of these objects (`Store.directoryLinks`). */
  readonly links: readonly ObjectGuid[];
}
