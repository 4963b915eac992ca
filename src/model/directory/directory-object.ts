import type { Brand } from '#kit/brand.ts';

/** objectGUID (Active Directory) or object id (Entra), lower-case with dashes: stays through renames and moves, and is never given twice. */
export type ObjectGuid = Brand<'ObjectGuid'>;
/** Distinguished name as the server writes it. Compare with `sameDn`, never as text. */
export type DistinguishedName = Brand<'DistinguishedName'>;

/** What an object is to a mail system. Containers are read only to know that they are there. */
export type DirectoryKind = 'user' | 'contact' | 'group' | 'container';

/**
 * Values of attributes by their lDAPDisplayName in the case of the attribute table (`attribute-rows.ts`). An attribute without values is
 * absent. Text as it is; whole numbers, large ones too, and truth values (`TRUE`, `FALSE`) as LDAP writes them; binary attributes
 * in lower-case hex, GUIDs among them as objectGUID with dashes only in `guid`. The order of values means nothing.
 */
export type Attributes = Readonly<Record<string, readonly string[]>>;

/** One entry of a directory as read. */
export interface DirectoryObject {
  readonly guid: ObjectGuid;
  readonly kind: DirectoryKind;
  /** In Entra, which has no tree: empty. */
  readonly dn: DistinguishedName;
  /** DNS name of its domain, lower case; in Entra the tenant's. */
  readonly domain: string;
  /** Only the attributes that were asked for, ranges resolved; DNs among the values are of the same directory. */
  readonly attributes: Attributes;
  /** Differs whenever the object may have changed: uSNChanged with its controller, or what Graph's delta showed. */
  readonly version: string;
}

/** What a mail system takes an object for ([msExchRecipientTypeDetails], FACTS §8). */
export type RecipientType =
  | 'user-mailbox'
  | 'shared-mailbox'
  | 'room-mailbox'
  | 'equipment-mailbox'
  | 'linked-mailbox'
  | 'mail-user'
  | 'remote-mailbox'
  | 'mail-contact'
  | 'distribution-group'
  | 'security-group'
  | 'dynamic-group'
  | 'public-folder'
  /** An account, a contact or a group that mail knows nothing of. */
  | 'none'
  /** A value that we do not know: never touched. */
  | 'other';
