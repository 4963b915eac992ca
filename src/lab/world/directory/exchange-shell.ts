import { guidOf } from '../account.ts';
import type { Organization } from '../organization.ts';
import { applyAddressPolicy } from './address-policy.ts';
import type { Controller } from './controller.ts';
import { guidBytes, parseDn } from './dn.ts';
import type { Entry } from './entry.ts';
import { callOfScript, isOfScript, type ShellCheck, type ShellServices } from './exchange-online-shell.ts';
import { type Command, readScript, type ShellValue, type Statement } from './power-shell.ts';
import { isGroup, mailboxGuidOf, primaryAddress, smtpOf } from './recipients.ts';
import { DirectoryRefusal } from './refusal.ts';
import { excludedFromPolicies } from './seed.ts';

/** What became of one statement of a script. */
export interface ShellOutcome {
  readonly command: string;
  /** Null: done. Otherwise the message that the shell shows. */
  readonly error: string | null;
  /** Of scripts for Exchange Online: what their check finds at the end. */
  readonly check?: ShellCheck;
}

/** What a cmdlet says when it does not do what it was told. */
class CmdletError extends Error {
  override readonly name = 'CmdletError';
}

/** Recipient types by msExchRecipientTypeDetails. */
const details = { userMailbox: '1', mailContact: '64', mailUser: '128', remoteUserMailbox: '2147483648' } as const;

const customParameters: Readonly<Record<string, string>> = {
  displayname: 'displayName',
  alias: 'mailNickname',
  ...Object.fromEntries(
    Array.from({ length: 15 }, (_, at) => [`customattribute${at + 1}`, `extensionAttribute${at + 1}`]),
  ),
};
const userParameters: Readonly<Record<string, string>> = {
  firstname: 'givenName',
  lastname: 'sn',
  initials: 'initials',
  title: 'title',
  department: 'department',
  company: 'company',
  office: 'physicalDeliveryOfficeName',
  phone: 'telephoneNumber',
  mobilephone: 'mobile',
  streetaddress: 'streetAddress',
  city: 'l',
  stateorprovince: 'st',
  postalcode: 'postalCode',
  displayname: 'displayName',
};

/**
 * Runs the lines that Causeway writes for what LDAP and Graph cannot do, as the Exchange Management Shell would. A closed list of cmdlets:
 * others, and parameters that are not known here, are refused. A line that fails does not stop the ones after it.
 *
 * @throws ShellSyntaxError nothing was run
 */
export function runExchangeShell(organization: Organization, lines: readonly string[]): readonly ShellOutcome[] {
  const shell = new ExchangeShell(organization);
  const outcomes = readScript(lines).map((statement) => shell.run(statement));
  return outcomes.map(({ check, ...outcome }) => (check === undefined ? outcome : { ...outcome, check: check() }));
}

class ExchangeShell {
  readonly #organization: Organization;
  readonly #at: Controller;
  /** Kind of recipient that a variable stands for: `$set` → Set-MailUser. */
  readonly #variables = new Map<string, string>();
  readonly #notMade = new Map<number, string>();

  constructor(organization: Organization) {
    this.#organization = organization;
    this.#at = organization.forest.first;
  }

  run(statement: Statement): Omit<ShellOutcome, 'check'> & { readonly check?: () => ShellCheck } {
    const name = statement.kind === 'assignment' ? statement.command.name : (statement.commands[0]?.name ?? '');
    try {
      const [call] = statement.kind === 'assignment' ? [] : statement.commands;
      if (call !== undefined && isOfScript(call.name)) {
        const check = callOfScript(call, this.#services);
        return { command: name, error: null, ...(check === null ? {} : { check }) };
      }
      if (statement.kind === 'assignment') this.#assign(statement);
      else this.#pipeline(statement.commands);
      return { command: name, error: null };
    } catch (error) {
      if (!(error instanceof CmdletError) && !(error instanceof DirectoryRefusal)) throw error;
      return { command: name, error: error.message };
    }
  }

  get #services(): ShellServices {
    return {
      at: this.#at,
      notMade: this.#notMade,
      run: (name, parameters) => this.#command({ name, parameters: new Map(Object.entries(parameters)) }),
      find: (identity) => {
        const entry = this.#find(identity);
        return entry === null || entry.isDeleted ? null : entry;
      },
      kindOf: (entry) => this.#kind(entry),
    };
  }

