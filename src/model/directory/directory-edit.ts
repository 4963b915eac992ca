import type { Attributes, DirectoryKind, DistinguishedName, ObjectGuid } from './directory-object.ts';

/** One write to a directory. Objects are named by GUID; DNs move. */
export type DirectoryEdit =
  | {
      readonly kind: 'add';
      readonly object: DirectoryKind;
      readonly dn: DistinguishedName;
      readonly attributes: Attributes;
    }
  | {
      readonly kind: 'modify';
      readonly guid: ObjectGuid;
      /** Values to take away (they must be there) and to add (they must not be there), by attribute. */
      readonly values: Readonly<
        Record<string, { readonly remove: readonly string[]; readonly add: readonly string[] }>
      >;
    }
  | {
      readonly kind: 'move';
      readonly guid: ObjectGuid;
      readonly from: DistinguishedName;
      readonly to: DistinguishedName;
    }
  | { readonly kind: 'remove'; readonly guid: ObjectGuid; readonly version: string };
