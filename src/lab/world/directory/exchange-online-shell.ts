import type { Controller } from './controller.ts';
import type { Entry } from './entry.ts';
import type { Command, ShellValue } from './power-shell.ts';
import { smtpOf } from './recipients.ts';
import type { Value } from './schema.ts';

/** What the functions of a script for Exchange Online have at hand: cmdlets, and what they find. */
export interface ShellServices {
  readonly at: Controller;
  /** Numbers of steps whose recipient could not be made in this run, with the reason. */
  readonly notMade: Map<number, string>;
  /** @throws CmdletError what the cmdlet says */
  run(name: string, parameters: Readonly<Record<string, ShellValue>>): void;
  find(identity: string): Entry | null;
  kindOf(entry: Entry): 'mailbox' | 'user' | 'contact' | 'group' | 'none';
}

/** One line of the check that a script ends with: what it writes into its receipt. */
export interface ShellCheck {
  readonly no: number;
  readonly identity: string;
  readonly what: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** Whether a call is of one of the functions that such a script brings along. Their bodies are read over; this is what they do. */
export const isOfScript = (name: string): boolean => /^\w+-Causeway\w+$/i.test(name);

const setOf = {
  mailbox: 'set-mailbox',
  user: 'set-mailuser',
  contact: 'set-mailcontact',
  group: 'set-distributiongroup',
  none: '',
};
const newOf: Readonly<Record<string, string>> = {
  MailUser: 'new-mailuser',
  MailContact: 'new-mailcontact',
  SecurityGroup: 'new-distributiongroup',
  DistributionGroup: 'new-distributiongroup',
};
const kindOfNew: Readonly<Record<string, ReturnType<ShellServices['kindOf']>>> = {
  MailUser: 'user',
  MailContact: 'contact',
  SecurityGroup: 'group',
  DistributionGroup: 'group',
};
const attributeOfPerson: Readonly<Record<string, string>> = {
  FirstName: 'givenName',
  LastName: 'sn',
  Title: 'title',
  Department: 'department',
  Company: 'company',
  Office: 'physicalDeliveryOfficeName',
  Phone: 'telephoneNumber',
  MobilePhone: 'mobile',
  Fax: 'facsimileTelephoneNumber',
  StreetAddress: 'streetAddress',
  City: 'l',
  StateOrProvince: 'st',
  PostalCode: 'postalCode',
};

class Call {
  readonly #command: Command;
  readonly #shell: ShellServices;

  constructor(command: Command, shell: ShellServices) {
    this.#command = command;
    this.#shell = shell;
  }

