import { assert, must } from '#kit/assert.ts';
import type { SampleCalendar } from '../samples/read-samples.ts';
import type { Caller, LabVersion } from '../seams.ts';
import { type Account, guidOf, ntHashOf, passwordOf } from './account.ts';
import { guidBytes } from './directory/dn.ts';
import { completeRecipient } from './directory/exchange-shell.ts';
import { Forest } from './directory/forest.ts';
import type { ResourceEntry } from './directory/seed.ts';
import type { TypedKind } from './generate-typed.ts';
import { MailFlow } from './mail-flow.ts';
import { Mailbox, type Seeded } from './mailbox.ts';
import { OpenMailboxes } from './open-mailboxes.ts';
import { addressPart, givenNames, surnames } from './person-names.ts';
import { PublicFolders } from './public-folders.ts';
import { type VersionFacts, versionFacts } from './versions.ts';
import type { World } from './world.ts';

/** What an organization is made of. All but the first three have defaults as shipped or as the world says. */
export interface OrganizationOptions {
  readonly name: string;
  readonly version: LabVersion;
  readonly domain: string;
  /** Mailboxes; default: as many as the world says. */
  readonly mailboxes?: number;
  /** Items in all of its mailboxes together; default: the world's number in the first organization, none in the others. */
  readonly items?: number;
  /** The same of what is no mail. */
  readonly typed?: TypedCounts;
  /** Largest message a client may create, bytes of MIME. */
  readonly itemMaxBytes?: number;
  /** Largest EWS request, bytes. */
  readonly requestMaxBytes?: number;
  /** Quota of each mailbox in bytes; null: none. */
  readonly quotaBytes?: number | null;
  /** Items one folder may hold; null: as the version has it. */
  readonly folderItemsMax?: number | null;
  /** What is in the directory besides the mailboxes; what is left out goes by their number. */
  readonly directory?: {
    readonly groups?: number;
    readonly contacts?: number;
    /** DNS names of further domains of its forest, over which what is in the directory is spread. */
    readonly otherDomains?: readonly string[];
  };
}

/** Items of each kind, in all mailboxes together; those left out are none. */
export type TypedCounts = Readonly<Partial<Record<TypedKind, number>>>;

/** A mailbox as lists show it; cheap, also for those nobody has opened. */
export interface MailboxEntry {
  readonly index: number;
  readonly address: string;
  readonly displayName: string;
  readonly user: string;
  readonly password: string;
  readonly guid: string;
}

const resourceNames = [
  { local: 'room1', displayName: 'Room 1', kind: 'room' },
  { local: 'room2', displayName: 'Room 2', kind: 'room' },
  { local: 'front-desk', displayName: 'Front desk', kind: 'shared' },
] as const;

const noItems: Seeded = { mail: 0, appointment: 0, contact: 0, task: 0, note: 0, calendars: [] };

/** One Exchange organization: accounts, rights and mailboxes. */
export class Organization {
  readonly world: World;
  readonly name: string;
  readonly version: LabVersion;
  readonly domain: string;
  readonly facts: VersionFacts;
  readonly itemMaxBytes: number;
  readonly requestMaxBytes: number;
  readonly folderItemsMax: number | null;
  readonly quotaBytes: number | null;
  readonly admin: Account;
  readonly mailFlow: MailFlow;
  readonly mailboxes: readonly MailboxEntry[];
  /** Mailboxes that are nobody's own. They begin empty. */
  readonly resources: readonly ResourceEntry[];
  /** Items generated in all mailboxes together. */
  readonly items: number;
  readonly typed: TypedCounts;
  /** Files of others, spread over its mailboxes. */
  readonly #calendars: readonly SampleCalendar[];
  readonly #byAddress = new Map<string, MailboxEntry>();
  readonly #open = new OpenMailboxes();
  readonly #passwords = new Map<string, string>();
  /** Address → null (mailbox taken away), or the GUID of a mailbox put in its place. */
  readonly #replaced = new Map<string, string | null>();
  #impersonators: ReadonlyMap<string, ReadonlySet<string> | 'all'>;
  readonly #delegates = new Map<string, Set<string>>();

