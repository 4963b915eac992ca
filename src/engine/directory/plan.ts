/** What `planDirectory` answers: plain data that can be printed, stored, compared or thrown away. */
import type { DirectoryEdit } from '#model/directory/directory-edit.ts';
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { Attributes, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import type { BySide, DirectorySyncPolicy } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import type { DirectoryOutcome, DirectoryReason } from './outcomes.ts';
import type { DirectoryLookups, DirectoryView } from './view.ts';

/** What is known of a side beside its objects. */
export interface DirectorySideProfile {
  readonly kind: 'ad' | 'entra';
  /** Name of the organization in the project, for names that need telling apart. */
  readonly organization: string;
  /** DNS names of the domains with their DNs; in Entra one, without a DN. */
  readonly domains: readonly { readonly name: string; readonly dn: DistinguishedName }[];
  /** legacyExchangeDN of the administrative group new recipients belong to; null: Exchange writes legacyExchangeDN itself. */
  readonly administrativeGroup: string | null;
  /** Attributes that the schema lacks, lower case. */
  readonly lacks: ReadonlySet<string>;
}

export interface DirectoryPlanInput {
  readonly policy: DirectorySyncPolicy;
  readonly sides: BySide<DirectorySideProfile>;
  readonly pass: number;
  /** What is planned: objects that changed, those that wait, both ends of links with `goneSincePass`. Deleted ones too. */
  readonly changed: BySide<readonly ObjectGuid[]>;
  readonly view: BySide<DirectoryView>;
  /** Every link of a changed object, and those that were looked up since. */
  readonly links: readonly DirectoryLink[];
  /** Objects whose links were looked up: no link among `links` means that there is none. */
  readonly linksKnown: BySide<ReadonlySet<ObjectGuid>>;
  /** Objects of the target that another sync with this target has linked, among those whose links were looked up: with its name. */
  readonly elsewhere?: ReadonlyMap<ObjectGuid, string>;
  /** Waiting reasons recorded before, of the changed objects. */
  readonly waiting: BySide<ReadonlyMap<ObjectGuid, string>>;
  /** Left GUIDs of links whose addresses a switch is turning round at the moment. */
  readonly switching: ReadonlySet<ObjectGuid>;
  /** Objects linked in the whole sync, and those removed in the last 24 hours: what `maxDelete` counts by. */
  readonly linked: number;
  readonly removed: number;
}

/** Ask for `lookups`, put the answers into the view, and ask again; or there is the plan. */
export type DirectoryStep =
  | { readonly kind: 'look-up'; readonly lookups: BySide<DirectoryLookups> }
  | { readonly kind: 'plan'; readonly plan: DirectoryPlan };

export interface PlannedEdit {
  /** Place in the plan, from 0. */
  readonly no: number;
  /** Of an add: the placeholder by which the plan speaks of the object; null: nothing refers to it, or it is no add. */
  readonly makes: ObjectGuid | null;
  readonly side: Side;
  /**
   * GUIDs of objects that the plan makes itself are placeholders (`placeholderOf` their original), also among the values where the directory
   * has no DNs; `withGuids` replaces them once the add has come back.
   */
  readonly change: DirectoryEdit;
  /** DN at the time of the write. */
  readonly dn: DistinguishedName;
  /** Values of what the write touches, before and after: what undo needs. */
  readonly before: Attributes;
  readonly after: Attributes;
  readonly reason: DirectoryReason;
  /** For the operator; holds names of objects and addresses. */
  readonly detail: string;
  /** Edits of this plan without which this one must not be made. All of them have smaller numbers. */
  readonly needs: readonly number[];
}

/** A link to be recorded once `edits` are done and both objects were read back (`linkAfter`). */
export interface PlannedLink {
  readonly left: ObjectGuid;
  readonly right: ObjectGuid;
  readonly by: string;
  readonly made: Side | null;
  readonly home: Side;
  readonly goneSincePass: number | null;
  readonly edits: readonly number[];
  /** What the plan asked for, by side and attribute: what a server made of it is told from a person's change by this. */
  readonly wanted: BySide<Attributes>;
}

export interface PlannedWaiting {
  readonly side: Side;
  readonly guid: ObjectGuid;
  readonly reason: DirectoryOutcome;
  readonly detail: string;
}

/** Something the journal has to tell that is no write: a loser, something left out. */
export interface DirectoryNote {
  readonly side: Side;
  readonly guid: ObjectGuid;
  readonly outcome: DirectoryOutcome;
  /** Attribute in question; null: the object. */
  readonly attribute: string | null;
  /** Values that lost or were left out. */
  readonly values: readonly string[];
  readonly detail: string;
}

/** What only PowerShell can do, on premises or by a licence. What Graph does not write is an edit that is handed over. Rendered elsewhere. */
export type PowerShellNeed =
  /** The person has no mailbox on the target yet. */
  | {
      readonly need: 'enable-mailbox';
      readonly side: Side;
      readonly guid: ObjectGuid;
      readonly identity: string;
      /** Entra: a licence makes the mailbox. */
      readonly directory: DirectorySideProfile['kind'];
      /** As the account is by then. Its addresses and its redirection have to be there again once it has a mailbox. */
      readonly values: Attributes;
      /** It is a mail user by then, of which no cmdlet makes a mailbox. */
      readonly isMailUser: boolean;
      /** Nobody can sign in as it, so that it gets no mailbox of a person. */
      readonly isDisabled: boolean;
      /** An address that nobody knows, for a mailbox that must get nothing yet. */
      readonly parking: string;
    }
  /** A mail user, contact or group made over LDAP that Exchange has to complete. */
  | { readonly need: 'update-recipient'; readonly side: Side; readonly guid: ObjectGuid; readonly identity: string };

export interface DirectoryPlan {
  readonly edits: readonly PlannedEdit[];
  readonly links: readonly PlannedLink[];
  /** Links of which one side was first found gone: only `goneSincePass` is recorded. They have to be among the changed ones of the next pass. */
  readonly gone: readonly { readonly left: ObjectGuid; readonly right: ObjectGuid; readonly sincePass: number }[];
  readonly forget: readonly {
    readonly left: ObjectGuid;
    readonly right: ObjectGuid;
    /** Edits without which the link stays. */
    readonly edits: readonly number[];
    readonly detail: string;
  }[];
  readonly waiting: readonly PlannedWaiting[];
  /** Planned objects that wait for nothing any more. */
  readonly settled: readonly { readonly side: Side; readonly guid: ObjectGuid }[];
  readonly notes: readonly DirectoryNote[];
  readonly needs: readonly PowerShellNeed[];
  /** Removals in this plan, and those that `maxDelete` holds. */
  readonly removals: number;
  readonly held: number;
}