  text(name: string): string | null {
    const value = this.#command.parameters.get(name.toLowerCase());
    return typeof value === 'string' ? value : null;
  }
  list(name: string): readonly string[] {
    const value = this.#command.parameters.get(name.toLowerCase());
    return Array.isArray(value) ? (value as readonly string[]) : typeof value === 'string' ? [value] : [];
  }
  get identity(): string {
    return this.text('Identity') ?? '';
  }
  get entry(): Entry | null {
    return this.#shell.find(this.identity);
  }
  get #there(): Entry {
    const { entry } = this;
    if (entry === null) throw new Error(`'${this.identity}' is not there`);
    return entry;
  }
  #set(parameters: Readonly<Record<string, ShellValue>>): void {
    this.#shell.run(setOf[this.#shell.kindOf(this.#there)], { identity: this.#there.guid, ...parameters });
  }
  #addresses(): readonly string[] {
    const { entry } = this;
    return entry === null ? [] : this.#shell.at.texts(entry, 'proxyAddresses');
  }
  #attribute(name: string): string | null {
    const { entry } = this;
    return entry === null ? null : this.#shell.at.text(entry, name);
  }

  readonly work: Readonly<
    Record<string, { readonly what: () => string; readonly isDone: () => boolean; readonly does: () => void }>
  > = {
    'new-causewayrecipient': {
      what: () => `new ${this.text('Kind')}`,
      isDone: () => this.#isMade(),
      does: () => this.#new(),
    },
    'set-causewayvalue': {
      what: () => this.text('Parameter') ?? '',
      isDone: () => this.#valueIsThere(),
      does: () => this.#setValue(),
    },
    'set-causewayaddress': {
      what: () => 'EmailAddresses',
      isDone: () => {
        const now = new Set(this.#addresses());
        return this.list('Add').every((one) => now.has(one)) && this.list('Remove').every((one) => !now.has(one));
      },
      does: () => {
        const now = new Set(this.#addresses());
        this.#set({
          emailaddresses: {
            named: {},
            add: this.list('Add').filter((one) => !now.has(one)),
            remove: this.list('Remove').filter((one) => now.has(one)),
          },
        });
      },
    },
    'set-causewaymember': {
      what: () => 'Members',
      isDone: () => {
        const now = this.#members();
        return this.list('Add').every((one) => now.has(one)) && this.list('Remove').every((one) => !now.has(one));
      },
      does: () => {
        const now = this.#members();
        for (const one of this.list('Add'))
          if (this.#shell.at.byGuid(one) === null) throw new Error(`'${one}' is not there`);
        const removed = new Set(this.list('Remove'));
        const members = [...new Set([...now, ...this.list('Add')])].filter((one) => !removed.has(one));
        this.#shell.at.put(this.#there, { member: members });
      },
    },
    'set-causewayforwarding': {
      what: () => 'ForwardingSmtpAddress',
      isDone: () =>
        smtpOf(this.#attribute('msExchGenericForwardingAddress')) === (this.text('To')?.toLowerCase() ?? null),
      does: () => this.#set({ forwardingsmtpaddress: this.text('To'), delivertomailboxandforward: false }),
    },
    'set-causewaysignin': {
      what: () => 'sign-in',
      isDone: () => this.#isBlocked() === (this.text('Blocked') === 'TRUE'),
      does: () =>
        this.#shell.at.put(this.#there, { userAccountControl: [this.text('Blocked') === 'TRUE' ? '514' : '512'] }),
    },
    'remove-causewayrecipient': {
      what: () => 'removed',
      isDone: () => this.entry === null || this.entry.isDeleted,
      does: () => {
        const kind = this.#shell.kindOf(this.#there);
        if (kind === 'mailbox') throw new Error('it has a mailbox by now, and is left alone');
        this.#shell.run('remove-recipient', { identity: this.#there.guid });
      },
    },
  };

  #isMade(): boolean {
    const { entry } = this;
    if (entry === null) return false;
    const kind = this.#shell.kindOf(entry);
    const wanted = kindOfNew[this.text('Kind') ?? ''];
    if (kind !== wanted) throw new Error(`${this.identity} is there already, as ${kind}, and left alone`);
    const external = this.text('External');
    const leadsTo = smtpOf(this.#attribute('targetAddress'));
    if (external !== null && leadsTo !== external.toLowerCase())
      throw new Error(`${this.identity} is there already, leads to ${leadsTo ?? 'nobody'}, and is left alone`);
    return true;
  }

  /** Of no account nothing can be said. */
  #isBlocked(): boolean | null {
    return this.entry === null ? null : (Number(this.#attribute('userAccountControl') ?? 0) & 2) !== 0;
  }
  #members(): ReadonlySet<string> {
    const { entry } = this;
    return new Set(entry === null ? [] : this.#shell.at.read(entry, 'member').map(String));
  }

  #new(): void {
    const kind = this.text('Kind') ?? '';
    const primary = this.text('Primary');
    const given: Record<string, ShellValue> = { name: this.text('Name') };
    for (const [from, to] of [
      ['Alias', 'alias'],
      ['External', 'externalemailaddress'],
      ['SignIn', 'microsoftonlineservicesid'],
    ] as const) {
      const value = this.text(from);
      if (value !== null && (to === 'alias' || kind.startsWith('Mail'))) given[to] = value;
    }
    if (kind.endsWith('Group') && primary !== null) given['primarysmtpaddress'] = primary;
    if (kind === 'MailContact') delete given['microsoftonlineservicesid'];
    this.#shell.run(newOf[kind] ?? '', given);
    const external = this.text('External');
    const made = this.#shell.find((kind.startsWith('Mail') ? external : this.identity) ?? '');
    if (made === null) return;
    if (kind === 'SecurityGroup') this.#shell.at.put(made, { groupType: ['-2147483640'] });
    // As the script does: what is made under its external address gets its own one.
    if (kind.startsWith('Mail') && primary !== null && primary.toLowerCase() !== external?.toLowerCase())
      this.#shell.run(setOf[this.#shell.kindOf(made)], {
        identity: made.guid,
        emailaddresses: { named: {}, add: [`SMTP:${primary}`], remove: [] },
      });
  }

  #valueIsThere(): boolean {
    const parameter = this.text('Parameter') ?? '';
    const value = this.text('Value');
    if (parameter === 'HiddenFromAddressListsEnabled')
      return (this.#attribute('msExchHideFromAddressLists') === 'TRUE') === (value === 'TRUE');
    if (parameter === 'ExternalEmailAddress')
      return smtpOf(this.#attribute('targetAddress')) === (value?.toLowerCase() ?? null);
    if (parameter === 'Manager')
      return String(this.entry === null ? '' : (this.#shell.at.read(this.entry, 'manager')[0] ?? '')) === (value ?? '');
    return this.#attribute(this.#attributeOf(parameter)) === value;
  }
  #attributeOf(parameter: string): string {
    const custom = /^CustomAttribute(\d+)$/.exec(parameter)?.[1];
    if (custom !== undefined) return `extensionAttribute${custom}`;
    return (
      attributeOfPerson[parameter] ??
      { DisplayName: 'displayName', Alias: 'mailNickname', WindowsEmailAddress: 'mail' }[parameter] ??
      parameter
    );
  }
  #setValue(): void {
    const parameter = this.text('Parameter') ?? '';
    const value = this.text('Value');
    const plain = attributeOfPerson[parameter] ?? (parameter === 'Manager' ? 'manager' : null);
    if (plain !== null) {
      const values: readonly Value[] = value === null ? [] : [value];
      this.#shell.at.put(this.#there, { [plain]: values });
      return;
    }
    if (parameter === 'WindowsEmailAddress') {
      this.#set({ primarysmtpaddress: value });
      return;
    }
    this.#set({ [parameter.toLowerCase()]: parameter === 'HiddenFromAddressListsEnabled' ? value === 'TRUE' : value });
  }
}

