/**
 * What the rest of Causeway knows of a directory: an Active Directory forest over LDAP, or Entra over Graph. Words: DESIGN §2.
 *
 * Rules for every implementation:
 * - Reads are never trusted to be complete unless they said so: a page that broke off throws, and the cursor stays where it was.
 * - A write names what it expects to find (`from`). Values that are not there any more make it `stale`, and nothing is written.
 * - A write is one operation of the server: all of it or nothing. What a directory cannot do in one (Entra: proxyAddresses) is
 *   answered as `handed-over`, with the lines of PowerShell that do it.
 * - Whole-request failures throw `FaultError` (`kit/fault.ts`); what one entry is refused for is returned in its place.
 */
import type { DirectoryEdit } from '#model/directory/directory-edit.ts';
import type { Attributes, DirectoryObject, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import type { Context } from '../contract.ts';

/** Place in the change feed of a directory: opaque. Names the controller where it counts. */
export type DirectoryCursor = string;

/** Where a sync may look and write. What lies outside is never touched, and read only to find clashes of addresses. */
export interface DirectoryScope {
  /** DNs of the subtrees; empty: the whole forest. */
  readonly under: readonly DistinguishedName[];
  /** An LDAP filter (RFC 4515) that is joined with our own by AND; null: none. */
  readonly filter: string | null;
  /** DNs of groups; with any, only their members (nested ones too). */
  readonly memberOf: readonly DistinguishedName[];
}

export interface DirectoryDescription {
  /** `Windows Server 2016 (level 7)`, `Samba 4.17`, `Entra ID`. */
  readonly product: string;
  /** DNS names of the domains, the root first, with the DN of each. */
  readonly domains: readonly { readonly name: string; readonly dn: DistinguishedName }[];
  /** The controller that reads and writes are pinned to. */
  readonly controller: string;
  /** Controllers that `replicated` can ask. */
  readonly controllers: readonly string[];
  /** How changes are read here, and why not better: `dirsync`, `usn`, `delta`. */
  readonly feed: { readonly by: 'dirsync' | 'usn' | 'delta'; readonly why: string };
  /** The Exchange organization of the configuration partition; null: the schema has none. */
  readonly exchange: {
    readonly organization: string;
    readonly legacyExchangeDn: string;
    /** legacyExchangeDN of the administrative group that recipients are named in: `/o=…/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)`. */
    readonly administrativeGroupDn: string;
    /** Highest rangeUpper of ms-Exch-Schema-Version-Pt. */
    readonly schemaVersion: number | null;
  } | null;
}

export type DirectoryChange =
  /** The object as it is now, with all wanted attributes, not only those that changed. */
  | { readonly kind: 'upsert'; readonly object: DirectoryObject }
  /** Deleted, or moved out of what can be read. `lastDn`: where it was, when the server says. */
  | { readonly kind: 'gone'; readonly guid: ObjectGuid; readonly lastDn: DistinguishedName | null };

export interface DirectoryPage {
  readonly changes: readonly DirectoryChange[];
  readonly cursor: DirectoryCursor;
  /** False: ask again with `cursor` at once. */
  readonly complete: boolean;
  /** True on every page of a reading from the beginning (no cursor, or one that was lost): what it does not name is not there. */
  readonly isWhole: boolean;
}

/** Why one entry was refused. A closed list, which `docs/operating/directory-outcomes.md` is made of. */
export const directoryRefusals = {
  stale: 'somebody else changed it since it was read',
  'not-there': 'there is no such object any more',
  'no-container': 'the container that it belongs into is not there',
  'name-taken': 'another object has this name, account name or DN',
  'address-taken': 'another object has one of the addresses',
  'no-rights': 'the account may not write this attribute or in this container',
  'value-refused': 'the server refuses a value: its form, its length, or more values than the attribute takes',
  'schema-lacks': 'the schema of this directory has no such attribute or class',
  'not-here': 'the object belongs to a domain or to a master (hybrid) that this directory is not written through',
} as const;
export type DirectoryRefusal = keyof typeof directoryRefusals;

export type DirectoryWritten =
  | { readonly kind: 'done'; readonly guid: ObjectGuid }
  /** Not written: somebody has to run these lines. Afterwards the object shows whether they did. */
  | { readonly kind: 'handed-over'; readonly script: readonly string[]; readonly why: string }
  | { readonly kind: 'refused'; readonly reason: DirectoryRefusal; readonly detail: string };

export interface Directory {
  describe(context: Context): Promise<DirectoryDescription>;
  /** Those of the attributes that the schema has not, lower case. Absent: it has every one that the attribute table gives it. */
  lacks?(attributes: readonly string[], context: Context): Promise<ReadonlySet<string>>;
  /**
   * One page of changes. `attributes` are the wanted ones. Scope `under` is applied by the server where it can be, `memberOf` and moves across
   * the border by the caller, so changes may name objects outside of it. What does not match `filter` any more is `gone`. A cursor that is lost
   * begins anew by itself; one of a reading from the beginning that was not ended lives as long as the session, and then is the fault
   * `cursor-lost`: ask without a cursor, and forget what that reading named.
   */
  changes(
    scope: DirectoryScope,
    attributes: readonly string[],
    cursor: DirectoryCursor | null,
    context: Context,
  ): Promise<DirectoryPage>;
  /** Objects as they are now; those that are not there are left out. */
  read(
    guids: readonly ObjectGuid[],
    attributes: readonly string[],
    context: Context,
  ): Promise<ReadonlyMap<ObjectGuid, DirectoryObject>>;
  /** DN → GUID and back, whole forest: for members, managers, delegates. Unknown ones are left out. */
  resolve(dns: readonly DistinguishedName[], context: Context): Promise<ReadonlyMap<DistinguishedName, ObjectGuid>>;
  /** Objects in the whole forest that have one of the values in one of the attributes (equality as the server compares). */
  find(
    attributes: readonly string[],
    values: readonly string[],
    wanted: readonly string[],
    context: Context,
  ): Promise<readonly DirectoryObject[]>;
  /** In the order given; an add is visible to those after it. Each is carried out for itself. */
  write(edits: readonly DirectoryEdit[], context: Context): Promise<readonly DirectoryWritten[]>;
  /**
   * Whether each controller shows the object with these values by now: a switch waits for it. Null: cannot be reached. True of one of another
   * domain, which has no copy that could lag behind.
   */
  replicated(
    guid: ObjectGuid,
    shows: Attributes,
    controllers: readonly string[],
    context: Context,
  ): Promise<ReadonlyMap<string, boolean | null>>;
  /**
   * Those of the versions, as `read` and `changes` gave them, that the controllers which are worked with now have not heard of: they lag behind
   * the ones these were read from, and show what was true before. None where a directory does not tell.
   */
  unheard(versions: readonly string[], context: Context): Promise<readonly string[]>;
  /** Searches and writes so far, for the report and the tests. */
  readonly counts: { readonly searches: number; readonly writes: number };
  close(): Promise<void>;
}
