/**
 * The whole course of a migration by commands of real processes: `directory sync`, `provision`, `sync`, `run`, `switch --plan`, `switch`, `undo` and `finish`, while
 * mail comes from outside all the time. Mailboxes are always the lab's; the directories are the lab's own, or two others.
 *
 * ```ts
 * const course = await SwitchCourse.open({ programs, folder, people: 4, directories });
 * try { await course.run(check); await course.killRounds(30, check, say); } finally { await course.close(); }
 * ```
 *
 * - `programs`: bundles of `src/cli/main.ts` and `src/lab/main.ts`; `worker.js` lies beside the former. In `dist/` all three do.
 * - `folder`: an empty one, for the project and its database.
 * - `directories` absent: those of the lab over LDAPS, two controllers each with a delay between them, mailboxes of the target made by the script that
 *   `causeway provision` prints. Given (Samba): the course makes `OU=Causeway course` in each with an entry for everybody, whom the sync joins by employeeID, and
 *   transport of the lab does what `targetAddress` there says. Nothing else in them is touched.
 * - `check(name, body)`: runs one check and counts it; `PeerContext.check` fits, and so does a call of `body` alone.
 */
import { deepEqual, equal, ok } from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { Attribute, Change, Client } from 'ldapts';
import { must } from '#kit/assert.ts';
import { type ControlClient, controlClient } from '#lab/control-client.ts';
import { type EwsAddresses, type LabAddresses, withEws } from '#lab/lab.ts';
import type { TrackedMail } from '#lab/load/mail-load.ts';

/** A forest that is not the lab's. */
export interface CourseDirectory {
  /** `ldaps://…`, a controller each. */
  readonly urls: readonly string[];
  /** DN of its domain. */
  readonly base: string;
  /** An account that may make organizational units and everything in them. */
  readonly user: string;
  readonly password: string;
  /** PEM file of whoever signed the certificates. */
  readonly ca: string;
}

export interface CourseOptions {
  readonly programs: { readonly cli: string; readonly lab: string };
  readonly folder: string;
  readonly people: number;
  readonly directories?: { readonly source: CourseDirectory; readonly target: CourseDirectory };
}

/** Runs one check under its name. */
type Check = (name: string, body: () => Promise<void>) => Promise<unknown>;

type SideName = 'source' | 'target';
const sideNames = ['source', 'target'] as const satisfies readonly SideName[];
type Line = Readonly<Record<string, unknown>>;

interface Finished {
  readonly code: number | null;
  readonly lines: readonly Line[];
  readonly errors: string;
}

/** One person, with the addresses of the pair. */
interface Person {
  readonly source: string;
  readonly target: string;
}

/** Mails a second: enough that some are on their way at every moment of a switch. */
const mailsPerSecond = 5;
/** Longest time of one command, and of a state that is waited for. */
const commandMs = 180_000;
const replicationMs = 400;

/** Of those about whom no step was taken, or all are taken back. */
const quietStates: readonly string[] = ['new', 'provisioned', 'syncing', 'ready'];

/** A process group of its own, so that a whole tree can be killed. */
class Running {
  readonly lines: Line[] = [];
  errors = '';
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;