  constructor(
    world: World,
    options: OrganizationOptions,
    defaults: {
      readonly mailboxes: number;
      readonly items: number;
      readonly typed: TypedCounts;
      readonly calendars: readonly SampleCalendar[];
    },
  ) {
    assert(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(options.domain), 'a domain is lower case with at least one dot');
    this.world = world;
    this.name = options.name;
    this.version = options.version;
    this.domain = options.domain;
    this.facts = versionFacts[options.version];
    this.mailFlow = new MailFlow(options.version, options.domain, () => this.forest);
    this.itemMaxBytes = options.itemMaxBytes ?? this.facts.itemMaxBytes;
    this.requestMaxBytes = options.requestMaxBytes ?? this.facts.requestMaxBytes;
    this.folderItemsMax = options.folderItemsMax === undefined ? this.facts.folderItemsMax : options.folderItemsMax;
    this.quotaBytes = options.quotaBytes ?? null;
    this.items = options.items ?? defaults.items;
    this.typed = options.typed ?? defaults.typed;
    this.#calendars = defaults.calendars;
    const admin = `migration@${this.domain}`;
    this.admin = { user: admin, password: passwordOf(world.seed, admin), kind: 'admin', address: null };
    this.#impersonators = new Map([[admin, 'all']]);
    const count = options.mailboxes ?? defaults.mailboxes;
    const entries: MailboxEntry[] = [];
    for (let index = 0; index < count; index++) {
      const given = givenNames[index % givenNames.length] ?? '';
      const surname = surnames[(index * 7 + Math.floor(index / givenNames.length)) % surnames.length] ?? '';
      const local = `${addressPart(given)}.${addressPart(surname)}${index < surnames.length * 8 ? '' : index}`;
      let address = `${local}@${this.domain}`;
      if (this.#byAddress.has(address)) address = `${local}${index}@${this.domain}`;
      const entry: MailboxEntry = {
        index,
        address,
        displayName: `${given} ${surname}`,
        user: address,
        password: passwordOf(world.seed, address),
        guid: guidOf('mailbox', world.seed, address),
      };
      entries.push(entry);
      this.#byAddress.set(address, entry);
    }
    this.mailboxes = entries;
    this.resources = resourceNames.map(({ local, displayName, kind }, at) => {
      const address = `${local}@${this.domain}`;
      const entry: ResourceEntry = {
        index: count + at,
        address,
        displayName,
        user: address,
        password: passwordOf(world.seed, address),
        guid: guidOf('mailbox', world.seed, address),
        kind,
      };
      if (!this.#byAddress.has(address)) this.#byAddress.set(address, entry);
      return entry;
    });
    this.#directoryCounts = options.directory ?? {};
  }

  #publicFolders: PublicFolders | null = null;
  /** Made when they are first asked for. */
  get publicFolders(): PublicFolders {
    return (this.#publicFolders ??= new PublicFolders(this));
  }
  isPublicStore(mailbox: Mailbox): boolean {
    return this.#publicFolders?.store === mailbox;
  }

  readonly #directoryCounts: NonNullable<OrganizationOptions['directory']>;
  #forest: Forest | null = null;
  /** The organization's directory; made when it is first asked for. */
  get forest(): Forest {
    return (this.#forest ??= this.#makeForest());
  }
  #makeForest(): Forest {
    const forest = new Forest({
      ...this.#directoryCounts,
      seed: this.world.seed,
      name: this.name,
      version: this.version,
      domain: this.domain,
      mailboxes: this.mailboxes,
      resources: this.resources,
      mailboxGuid: (address) => this.#guidNow(address),
      admin: this.admin.user,
      restricted: `restricted@${this.domain}`,
      nowMs: () => this.world.surroundings.clock.nowMs(),
      passwordOf: (user) => this.#passwords.get(user) ?? this.#accountOf(user)?.password ?? null,
      onPassword: (user, password) => this.#passwords.set(user, password),
    });
    // The Recipient Update Service of 2003 looks after what anybody writes; later versions have cmdlets for it.
    if (this.version === '2003') forest.onWrite((entry) => this.#toComplete.add(entry.guid));
    return forest;
  }
  readonly #toComplete = new Set<string>();
  /** Lets the Recipient Update Service do what is to be done. Nothing in versions without one. @returns how many objects it looked at */
  updateRecipients(): number {
    const guids = [...this.#toComplete];
    for (const guid of guids) {
      const entry = this.forest.first.byGuid(guid);
      if (entry !== null && !entry.isDeleted && this.forest.first.text(entry, 'mailNickname') !== null)
        completeRecipient(this, entry, null);
    }
    // What it wrote itself needs no second look.
    this.#toComplete.clear();
    return guids.length;
  }
  /** Whether mail for an address goes somewhere else; cheap when nobody has asked for the directory. */
  isRedirected(address: string): boolean {
    return this.#forest !== null && this.mailFlow.targetAddress(address) !== null;
  }
  #guidNow(address: string): string | null {
    const replaced = this.#replaced.get(address);
    return replaced === undefined ? (this.#byAddress.get(address)?.guid ?? null) : replaced;
  }

  /** The sign-in name in the form the organization keeps: `DOMAIN\user` and a bare `user` become `user@domain`; lower case. */
  normalizeUser(user: string): string {
    const lower = user.trim().toLowerCase();
    if (lower.includes('@')) return lower;
    const backslash = lower.indexOf('\\');
    return `${backslash < 0 ? lower : lower.slice(backslash + 1)}@${this.domain}`;
  }

  /** The account behind a sign-in name in any form; null: there is none. */
  account(user: string): Account | null {
    const name = this.normalizeUser(user);
    return this.#forest?.isShutOut(name) === true ? null : this.#accountOf(name);
  }
  #accountOf(name: string): Account | null {
    if (name === this.admin.user) return { ...this.admin, password: this.#passwords.get(name) ?? this.admin.password };
    const entry = this.#byAddress.get(name);
    if (entry === undefined) return null;
    return {
      user: entry.user,
      password: this.#passwords.get(name) ?? entry.password,
      kind: 'person',
      address: entry.address,
    };
  }

  authenticate(user: string, password: string): Caller | null {
    const account = this.account(user);
    return account !== null && account.password === password ? { user: account.user, kind: account.kind } : null;
  }

  /** What NTLM needs to know of a password; null: no such account. */
  ntHash(user: string): Buffer | null {
    const account = this.account(user);
    return account === null ? null : ntHashOf(account.password);
  }

  setPassword(user: string, password: string): void {
    this.#passwords.set(this.normalizeUser(user), password);
  }

  /** Who may impersonate whom. `all`: every mailbox. Replaces what was; the admin starts with `all`. */
  setImpersonation(rights: Readonly<Record<string, readonly string[] | 'all'>>): void {
    this.#impersonators = new Map(
      Object.entries(rights).map(([user, scope]) => [
        user.toLowerCase(),
        scope === 'all' ? 'all' : new Set(scope.map((a) => a.toLowerCase())),
      ]),
    );
  }

  /** Whether the caller may act as the owner of that mailbox. Applications without a rule of their own are as free as the admin. */
  mayImpersonate(caller: Caller, address: string): boolean {
    const scope =
      this.#impersonators.get(caller.user) ??
      (caller.kind === 'application' ? this.#impersonators.get(this.admin.user) : undefined);
    return scope === 'all' || (scope?.has(address.toLowerCase()) ?? false);
  }

  /** Lets a person open another mailbox under their own name (full access). */
  grantAccess(user: string, address: string): void {
    const key = address.toLowerCase();
    const users = this.#delegates.get(key) ?? new Set();
    users.add(this.normalizeUser(user));
    this.#delegates.set(key, users);
  }

  mayOpen(user: string, address: string): boolean {
    return user === address || (this.#delegates.get(address)?.has(user) ?? false);
  }

  entry(address: string): MailboxEntry | null {
    return this.#byAddress.get(address.toLowerCase()) ?? null;
  }

  /** The mailbox behind an address, opened; null: there is none. */
  mailbox(address: string): Mailbox | null {
    const key = address.toLowerCase();
    const entry = this.#byAddress.get(key);
    const replaced = this.#replaced.get(key);
    if (entry === undefined || replaced === null) return null;
    const known = this.#open.get(key);
    if (known !== null) return known;
    const fresh = replaced !== undefined;
    const mailbox = new Mailbox(
      this,
      fresh ? { ...entry, guid: replaced } : entry,
      fresh || entry.index >= this.mailboxes.length ? noItems : this.#seededOf(entry.index),
    );
    this.#open.add(key, mailbox);
    return mailbox;
  }

  /** The mailbox with that GUID; null: there is none, or another one took its place. */
  mailboxByGuid(guid: string): Mailbox | null {
    const address = this.#addressesByGuid().get(guid);
    const mailbox = address === undefined ? null : this.mailbox(address);
    return mailbox?.guid === guid ? mailbox : null;
  }

  #addresses: Map<string, string> | null = null;
  #addressesByGuid(): Map<string, string> {
    return (this.#addresses ??= new Map(
      [...this.mailboxes, ...this.resources].map(({ guid, address }) => [guid, address]),
    ));
  }

  /** It is not as the seed made it, or somebody watches it. */
  keep(mailbox: Mailbox): void {
    this.#open.keep(mailbox.address.toLowerCase(), mailbox);
  }
  /** Nobody watches it any more, and it is as the seed made it. */
  release(mailbox: Mailbox): void {
    this.#open.release(mailbox.address.toLowerCase(), mailbox);
  }

  /** Mailboxes that are not as the seed made them. */
  writtenMailboxes(): readonly Mailbox[] {
    return this.#open.kept().filter(({ dirty }) => dirty);
  }

  /** Takes a mailbox away, as disabling it does. */
  removeMailbox(address: string): void {
    this.#open.remove(address.toLowerCase());
    this.#replaced.set(address.toLowerCase(), null);
    this.#tellDirectory(address.toLowerCase(), null);
  }

  /** Puts another, empty mailbox behind the address. */
  replaceMailbox(address: string): Mailbox | null {
    const key = address.toLowerCase();
    this.#open.remove(key);
    const guid = guidOf('replaced', this.world.seed, key, this.#replaced.size);
    this.#replaced.set(key, guid);
    this.#addressesByGuid().set(guid, key);
    this.#tellDirectory(key, guid);
    return this.mailbox(key);
  }
  /** A directory that was made already holds the mailbox that was there. */
  #tellDirectory(address: string, guid: string | null): void {
    const [held] = this.#forest?.having('userPrincipalName', this.#byAddress.get(address)?.user ?? '') ?? [];
    held?.at.put(
      held.entry,
      guid === null
        ? { msExchMailboxGuid: [], homeMDB: [], msExchHomeServerName: [] }
        : { msExchMailboxGuid: [guidBytes(guid)] },
    );
  }

  /** Makes an empty mailbox for an account of the directory, as Enable-Mailbox does. */
  addMailbox(made: {
    readonly address: string;
    readonly guid: string;
    readonly user: string;
    readonly displayName: string;
  }): void {
    const key = made.address.toLowerCase();
    const known = this.#byAddress.get(key);
    this.#open.remove(key);
    this.#addressesByGuid().set(made.guid, key);
    if (known !== undefined) this.#replaced.set(key, made.guid);
    // Nobody is told the password of an account that somebody else made: it is the one that the directory was given.
    else
      this.#byAddress.set(key, {
        ...made,
        address: key,
        index: this.mailboxes.length,
        password: this.#passwords.get(made.user) ?? passwordOf(this.world.seed, made.user),
      });
  }

  /** A mailbox of the directory gets another primary address, by which it is called from now on; not once it holds something. */
  renameMailbox(guid: string, address: string): void {
    const from = this.#addressesByGuid().get(guid);
    const to = address.toLowerCase();
    const entry = from === undefined ? undefined : this.#byAddress.get(from);
    if (from === undefined || entry === undefined || from === to || this.#byAddress.has(to)) return;
    if (entry.guid !== guid || this.#open.get(from)?.dirty === true) return;
    this.#open.remove(from);
    this.#byAddress.delete(from);
    this.#byAddress.set(to, { ...entry, address: to });
    this.#addressesByGuid().set(guid, to);
  }

  #firsts: readonly number[] | null = null;
  /** Number within the organization of the first generated item of a mailbox; with `index` one past the last mailbox, their sum. */
  firstItemOf(index: number): number {
    return must(this.#itemFirsts()[index], 'no such mailbox');
  }

  /** A few mailboxes have many items, most have fewer, and all together `items`. */
  #itemFirsts(): readonly number[] {
    if (this.#firsts !== null) return this.#firsts;
    const shares = this.#shares();
    return (this.#firsts = shares.map((share) => Math.round(this.items * share)));
  }

  #shareSums: readonly number[] | null = null;
  /** The part of everything that the mailboxes before each have together. */
  #shares(): readonly number[] {
    if (this.#shareSums !== null) return this.#shareSums;
    const sums = [0];
    for (let i = 0; i < this.mailboxes.length; i++) sums.push((sums[i] ?? 0) + 0.4 + ((i * 2654435761) % 1000) / 833);
    const total = sums[sums.length - 1] ?? 0;
    return (this.#shareSums = sums.map((sum) => (total === 0 ? 0 : sum / total)));
  }

  #seededOf(index: number): Seeded {
    const shares = this.#shares();
    const typed = (kind: TypedKind): number => {
      const all = this.typed[kind] ?? 0;
      return Math.round(all * (shares[index + 1] ?? 0)) - Math.round(all * (shares[index] ?? 0));
    };
    return {
      mail: this.firstItemOf(index + 1) - this.firstItemOf(index),
      appointment: typed('appointment'),
      contact: typed('contact'),
      task: typed('task'),
      note: typed('note'),
      // A file stays together.
      calendars: this.#calendars.filter((_, at) => at % this.mailboxes.length === index),
    };
  }
}
