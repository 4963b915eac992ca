import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Jobs } from '#cli/jobs.ts';
import { createLog } from '#cli/log.ts';
import { putProjectPairs } from '#cli/put-pairs.ts';
import { realJobs } from '#cli/real-jobs.ts';
import { openServices } from '#cli/services.ts';
import { runCli, testTerminal } from '#cli/terminal.fixture.ts';
import { runMailPass } from '#jobs/mail/mail-pass.ts';
import { runTypedPass } from '#jobs/typed/typed-pass.ts';
import { must } from '#kit/assert.ts';
import { systemClock } from '#kit/clock.ts';
import { systemRandom } from '#kit/random.ts';
import {
  createLab,
  type DirectoryAddresses,
  type Lab,
  type LabOrganizationOptions,
  type OrganizationAddresses,
} from '#lab/lab.ts';
import { runExchangeShell } from '#lab/world/directory/exchange-shell.ts';
import type { Mailbox } from '#lab/world/mailbox.ts';
import type { Organization } from '#lab/world/organization.ts';
import { tracksOf } from '#project/project.ts';
import { loadProject } from '#project/read-project.ts';

export interface LabProjectOptions {
  readonly people: number;
  /** Of these, so many have a mailbox on the target; default: all. */
  readonly targets?: number;
  readonly source?: Partial<LabOrganizationOptions>;
  readonly target?: Partial<LabOrganizationOptions>;
  /** Mails and appointments of the source, all mailboxes together. */
  readonly items?: number;
  readonly appointments?: number;
  /** Lines of the collection, of the sync, and at the end of the file. */
  readonly collection?: readonly string[];
  readonly sync?: readonly string[];
  readonly more?: string;
}

/** Two organizations that listen, LDAP among it, a project between them as a person would write it, and the program run on it. */
export class LabProject {
  readonly lab: Lab;
  readonly cwd: string;
  readonly file: string;
  readonly #orgs: readonly OrganizationAddresses[];

  private constructor(lab: Lab, orgs: readonly OrganizationAddresses[], options: LabProjectOptions) {
    this.lab = lab;
    this.#orgs = orgs;
    this.cwd = mkdtempSync(join(tmpdir(), 'causeway-directory-'));
    this.file = join(this.cwd, 'causeway.yaml');
    for (const { name, admin, mailboxes } of orgs) {
      writeFileSync(join(this.cwd, `${name}.secret`), admin.password, { mode: 0o600 });
      writeFileSync(join(this.cwd, `${name}.desk.secret`), mailboxes.at(-1)?.password ?? '', { mode: 0o600 });
    }
    this.write(options);
  }

  static async open(options: LabProjectOptions): Promise<LabProject> {
    const { people, targets = people, items = 0, appointments = 0 } = options;
    const lab = createLab({
      organizations: [
        { name: 'source', version: '2010', mailboxes: people, ...options.source },
        { name: 'target', version: '2016', mailboxes: targets, ...options.target },
      ],
      items,
      typed: { appointment: appointments },
      throttling: 'off',
      seed: 'directory',
    });
    const { orgs } = await lab.listen();
    return new LabProject(lab, orgs, options);
  }

  /** The project file, again: with other lines. */
  write({ collection = [], sync = [], more = '' }: Partial<LabProjectOptions>): void {
    const [source, target] = this.#orgs.map((one) => one.mailboxes);
    const pairs = (target ?? []).flatMap(({ address }, at) => {
      const from = source?.[at]?.address;
      return from === undefined ? [] : [`        - ${JSON.stringify(`${from} -> ${address}`)}\n`];
    });
    const indent = (lines: readonly string[]) => lines.map((line) => `    ${line}\n`).join('');
    writeFileSync(
      this.file,
      `version: 1
organizations:
${this.#orgs.map(organizationOf).join('')}collections:
  staff:
    source: source
    target: target
${indent(collection)}    pairs:
      list:
${pairs.join('')}directory:
  main:
    source: source
    target: target
    scope:
      source: { under: ['OU=People,${this.base('source')}'] }
      target: { under: ['OU=People,${this.base('target')}', 'OU=Other forest,${this.base('target')}'] }
    into: { target: 'OU=Other forest,${this.base('target')}' }
    match: [sAMAccountName]
${indent(sync)}${more}`,
    );
  }