/**
 * Runs one call of a script's functions: looks, writes what is missing, and looks again when the script ends.
 * @returns null: nothing is to be checked of it. @throws Error it is no function of such a script
 */
export function callOfScript(command: Command, shell: ShellServices): (() => ShellCheck) | null {
  const call = new Call(command, shell);
  const name = command.name.toLowerCase();
  if (name === 'show-causewaycheck') return null;
  const work = call.work[name];
  if (work === undefined) throw new Error(`The term '${command.name}' is not recognized as the name of a function.`);
  const no = Number(call.text('No') ?? 0);
  let detail = shell.notMade.get(no) ?? '';
  try {
    if (detail === '' && !work.isDone()) work.does();
  } catch (error) {
    detail = error instanceof Error ? error.message : String(error);
    if (name === 'new-causewayrecipient') shell.notMade.set(no, detail);
  }
  return () => {
    let ok = false;
    try {
      ok = work.isDone();
    } catch (error) {
      if (detail === '') detail = error instanceof Error ? error.message : String(error);
    }
    return {
      no,
      identity: call.identity,
      what: work.what(),
      ok,
      detail: ok ? '' : detail,
    };
  };
}

/** The receipt as the script exports it. */
export function receiptOf(checks: readonly ShellCheck[]): string {
  const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const rows = checks.map(({ no, identity, what, ok, detail }) =>
    [String(no), identity, what, ok ? 'ok' : 'missing', detail].map(cell).join(','),
  );
  return [['No', 'Identity', 'What', 'Result', 'Detail'].map(cell).join(','), ...rows, ''].join('\r\n');
}
