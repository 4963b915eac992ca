import { FaultError } from '#kit/fault.ts';
import type { FolderId } from '#model/ids.ts';
import { type Delegates, type InboxRule, storedSettings } from '#model/mailbox-settings.ts';
import type { Context } from '../../contract.ts';
import type { MailboxSettings, SettingAbility } from '../../settings-contract.ts';
import type { Operation } from '../operation.ts';
import type { FolderRef } from '../operations/ids.ts';
import { atLeast, type SchemaVersion } from '../server-version.ts';
import { getUserOofSettings, setUserOofSettings } from './automatic-replies.ts';
import { addDelegate, getDelegate, removeDelegate, updateDelegate } from './delegates.ts';
import { getPermissions, setPermissions } from './folder-permissions.ts';
import { getInboxRules, updateInboxRules } from './inbox-rules.ts';
import { createUserConfiguration, getUserConfiguration, updateUserConfiguration } from './user-configuration.ts';

interface Tools {
  readonly address: string;
  readonly version: () => SchemaVersion;
  /** Asks for one thing; its fault is thrown. */
  readonly only: <Request, Answer>(
    operation: Operation<Request, Answer>,
    request: Request,
    context: Context,
  ) => Promise<Answer>;
  readonly named: (distinguished: string) => Exclude<FolderRef, string>;
  readonly knowVersion: (context: Context) => Promise<void>;
}

const both: SettingAbility = { can: 'read-and-write' };
const sameAddress = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** Settings by EWS: out-of-office, permissions and delegates from 2007 SP1 on, rules and stored settings from 2010 SP1 on. */
export function ewsSettings({ address, version, only, named, knowVersion }: Tools): MailboxSettings {
  const needs = async (wanted: SchemaVersion, what: string, context: Context): Promise<void> => {
    await knowVersion(context);
    if (!atLeast(version(), wanted))
      throw new FaultError({ kind: 'fatal', code: 'unsupported', detail: `${what} need ${wanted} or later` });
  };
  const orNull = async <Answer>(asked: Promise<Answer>): Promise<Answer | null> => {
    try {
      return await asked;
    } catch (error) {
      if (error instanceof FaultError && error.fault.kind === 'gone') return null;
      throw error;
    }
  };
  const since2010 = (what: string): SettingAbility =>
    atLeast(version(), 'Exchange2010_SP1') ? both : { can: 'nothing', why: `Exchange 2007 gives no way to ${what}` };
  const configuration = (setting: keyof typeof storedSettings) => {
    const { name, folder } = storedSettings[setting];
    return { name, folder: named(folder) };
  };

  return {
    get abilities() {
      return {
        'automatic-replies': both,
        rules: since2010('rules'),
        permissions: both,
        delegates: both,
        stored: since2010('stored settings'),
      };
    },
    automaticReplies: (context) => only(getUserOofSettings, address, context),
    async setAutomaticReplies(replies, context) {
      await only(setUserOofSettings, { address, replies }, context);
    },
    async rules(context) {
      await needs('Exchange2010_SP1', 'rules', context);
      const { rules, hasOutlookRules } = await only(getInboxRules, address, context);
      return { hasOutlookRules, rules: rules.map(({ id: _, ...rule }): InboxRule => rule) };
    },
    async setRules(rules, evenOutlooks, context) {
      await needs('Exchange2010_SP1', 'rules', context);
      const before = await only(getInboxRules, address, context);
      if (before.hasOutlookRules && !evenOutlooks)
        throw new FaultError({
          kind: 'stale',
          detail: 'Outlook keeps rules in this mailbox that a write from outside would switch off',
        });
      if (before.rules.length === 0 && rules.length === 0) return;
      const ordered = [...rules].sort((a, b) => a.order - b.order);
      await only(updateInboxRules, { address, removed: before.rules.map(({ id }) => id), made: ordered }, context);
    },
    async permissions(folder, context) {
      return (await only(getPermissions, folder, context)).permissions;
    },
    async setPermissions(folder: FolderId, permissions, context) {
      // The element has to be that of the folder's class.
      const { element } = await only(getPermissions, folder, context);
      await only(setPermissions, { folder, element, permissions }, context);
    },
    delegates: (context) => only(getDelegate, address, context),
    async setDelegates({ delegates, requestsGoTo }: Delegates, context) {
      const { delegates: before } = await only(getDelegate, address, context);
      const has = (list: Delegates['delegates'], one: string): boolean =>
        list.some((other) => sameAddress(other.address, one));
      const users = before.map((one) => one.address).filter((one) => !has(delegates, one));
      const known = delegates.filter((one) => has(before, one.address));
      const fresh = delegates.filter((one) => !has(before, one.address));
      if (users.length > 0) await only(removeDelegate, { address, users }, context);
      if (known.length > 0) await only(updateDelegate, { address, delegates: known, requestsGoTo }, context);
      if (fresh.length > 0) await only(addDelegate, { address, delegates: fresh, requestsGoTo }, context);
    },
    async stored(setting, context) {
      await needs('Exchange2010_SP1', 'stored settings', context);
      return orNull(only(getUserConfiguration, configuration(setting), context));
    },
    async setStored(setting, content, context) {
      await needs('Exchange2010_SP1', 'stored settings', context);
      const of = configuration(setting);
      const isThere = (await orNull(only(getUserConfiguration, of, context))) !== null;
      await only(isThere ? updateUserConfiguration : createUserConfiguration, { ...of, content }, context);
    },
  };
}