  constructor(args: readonly string[], cwd: string) {
    this.#child = spawn(process.execPath, ['--enable-source-maps', ...args], {
      cwd,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    createInterface({ input: must(this.#child.stdout, 'a pipe') }).on('line', (line) => {
      if (line.startsWith('{')) this.lines.push(JSON.parse(line) as Line);
    });
    this.#child.stderr?.on('data', (data: Buffer) => (this.errors = (this.errors + data.toString()).slice(-4000)));
    this.ended = new Promise((resolve, fail) => {
      this.#child.once('error', fail);
      this.#child.once('close', (code) => resolve(code));
    });
  }

  get #isRunning(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** To the whole group, unless it is gone. */
  signal(signal: NodeJS.Signals): void {
    if (this.#isRunning) process.kill(-(this.#child.pid ?? 0), signal);
  }

  async stop(): Promise<void> {
    this.signal('SIGTERM');
    const patience = setTimeout(() => this.signal('SIGKILL'), 20_000);
    await this.ended;
    clearTimeout(patience);
  }

  /** The first line, as soon as it is there. */
  async first(): Promise<Line> {
    await this.said(1);
    const [line] = this.lines;
    if (line === undefined) throw new Error(`it does not say that it is ready: ${this.errors}`);
    return line;
  }

  /** Until it has said so many lines, has ended, or says no more for a while. */
  async said(count: number): Promise<void> {
    let [known, quietMs] = [this.lines.length, 0];
    while (this.lines.length < count && this.#isRunning && quietMs < (known === 0 ? commandMs : 4_000)) {
      await delay(20);
      quietMs = this.lines.length > known ? 0 : quietMs + 20;
      known = this.lines.length;
    }
  }
}

export class SwitchCourse {
  readonly #options: CourseOptions;
  readonly #lab: Running;
  readonly #control: ControlClient;
  readonly #ends: Readonly<Record<SideName, EwsAddresses>>;
  readonly #bridge = new AbortController();
  #bridged: Promise<void> = Promise.resolve();
  #agent: Running | null = null;
  #people: readonly Person[] = [];

  /** Starts the lab, and writes the project. */
  static async open(options: CourseOptions): Promise<SwitchCourse> {
    const targets = options.directories === undefined ? 1 : options.people;
    const lab = new Running(
      [
        ...[options.programs.lab, '--org', `source:2010:${options.people}`, '--org', `target:2016:${targets}`],
        ...['--items', String(options.people * 6), '--appointments', String(options.people * 3)],
        ...['--throttling', 'off', '--control', '--json'],
      ],
      options.folder,
    );
    try {
      const ready = (await lab.first()) as unknown as LabAddresses & {
        readonly control: { readonly url: string; readonly token: string };
      };
      const course = new SwitchCourse(options, lab, ready.orgs, controlClient(ready.control));
      await course.#prepare();
      return course;
    } catch (error) {
      await lab.stop();
      throw error;
    }
  }

  private constructor(options: CourseOptions, lab: Running, orgs: LabAddresses['orgs'], control: ControlClient) {
    this.#options = options;
    this.#lab = lab;
    this.#control = control;
    this.#ends = { source: withEws(orgs[0]), target: withEws(orgs[1]) };
  }

  async close(): Promise<void> {
    await this.#agent?.stop();
    this.#bridge.abort();
    await this.#bridged;
    await this.#lab.stop();
  }

  /** From the first sync of the directories to the last `finish`. */
  async run(check: Check): Promise<void> {
    await check('directories are in step, and everybody has a pair', () => this.#syncDirectories());
    if (this.#options.directories === undefined)
      await check('mailboxes are made by the script of causeway provision', () => this.#provision());
    await this.#startMail();
    await check('the first copy is complete', () => this.#firstCopy());
    const [first, second] = [must(this.#people[0], 'somebody'), must(this.#people[1], 'somebody else')];
    await check('a plan shows every step and changes nothing', () => this.#plan(first));
    await check('an agent switches who is ready, while mail arrives', () => this.#switchByAgent([first]));
    await check(
      'a command switches everybody else, while mail arrives',
      async () => void (await this.#switch(this.#people)),
    );
    await check('each mail is once where the person works', () => this.#expectMail());
    await check('undo leads back with what came in', async () => void (await this.#undo([first])));
    await check('each mail is once where the person works, after an undo', () => this.#expectMail());
    await check('who was taken back is switched again', async () => void (await this.#switch([first])));
    await check('finish makes it final', () => this.#finish(second));
    await check('each mail is once where the person works, at the end', () => this.#expectMail());
  }

  /**
   * Kills whoever switches people, or takes them back, with SIGKILL at any moment: by turns the command and the whole tree of the agent. After
   * `run`; whoever is final stays out of it.
   *
   * @returns how many were killed on their way; the others had ended before.
   */
  async killRounds(rounds: number, check: Check, say: (text: string) => void = () => {}): Promise<number> {
    const people = this.#people.slice(2);
    let killed = 0;
    await check(`killed ${rounds} times: every pair is in a named state, and a rerun finishes`, async () => {
      await this.#undo(people);
      for (let round = 0; round < rounds; round++) {
        const forward = Math.floor(round / 3) % 2 === 0;
        const doing = await this.#someSwitch(people, forward, round % 2 === 0);
        await doing.said(1 + Math.floor(Math.random() * 12));
        await delay(Math.random() * 1_500);
        doing.signal('SIGKILL');
        if ((await doing.ended) === null) killed++;
        const states = await this.#states();
        say(
          `round ${round + 1}: ${forward ? 'switch' : 'undo'} by ${round % 2 === 0 ? 'a command' : 'an agent'}; now ${people.map(({ source }) => states.get(source)?.state ?? 'in step').join(', ')}`,
        );
        // Every third round goes to its end, so that the next ones begin with both states.
        if (round % 3 === 2) await (forward ? this.#switch(people) : this.#undo(people));
      }
      await this.#switch(people);
    });
    await check('each mail is once where the person works, after all of it', () => this.#expectMail());
    say(`${killed} of ${rounds} were killed on their way, the others had ended before`);
    return killed;
  }

  /** From the first sync of the directories on, everything by commands beside an agent that is running, or ends meanwhile. */
  async runBeside(check: Check): Promise<void> {
    await this.#syncDirectories();
    if (this.#options.directories === undefined) await this.#provision();
    await this.#startMail();
    await this.#firstCopy();
    const everybody = this.#people;
    const [first, second] = [must(everybody[0], 'somebody'), must(everybody[1], 'somebody else')];
    this.#startAgent();
    await check('a command switches everybody, beside an agent', async () => void (await this.#switch(everybody)));
    await check('each mail is once where the person works, beside an agent', () => this.#expectMail());
    await check('undo leads back, beside an agent', async () => void (await this.#undo(everybody)));
    await check('each mail is once where the person works, after an undo beside an agent', () => this.#expectMail());
    await check('orders are carried out by the agent that is running', async () => {
      await this.#causeway(['switch', first.source, '--when-ready', '--yes'], [0]);
      const at = new Date(Date.now() + 4_000).toISOString().replace(/\.\d+Z$/, 'Z');
      await this.#causeway(['switch', second.source, '--at', at, '--yes'], [0]);
      await this.#becomes([first, second], 'switched');
    });
    await check('other commands that write work beside it', async () => {
      for (const command of [
        ['directory', 'sync'],
        ['settings', 'carry', first.source],
        ['quarantine', 'retry'],
        ['dedupe', first.source, '--apply'],
        ['resync', '--mailbox', first.source, '--apply'],
        ['relink', first.source, '--yes'],
        ['sync', first.source],
      ])
        await this.#causeway(command, [0, 3]);
    });
    const waitsForAnother = (lines: readonly Line[]): boolean =>
      lines.some(({ event, owner }) => event === 'waiting' && String(owner).startsWith('switch '));
    await check('a command that is interrupted gives back what it holds', async () => {
      const doing = this.#start(['undo', first.source, '--yes']);
      await doing.said(2);
      doing.signal('SIGINT');
      equal(await doing.ended, 130, doing.errors);
      ok(!waitsForAnother(await this.#undo([first])), 'nobody waits for it');
    });
    await check('a command that is killed holds what it had for a while, and says so', async () => {
      const doing = this.#start(['switch', first.source, '--now', '--yes']);
      await doing.said(2);
      doing.signal('SIGKILL');
      equal(await doing.ended, null);
      ok(waitsForAnother(await this.#switch([first])), 'whom the next one waits for is said');
    });
    await check('a command goes on when the agent ends in order, and another agent beside it', async () => {
      const doing = this.#start(['undo', first.source, '--yes']);
      await doing.said(2);
      await this.#agent?.stop();
      this.#startAgent();
      equal(await doing.ended, 0, `${doing.errors} ${JSON.stringify(doing.lines.slice(-4))}`);
      equal((await this.#states()).get(first.source)?.state, undefined);
    });
    await check('a command whose agent is killed says so, or goes on', async () => {
      const doing = this.#start(['switch', first.source, '--now', '--yes']);
      await doing.said(2);
      this.#agent?.signal('SIGKILL');
      await this.#agent?.ended;
      const code = await doing.ended;
      const told = doing.lines.some(({ error }) => (error as Line | undefined)?.['code'] === 'store-closed');
      ok(told ? code === 4 : code === 0, `${code} ${doing.errors} ${JSON.stringify(doing.lines.slice(-4))}`);
      this.#startAgent();
      await this.#switch([first]);
    });
    await check('each mail is once where the person works, beside agents that come and go', () => this.#expectMail());
    await check('finish makes it final, beside an agent', () => this.#finish(second));
  }

  /** How many mails were sent from outside so far. */
  async mail(): Promise<{ readonly mails: number }> {
    return { mails: (await this.#control.mailLoad()).sent };
  }

  // Before anybody is switched

  #directory(side: SideName): CourseDirectory {
    const own = must(this.#ends[side].directory, 'the lab has a directory');
    return this.#options.directories?.[side] ?? { ...own, ca: this.#ends[side].ca };
  }

  async #prepare(): Promise<void> {
    for (const side of sideNames)
      await this.#control.configureMailFlow(side, { acceptedDomains: { [`r.${side}.test`]: 'authoritative' } });
    if (this.#options.directories === undefined) {
      for (const side of sideNames) await this.#control.configureDirectory(side, { replicationDelayMs: replicationMs });
    } else await this.#populate();
    const organization = (side: SideName) => {
      const { name, version, ews, ca, admin, submission, mailboxes } = this.#ends[side];
      // A desk that is not moved: of the target somebody who was there before, of the source the last one.
      const desk = must(mailboxes.at(-1), 'a mailbox');
      const { urls, user, password, ca: directoryCa } = this.#directory(side);
      writeFileSync(join(this.#options.folder, `${side}.mail.secret`), admin.password, { mode: 0o600 });
      writeFileSync(join(this.#options.folder, `${side}.ldap.secret`), password, { mode: 0o600 });
      writeFileSync(join(this.#options.folder, `${side}.desk.secret`), desk.password, { mode: 0o600 });
      return `
  ${name}:
    kind: exchange
    version: '${version}'
    endpoint: '${ews}'
    signIn: { method: basic, user: '${admin.user}', password: 'file:${side}.mail.secret' }
    tls: { ca: [${[...new Set([ca, directoryCa])].map((file) => `'${file}'`).join(', ')}] }
    directory: { url: [${urls.map((url) => `'${url}'`).join(', ')}], user: '${user}', password: 'file:${side}.ldap.secret', domains: [${side}.test] }
    submission: { url: '${submission.smtps}', from: '${desk.address}', user: '${desk.user}', password: 'file:${side}.desk.secret' }`;
    };
    const { source, target } = this.#places();
    writeFileSync(
      join(this.#options.folder, 'causeway.yaml'),
      `version: 1
store: sqlite:causeway.db
organizations:${organization('source')}${organization('target')}
directory:
  main:
    source: source
    target: target
    scope:
      source: { under: ['${source.people}', '${source.made}'] }
      target: { under: ['${target.people}', '${target.made}'] }
    into: { source: '${source.made}', target: '${target.made}' }
    ${this.#options.directories === undefined ? 'routing: { source: r.source.test, target: r.target.test }' : 'match: [employeeID]'}
collections:
  all:
    source: source
    target: target
    calendar: { direction: both }
    pairs: { directory: { sync: main, under: ['${source.people}'] } }
    switch: { settle: ${this.#options.directories === undefined ? '1 s' : '2 s'}, verifyContents: 100%, accept: [autodiscover] }
`,
    );
  }

  #places(): Readonly<Record<SideName, { readonly people: string; readonly made: string }>> {
    const at = (side: SideName) => {
      const { base } = this.#directory(side);
      return this.#options.directories === undefined
        ? { people: `OU=People,${base}`, made: `OU=Other forest,${base}` }
        : { people: `OU=People,OU=Causeway course,${base}`, made: `OU=Made,OU=Causeway course,${base}` };
    };
    return { source: at('source'), target: at('target') };
  }

  /** Entries in directories that are not the lab's, with what Exchange would have written. */
  async #populate(): Promise<void> {
    for (const side of sideNames)
      await this.#withClient(side, async (client) => {
        const { people, made } = this.#places()[side];
        for (const dn of [people.replace(/^[^,]+,/, ''), people, made])
          await client.add(dn, { objectClass: 'organizationalUnit' });
        for (const [at, { address }] of this.#ends[side].mailboxes.entries()) {
          const name = `Course ${at} of ${side}`;
          const plain: Readonly<Record<string, string | readonly string[]>> = {
            objectClass: 'user',
            sAMAccountName: `course${at}${side}`,
            displayName: name,
            employeeID: `course-${at}`,
            userAccountControl: '544',
            mailNickname: address.split('@')[0] ?? '',
            mail: address,
            proxyAddresses: [`SMTP:${address}`],
            legacyExchangeDN: `/o=${side}/ou=Exchange/cn=Recipients/cn=course${at}`,
            msExchRecipientTypeDetails: '1',
            msExchRecipientDisplayType: '1073741824',
            msExchVersion: '44220983382016',
          };
          await client.add(`CN=${name},${people}`, [
            ...Object.entries(plain).map(
              ([type, values]) => new Attribute({ type, values: [values].flat() as string[] }),
            ),
            new Attribute({
              type: 'msExchMailboxGuid',
              values: [Buffer.from(`${side}${at}`.padEnd(16, '.').slice(0, 16), 'latin1')],
            }),
          ]);
        }
      });
    this.#bridged = this.#obey();
  }

  /** Transport of the lab does what a directory says that is not its own. */
  async #obey(): Promise<void> {
    const known = new Map<string, string | null>();
    while (!this.#bridge.signal.aborted) {
      for (const side of sideNames)
        await this.#withClient(side, async (client) => {
          const { searchEntries } = await client.search(this.#places()[side].people, {
            filter: '(mail=*)',
            attributes: ['mail', 'targetAddress'],
          });
          for (const { mail, targetAddress } of searchEntries) {
            const to = String([targetAddress ?? []].flat()[0] ?? '').replace(/^SMTP:/i, '') || null;
            if (known.get(String(mail)) === to) continue;
            await this.#control.redirect(String(mail), to);
            known.set(String(mail), to);
          }
        });
      await delay(200);
    }
  }

  async #withClient<Result>(side: SideName, work: (client: Client) => Promise<Result>): Promise<Result> {
    const { urls, user, password, ca } = this.#directory(side);
    const client = new Client({ url: must(urls[0], 'a controller'), tlsOptions: { ca: [readFileSync(ca, 'utf8')] } });
    await client.bind(user, password);
    try {
      return await work(client);
    } finally {
      await client.unbind();
    }
  }

  async #syncDirectories(): Promise<void> {
    for (let n = 0; n < 6; n++) {
      const { lines } = await this.#causeway(['directory', 'sync'], [0]);
      const passes = lines.filter(({ searches }) => searches !== undefined);
      for (const pass of passes) equal(pass['refused'], 0);
      if (passes.every(({ writes }) => writes === 0)) break;
      ok(n < 5, 'the directories do not come to rest');
    }
    await this.#readPairs();
  }

  async #readPairs(): Promise<void> {
    const csv = readFileSync(join(this.#options.folder, '.causeway/pairs/all.csv'), 'utf8');
    this.#people = csv
      .trim()
      .split(/\r?\n/)
      .slice(1)
      .map((line) => {
        const [source = '', target = ''] = line.split(',');
        return { source, target };
      });
    equal(this.#people.length, this.#options.people);
  }

  /** Somebody enables the accounts, runs the script, and Causeway sees that it was run. */
  async #provision(): Promise<void> {
    const disabled = await this.#causeway(['provision'], [0]);
    ok(
      scriptOf(disabled).every((line) => !/^(Disable-MailUser|Enable-Mailbox)/.test(line)),
      'nothing is taken from an account that is disabled',
    );
    await this.#withClient('target', async (client) => {
      const { searchEntries } = await client.search(this.#places().target.made, {
        filter: '(&(objectClass=user)(targetAddress=*))',
        attributes: ['mail'],
      });
      equal(searchEntries.length, this.#options.people - 1);
      for (const { dn } of searchEntries) {
        const password = Buffer.from('"Course-Pass-1"', 'utf16le');
        for (const [type, value] of [
          ['unicodePwd', password],
          ['userAccountControl', '512'],
        ] as const)
          await client.modify(
            dn,
            new Change({
              operation: 'replace',
              modification: new Attribute({ type, values: [value] as string[] | Buffer[] }),
            }),
          );
      }
    });
    const script = scriptOf(await this.#causeway(['provision'], [0]));
    const outcomes = await this.#control.shell('target', script);
    deepEqual(
      outcomes.filter(({ error }) => error !== null),
      [],
    );
    await this.#syncDirectories();
    await this.#causeway(['provision', '--check'], [0]);
  }

  /** To both addresses of everybody that were there before. */
  async #startMail(): Promise<void> {
    const to = [...new Set(this.#people.flatMap(({ source, target }) => [source, target]))];
    await this.#control.startMailLoad({ to, perSecond: mailsPerSecond, seconds: 3600 });
  }

  async #firstCopy(): Promise<void> {
    await this.#causeway(['sync'], [0]);
  }

  // Commands about a switch

  async #plan({ source }: Person): Promise<void> {
    const before = await this.#redirections();
    const { lines } = await this.#causeway(['switch', source, '--plan'], [0]);
    const steps = lines.flatMap(({ step }) => (typeof step === 'string' ? [step] : []));
    ok(steps.indexOf('open-target') < steps.indexOf('redirect-source') && steps.length === 11, steps.join(' '));
    deepEqual(await this.#redirections(), before);
  }

  async #switch(people: readonly Person[]): Promise<readonly Line[]> {
    const lines = await this.#until(people, 'switched', [
      'switch',
      ...people.map(({ source }) => source),
      '--now',
      '--yes',
    ]);
    // Mail was handed in by SMTP and found in the target.
    const proofs = lines.filter(({ step, direction }) => step === 'prove' && direction === 'forward');
    ok(
      proofs.every(({ state }) => state !== 'skipped'),
      JSON.stringify(proofs),
    );
    for (const { source, target } of people) {
      const found = await this.#redirections();
      equal(found.target.get(target), null, `the target of ${target} delivers`);
      ok(found.source.get(source) != null, `the source redirects ${source}`);
    }
    return lines;
  }

  #startAgent(): void {
    this.#agent = this.#start(['run', '--workers', '2']);
  }

  /** The agent brings them there. */
  async #becomes(people: readonly Person[], state: string): Promise<void> {
    for (let waited = 0; ; waited += 1_000) {
      const states = await this.#states();
      if (people.every(({ source }) => states.get(source)?.state === state)) return;
      ok(waited < commandMs, `the agent does not switch: ${JSON.stringify([...states])} ${this.#agent?.errors}`);
      await delay(1_000);
    }
  }

  /** The order is given first, and carried out by the agent that is started then. */
  async #switchByAgent(people: readonly Person[]): Promise<void> {
    await this.#causeway(['switch', ...people.map(({ source }) => source), '--when-ready', '--yes'], [0]);
    this.#startAgent();
    try {
      await this.#becomes(people, 'switched');
    } finally {
      await this.#agent?.stop();
      this.#agent = null;
    }
    await this.#switch(people);
  }

  async #undo(people: readonly Person[]): Promise<readonly Line[]> {
    const lines = await this.#until(people, null, ['undo', ...people.map(({ source }) => source), '--yes']);
    for (const { source, target } of people) {
      const found = await this.#redirections();
      equal(found.source.get(source), null, `the source of ${source} delivers`);
      ok(found.target.get(target) != null, `the target redirects ${target}`);
    }
    return lines;
  }

  async #finish({ source }: Person): Promise<void> {
    await this.#causeway(['finish', source, '--yes'], [0]);
    equal((await this.#states()).get(source)?.state, 'finished');
    const refused = await this.#causeway(['undo', source, '--yes'], [6]);
    ok(
      refused.lines.some(({ refused: why }) => typeof why === 'string'),
      'an undo is refused afterwards',
    );
  }

  /**
   * A command is run again until everybody is in that state, for as long as a command may take: who was not ready for a moment is by then. What
   * stood in the way each time is said when it never ends.
   */
  async #until(people: readonly Person[], state: 'switched' | null, args: readonly string[]): Promise<readonly Line[]> {
    const said: Line[] = [];
    const inTheWay: string[] = [];
    const endsAt = Date.now() + commandMs;
    for (let n = 0; n < 8 || Date.now() < endsAt; n++) {
      const states = await this.#states();
      const open = people.filter(({ source }) => (states.get(source)?.state ?? null) !== state);
      if (open.length === 0) return said;
      if (n > 0) await delay(2_000);
      const names = new Set(people.map(({ source }) => source));
      const others = args.filter((arg) => !names.has(arg) || open.some(({ source }) => source === arg));
      const { code, lines, errors } = await this.#causeway(others, null);
      said.push(...lines);
      const why = lines.flatMap(({ pair, notReady, refused, because }) =>
        notReady || refused || because ? [JSON.stringify({ pair, notReady, refused, because })] : [],
      );
      inTheWay.push(`${code}: ${why.join(' ')}${why.length === 0 ? errors.slice(-500) : ''}`);
    }
    const seen = await this.#causeway(['verify'], null);
    throw new Error(
      `${args[0]} does not end, after ${inTheWay.length} times:\n${[...new Set(inTheWay)].slice(-4).join('\n')}\nverify: ${JSON.stringify(seen.lines.slice(0, 12))}`,
    );
  }

  /** Somebody who switches people, or takes them back: a command, or an agent that was told to. */
  async #someSwitch(people: readonly Person[], forward: boolean, byCommand: boolean): Promise<Running> {
    const names = people.map(({ source }) => source);
    if (byCommand) return this.#start(forward ? ['switch', ...names, '--now', '--yes'] : ['undo', ...names, '--yes']);
    if (forward) await this.#causeway(['switch', ...names, '--when-ready', '--yes'], null);
    else {
      // Only a command begins an undo; an agent goes on with it.
      const begun = this.#start(['undo', ...names, '--yes']);
      await delay(1_500);
      begun.signal('SIGKILL');
      await begun.ended;
    }
    return this.#start(['run', '--workers', '2']);
  }

  // What is there

  /** Of those who are on the way, or were switched. */
  async #states(): Promise<ReadonlyMap<string, { readonly state: string; readonly active: SideName }>> {
    const { lines } = await this.#causeway(['status'], [0, 3]);
    const states = new Map<string, { readonly state: string; readonly active: SideName }>();
    for (const { event, pair, state, active } of lines) {
      if (event !== 'switch') continue;
      ok(
        [...quietStates, 'switching', 'switched', 'undoing', 'finished'].includes(String(state)),
        `${String(pair)} is ${String(state)}`,
      );
      states.set(String(pair).split(' → ')[0] ?? '', { state: String(state), active: active as SideName });
    }
    return new Map([...states].filter(([, { state }]) => !quietStates.includes(state)));
  }

  /** Where the entries of people redirect, by their address; null: nowhere. */
  async #redirections(): Promise<Readonly<Record<SideName, ReadonlyMap<string, string | null>>>> {
    const of = (side: SideName) =>
      this.#withClient(side, async (client) => {
        const found = new Map<string, string | null>();
        for (const base of Object.values(this.#places()[side])) {
          const { searchEntries } = await client.search(base, {
            filter: '(mail=*)',
            attributes: ['mail', 'targetAddress'],
          });
          for (const { mail, targetAddress } of searchEntries)
            found.set(String(mail).toLowerCase(), [targetAddress ?? []].flat().map(String)[0] ?? null);
        }
        return found;
      });
    return { source: await of('source'), target: await of('target') };
  }

  /** Each mail was delivered to exactly one mailbox, and is seen exactly once by the person. */
  async #expectMail(): Promise<void> {
    const sinceMs = Date.now();
    let wrong: readonly string[] = [];
    for (let waited = 0; waited < commandMs; waited += 1_000) {
      await this.#causeway(['sync'], null);
      wrong = await this.#misplaced(sinceMs);
      if (wrong.length === 0) return;
      await delay(1_000);
    }
    deepEqual(wrong.slice(0, 10), []);
  }

  async #misplaced(untilMs: number): Promise<readonly string[]> {
    const states = await this.#states();
    const byAddress = new Map(this.#people.flatMap((one) => [[one.source, one] as const, [one.target, one] as const]));
    const mails = (await this.#control.mails()).filter(({ sentAtMs }) => sentAtMs <= untilMs);
    ok(mails.length > 0, 'mail arrives');
    return mails.flatMap((mail) => {
      const person = must(byAddress.get(mail.to), 'mail is for people of the course');
      return problemsOf(mail, person, states.get(person.source)?.active ?? 'source');
    });
  }

  #start(args: readonly string[]): Running {
    const project = join(this.#options.folder, 'causeway.yaml');
    return new Running([this.#options.programs.cli, ...args, '--json', '--project', project], this.#options.folder);
  }

  /** @param codes that are right; null: any. */
  async #causeway(args: readonly string[], codes: readonly number[] | null): Promise<Finished> {
    const running = this.#start(args);
    const limit = setTimeout(() => running.signal('SIGKILL'), commandMs);
    const code = await running.ended;
    clearTimeout(limit);
    if (codes !== null)
      ok(
        codes.includes(code ?? -1),
        `causeway ${args.join(' ')} ended with ${code}: ${running.errors} ${JSON.stringify(running.lines.slice(-8))}`,
      );
    return { code, lines: running.lines, errors: running.errors };
  }
}

const scriptOf = ({ lines }: Finished): readonly string[] =>
  lines.flatMap(({ organization, script }) => (organization === 'target' ? (script as readonly string[]) : []));

function problemsOf(mail: TrackedMail, { source, target }: Person, active: SideName): readonly string[] {
  const delivered = mail.outcomes.filter(({ kind }) => kind === 'delivered').length;
  const bounced = mail.outcomes.filter(({ kind }) => kind !== 'delivered').map(({ detail }) => detail);
  const mailbox = active === 'source' ? source : target;
  const seen = mail.places.filter((place) => place.organization === active && place.mailbox === mailbox).length;
  const elsewhere = mail.places.filter((place) => ![source, target].includes(place.mailbox));
  return [
    ...(delivered === 1 ? [] : [`${mail.messageId} was delivered to ${delivered} mailboxes`]),
    ...bounced.map((why) => `${mail.messageId} to ${mail.to}: ${why}`),
    ...(seen === 1 ? [] : [`${mail.messageId} is ${seen} times where ${mailbox} works (${active})`]),
    ...elsewhere.map((place) => `${mail.messageId} is in ${place.mailbox}`),
  ];
}
