import type { Context, Mailbox } from '#connectors/contract.ts';
import type { Directory } from '#connectors/directory/contract.ts';
import type { MailboxSharing } from '#engine/waves/ties-of-sharing.ts';
import type { Clock } from '#kit/clock.ts';
import { describeFault, FaultError } from '#kit/fault.ts';
import type { DirectoryObject, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { dnKey } from '#model/directory/distinguished-name.ts';
import { smtpAddresses } from '#model/directory/proxy-address.ts';
import { recipientType } from '#model/directory/recipient-type.ts';
import type { FolderRole } from '#model/folder.ts';
import type { FolderPermission } from '#model/mailbox-settings.ts';
import { inLanes } from '../pass/in-lanes.ts';

/** One of the people that waves are proposed for, in the organization that they leave. */
export interface SharingPerson {
  readonly key: string;
  readonly address: string;
  readonly mailbox: Mailbox;
}

export interface SharingServices {
  /** Null: the organization has none in the project. */
  readonly directory: Directory | null;
  readonly clock: Clock;
  readonly requestDeadlineMs: number;
  readonly lanes: number;
  readonly progress?: (done: number, due: number) => void;
}

/** Something of a mailbox, or of everybody, that could not be read: ties may be missing. */
export interface UnreadSharing {
  /** Address; null: of the whole organization. */
  readonly address: string | null;
  readonly what: 'permissions' | 'delegates' | 'directory' | 'mailbox' | 'group';
  readonly why: string;
}

export interface Sharing {
  readonly mailboxes: readonly MailboxSharing[];
  /** Keys of people by every address of theirs, lower case. */
  readonly keys: ReadonlyMap<string, string>;
  readonly unread: readonly UnreadSharing[];
}

/** Folders whose permissions people use to work together; one request each. */
const sharedFolders = ['inbox', 'calendar', 'contacts', 'tasks', 'notes', 'sentitems'] as const satisfies FolderRole[];

/** Values of one search of a directory. */
const BATCH = 200;
/** A group with more members is no reason to move them on one day. */
const groupMembersMax = 50;

const wanted = [
  'displayName',
  'mail',
  'mailNickname',
  'proxyAddresses',
  'targetAddress',
  'publicDelegates',
  'msExchDelegateListLink',
  'msExchRecipientTypeDetails',
  'homeMDB',
  'msExchMailboxGuid',
  'member',
] as const;

/**
 * Who works in whose mailbox, by what mailboxes and the directory say: delegates, permissions on the folders that people share, send on
 * behalf (publicDelegates), full access that Outlook opens by itself (msExchDelegateListLink). Groups are followed to their members.
 * Full access that was given without that link is known to the mailbox server only, and shown by none of the protocols. What cannot be
 * read is named. Throws only the signal's reason.
 */
export async function readSharing(
  services: SharingServices,
  people: readonly SharingPerson[],
  signal: AbortSignal,
): Promise<Sharing> {
  const unread: UnreadSharing[] = [];
  const keys = new Map(people.map(({ key, address }) => [address.toLowerCase(), key]));
  const call = (): Context => ({ signal, deadlineMs: services.clock.monotonicMs() + services.requestDeadlineMs });
  const known = await entriesOf(services, people, keys, unread, call);
  const found = new Map<string, MailboxSharing>();
  let done = 0;
  await inLanes(services.lanes, people, async (person) => {
    signal.throwIfAborted();
    found.set(person.key, { ...(await ofMailbox(person, unread, call)), ...known.get(person.key) });
    services.progress?.(++done, people.length);
  });
  const mailboxes = people.flatMap(({ key }) => found.get(key) ?? []);
  return { mailboxes: await withMembers(services, mailboxes, keys, unread, call), keys, unread };
}

type OfDirectory = Pick<MailboxSharing, 'isShared' | 'sendOnBehalf' | 'fullAccess'>;

/** What the directory says of each, by key. Adds every address of theirs to `keys`. */
async function entriesOf(
  { directory }: SharingServices,
  people: readonly SharingPerson[],
  keys: Map<string, string>,
  unread: UnreadSharing[],
  call: () => Context,
): Promise<ReadonlyMap<string, OfDirectory>> {
  const result = new Map<string, OfDirectory>();
  if (directory === null) {
    unread.push({ address: null, what: 'directory', why: 'the project names no directory of the organization' });
    return result;
  }
  try {
    const entries = new Map<string, DirectoryObject>();
    for (const batch of batches(people)) {
      for (const object of await find(
        directory,
        batch.map(({ address }) => address),
        call,
      ))
        for (const address of addressesOf(object)) {
          const key = keys.get(address.toLowerCase());
          if (key !== undefined && !entries.has(key)) entries.set(key, object);
        }
    }
    for (const [key, object] of entries)
      for (const address of addressesOf(object))
        if (!keys.has(address.toLowerCase())) keys.set(address.toLowerCase(), key);
    const dns = [...entries.values()].flatMap(({ attributes }) => [
      ...(attributes['publicDelegates'] ?? []),
      ...(attributes['msExchDelegateListLink'] ?? []),
    ]) as DistinguishedName[];
    const names = await addressesOfDns(directory, dns, call);
    const addresses = (values: readonly string[] = []) => values.flatMap((dn) => names.get(dnKey(dn)) ?? []);
    for (const [key, object] of entries) {
      const type = recipientType(object);
      result.set(key, {
        isShared: type === 'shared-mailbox' || type === 'room-mailbox' || type === 'equipment-mailbox',
        sendOnBehalf: addresses(object.attributes['publicDelegates']),
        fullAccess: addresses(object.attributes['msExchDelegateListLink']),
      });
    }
    for (const { key, address } of people)
      if (!entries.has(key)) unread.push({ address, what: 'directory', why: 'the directory knows no such address' });
  } catch (error) {
    unread.push({ address: null, what: 'directory', why: whyOf(error) });
  }
  return result;
}

async function find(
  directory: Directory,
  addresses: readonly string[],
  call: () => Context,
): Promise<readonly DirectoryObject[]> {
  const values = addresses.flatMap((address) => [`smtp:${address}`, address]);
  return directory.find(['proxyAddresses', 'mail'], values, wanted, call());
}

async function addressesOfDns(
  directory: Directory,
  dns: readonly DistinguishedName[],
  call: () => Context,
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for (const batch of batches([...new Map(dns.map((dn) => [dnKey(dn), dn])).values()])) {
    const guids = await directory.resolve(batch, call());
    const objects = await directory.read([...guids.values()], wanted, call());
    for (const [dn, guid] of guids) {
      const [address] = addressesOf(objects.get(guid) ?? null);
      if (address !== undefined) names.set(dnKey(dn), address);
    }
  }
  return names;
}

async function ofMailbox(
  { key, address, mailbox }: SharingPerson,
  unread: UnreadSharing[],
  call: () => Context,
): Promise<MailboxSharing> {
  const nothing = { mailbox: key, name: address, isShared: false, delegates: [], sendOnBehalf: [], fullAccess: [] };
  const { settings } = mailbox;
  const cannot = (what: 'permissions' | 'delegates'): string | null => {
    if (settings === undefined) return 'this protocol shows no settings of mailboxes';
    const ability = settings.abilities[what];
    return ability.can === 'nothing' ? ability.why : null;
  };
  const folders: MailboxSharing['folders'][number][] = [];
  let delegates: readonly string[] = [];
  try {
    // What a server can do is known once it has answered.
    const roles = await mailbox.roles(call());
    const noDelegates = cannot('delegates');
    if (noDelegates !== null || settings === undefined)
      unread.push({ address, what: 'delegates', why: noDelegates ?? '' });
    else delegates = (await settings.delegates(call())).delegates.map((delegate) => delegate.address);
    const noPermissions = cannot('permissions');
    if (noPermissions !== null || settings === undefined)
      unread.push({ address, what: 'permissions', why: noPermissions ?? '' });
    else
      for (const role of sharedFolders) {
        const folder = roles.get(role);
        if (folder === undefined) continue;
        for (const permission of await settings.permissions(folder, call()))
          if (permission.who.kind === 'person' && (canWrite(permission) || permission.read !== 'none'))
            folders.push({ folder: role, who: permission.who.address, canWrite: canWrite(permission) });
      }
  } catch (error) {
    unread.push({ address, what: 'mailbox', why: whyOf(error) });
  }
  return { ...nothing, delegates, folders };
}

const canWrite = ({ canCreateItems, edit, remove, isOwner }: FolderPermission): boolean =>
  canCreateItems || isOwner || edit !== 'none' || remove !== 'none';

/** Groups in place of people become their members. */
async function withMembers(
  { directory }: SharingServices,
  mailboxes: readonly MailboxSharing[],
  keys: ReadonlyMap<string, string>,
  unread: UnreadSharing[],
  call: () => Context,
): Promise<readonly MailboxSharing[]> {
  if (directory === null) return mailboxes;
  const named = mailboxes.flatMap(({ delegates, sendOnBehalf, fullAccess, folders }) => [
    ...delegates,
    ...sendOnBehalf,
    ...fullAccess,
    ...folders.map(({ who }) => who),
  ]);
  const unknown = [...new Set(named.map((one) => one.toLowerCase()))].filter((one) => !keys.has(one));
  const groups = new Map<string, readonly string[]>();
  try {
    for (const batch of batches(unknown))
      for (const object of await find(directory, batch, call)) {
        if (object.kind !== 'group') continue;
        const members = await membersOf(directory, object, call);
        for (const address of addressesOf(object)) groups.set(address.toLowerCase(), members ?? []);
        if (members === null)
          unread.push({
            address: addressesOf(object)[0] ?? object.dn,
            what: 'group',
            why: `it has more than ${groupMembersMax} members, who are not kept together because of it`,
          });
      }
  } catch (error) {
    unread.push({ address: null, what: 'directory', why: whyOf(error) });
  }
  if (groups.size === 0) return mailboxes;
  const people = (one: string): readonly string[] => groups.get(one.toLowerCase()) ?? [one];
  return mailboxes.map((one) => ({
    ...one,
    delegates: one.delegates.flatMap(people),
    sendOnBehalf: one.sendOnBehalf.flatMap(people),
    fullAccess: one.fullAccess.flatMap(people),
    folders: one.folders.flatMap((folder) => people(folder.who).map((who) => ({ ...folder, who }))),
  }));
}

/** Addresses of everybody in a group, nested ones too; null: more than count. */
async function membersOf(
  directory: Directory,
  group: DirectoryObject,
  call: () => Context,
): Promise<readonly string[] | null> {
  const people = new Map<ObjectGuid, string>();
  const seen = new Set<ObjectGuid>([group.guid]);
  let next: readonly DirectoryObject[] = [group];
  while (next.length > 0) {
    const dns = next.flatMap(({ attributes }) => attributes['member'] ?? []) as DistinguishedName[];
    if (dns.length > groupMembersMax) return null;
    const guids = [...(await directory.resolve(dns, call())).values()].filter((guid) => !seen.has(guid));
    for (const guid of guids) seen.add(guid);
    const objects = [...(await directory.read(guids, wanted, call())).values()];
    for (const object of objects) {
      const [address] = addressesOf(object);
      if (object.kind !== 'group' && address !== undefined) people.set(object.guid, address);
    }
    if (people.size > groupMembersMax) return null;
    next = objects.filter(({ kind }) => kind === 'group');
  }
  return [...people.values()];
}

function addressesOf(object: DirectoryObject | null): readonly string[] {
  const proxies = smtpAddresses(object?.attributes['proxyAddresses'] ?? []);
  return [...new Set([...proxies, ...(object?.attributes['mail'] ?? [])])];
}

function* batches<T>(all: readonly T[]): Iterable<readonly T[]> {
  for (let at = 0; at < all.length; at += BATCH) yield all.slice(at, at + BATCH);
}

function whyOf(error: unknown): string {
  if (error instanceof FaultError) return describeFault(error.fault);
  throw error;
}
