import type { Context, Mailbox } from '#connectors/contract.ts';
import type { MailboxSettings, SettingKind } from '#connectors/settings-contract.ts';
import { describeFault, FaultError } from '#kit/fault.ts';
import type { FolderId } from '#model/ids.ts';
import {
  type Delegate,
  type FolderPermission,
  type StoredConfiguration,
  type StoredSetting,
  storedSettings,
} from '#model/mailbox-settings.ts';
import { mergeCategories } from './merge-categories.ts';

/** What of a mailbox's settings came over, and what did not. */
export interface SettingsReport {
  /** How many of each were written: folders with permissions, delegates, stored settings. */
  readonly written: Readonly<Record<'permissions' | 'delegates' | 'stored', number>>;
  readonly left: readonly LeftSetting[];
}

/** Why a setting stayed behind. A closed list: each has a paragraph in `docs/operating/settings.md`. */
export const leftReasons = {
  unmapped: 'the person is not known on the target: no link in the directory, no pair in the project',
  nobody: 'the entry belongs to nobody any more',
  unreadable: 'the source gives no way to read it',
  unwritable: 'the target gives no way to write it',
  refused: 'the target refuses it',
  'has-its-own': 'the target has one of its own, which stays',
} as const;
export type LeftReason = keyof typeof leftReasons;

export interface LeftSetting {
  readonly setting: 'permissions' | 'delegates' | StoredSetting;
  readonly reason: LeftReason;
  /** For the operator: a folder, an address, what the server said. */
  readonly detail: string;
}

export interface CarrySettings {
  readonly source: Mailbox;
  readonly target: Mailbox;
  /** Folders that are in step, source to target, with a name for the report. */
  readonly folders: readonly { readonly source: FolderId; readonly target: FolderId; readonly path: string }[];
  /** Who somebody of the source is on the target; null: nobody knows. */
  readonly personOnTarget: (address: string) => string | null;
  /** A context for each request. */
  readonly call: () => Context;
  /** Writes nothing, and says what would be written. */
  readonly dryRun?: boolean;
}

/**
 * Carries permissions of folders, delegates and stored settings from one mailbox to the other. What is there already is left alone, so
 * it may be run as often as one likes. Out-of-office, rules and the processing of rooms belong to the switch, since they act.
 */
export async function carrySettings(asked: CarrySettings): Promise<SettingsReport> {
  const left: LeftSetting[] = [];
  const carrier: Carrier = { ...asked, left };
  const written = {
    permissions: await permissions(carrier),
    delegates: await delegates(carrier),
    stored: 0,
  };
  for (const setting of carriedSettings) if (await stored(carrier, setting)) written.stored++;
  return { written, left };
}

interface Carrier extends CarrySettings {
  readonly left: LeftSetting[];
}

function bothEnds(
  { source, target, left }: Carrier,
  kind: SettingKind,
  setting: LeftSetting['setting'],
): { readonly from: MailboxSettings; readonly to: MailboxSettings } | null {
  const why = (settings: MailboxSettings | undefined): string => {
    const ability = settings?.abilities[kind];
    return ability === undefined
      ? 'this connector has no settings'
      : ability.can === 'nothing'
        ? ability.why
        : 'read only';
  };
  const [from, to] = [source.settings, target.settings];
  if (from === undefined || from.abilities[kind].can === 'nothing') {
    left.push({ setting, reason: 'unreadable', detail: why(from) });
    return null;
  }
  if (to?.abilities[kind].can !== 'read-and-write') {
    left.push({ setting, reason: 'unwritable', detail: why(to) });
    return null;
  }
  return { from, to };
}

/** Runs a write. @returns false, and says why, when the target refuses it. */
async function tried(
  { left, dryRun }: Carrier,
  setting: LeftSetting['setting'],
  what: string,
  write: () => Promise<void>,
): Promise<boolean> {
  if (dryRun === true) return true;
  try {
    await write();
    return true;
  } catch (error) {
    if (!(error instanceof FaultError) || !['poison', 'gone', 'stale'].includes(error.fault.kind)) throw error;
    left.push({ setting, reason: 'refused', detail: `${what}: ${describeFault(error.fault)}` });
    return false;
  }
}

const byWho = (one: FolderPermission): string =>
  JSON.stringify({ ...one, who: { ...one.who, name: '' } }).toLowerCase();
const samePermissions = (a: readonly FolderPermission[], b: readonly FolderPermission[]): boolean =>
  JSON.stringify(a.map(byWho).sort()) === JSON.stringify(b.map(byWho).sort());

