import { digest, guidOf, passwordOf } from '../account.ts';
import { Catalogue } from './catalogue.ts';
import { Controller, groupScopes, type Held, type OtherDomains, type Principal, type Update } from './controller.ts';
import { parseDn } from './dn.ts';
import { Domain } from './domain.ts';
import type { Entry } from './entry.ts';
import { noObject, noRights, refuse, refuseEarly } from './refusal.ts';
import { type DomainPlan, type ExchangeNames, type ForestSeed, planForest } from './seed.ts';

/** What the restricted account may do; DNs of subtrees. */
export interface RestrictedRights {
  readonly writes: readonly string[];
  /** What it cannot even see. */
  readonly hidden: readonly string[];
  /** Domains whose changes it may replicate. */
  readonly replicates: readonly string[];
}

export interface ForestOptions extends ForestSeed {
  readonly nowMs: () => number;
  /** The password an account signs in with, when the directory was not given another; null: none of the organization's. */
  readonly passwordOf: (user: string) => string | null;
  /** An account's password was set in the directory. */
  readonly onPassword: (user: string, password: string) => void;
}

/** What an account may do, by the sign-in name it was given. */
export interface SignedIn extends Principal {
  /** `DOMAIN\\name` */
  readonly account: string;
}

/** Reaches everywhere: services of the server's own. */
const everywhere: Principal = { user: 'SYSTEM', mayRead: () => true, mayWrite: () => true, mayReplicate: () => true };

/** What stays of an object in the domain that it was moved out of. */
export type MoveTrace =
  /** Nothing under its GUID, only an object that tells the other controllers of the domain. [MS-ADTS] 3.1.1.5.4.2.3 */
  | 'proxy'
  /** A tombstone, as if it had been deleted there. */
  | 'tombstone';

/**
 * The directory of an organization: one domain or several, one or two controllers of each. What is written at one controller is there at
 * once at all others that hold it, or after the delay that was set.
 */
export class Forest {
  readonly name: string;
  /** Of the root domain, which is the only one unless others were asked for. */
  readonly domain: string;
  readonly domainDn: string;
  readonly names: ExchangeNames;
  readonly system: Principal = everywhere;
  readonly restrictedUser: string;
  readonly restrictedPassword: string;
  /** What moves between domains leave behind from now on. */
  moveTrace: MoveTrace = 'proxy';
  readonly #options: ForestOptions;
  readonly #root: Domain;
  #domains: readonly Domain[];
  #delayMs = 0;
  /** Oldest first; of one controller in the order in which they were written. */
  #underWay: { readonly dueMs: number; readonly to: Controller; readonly update: Update }[] = [];
  #rights: RestrictedRights;
  #made = 0;
  readonly #listeners = new Set<(entry: Entry, update: Update) => void>();

  constructor(options: ForestOptions) {
    this.#options = options;
    this.name = options.name;
    this.domain = options.domain;
    this.restrictedUser = options.restricted;
    this.restrictedPassword = passwordOf(options.seed, options.restricted);
    const plan = planForest(options);
    this.names = plan.names;
    this.#domains = plan.domains.map((one) => this.#open(one, plan.lastRid));
    [this.#root] = this.#domains as [Domain, ...Domain[]];
    this.domainDn = this.#root.dn;
    this.#rights = { writes: this.#domains.map(({ dn }) => `OU=Other forest,${dn}`), hidden: [], replicates: [] };
  }

  #open(plan: DomainPlan, lastRid: number): Domain {
    const nowMs = this.#options.nowMs();
    const first = Controller.ofSeeds(plan.seeds, {
      name: plan.hosts[0],
      invocationId: plan.invocationIds[0],
      nowMs: this.#options.nowMs,
      // Never the same twice, also when a name is made, deleted and made again.
      newGuid: () => guidOf('object', this.#options.seed, this.#options.domain, ++this.#made),
      domainSid: plan.sid,
      lastRid,
      atMs: nowMs - 30 * 86_400_000,
      others: this.#others(plan.name),
    });
    const opened = (at: Controller): void => {
      at.onWrite = (update, entry) => this.#written(at, update, entry);
    };
    opened(first);
    return new Domain(plan, first, opened);
  }
  /** What the controllers of a domain know of the others: it is always up to date. */
  #others(name: string): OtherDomains {
    const firsts = (): readonly Controller[] => this.#domains.flatMap((one) => (one.name === name ? [] : [one.first]));
    const heldBy = (entryAt: (at: Controller) => Entry | null): Held | null => {
      for (const at of firsts()) {
        const entry = entryAt(at);
        if (entry !== null && entry.root === at.domain && !entry.isDeleted) return { at, entry };
      }
      return null;
    };
    return {
      byGuid: (guid) => heldBy((at) => at.byGuid(guid)),
      find: (dn) => heldBy((at) => at.find(dn)),
      having: (attribute, value) =>
        firsts().flatMap((at) =>
          at.having(attribute, value).flatMap((one) => (one.root === at.domain ? [one.guid] : [])),
        ),
    };
  }