  #assign({ variable, command }: Extract<Statement, { kind: 'assignment' }>): void {
    if (command.name.toLowerCase() === 'get-date') return;
    if (command.name.toLowerCase() !== 'get-setof') throw unknownCommand(command.name);
    const entry = this.#identity(command);
    this.#variables.set(
      variable,
      {
        mailbox: 'Set-Mailbox',
        user: 'Set-MailUser',
        contact: 'Set-MailContact',
        group: 'Set-DistributionGroup',
        none: '',
      }[this.#kind(entry)],
    );
  }

  #pipeline(commands: readonly Command[]): void {
    const [first, second, ...more] = commands;
    if (first === undefined) return;
    if (second === undefined) {
      this.#command(first);
      return;
    }
    if (more.length > 0 || first.name.toLowerCase() !== 'get-adobject' || second.name.toLowerCase() !== 'set-adobject')
      throw unknownCommand(second.name);
    const filter = /^\(([\w-]+)=([^()*]+)\)$/.exec(text(first, 'ldapfilter') ?? '');
    if (filter === null) throw new CmdletError('Get-ADObject: a filter of one comparison is all that is taken here');
    const found = this.#at.search(this.#organization.forest.system, {
      base: this.#organization.forest.domainDn,
      scope: 'sub',
      filter: { kind: 'equal', attribute: filter[1] ?? '', value: Buffer.from(filter[2] ?? '') },
    });
    const clear = text(second, 'clear');
    if (clear === null) throw new CmdletError('Set-ADObject: only -Clear is taken here');
    for (const entry of found) this.#at.put(entry, { [clear]: [] });
  }

  #command(command: Command): void {
    const name = (this.#variables.get(command.name.toLowerCase()) ?? command.name).toLowerCase();
    const run = this.#cmdlets[name];
    if (run === undefined) throw unknownCommand(command.name);
    for (const parameter of command.parameters.keys())
      if (
        !run.takes.includes(parameter) &&
        parameter !== 'identity' &&
        parameter !== 'confirm' &&
        parameter !== 'domaincontroller'
      )
        throw new CmdletError(`A parameter cannot be found that matches parameter name '${parameter}'.`);
    run.does(command);
  }

  readonly #cmdlets: Readonly<
    Record<string, { readonly takes: readonly string[]; readonly does: (command: Command) => void }>
  > = {
    'enable-mailbox': {
      takes: ['alias', 'primarysmtpaddress', 'database', 'displayname', 'shared', 'room', 'equipment'],
      does: (c) => this.#enableMailbox(c),
    },
    'enable-mailuser': {
      takes: ['alias', 'primarysmtpaddress', 'externalemailaddress', 'displayname'],
      does: (c) => this.#enableMailUser(c),
    },
    'disable-mailuser': { takes: [], does: (c) => this.#disableMailUser(c) },
    'update-recipient': { takes: [], does: (c) => this.#updateRecipient(c) },
    'new-mailcontact': {
      takes: ['name', 'alias', 'externalemailaddress', 'organizationalunit'],
      does: (c) => this.#newContact(c),
    },
    'new-mailuser': {
      takes: [
        'name',
        'alias',
        'externalemailaddress',
        'password',
        'microsoftonlineservicesid',
        'userprincipalname',
        'organizationalunit',
      ],
      does: (c) => this.#newMailUser(c),
    },
    'new-distributiongroup': {
      takes: ['name', 'alias', 'primarysmtpaddress', 'organizationalunit'],
      does: (c) => this.#newGroup(c),
    },
    'set-mailbox': {
      takes: setParameters('forwardingsmtpaddress', 'delivertomailboxandforward', 'forwardingaddress'),
      does: (c) => this.#set(c, ['mailbox']),
    },
    'set-mailuser': { takes: setParameters('externalemailaddress'), does: (c) => this.#set(c, ['user']) },
    'set-remotemailbox': { takes: setParameters('remoteroutingaddress'), does: (c) => this.#set(c, ['user']) },
    'set-mailcontact': { takes: setParameters('externalemailaddress'), does: (c) => this.#set(c, ['contact']) },
    'set-distributiongroup': {
      takes: setParameters('requiresenderauthenticationenabled'),
      does: (c) => this.#set(c, ['group']),
    },
    'set-user': { takes: Object.keys(userParameters), does: (c) => this.#setUser(c) },
    'set-adobject': { takes: ['replace', 'clear', 'server'], does: (c) => this.#setObject(c) },
    // A function of the scripts themselves.
    'show-bounces': { takes: ['addresses', 'since'], does: () => {} },
    'remove-recipient': { takes: [], does: (c) => this.#removeRecipient(c) },
    'get-recipient': { takes: [], does: (c) => void this.#identity(c) },
  };

  /** Of the module of Active Directory: whatever it is told, without a look at what Exchange thinks of it. */
  #setObject(command: Command): void {
    const entry = this.#identity(command);
    const replaced = command.parameters.get('replace');
    const named = typeof replaced === 'object' && replaced !== null && 'named' in replaced ? replaced.named : {};
    const cleared = text(command, 'clear');
    this.#at.put(entry, { ...named, ...(cleared === null ? {} : { [cleared]: [] }) });
  }

  // Whom it is about

  #identity(command: Command): Entry {
    const identity = text(command, 'identity');
    if (identity === null)
      throw new CmdletError(`Cannot process command because of one or more missing mandatory parameters: Identity.`);
    const entry = this.#find(identity);
    if (entry === null)
      throw new CmdletError(
        `The operation couldn't be performed because object '${identity}' couldn't be found on '${this.#at.name}'.`,
      );
    return entry;
  }
  #find(identity: string): Entry | null {
    if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(identity)) return this.#at.byGuid(identity.toLowerCase());
    if (identity.includes('=') && parseDn(identity) !== null) {
      const named = this.#at.find(identity);
      if (named !== null) return named;
    }
    const [, account] = /^[^\\@]+\\(.+)$/.exec(identity) ?? [];
    const ways: readonly (readonly [string, string])[] = [
      ['proxyAddresses', `smtp:${identity.replace(/^smtp:/i, '')}`],
      ['userPrincipalName', identity],
      ['sAMAccountName', account ?? identity],
      ['mailNickname', identity],
      ['legacyExchangeDN', identity],
      ['displayName', identity],
      ['name', identity],
    ];
    for (const [attribute, value] of ways) {
      const found = this.#at.having(attribute, value);
      if (found.length > 1)
        throw new CmdletError(`The operation couldn't be performed because '${identity}' matches multiple entries.`);
      if (found[0] !== undefined) return found[0];
    }
    return null;
  }

  #kind(entry: Entry): 'mailbox' | 'user' | 'contact' | 'group' | 'none' {
    if (isGroup(this.#at, entry)) return 'group';
    const { groups } = this.#at.classOf(entry);
    if (groups.includes('account')) {
      if (mailboxGuidOf(this.#at, entry) !== null) return 'mailbox';
      return this.#at.text(entry, 'mailNickname') === null ? 'none' : 'user';
    }
    return groups.includes('recipient') ? 'contact' : 'none';
  }

  // Cmdlets

  #enableMailbox(command: Command): void {
    const entry = this.#identity(command);
    const kind = this.#kind(entry);
    const type = this.#at.text(entry, 'msExchRecipientTypeDetails');
    if (
      kind === 'mailbox' ||
      kind === 'contact' ||
      kind === 'group' ||
      type === details.mailUser ||
      type === details.remoteUserMailbox
    )
      throw new CmdletError(
        `This task does not support recipients of this type. The specified recipient ${this.#at.dnOf(entry)} is of type ${kind === 'user' ? 'MailUser' : kind === 'mailbox' ? 'UserMailbox' : kind}. Please make sure that this recipient matches the required recipient type for this task.`,
      );
    const kindOfMailbox =
      (['shared', 'room', 'equipment'] as const).find((one) => command.parameters.get(one) === true) ?? 'user';
    const isDisabled = (Number(this.#at.text(entry, 'userAccountControl') ?? 0) & 2) !== 0;
    if (isDisabled && kindOfMailbox === 'user')
      throw new CmdletError("The user's Active Directory account must be logon-enabled for user mailbox.");
    const { names, domain } = this.#organization.forest;
    const guid = guidOf('enabled mailbox', this.#organization.world.seed, domain, entry.guid, this.#at.usn);
    const alias = text(command, 'alias') ?? this.#at.text(entry, 'mailNickname') ?? this.#aliasOf(entry);
    const primary = text(command, 'primarysmtpaddress')?.toLowerCase() ?? null;
    this.#at.put(entry, {
      mailNickname: [alias],
      homeMDB: [names.database],
      msExchHomeServerName: [names.serverLegacyDn],
      msExchMailboxGuid: [guidBytes(guid)],
      mDBUseDefaults: ['TRUE'],
      msExchRecipientTypeDetails: [
        { user: details.userMailbox, shared: '4', room: '16', equipment: '32' }[kindOfMailbox],
      ],
      msExchRecipientDisplayType: [{ user: '1073741824', shared: '0', room: '7', equipment: '8' }[kindOfMailbox]],
      msExchUserAccountControl: ['0'],
    });
    this.#complete(entry, primary);
    const address = smtpOf(this.#at.text(entry, 'mail')) ?? `${alias}@${domain}`.toLowerCase();
    const user =
      this.#at.text(entry, 'userPrincipalName')?.toLowerCase() ??
      `${this.#at.text(entry, 'sAMAccountName')}@${domain}`.toLowerCase();
    this.#organization.addMailbox({ address, guid, user, displayName: this.#at.text(entry, 'displayName') ?? alias });
  }

  #enableMailUser(command: Command): void {
    const entry = this.#identity(command);
    if (this.#kind(entry) !== 'none') throw new CmdletError(`${this.#at.dnOf(entry)} is already mail-enabled.`);
    const external = text(command, 'externalemailaddress');
    if (external === null) throw new CmdletError('ExternalEmailAddress is missing.');
    this.#at.put(entry, {
      mailNickname: [text(command, 'alias') ?? this.#aliasOf(entry)],
      targetAddress: [`SMTP:${smtpOf(external)}`],
      msExchRecipientTypeDetails: [details.mailUser],
      msExchRecipientDisplayType: ['6'],
    });
    this.#complete(entry, text(command, 'primarysmtpaddress')?.toLowerCase() ?? smtpOf(external));
  }

  /** Takes away everything that made it a recipient. */
  #disableMailUser(command: Command): void {
    const entry = this.#identity(command);
    if (this.#kind(entry) !== 'user') throw new CmdletError(`${this.#at.dnOf(entry)} is not a mail user.`);
    const gone = [
      'mailNickname',
      'mail',
      'targetAddress',
      'proxyAddresses',
      'legacyExchangeDN',
      'showInAddressBook',
      'msExchRecipientTypeDetails',
      'msExchRecipientDisplayType',
      'msExchVersion',
      'msExchPoliciesIncluded',
      'msExchPoliciesExcluded',
      'msExchHideFromAddressLists',
    ];
    this.#at.put(entry, Object.fromEntries(gone.map((name) => [name, []])));
  }

  #updateRecipient(command: Command): void {
    const entry = this.#identity(command);
    if (this.#kind(entry) === 'none') throw new CmdletError(`${this.#at.dnOf(entry)} is not a recipient.`);
    if (this.#kind(entry) === 'user' && this.#at.text(entry, 'targetAddress') === null)
      throw new CmdletError('The ExternalEmailAddress property of the mail user is missing.');
    this.#complete(entry, null);
  }

  /** What makes a recipient whole: its DN, its place in the address lists, its type, and addresses by the policy. */
  #complete(entry: Entry, primary: string | null): void {
    completeRecipient(this.#organization, entry, primary);
  }

  #aliasOf(entry: Entry): string {
    return (this.#at.text(entry, 'sAMAccountName') ?? entry.rdn.value).replace(/[^\w.!#%&'*+/=?^`{|}~-]/g, '');
  }

  #newContact(command: Command): void {
    const external = this.#needed(command, 'externalemailaddress');
    const entry = this.#make(command, { objectClass: ['contact'] });
    this.#at.put(entry, {
      mailNickname: [text(command, 'alias') ?? this.#needed(command, 'name').replace(/\W/g, '')],
      targetAddress: [`SMTP:${smtpOf(external)}`],
      msExchRecipientTypeDetails: [details.mailContact],
      msExchRecipientDisplayType: ['6'],
    });
    this.#complete(entry, smtpOf(external));
  }
  #newMailUser(command: Command): void {
    const external = this.#needed(command, 'externalemailaddress');
    const alias = text(command, 'alias') ?? this.#needed(command, 'name').replace(/\W/g, '');
    const entry = this.#make(command, {
      objectClass: ['user'],
      sAMAccountName: [alias.slice(0, 20)],
      userPrincipalName: [
        text(command, 'microsoftonlineservicesid') ??
          text(command, 'userprincipalname') ??
          `${alias}@${this.#organization.domain}`,
      ],
    });
    this.#at.put(entry, {
      mailNickname: [alias],
      targetAddress: [`SMTP:${smtpOf(external)}`],
      userAccountControl: ['512'],
      msExchRecipientTypeDetails: [details.mailUser],
      msExchRecipientDisplayType: ['6'],
    });
    this.#complete(entry, smtpOf(external));
  }
  #newGroup(command: Command): void {
    const alias = text(command, 'alias') ?? this.#needed(command, 'name').replace(/\W/g, '');
    const entry = this.#make(command, { objectClass: ['group'], groupType: ['8'], sAMAccountName: [alias] });
    this.#at.put(entry, {
      mailNickname: [alias],
      msExchRecipientDisplayType: ['1'],
      msExchRequireAuthToSendTo: ['TRUE'],
    });
    this.#complete(entry, text(command, 'primarysmtpaddress')?.toLowerCase() ?? null);
  }
  #make(command: Command, values: Readonly<Record<string, readonly string[]>>): Entry {
    const name = this.#needed(command, 'name');
    const unit = text(command, 'organizationalunit') ?? `CN=Users,${this.#organization.forest.domainDn}`;
    const attributes = Object.entries({ ...values, displayName: [name] });
    return this.#at.add(
      this.#organization.forest.system,
      `CN=${name.replace(/[,\\+"<>;=#]/g, '\\$&')},${unit}`,
      new Map(attributes.map(([key, list]) => [key, list.map((one) => Buffer.from(one))])),
    );
  }
  /** Remove-MailUser, Remove-MailContact and Remove-DistributionGroup in one. */
  #removeRecipient(command: Command): void {
    this.#at.remove(this.#organization.forest.system, this.#at.dnOf(this.#identity(command)));
  }
  #needed(command: Command, parameter: string): string {
    const value = text(command, parameter);
    if (value === null || value === '') throw new CmdletError(`The parameter ${parameter} is missing.`);
    return value;
  }

  #set(command: Command, kinds: readonly string[]): void {
    const entry = this.#identity(command);
    if (!kinds.includes(this.#kind(entry)))
      throw new CmdletError(
        `The operation couldn't be performed because object '${text(command, 'identity')}' couldn't be found on '${this.#at.name}'.`,
      );
    const values: Record<string, readonly string[]> = {};
    for (const [parameter, value] of command.parameters) {
      const custom = customParameters[parameter];
      if (custom !== undefined) values[custom] = value === null ? [] : [String(value)];
      else this.#setOne(entry, parameter, value, values);
    }
    this.#at.put(entry, values);
    const guid = mailboxGuidOf(this.#at, entry);
    const primary = primaryAddress(this.#at, entry);
    if (guid !== null && primary !== null) this.#organization.renameMailbox(guid, primary);
  }

  #setOne(entry: Entry, parameter: string, value: ShellValue, values: Record<string, readonly string[]>): void {
    const flag = (): readonly string[] => (value === true ? ['TRUE'] : []);
    switch (parameter) {
      case 'hiddenfromaddresslistsenabled':
        values['msExchHideFromAddressLists'] = flag();
        return;
      case 'requiresenderauthenticationenabled':
        values['msExchRequireAuthToSendTo'] = flag();
        return;
      case 'delivertomailboxandforward':
        values['deliverAndRedirect'] = flag();
        return;
      case 'forwardingsmtpaddress':
        values['msExchGenericForwardingAddress'] = value === null ? [] : [`smtp:${smtpOf(String(value))}`];
        return;
      case 'forwardingaddress': {
        const to = value === null ? null : this.#find(String(value));
        if (value !== null && to === null) throw new CmdletError(`Couldn't find object "${String(value)}".`);
        values['altRecipient'] = to === null ? [] : [to.guid];
        return;
      }
      case 'externalemailaddress':
      case 'remoteroutingaddress':
        values['targetAddress'] = value === null ? [] : [`SMTP:${smtpOf(String(value))}`];
        return;
      case 'emailaddresspolicyenabled':
        values['msExchPoliciesExcluded'] = value === true ? [] : [excludedFromPolicies];
        return;
      case 'primarysmtpaddress':
        Object.assign(values, withPrimary(this.#at, entry, String(value).toLowerCase()), {
          msExchPoliciesExcluded: [excludedFromPolicies],
        });
        return;
      case 'emailaddresses': {
        const addresses = this.#addresses(entry, value);
        const primary = addresses.find((one) => one.startsWith('SMTP:'));
        Object.assign(values, {
          proxyAddresses: addresses,
          ...(primary === undefined ? {} : { mail: [primary.slice(5).toLowerCase()] }),
        });
        return;
      }
    }
  }

  #addresses(entry: Entry, value: ShellValue): readonly string[] {
    const typed = (one: string): string => (/^[A-Za-z0-9]+:/.test(one) ? one : `smtp:${one}`);
    const free = (given: string): string => {
      const taken = this.#at.having('proxyAddresses', given).find((other) => other !== entry);
      if (taken === undefined) return given;
      throw new CmdletError(
        `The proxy address "${given}" is already being used by the proxy addresses or LegacyExchangeDN of "${this.#at.dnOf(taken)}". Please choose another proxy address.`,
      );
    };
    if (Array.isArray(value)) return value.map((one) => free(typed(one)));
    if (value === null || typeof value !== 'object' || !('add' in value))
      throw new CmdletError('EmailAddresses is a list, or values to add and remove.');
    const now = new Map(this.#at.texts(entry, 'proxyAddresses').map((one) => [one.toLowerCase(), one]));
    for (const one of value.remove.map(typed)) now.delete(one.toLowerCase());
    for (const given of value.add.map((one) => free(typed(one)))) {
      // A new primary address makes the old one an ordinary one.
      if (given.startsWith('SMTP:'))
        for (const [key, one] of now) if (one.startsWith('SMTP:')) now.set(key, `smtp:${one.slice(5)}`);
      now.set(given.toLowerCase(), given);
    }
    return [...now.values()];
  }

  #setUser(command: Command): void {
    const entry = this.#identity(command);
    const values: Record<string, readonly string[]> = {};
    for (const [parameter, value] of command.parameters) {
      const attribute = userParameters[parameter];
      if (attribute !== undefined) values[attribute] = value === null ? [] : [String(value)];
    }
    this.#at.put(entry, values);
  }
}