  base(name: 'source' | 'target'): string {
    return this.addresses(name).base;
  }
  addresses(name: 'source' | 'target'): DirectoryAddresses {
    return must(this.#orgs.find((one) => one.name === name)?.directory, 'a directory');
  }

  organization(name: 'source' | 'target'): Organization {
    return this.lab.organization(name).world;
  }

  mailbox(name: 'source' | 'target', at: number): Mailbox {
    const organization = this.organization(name);
    return must(organization.mailbox(must(organization.mailboxes[at], 'a mailbox').address), 'a mailbox');
  }

  /** The entry of a person in the directory of the lab, as an administrator sees it. */
  entry(name: 'source' | 'target', address: string) {
    const { first } = this.organization(name).forest;
    const [entry] = first.having('proxyAddresses', `smtp:${address}`);
    return { first, entry: must(entry, `an entry of ${address}`) };
  }

  async run(...args: string[]) {
    return runCli(args, testTerminal({ cwd: this.cwd }), this.jobs);
  }
  jobs: Jobs = realJobs;

  /** With `--json`: its lines. */
  async lines(
    ...args: string[]
  ): Promise<{ readonly code: number; readonly lines: readonly Record<string, unknown>[] }> {
    const { code, out } = await this.run(...args, '--json');
    return { code, lines: out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)])) };
  }

  /** A pass over everything of each pair, without processes of their own. Throws FaultError. */
  async copy(): Promise<void> {
    const terminal = testTerminal();
    const services = openServices(loadProject(this.file), terminal, createLog(terminal, false), this.jobs);
    try {
      const store = await services.store('own');
      await putProjectPairs(services.project, store);
      const { signal } = new AbortController();
      for (const { pair, kind } of tracksOf(services.project, services.project.pairs)) {
        const { left, right, policy, typed } = await services.jobPair(pair);
        const basics = {
          store,
          left: left.connector,
          right: right.connector,
          clock: systemClock,
          random: systemRandom,
          requestDeadlineMs: 60_000,
        };
        if (kind === 'mail') await runMailPass({ ...basics, policy, lanes: 2 }, pair.id, null, signal);
        else await runTypedPass({ ...basics, policy: must(typed.get(kind), 'a policy') }, pair.id, kind, null, signal);
      }
    } finally {
      await services.close();
    }
  }

  /** Old mail of a person on the target as streams, archives and other tools bring it: with its senders as they were. */
  carryOver(at: number): void {
    const to = this.mailbox('target', at);
    for (const item of this.mailbox('source', at).folder('inbox').items()) to.copy(item, to.folder('inbox'), to.server);
  }

  /** Gives the accounts that were made on the target a password, as an administrator does. */
  enableAccounts(): void {
    const { first } = this.organization('target').forest;
    for (const { displayName } of this.organization('source').mailboxes) {
      const entry = first.find(`CN=${displayName},OU=Other forest,${this.base('target')}`);
      if (entry !== null) first.put(entry, { userAccountControl: ['512'] });
    }
  }

  /** What `causeway provision` prints is run, as an administrator does. @returns the lines that failed. */
  async provision(): Promise<readonly string[]> {
    this.enableAccounts();
    const { lines } = await this.lines('provision');
    return lines.flatMap(({ organization, script }) =>
      typeof organization !== 'string' || !Array.isArray(script)
        ? []
        : runExchangeShell(this.lab.organization(organization).world, script as string[]).flatMap(
            ({ command, error }) => (error === null ? [] : [`${command}: ${error}`]),
          ),
    );
  }

  async close(): Promise<void> {
    await this.lab.close();
    rmSync(this.cwd, { recursive: true, force: true });
    if (this.lab.failures.length > 0) throw new Error('the lab broke on a request', { cause: this.lab.failures[0] });
  }
}

/** Probe mails are sent by the last person. */
function organizationOf({
  name,
  version,
  ews,
  ca,
  admin,
  domain,
  directory,
  submission,
  mailboxes,
}: OrganizationAddresses): string {
  const desk = mailboxes.at(-1);
  const { urls, user, password } = must(directory, `${name} has a directory`);
  if (password !== admin.password) throw new Error('the directory has an account of its own');
  return `  ${name}:
    kind: exchange
    version: ${version}
    endpoint: ${JSON.stringify(ews)}
    signIn: { method: basic, user: ${JSON.stringify(admin.user)}, password: 'file:${name}.secret' }
    tls: { ca: ${JSON.stringify(ca)} }
    directory: { url: ${JSON.stringify(urls)}, user: ${JSON.stringify(user)}, password: 'file:${name}.secret', domains: [${domain}] }
${desk === undefined ? '' : `    submission: { url: '${submission.smtps}', from: ${desk.address}, user: ${desk.user}, password: 'file:${name}.desk.secret' }\n`}`;
}