  /** The root first. */
  get domains(): readonly Domain[] {
    this.#deliver();
    return this.#domains;
  }
  /** Controllers of the root domain. */
  get first(): Controller {
    this.#deliver();
    return this.#root.first;
  }
  get second(): Controller {
    const { second } = this.#root;
    this.#deliver();
    return second;
  }
  /** Both of a domain, with what has come to them by now. */
  controllersOf(domain: Domain): Domain {
    this.#deliver();
    return domain;
  }
  /** The one that mail servers look at: with a delay the one that hears of things last, so that who does not wait is found out. */
  get forTransport(): Controller {
    return this.#lastToHear(this.#root);
  }
  #lastToHear(domain: Domain): Controller {
    this.#deliver();
    return this.#delayMs > 0 ? domain.second : domain.first;
  }
  /** The global catalogue on a domain's first controller: of the other domains it knows what has come to it. */
  catalogueOf(domain: Domain): Catalogue {
    this.#deliver();
    return new Catalogue([
      domain.first,
      ...this.#domains.flatMap((one) => (one === domain ? [] : [this.#lastToHear(one)])),
    ]);
  }

  /** How long a write takes to the other controllers. What is under way keeps the time it was given. */
  get replicationDelayMs(): number {
    return this.#delayMs;
  }
  set replicationDelayMs(delayMs: number) {
    if (delayMs > 0) for (const { second } of this.#domains) void second;
    this.#delayMs = delayMs;
  }
  /** Writes that are not everywhere yet. */
  get underWay(): number {
    this.#deliver();
    return this.#underWay.length;
  }

  /** Calls `listener` after every write, in the turn of the writer. */
  onWrite(listener: (entry: Entry, update: Update) => void): void {
    this.#listeners.add(listener);
  }

  #written(at: Controller, update: Update, entry: Entry): void {
    this.#noteAccount(at, entry, update);
    for (const { controllers } of this.#domains) {
      // A domain is on its own controllers, the configuration and the schema are on all.
      if (entry.root === at.domain && !controllers.includes(at)) continue;
      for (const to of controllers)
        if (to !== at) this.#underWay.push({ dueMs: this.#options.nowMs() + this.#delayMs, to, update });
    }
    if (this.#delayMs === 0) this.#deliver();
    for (const listener of this.#listeners) listener(entry, update);
  }

  #deliver(): void {
    if (this.#underWay.length === 0) return;
    const nowMs = this.#options.nowMs();
    const due = this.#underWay.filter(({ dueMs }) => dueMs <= nowMs);
    if (due.length === 0) return;
    this.#underWay = this.#underWay.filter(({ dueMs }) => dueMs > nowMs);
    for (const { to, update } of due) to.replicate(update);
  }

  // Domains

  /** An object of any domain, at the first controller of it; null: there is none. */
  held(dn: string): Held | null {
    this.#deliver();
    for (const { first } of this.#domains) {
      const entry = first.find(dn);
      if (entry !== null) return { at: first, entry };
    }
    return null;
  }
  /** Objects of all domains with a value of an attribute that is indexed. */
  having(attribute: string, value: string | Buffer): readonly Held[] {
    this.#deliver();
    return this.#domains.flatMap(({ first }) =>
      first.having(attribute, value).flatMap((entry) => (entry.root === first.domain ? [{ at: first, entry }] : [])),
    );
  }

  /**
   * Moves an account, contact or group into a container of another domain, as an administrator does with Move-ADObject: it keeps its GUID,
   * and an account gets a SID of the new domain. [MS-ADTS] 3.1.1.5.4.2
   *
   * @throws DirectoryRefusal
   */
  move(by: Principal, dn: string, newParent: string): Held {
    const from = this.held(dn);
    const to = this.held(newParent);
    if (from === null || to === null || !by.mayRead(from.entry) || !by.mayRead(to.entry)) throw noObject('');
    if (from.at === to.at || from.entry.root !== from.at.domain || to.entry.root !== to.at.domain)
      throw refuse('unwillingToPerform', 0x2086, 'WILL_NOT_PERFORM');
    if (!by.mayWrite(from.entry) || !by.mayWrite(to.entry)) throw noRights();
    const { groups, creatable } = from.at.classOf(from.entry);
    if (!creatable || from.entry.children.size > 0) throw refuse('unwillingToPerform', 0x2086, 'WILL_NOT_PERFORM');
    const scope = (at: Controller, one: Entry): number => Number(at.text(one, 'groupType') ?? 0);
    // A global group has members of its own domain only, and those of a group of the domain stay behind.
    const inGlobal = from.at.read(from.entry, 'memberof').some((guid) => {
      const group = from.at.byGuid(String(guid));
      return group !== null && (scope(from.at, group) & groupScopes.global) !== 0;
    });
    if (inGlobal) throw refuse('unwillingToPerform', 0x212d, 'WILL_NOT_PERFORM');
    const isUniversal = (scope(from.at, from.entry) & groupScopes.universal) !== 0;
    if (groups.includes('group') && !isUniversal && from.at.read(from.entry, 'member').length > 0)
      throw refuse('unwillingToPerform', 0x2132, 'WILL_NOT_PERFORM');
    const trace = this.moveTrace;
    const made = to.at.receive(from, from.entry.rdn, to.entry);
    if (trace === 'proxy') from.at.release(from.entry);
    else from.at.remove(everywhere, from.at.dnOf(from.entry));
    return { at: to.at, entry: made };
  }

  /** Takes a domain out of the forest, as the removal of its last controller does. What it held is gone with it. */
  removeDomain(name: string): void {
    const gone = this.#domains.find((one) => one.name === name && one !== this.#root);
    if (gone === undefined) throw noObject(this.domainDn);
    const guid = gone.first.domain.guid;
    this.#domains = this.#domains.filter((one) => one !== gone);
    for (const { controllers } of this.#domains)
      for (const at of controllers) {
        const inConfiguration = [...at.entries()].filter(({ root }) => root === at.configuration);
        for (const entry of inConfiguration)
          if (String(at.read(entry, 'ncname')[0]) === guid) at.expungeTree(entry);
          else if (at.read(entry, 'msds-hasmasterncs').includes(guid) && entry.parent !== null)
            at.expungeTree(entry.parent);
      }
  }

  // Accounts

  #noteAccount(at: Controller, entry: Entry, update: Update): void {
    this.#isWritten = true;
    for (const { name, values } of update.values) {
      const user = at.text(entry, 'userPrincipalName')?.toLowerCase();
      if (name === 'unicodepwd' && user !== undefined && values[0] instanceof Buffer)
        this.#options.onPassword(user, values[0].toString('utf16le').slice(1, -1));
    }
  }
  #isWritten = false;

  /** The account was disabled, renamed or deleted in the directory: nobody signs in under that name, anywhere. */
  isShutOut(user: string): boolean {
    if (!this.#isWritten) return false;
    const [account] = this.having('userPrincipalName', user);
    return account === undefined || (Number(account.at.text(account.entry, 'userAccountControl') ?? 0) & 2) !== 0;
  }

  setRights(rights: Partial<RestrictedRights>): void {
    for (const dn of [...(rights.writes ?? []), ...(rights.hidden ?? []), ...(rights.replicates ?? [])])
      if (this.held(dn) === null) throw refuseEarly('noSuchObject', 0x208d, `there is no ${dn}`);
    this.#rights = { ...this.#rights, ...rights };
  }
  get rights(): RestrictedRights {
    return this.#rights;
  }

  /**
   * Checks a simple bind. Names: DN, user principal name, `DOMAIN\\name`. A DN is one of the domain that is asked; by the others accounts of
   * all domains sign in. [MS-ADTS] 5.1.1.1.1
   *
   * @throws DirectoryRefusal
   */
  signIn(at: Controller, name: string, password: string): SignedIn {
    const held = this.#accountOf(at, name);
    const denied = (data: string) =>
      refuseEarly('invalidCredentials', 0x80090308, 'AcceptSecurityContext error', `data ${data}`);
    if (held === null || held.entry.isDeleted) throw denied('52e');
    const { entry } = held;
    const domain = this.#domainOf(held.at);
    const account = held.at.text(entry, 'sAMAccountName');
    const user = held.at.text(entry, 'userPrincipalName')?.toLowerCase() ?? `${account}@${domain.name}`.toLowerCase();
    const expected = user === this.restrictedUser ? this.#restrictedNow() : this.#passwordOf(held, user);
    if (expected === null || digest(expected).compare(digest(password)) !== 0) throw denied('52e');
    if ((Number(held.at.text(entry, 'userAccountControl') ?? 0) & 2) !== 0) throw denied('533');
    return { ...this.#principal(user), account: `${domain.netbios}\\${account}` };
  }
  #restrictedNow(): string {
    return this.#options.passwordOf(this.restrictedUser) ?? this.restrictedPassword;
  }
  #passwordOf({ at, entry }: Held, user: string): string | null {
    const [set] = entry.values.get('unicodepwd') ?? [];
    if (set instanceof Buffer && at.byGuid(entry.guid) !== null) return set.toString('utf16le').slice(1, -1);
    return this.#options.passwordOf(user);
  }

  #principal(user: string): Principal {
    if (user === this.#options.admin) return { ...everywhere, user };
    const copies = this.#domains.flatMap(({ controllers }) => controllers);
    const inside = (one: Entry, dns: readonly string[]): boolean =>
      dns.some((dn) => copies.some((at) => this.#isInside(at, one, dn)));
    if (user !== this.restrictedUser)
      return { user, mayRead: () => true, mayWrite: () => false, mayReplicate: () => false };
    return {
      user,
      mayRead: (one) => !inside(one, this.#rights.hidden),
      mayWrite: (one) => inside(one, this.#rights.writes),
      mayReplicate: (context) => inside(context, this.#rights.replicates),
    };
  }
  #isInside(at: Controller, one: Entry, dn: string): boolean {
    const root = at.find(dn);
    return root !== null && one.isInside(root);
  }

  #domainOf(at: Controller): Domain {
    return this.#domains.find(({ controllers }) => controllers.includes(at)) ?? this.#root;
  }
  #accountOf(at: Controller, name: string): Held | null {
    const asked = this.#domainOf(at);
    /** The asked domain knows best what it was told itself. */
    const copies = this.#domains.map((one) => (one === asked ? at : one.first));
    const only = (some: readonly Controller[], attribute: string, value: string): Held | null => {
      const list = some.flatMap((one) => one.having(attribute, value).map((entry) => ({ at: one, entry })));
      return list.length === 1 ? (list[0] ?? null) : null;
    };
    const inDomain = (domain: string, account: string): Held | null => {
      const copy = copies.find((_, n) => {
        const one = this.#domains[n];
        return one !== undefined && [one.name, one.netbios.toLowerCase()].includes(domain.toLowerCase());
      });
      return copy === undefined || account === '' ? null : only([copy], 'sAMAccountName', account);
    };
    if (name.includes('\\')) {
      const [domain = '', account = ''] = name.split('\\');
      return inDomain(domain, account);
    }
    if (name.includes('=') && parseDn(name) !== null) {
      const entry = at.find(name);
      return entry === null ? null : { at, entry };
    }
    const [account = '', domain = ''] = name.split('@');
    return only(copies, 'userPrincipalName', name) ?? inDomain(domain, account);
  }
}
