import type { DirectoryEdit } from '#model/directory/directory-edit.ts';
import type { Attributes, DirectoryKind, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { changeOf, type ValueChange, valuesOf } from './values.ts';

/** A write as the journal has it. */
export interface WrittenEdit {
  readonly action: 'add' | 'modify' | 'move' | 'remove';
  /** What the directory has given to an added object. */
  readonly guid: ObjectGuid;
  readonly dn: DistinguishedName;
  readonly before: Attributes;
  readonly after: Attributes;
}

/**
 * The write that takes a write back. It expects to find what the write left, so that a later change of somebody else makes it stale instead
 * of being lost.
 *
 * @param now How the object is named and what its version is by now.
 * @returns null: there is nothing to take back. A removed object is made again, under another GUID.
 */
export function inverseOf(
  written: WrittenEdit,
  now: { readonly dn: DistinguishedName; readonly version: string; readonly kind: DirectoryKind },
): DirectoryEdit | null {
  switch (written.action) {
    case 'add':
      return { kind: 'remove', guid: written.guid, version: now.version };
    case 'remove':
      return { kind: 'add', object: now.kind, dn: written.dn, attributes: written.before };
    case 'move':
      return now.dn === written.dn ? null : { kind: 'move', guid: written.guid, from: now.dn, to: written.dn };
    case 'modify': {
      const values: Record<string, ValueChange> = {};
      for (const name of new Set([...Object.keys(written.before), ...Object.keys(written.after)])) {
        const change = changeOf(valuesOf(written.after, name), valuesOf(written.before, name));
        if (change !== null) values[name] = change;
      }
      return Object.keys(values).length === 0 ? null : { kind: 'modify', guid: written.guid, values };
    }
  }
}