/**
 * What Update-Recipient, and every cmdlet that makes a recipient, sees to: legacyExchangeDN, address lists, version and type, addresses by the
 * policy that applies.
 *
 * @param primary what its primary address is to be; null: what it has, or what the policy says.
 */
export function completeRecipient(organization: Organization, entry: Entry, primary: string | null): void {
  const { first: at, names } = organization.forest;
  const { groups } = at.classOf(entry);
  const list = groups.includes('group') ? 'groups' : groups.includes('account') ? 'people' : 'contacts';
  const alias = at.text(entry, 'mailNickname') ?? entry.rdn.value;
  const hasMailbox = mailboxGuidOf(at, entry) !== null;
  const isHidden = at.text(entry, 'msExchHideFromAddressLists') === 'TRUE';
  const missing = (name: string, value: string | null): Record<string, readonly string[]> =>
    value === null || at.text(entry, name) !== null ? {} : { [name]: [value] };
  at.put(entry, {
    ...missing(
      'legacyExchangeDN',
      `${names.administrativeGroupDn}/cn=Recipients/cn=${guidOf('legacy', entry.guid).replaceAll('-', '')}-${alias.slice(0, 20)}`,
    ),
    ...missing('displayName', entry.rdn.value),
    ...missing('msExchVersion', names.objectVersion),
    ...(groups.includes('group') || organization.version === '2003'
      ? {}
      : missing(
          'msExchRecipientTypeDetails',
          hasMailbox ? details.userMailbox : list === 'contacts' ? details.mailContact : details.mailUser,
        )),
    showInAddressBook: isHidden ? [] : [names.globalAddressList, names.addressLists[list]],
  });
  if (primary !== null)
    at.put(entry, {
      ...withPrimary(at, entry, primary),
      ...(hasMailbox ? { msExchPoliciesExcluded: [excludedFromPolicies] } : {}),
    });
  applyAddressPolicy(organization, entry);
  if (at.text(entry, 'mail') !== null && !at.texts(entry, 'proxyAddresses').some((one) => one.startsWith('SMTP:')))
    at.put(entry, withPrimary(at, entry, (at.text(entry, 'mail') ?? '').toLowerCase()));
}

/** Another primary address; the one before stays as an ordinary one. */
function withPrimary(at: Controller, entry: Entry, address: string): Record<string, readonly string[]> {
  const others = at
    .texts(entry, 'proxyAddresses')
    .filter((one) => one.toLowerCase() !== `smtp:${address}`)
    .map((one) => (one.startsWith('SMTP:') ? `smtp:${one.slice(5)}` : one));
  return { proxyAddresses: [`SMTP:${address}`, ...others], mail: [address] };
}

function setParameters(...more: readonly string[]): readonly string[] {
  return [
    ...Object.keys(customParameters),
    'emailaddresses',
    'primarysmtpaddress',
    'emailaddresspolicyenabled',
    'hiddenfromaddresslistsenabled',
    ...more,
  ];
}

function text(command: Command, parameter: string): string | null {
  const value = command.parameters.get(parameter);
  return typeof value === 'string' ? value : null;
}

const unknownCommand = (name: string): CmdletError =>
  new CmdletError(
    `The term '${name}' is not recognized as the name of a cmdlet, function, script file, or operable program.`,
  );
