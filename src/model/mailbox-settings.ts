/**
 * What belongs to a mailbox and is no item: settings that people set once and miss when they are gone. People in them are named by SMTP
 * address; whoever carries settings over maps those through the directory and names the ones that cannot be mapped.
 */
import type { FolderId } from './ids.ts';
import type { Instant } from './mail.ts';

/** Out-of-office. [MS-OXWOOF], EWS `GetUserOofSettings`, Graph `automaticRepliesSetting`. */
export interface AutomaticReplies {
  readonly state: 'disabled' | 'enabled' | 'scheduled';
  readonly audience: 'none' | 'known' | 'all';
  /** Only with `scheduled`. */
  readonly schedule: { readonly start: Instant; readonly end: Instant } | null;
  /** HTML, as the server keeps it. */
  readonly internal: string;
  readonly external: string;
}

/** Who may do what in a folder. [MS-OXCPERM] 2.2.7 by its parts; `freeBusy` is for calendars. */
export interface FolderPermission {
  readonly who:
    | { readonly kind: 'default' | 'anonymous' }
    | { readonly kind: 'person'; readonly address: string; readonly name: string }
    /** An entry whose person is gone (a bare SID): reported, never carried. */
    | { readonly kind: 'unknown'; readonly name: string };
  readonly canCreateItems: boolean;
  readonly canCreateSubfolders: boolean;
  readonly isOwner: boolean;
  readonly isVisible: boolean;
  readonly isContact: boolean;
  readonly edit: 'none' | 'owned' | 'all';
  readonly remove: 'none' | 'owned' | 'all';
  readonly read: 'none' | 'full' | 'time-only' | 'time-and-subject';
}

/** [MS-OXODLGT] 2.2.2; EWS `GetDelegate`. */
export interface Delegate {
  readonly address: string;
  readonly name: string;
  /** By folder role; folders that are not named give no right. */
  readonly rights: Readonly<Partial<Record<DelegateFolder, 'none' | 'reviewer' | 'author' | 'editor' | 'custom'>>>;
  readonly receivesCopies: boolean;
  readonly seesPrivate: boolean;
}
export type DelegateFolder = 'calendar' | 'tasks' | 'inbox' | 'contacts' | 'notes' | 'journal';

export interface Delegates {
  readonly delegates: readonly Delegate[];
  readonly requestsGoTo: 'delegates-only' | 'delegates-and-me' | 'delegates-and-information-to-me';
}

/**
 * A rule of the Inbox. Conditions, exceptions and actions by their EWS names with plain values (texts, numbers, addresses as
 * `{ address, name }`, folders as `{ folder }`), so that rules of every version pass through whole.
 */
export interface InboxRule {
  readonly name: string;
  readonly order: number;
  readonly isOn: boolean;
  /** False: the server shows only that there is a rule, or one with a part that is no value (a reply with a message of its own). */
  readonly isReadable: boolean;
  /** The server says that it does not work. */
  readonly isBroken: boolean;
  readonly conditions: RuleParts;
  readonly exceptions: RuleParts;
  readonly actions: RuleParts;
}
export type RuleParts = Readonly<Record<string, RuleValue>>;
export type RuleValue =
  | string
  | { readonly address: string; readonly name: string }
  | { readonly folder: FolderId }
  /** Bounds of a range, by their EWS names. */
  | { readonly range: Readonly<Record<string, string>> }
  | readonly RuleValue[];

export interface InboxRules {
  readonly rules: readonly InboxRule[];
  /** Outlook keeps rules of its own in the mailbox, which writing rules from outside switches off: a write needs consent. */
  readonly hasOutlookRules: boolean;
}

/** Associated items that hold settings, by configuration name and folder role. [MS-OXOCFG] 2.2. */
export const storedSettings = {
  categories: { name: 'CategoryList', folder: 'calendar', what: 'colours and names of categories' },
  'calendar-processing': { name: 'Calendar', folder: 'calendar', what: 'processing of meeting requests' },
  'work-hours': { name: 'WorkHours', folder: 'calendar', what: 'working hours' },
  web: { name: 'OWA.UserOptions', folder: 'root', what: 'options and signature of Outlook on the web' },
  nicknames: {
    name: 'OWA.AutocompleteCache',
    folder: 'root',
    what: 'addresses that are offered while typing, on the web',
  },
} as const;
export type StoredSetting = keyof typeof storedSettings;

/** The three streams of a configuration item; absent ones are null. */
export interface StoredConfiguration {
  /** Entries with their types, in the order of the server. */
  readonly dictionary:
    | readonly {
        readonly key: { readonly type: string; readonly value: string };
        readonly value: { readonly type: string; readonly values: readonly string[] };
      }[]
    | null;
  /** Base64. */
  readonly xml: string | null;
  readonly binary: string | null;
}
