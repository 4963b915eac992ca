/** What a directory sync is asked to do. Made from the project file; plain data, so that a plan can be computed from it. */
import type { Side } from '../ids.ts';
import type { DistinguishedName } from './directory-object.ts';

/** Both sides of something, in the same shape. */
export interface BySide<T> {
  readonly left: T;
  readonly right: T;
}

export function otherSide(side: Side): Side {
  return side === 'left' ? 'right' : 'left';
}

/** How two objects are known to be the same person. The first rule that finds anybody decides; one that finds several decides nothing. */
export type MatchRule =
  /** `mail` of one is `mail` or an SMTP address of the other. */
  | { readonly by: 'mail' }
  /** Any SMTP address of one is an address of the other; `targetAddress` counts, so that contacts for people of the other side are found. */
  | { readonly by: 'proxyAddresses' }
  | { readonly by: 'sAMAccountName' }
  | { readonly by: 'userPrincipalName' }
  | { readonly by: 'employeeID' }
  /** objectSid of one is in sIDHistory of the other: the account was migrated before. */
  | { readonly by: 'sidHistory' }
  /** legacyExchangeDN of one is an X500 address of the other. */
  | { readonly by: 'legacyExchangeDN' }
  | { readonly by: 'attribute'; readonly left: string; readonly right: string }
  /** Pairs as somebody wrote them down: a mail address, account name, DN or GUID on each side. Decides before everything else but the anchor. */
  | { readonly by: 'csv'; readonly pairs: readonly { readonly left: string; readonly right: string }[] };

/** How a value comes to be. Templates name attributes in braces, `{givenName} {sn}`; one whose attribute is missing yields nothing. */
export type Transform =
  | { readonly kind: 'constant'; readonly values: readonly string[] }
  | { readonly kind: 'template'; readonly template: string }
  /** Values of `from`, replaced where the map names them (case ignored). */
  | {
      readonly kind: 'map';
      readonly from: string;
      readonly to: Readonly<Record<string, string>>;
      readonly otherwise: 'keep' | 'drop';
    }
  /** Rows of a file by the value of `key`. */
  | { readonly kind: 'csv'; readonly key: string; readonly rows: Readonly<Record<string, readonly string[]>> };

/** What happens to one attribute. Without a rule the attribute table decides (`carriage` and `defaultFlow`). */
export type AttributeRule =
  /** Both ways, per attribute; when both sides changed it home wins. In one-way work the same as `home`. */
  | { readonly flow: 'merge' }
  /** From the home object to the shadow; a deviation there is overwritten and journalled. */
  | { readonly flow: 'home' }
  /** Only where the shadow has none. */
  | { readonly flow: 'fill' }
  | { readonly flow: 'none' }
  /** Computed from the object of the other side, and written on `on` only. */
  | { readonly flow: 'set'; readonly on: Side; readonly value: Transform };

export interface DirectorySyncPolicy {
  /** Name in the project file; part of the mark on objects of ours. */
  readonly sync: string;
  /** One-way: only the target (right) is ever written. */
  readonly direction: 'both' | 'one-way';
  /** Where objects of ours are made, container by DN; null: nothing is made on that side. An Entra side: any text. */
  readonly into: BySide<DistinguishedName | null>;
  /** Roots below which the tree of organizational units is repeated under `into`; `flat`: all in one container. */
  readonly tree: 'flat' | 'mirror';
  /** Subtrees of the scope: what `tree: mirror` is relative to. */
  readonly roots: BySide<readonly DistinguishedName[]>;
  readonly match: readonly MatchRule[];
  /**
   * What stands for somebody on the other side, if nobody was matched: an account that is a mail user, a contact, or nothing.
   * Accounts are made disabled and without a password.
   */
  readonly people: 'mail-user' | 'contact' | 'nothing';
  readonly shared: 'mail-user' | 'contact' | 'nothing';
  readonly resources: 'mail-user' | 'contact' | 'nothing';
  readonly contacts: 'contact' | 'nothing';
  /** `same`: security groups as security groups; `distribution`: everything as distribution groups; both universal, with members. */
  readonly groups: 'same' | 'distribution' | 'contact' | 'nothing';
  /** Whether disabled accounts of people get an object made on the other side. */
  readonly disabled: 'include' | 'leave';
  /** Whether people get a mailbox on the target: names those whose mailbox somebody has to make. */
  readonly targetMailboxes: boolean;
  /** Domain that mail reaches each organization by and nobody else; null: the primary address has to do. */
  readonly routing: BySide<string | null>;
  /** SMTP domains each side accepts mail for. */
  readonly domains: BySide<readonly string[]>;
  /** Of these, the domains both sides accept mail for and relay to each other. */
  readonly sharedDomains: readonly string[];
  /** SMTP domains of the other organizations of the project. */
  readonly foreignDomains: readonly string[];
  /** Templates of further addresses for objects of each side, of the attributes of the home object: `{mailNickname}@target.example`. */
  readonly addresses: BySide<readonly string[]>;
  /** Address lists (DNs) that objects of ours are shown in until Exchange says better; empty: Update-Recipient has to. */
  readonly addressBook: BySide<readonly DistinguishedName[]>;
  readonly attributes: Readonly<Record<string, AttributeRule>>;
  /** The same attribute changed on both sides: `active` is the home object. */
  readonly conflict: 'active' | 'source' | 'target';
  /** What is done when a name is taken: the next free of `{name} ({organization})`, `{name} 2`, …, or nothing until somebody decides. */
  readonly nameTaken: 'number' | 'wait';
  /**
   * Somebody matches an object that stands for somebody of another sync: two organizations come into one. `first`: it stays with whom it stands
   * for, and the other one waits; `suffix`: the other one gets an object of its own, named by `nameTaken`. A CSV rule decides before either.
   */
  readonly collision: 'first' | 'suffix';
  /** Accounts of both sides are synced to one tenant: people are joined by their anchor, and no account is ever made. */
  readonly hybrid: boolean;
  /** Objects of ours get a mark in this attribute, so that they are known again after the loss of the database; null: no mark. */
  readonly mark: string | null;
  /** What becomes of an object of ours whose original left the scope. */
  readonly outOfScope: 'keep' | 'remove';
  /** Removals in 24 hours: the larger of the share of linked objects and the minimum. */
  readonly maxDelete: { readonly share: number; readonly atLeast: number };
}

export const defaultDirectorySyncPolicy: Omit<DirectorySyncPolicy, 'sync' | 'into' | 'roots' | 'domains'> = {
  direction: 'both',
  tree: 'flat',
  match: [
    { by: 'sidHistory' },
    { by: 'legacyExchangeDN' },
    { by: 'mail' },
    { by: 'proxyAddresses' },
    { by: 'employeeID' },
  ],
  people: 'mail-user',
  shared: 'mail-user',
  resources: 'mail-user',
  contacts: 'contact',
  groups: 'same',
  disabled: 'leave',
  targetMailboxes: true,
  routing: { left: null, right: null },
  sharedDomains: [],
  foreignDomains: [],
  addresses: { left: [], right: [] },
  addressBook: { left: [], right: [] },
  attributes: {},
  conflict: 'active',
  nameTaken: 'number',
  collision: 'first',
  hybrid: false,
  mark: 'adminDescription',
  outOfScope: 'keep',
  maxDelete: { share: 0.2, atLeast: 10 },
};