async function permissions(carrier: Carrier): Promise<number> {
  const ends = bothEnds(carrier, 'permissions', 'permissions');
  if (ends === null) return 0;
  let written = 0;
  for (const { source, target, path } of carrier.folders) {
    const given = await ends.from.permissions(source, carrier.call());
    const before = await ends.to.permissions(target, carrier.call());
    const wanted = given.flatMap((entry) => mapped(carrier, entry, path));
    // People whom somebody gave rights on the target keep them.
    const more = before.filter(({ who }) => who.kind === 'person' && !wanted.some((one) => sameWho(one.who, who)));
    const after = [...wanted, ...more];
    if (
      samePermissions(
        after,
        before.filter(({ who }) => who.kind !== 'unknown'),
      )
    )
      continue;
    if (await tried(carrier, 'permissions', path, () => ends.to.setPermissions(target, after, carrier.call())))
      written++;
  }
  return written;
}

const sameWho = (one: FolderPermission['who'], other: FolderPermission['who']): boolean =>
  one.kind === other.kind &&
  (one.kind !== 'person' || (other.kind === 'person' && one.address.toLowerCase() === other.address.toLowerCase()));

function mapped({ personOnTarget, left }: Carrier, entry: FolderPermission, path: string): readonly FolderPermission[] {
  const { who } = entry;
  if (who.kind === 'unknown') {
    left.push({ setting: 'permissions', reason: 'nobody', detail: `${path}: ${who.name}` });
    return [];
  }
  if (who.kind !== 'person') return [entry];
  const address = personOnTarget(who.address);
  if (address === null) {
    left.push({ setting: 'permissions', reason: 'unmapped', detail: `${path}: ${who.address}` });
    return [];
  }
  return [{ ...entry, who: { ...who, address } }];
}

const delegateKey = ({ name: _, address, rights, ...rest }: Delegate): string =>
  JSON.stringify({ ...rest, address: address.toLowerCase(), rights: Object.entries(rights).sort() });

async function delegates(carrier: Carrier): Promise<number> {
  const ends = bothEnds(carrier, 'delegates', 'delegates');
  if (ends === null) return 0;
  const given = await ends.from.delegates(carrier.call());
  const before = await ends.to.delegates(carrier.call());
  const wanted = given.delegates.flatMap((one): readonly Delegate[] => {
    const address = carrier.personOnTarget(one.address);
    if (address !== null) return [{ ...one, address }];
    carrier.left.push({ setting: 'delegates', reason: 'unmapped', detail: one.address });
    return [];
  });
  if (wanted.length === 0) return 0;
  const more = before.delegates.filter(
    ({ address }) => !wanted.some((one) => one.address.toLowerCase() === address.toLowerCase()),
  );
  const after = [...wanted, ...more];
  const known = new Set(before.delegates.map(delegateKey));
  const changed = after.filter((one) => !known.has(delegateKey(one)));
  if (changed.length === 0 && given.requestsGoTo === before.requestsGoTo) return 0;
  const write = () => ends.to.setDelegates({ delegates: after, requestsGoTo: given.requestsGoTo }, carrier.call());
  return (await tried(carrier, 'delegates', `${changed.length} delegates`, write)) ? changed.length : 0;
}

/** Processing of meeting requests is the switch's: were it carried before, a room would book twice. */
const carriedSettings = (Object.keys(storedSettings) as StoredSetting[]).filter(
  (name) => name !== 'calendar-processing',
);

async function stored(carrier: Carrier, setting: StoredSetting): Promise<boolean> {
  const ends = bothEnds(carrier, 'stored', setting);
  if (ends === null) return false;
  const given = await ends.from.stored(setting, carrier.call());
  if (given === null) return false;
  const before = await ends.to.stored(setting, carrier.call());
  const after = together(setting, given, before);
  if (after === null) {
    if (JSON.stringify(given) !== JSON.stringify(before))
      carrier.left.push({ setting, reason: 'has-its-own', detail: storedSettings[setting].what });
    return false;
  }
  if (JSON.stringify(after) === JSON.stringify(before)) return false;
  const { what } = storedSettings[setting];
  return tried(carrier, setting, what, () => ends.to.setStored(setting, after, carrier.call()));
}

/** Entries of Outlook on the web's options that are a person's own work; the others belong to the mailbox they are in. */
const ownOptions = /^(?:signature|autoaddsignature)/i;

/** What the target is to have; null: what it has. */
function together(
  setting: StoredSetting,
  given: StoredConfiguration,
  before: StoredConfiguration | null,
): StoredConfiguration | null {
  if (setting === 'categories') {
    const xml = mergeCategories(given.xml, before?.xml ?? null);
    return xml === null
      ? null
      : { dictionary: before?.dictionary ?? given.dictionary, xml, binary: before?.binary ?? null };
  }
  if (setting === 'web') {
    const own = (given.dictionary ?? []).filter(({ key }) => ownOptions.test(key.value));
    const has = new Set((before?.dictionary ?? []).map(({ key }) => key.value.toLowerCase()));
    const fresh = own.filter(({ key }) => !has.has(key.value.toLowerCase()));
    return fresh.length === 0
      ? null
      : { xml: null, binary: null, ...before, dictionary: [...(before?.dictionary ?? []), ...fresh] };
  }
  return before === null ? given : null;
}
