/**
 * Settings of a mailbox. Reads answer what is there; writes replace the whole of one setting and are safe to repeat. Nothing that is written
 * here sends anything. What a server cannot do is absent from `abilities` with the reason, and calling it is a fatal `unsupported`.
 */
import type { FolderId } from '#model/ids.ts';
import type {
  AutomaticReplies,
  Delegates,
  FolderPermission,
  InboxRules,
  StoredConfiguration,
  StoredSetting,
} from '#model/mailbox-settings.ts';
import type { Context } from './contract.ts';

export const settingKinds = ['automatic-replies', 'rules', 'permissions', 'delegates', 'stored'] as const;
export type SettingKind = (typeof settingKinds)[number];

/** What one server does with a kind of settings. */
export type SettingAbility =
  | { readonly can: 'read-and-write' | 'read' }
  | { readonly can: 'nothing'; readonly why: string };

export interface MailboxSettings {
  readonly abilities: Readonly<Record<SettingKind, SettingAbility>>;
  automaticReplies(context: Context): Promise<AutomaticReplies>;
  setAutomaticReplies(settings: AutomaticReplies, context: Context): Promise<void>;
  rules(context: Context): Promise<InboxRules>;
  /** Refused as `stale` where Outlook's own rules would be switched off and `evenOutlooks` is false. */
  setRules(rules: InboxRules['rules'], evenOutlooks: boolean, context: Context): Promise<void>;
  permissions(folder: FolderId, context: Context): Promise<readonly FolderPermission[]>;
  /** People who are unknown to the organization make it `poison: refused-by-target`, and nothing is written. */
  setPermissions(folder: FolderId, permissions: readonly FolderPermission[], context: Context): Promise<void>;
  delegates(context: Context): Promise<Delegates>;
  setDelegates(delegates: Delegates, context: Context): Promise<void>;
  /** Null: the mailbox has none. */
  stored(setting: StoredSetting, context: Context): Promise<StoredConfiguration | null>;
  setStored(setting: StoredSetting, configuration: StoredConfiguration, context: Context): Promise<void>;
}
