import { digest, guidOf, passwordOf } from '../account.ts';
import { Controller, type Principal, type Update } from './controller.ts';
import { parseDn } from './dn.ts';
import type { Entry } from './entry.ts';
import { refuseEarly } from './refusal.ts';
import { type ExchangeNames, type ForestSeed, invocationIdOf, planForest } from './seed.ts';

/** What the restricted account may do; DNs of subtrees. */
export interface RestrictedRights {
  readonly writes: readonly string[];
  /** What it cannot even see. */
  readonly hidden: readonly string[];
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
  readonly entry: Entry;
}

/** Reaches everywhere: services of the server's own. */
const everywhere: Principal = { user: 'SYSTEM', mayRead: () => true, mayWrite: () => true, mayReplicate: true };

/**
 * The directory of an organization: one domain, one or two controllers. What is written at one of them is there at once at the
 * other, or after the delay that was set.
 */
export class Forest {
  readonly name: string;
  readonly domain: string;
  readonly domainDn: string;
  readonly names: ExchangeNames;
  readonly system: Principal = everywhere;
  readonly restrictedUser: string;
  readonly restrictedPassword: string;
  readonly #options: ForestOptions;
  readonly #first: Controller;
  #second: Controller | null = null;
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
    this.domainDn = plan.domainDn;
    this.names = plan.names;
    this.#rights = { writes: [`OU=Other forest,${plan.domainDn}`], hidden: [] };
    const nowMs = options.nowMs();
    this.#first = Controller.ofSeeds(plan.seeds, {
      name: `dc1.${options.domain}`,
      invocationId: invocationIdOf(options, 1),
      nowMs: options.nowMs,
      // Never the same twice, also when a name is made, deleted and made again.
      newGuid: () => guidOf('object', options.seed, options.domain, ++this.#made),
      domainSid: plan.domainSid,
      lastRid: plan.lastRid,
      atMs: nowMs - 30 * 86_400_000,
    });
    this.#first.onWrite = (update, entry) => this.#written(this.#first, update, entry);
  }

  get first(): Controller {
    this.#deliver();
    return this.#first;
  }
  /** Made when somebody asks for it: a forest that nobody compares needs no second copy. */
  get second(): Controller {
    if (this.#second === null) {
      const made = this.#first.copy(`dc2.${this.domain}`, invocationIdOf(this.#options, 2));
      made.onWrite = (update, entry) => this.#written(made, update, entry);
      this.#second = made;
    }
    this.#deliver();
    return this.#second;
  }
  /** The one that mail servers look at: with a delay the one that hears of things last, so that who does not wait is found out. */
  get forTransport(): Controller {
    return this.#delayMs > 0 ? this.second : this.first;
  }

  /** How long a write takes to the other controller. What is under way keeps the time it was given. */
  get replicationDelayMs(): number {
    return this.#delayMs;
  }
  set replicationDelayMs(delayMs: number) {
    if (delayMs > 0) void this.second;
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
    if (this.#second !== null) {
      const to = at === this.#first ? this.#second : this.#first;
      this.#underWay.push({ dueMs: this.#options.nowMs() + this.#delayMs, to, update });
      if (this.#delayMs === 0) this.#deliver();
    }
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
    const [entry] = this.first.having('userPrincipalName', user);
    return entry === undefined || (Number(this.#first.text(entry, 'userAccountControl') ?? 0) & 2) !== 0;
  }

  setRights(rights: Partial<RestrictedRights>): void {
    for (const dn of [...(rights.writes ?? []), ...(rights.hidden ?? [])])
      if (this.first.find(dn) === null) throw refuseEarly('noSuchObject', 0x208d, `there is no ${dn}`);
    this.#rights = { ...this.#rights, ...rights };
  }
  get rights(): RestrictedRights {
    return this.#rights;
  }

  /**
   * Checks a simple bind. Names: DN, user principal name, `DOMAIN\name`. [MS-ADTS] 5.1.1.1.1
   * @throws DirectoryRefusal
   */
  signIn(at: Controller, name: string, password: string): SignedIn {
    const entry = this.#accountOf(at, name);
    const denied = (data: string) =>
      refuseEarly('invalidCredentials', 0x80090308, 'AcceptSecurityContext error', `data ${data}`);
    if (entry === null || entry.isDeleted) throw denied('52e');
    const user =
      at.text(entry, 'userPrincipalName')?.toLowerCase() ??
      `${at.text(entry, 'sAMAccountName')}@${this.domain}`.toLowerCase();
    const expected = user === this.restrictedUser ? this.#restrictedNow() : this.#passwordOf(at, entry, user);
    if (expected === null || digest(expected).compare(digest(password)) !== 0) throw denied('52e');
    if ((Number(at.text(entry, 'userAccountControl') ?? 0) & 2) !== 0) throw denied('533');
    return this.principal(at, entry, user);
  }
  #restrictedNow(): string {
    return this.#options.passwordOf(this.restrictedUser) ?? this.restrictedPassword;
  }
  #passwordOf(at: Controller, entry: Entry, user: string): string | null {
    const [set] = entry.values.get('unicodepwd') ?? [];
    if (set instanceof Buffer && at.byGuid(entry.guid) !== null) return set.toString('utf16le').slice(1, -1);
    return this.#options.passwordOf(user);
  }

  principal(at: Controller, entry: Entry, user: string): SignedIn {
    if (user === this.#options.admin) return { ...everywhere, user, entry };
    const under = (dns: readonly string[]): readonly Entry[] => dns.flatMap((dn) => at.find(dn) ?? []);
    const inside = (one: Entry, roots: readonly Entry[]): boolean => roots.some((root) => one.isInside(root));
    if (user !== this.restrictedUser)
      return { user, entry, mayRead: () => true, mayWrite: () => false, mayReplicate: false };
    return {
      user,
      entry,
      mayRead: (one) => !inside(one, under(this.#rights.hidden)),
      mayWrite: (one) => inside(one, under(this.#rights.writes)),
      mayReplicate: false,
    };
  }

  #accountOf(at: Controller, name: string): Entry | null {
    const only = (list: readonly Entry[]): Entry | null => (list.length === 1 ? (list[0] ?? null) : null);
    if (name.includes('\\')) {
      const [domain = '', account = ''] = name.split('\\');
      const own = [this.domain, this.domain.split('.')[0] ?? ''].includes(domain.toLowerCase());
      return own && account !== '' ? only(at.having('sAMAccountName', account)) : null;
    }
    if (name.includes('=') && parseDn(name) !== null) return at.find(name);
    const byName = only(at.having('userPrincipalName', name));
    if (byName !== null) return byName;
    const [account = '', domain = ''] = name.split('@');
    return domain.toLowerCase() === this.domain && account !== '' ? only(at.having('sAMAccountName', account)) : null;
  }
}
