import { equal, ok } from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Attribute, Change, Client, Control } from 'ldapts';
import { type Finished, finish, start } from './programs.ts';
import type { PeerContext } from './suite.ts';

/** A forest as a sync signs in to it. */
export interface PeerForest {
  readonly url: string;
  readonly base: string;
  readonly domain: string;
  readonly user: string;
  readonly password: string;
  readonly ca: string;
  /** The same in PEM, for the tests' own connections. */
  readonly caPem: string;
}

export interface SyncSize {
  readonly users: number;
  readonly groups: number;
  readonly contacts: number;
  readonly changes: number;
  readonly kills: number;
}

/** What is asked for, and what a run of all peers has time for. `CAUSEWAY_PEERS_FULL=1` runs the former. */
export const fullSize: SyncSize = { users: 5000, groups: 500, contacts: 200, changes: 1000, kills: 30 };
export const smallSize: SyncSize = { users: 300, groups: 30, contacts: 12, changes: 60, kills: 2 };

const MEMBERS = 10;
/** Longest time that one run of the program may take. */
const RUN_MS = 600_000;
/** Mersenne-like steps: the same "random" people in every run. */
const picker = (seed: number) => {
  let state = seed;
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
};

/** Exchange's types of recipients. */
const mailbox = {
  msExchRecipientTypeDetails: '1',
  msExchRecipientDisplayType: '1073741824',
  msExchVersion: '44220983382016',
};

/**
 * Two real forests and the program as it is started from a shell: people of one side get objects on the other, changes of both sides are
 * carried over, and a killed process leaves nothing that the next one does not finish. What is there afterwards is read by a client of the
 * tests' own.
 */
export async function directorySync(
  context: PeerContext,
  forests: { readonly source: PeerForest; readonly target: PeerForest },
  size: SyncSize,
): Promise<void> {
  const ends = { source: await Side.open(forests.source), target: await Side.open(forests.target) };
  const both = [ends.source, ends.target];
  const project = join(context.state, 'directory-sync');
  mkdirSync(project);
  writeFileSync(join(project, 'causeway.yaml'), projectText(forests));
  const run = (...args: string[]) => causeway(context.root, project, forests, args);
  try {
    for (const side of both) await side.prepare();
    await ends.source.populate(size);
    await ends.target.populate({ ...size, users: Math.ceil(size.users / 10), groups: 5, contacts: 5 });
    const outside = await Promise.all(both.map((side) => side.outside()));

    const addsPerSecond = await ends.target.bareScript(Math.min(500, size.users));
    await context.check('a first pass makes everybody on both sides', async () => {
      const [first, ...rest] = await summaries(run);
      const { writes = 0, startedAtMs = 0, endedAtMs = 0 } = first ?? {};
      const seconds = (endedAtMs - startedAtMs) / 1000;
      for (const { refused } of [first ?? {}, ...rest]) equal(refused, 0);
      const speed = writes / seconds;
      console.log(
        `directory: ${writes} writes in ${seconds.toFixed(1)} s, ${speed.toFixed(0)}/s; a bare script adds ${addsPerSecond.toFixed(0)}/s; ${(speed / addsPerSecond).toFixed(2)} ×`,
      );
      // With few people the reading of both forests is most of the time, so small runs only print the figure.
      if (size.users >= 5000)
        ok(speed >= 0.7 * addsPerSecond, `${(speed / addsPerSecond).toFixed(2)} × the speed of a bare script`);
    });
    await passes(run, 8);
    await context.check('everybody is there, once, and groups have their members', () => expectInStep(ends));
    await context.check('an idle pass makes no writes and one search a side', async () => {
      const [summary] = await summaries(run);
      equal(summary?.['writes'], 0);
      equal(summary?.['searches'], 2);
    });

    const pick = picker(7);
    await context.check(`${size.changes} changes on both sides are carried over`, async () => {
      for (let n = 0; n < size.changes; n++) await (both[n % 2] ?? ends.source).change(pick, n);
      await passes(run, 8);
      await expectInStep(ends);
    });

    await context.check(`killed ${size.kills} times while it writes, it finishes`, async () => {
      for (let n = 0; n < size.kills; n++) {
        for (let m = 0; m < 10; m++) await (both[m % 2] ?? ends.source).change(pick, 10_000 + n * 10 + m);
        await ends.source.person(`Killed ${n}`);
        const program = start(process.execPath, [cli(context.root), 'directory', 'sync', '--json'], {
          logFile: join(project, 'killed.log'),
          env: environment(forests, project),
          stopSignal: 'SIGKILL',
        });
        await new Promise((resolve) => setTimeout(resolve, 900 + pick(2500)));
        await program.stop();
      }
      await passes(run, 8);
      await expectInStep(ends);
      const [summary] = await summaries(run);
      equal(summary?.['writes'], 0);
    });
    await context.check('nothing outside of the scope was touched', async () => {
      for (const [at, side] of both.entries()) equal(await side.outside(), outside[at]);
    });
  } finally {
    for (const side of both) await side.close();
  }
}

const cli = (root: string): string => join(root, 'dist', process.env['CAUSEWAY_PEERS_CLI'] ?? 'cli.js');

type Forests = Parameters<typeof directorySync>[1];
type RunCommand = (...args: string[]) => Promise<Finished>;

const environment = ({ source, target }: Forests, project: string): NodeJS.ProcessEnv => ({
  ...process.env,
  CAUSEWAY_PROJECT: join(project, 'causeway.yaml'),
  PEER_SOURCE: source.password,
  PEER_TARGET: target.password,
});

const causeway = (root: string, project: string, forests: Forests, args: readonly string[]): Promise<Finished> =>
  finish(process.execPath, [cli(root), ...args], { env: environment(forests, project), timeoutMs: RUN_MS });

/** One `directory sync`. @returns a summary for each pass it made. */
async function summaries(run: RunCommand): Promise<readonly Record<string, number>[]> {
  const { stdout, stderr, status } = await run('directory', 'sync', '--json');
  ok(status === 0 || status === 3, `causeway directory sync ended with ${status}: ${stderr}${stdout.slice(-2000)}`);
  return stdout
    .split('\n')
    .filter((line) => line.includes('"searches"'))
    .map((line) => JSON.parse(line) as Record<string, number>);
}

/** Until a pass writes nothing, at most so many times. */
async function passes(run: RunCommand, max: number): Promise<{ readonly writes: number; readonly refused: number }> {
  const total = { writes: 0, refused: 0 };
  for (let n = 0; n < max; n++) {
    const made = await summaries(run);
    for (const { writes = 0, refused = 0 } of made) {
      total.writes += writes;
      total.refused += refused;
    }
    if (made.every(({ writes }) => writes === 0)) break;
  }
  return total;
}

const projectText = ({ source, target }: Forests): string => {
  const organization = (name: string, { url, user, domain, ca }: PeerForest) => `
  ${name}:
    kind: exchange
    endpoint: https://mail.${domain}/EWS/Exchange.asmx
    signIn: { method: ntlm, user: '${user}', password: env:PEER_${name.toUpperCase()} }
    tls: { ca: '${ca}' }
    directory: { url: '${url}', user: '${user}', password: env:PEER_${name.toUpperCase()}, domains: [${domain}] }`;
  return `version: 1
organizations:${organization('source', source)}${organization('target', target)}
directory:
  main:
    source: source
    target: target
    scope:
      source: { under: ['OU=Sync,${source.base}'] }
      target: { under: ['OU=Sync,${target.base}'] }
    into: { source: 'OU=Made,OU=Sync,${source.base}', target: 'OU=Made,OU=Sync,${target.base}' }
    maxDelete: { share: 50% }
collections:
  none:
    source: source
    target: target
    pairs: { list: ['nobody@${source.domain} -> nobody@${target.domain}'] }
`;
};

type Entry = Awaited<ReturnType<Client['search']>>['searchEntries'][number];
const one = (entry: Entry | undefined, name: string): string => String([entry?.[name] ?? ''].flat()[0] ?? '');
const all = (entry: Entry | undefined, name: string): readonly string[] => [entry?.[name] ?? []].flat().map(String);

/** Everybody of one side stands once on the other, with the same names and members; read without Causeway. */
async function expectInStep(ends: { readonly source: Side; readonly target: Side }): Promise<void> {
  for (const [own, other] of [
    [ends.source, ends.target],
    [ends.target, ends.source],
  ] as const) {
    const [originals, shadows] = [await own.entries('OU=People'), await other.entries('OU=Made')];
    const byMark = new Map<string, Entry>();
    for (const shadow of shadows) {
      const mark = one(shadow, 'adminDescription');
      if (mark === '') continue;
      ok(!byMark.has(mark), `two objects stand for ${mark}: ${shadow.dn}`);
      byMark.set(mark, shadow);
    }
    equal(
      byMark.size,
      originals.length,
      `${own.forest.domain}: each of ${originals.length} has one that stands for it`,
    );
    const shadowOf = new Map<string, Entry>();
    for (const original of originals) {
      const address = `smtp:${one(original, 'mail')}`.toLowerCase();
      const [shadow, second] = shadows.filter(
        (entry) =>
          one(entry, 'targetAddress').toLowerCase() === address ||
          one(entry, 'mail').toLowerCase() === address.slice(5),
      );
      ok(shadow !== undefined, `nobody stands for ${original.dn}`);
      ok(second === undefined, `two stand for ${original.dn}: ${second?.dn}`);
      shadowOf.set(original.dn.toLowerCase(), shadow);
      for (const name of ['displayName', 'telephoneNumber', 'department'])
        equal(one(shadow, name), one(original, name), `${name} of ${original.dn}`);
    }
    for (const original of originals) {
      const members = all(original, 'member').map((member) => shadowOf.get(member.toLowerCase())?.dn ?? member);
      const there = all(shadowOf.get(original.dn.toLowerCase()), 'member');
      equal([...there].sort().join('\n'), [...members].sort().join('\n'), `members of ${original.dn}`);
    }
  }
}

/** Takes away an entry with all that lies below ([MS-ADTS] 3.1.1.3.4.1.15). */
class TreeDelete extends Control {
  constructor() {
    super('1.2.840.113556.1.4.805', { critical: true });
  }
}

class Side {
  readonly forest: PeerForest;
  readonly #client: Client;
  #made: string[] = [];
  #groups: string[] = [];

  private constructor(forest: PeerForest, client: Client) {
    this.forest = forest;
    this.#client = client;
  }

  static async open(forest: PeerForest): Promise<Side> {
    const client = new Client({ url: forest.url, tlsOptions: { ca: [forest.caPem] } });
    await client.bind(forest.user, forest.password);
    return new Side(forest, client);
  }

  close(): Promise<void> {
    return this.#client.unbind();
  }

  async prepare(): Promise<void> {
    await this.#client.del(`OU=Sync,${this.forest.base}`, new TreeDelete()).catch(() => {});
    await this.#client.del(`OU=Bare,${this.forest.base}`, new TreeDelete()).catch(() => {});
    for (const ou of ['OU=Sync', 'OU=People,OU=Sync', 'OU=Made,OU=Sync', 'OU=Bare'])
      await this.#client.add(`${ou},${this.forest.base}`, { objectClass: 'organizationalUnit' });
  }

  #account(name: string): Record<string, string | string[]> {
    const alias = name.replaceAll(/[^A-Za-z0-9]/g, '').toLowerCase();
    const address = `${alias}@${this.forest.domain}`;
    return {
      objectClass: 'user',
      sAMAccountName: alias.slice(0, 20),
      userPrincipalName: address,
      displayName: name,
      mailNickname: alias,
      mail: address,
      proxyAddresses: [`SMTP:${address}`],
      legacyExchangeDN: `/o=${this.forest.domain}/ou=Exchange/cn=Recipients/cn=${alias}`,
      userAccountControl: '512',
      ...mailbox,
    };
  }

  async person(name: string): Promise<void> {
    const dn = `CN=${name},OU=People,OU=Sync,${this.forest.base}`;
    const attributes = this.#account(name);
    // 544: enabled, and no password needed. Mailboxes have a GUID, of bytes.
    const guid = Buffer.from(
      `${name.length.toString(16).padStart(2, '0')}${Buffer.from(name).toString('hex')}`.padEnd(32, '0').slice(0, 32),
      'hex',
    );
    await this.#client.add(dn, [
      ...Object.entries({ ...attributes, userAccountControl: '544' }).map(
        ([type, values]) => new Attribute({ type, values: [values].flat() }),
      ),
      new Attribute({ type: 'msExchMailboxGuid', values: [guid] }),
    ]);
    this.#made.push(dn);
  }

  async populate({ users, groups, contacts }: Pick<SyncSize, 'users' | 'groups' | 'contacts'>): Promise<void> {
    const word = this.forest.domain.split('.')[0] ?? '';
    for (let n = 0; n < users; n++) await this.person(`Person ${n} of ${word}`);
    for (let n = 0; n < contacts; n++) {
      const alias = `contact${n}of${word}`;
      await this.#client.add(`CN=Contact ${n} of ${word},OU=People,OU=Sync,${this.forest.base}`, {
        objectClass: 'contact',
        displayName: `Contact ${n} of ${word}`,
        mailNickname: alias,
        mail: `${alias}@partner.example`,
        targetAddress: `SMTP:${alias}@partner.example`,
        proxyAddresses: [`SMTP:${alias}@partner.example`],
        legacyExchangeDN: `/o=${this.forest.domain}/ou=Exchange/cn=Recipients/cn=${alias}`,
        msExchRecipientDisplayType: '6',
        msExchRecipientTypeDetails: '64',
      });
    }
    for (let n = 0; n < groups; n++) {
      const alias = `group${n}of${word}`;
      const dn = `CN=Group ${n} of ${word},OU=People,OU=Sync,${this.forest.base}`;
      const members = Array.from(
        { length: Math.min(MEMBERS, users) },
        (_, m) => this.#made[(n * MEMBERS + m) % users] ?? '',
      );
      await this.#client.add(dn, {
        objectClass: 'group',
        groupType: '8',
        sAMAccountName: alias,
        displayName: `Group ${n} of ${word}`,
        mailNickname: alias,
        mail: `${alias}@${this.forest.domain}`,
        proxyAddresses: [`SMTP:${alias}@${this.forest.domain}`],
        legacyExchangeDN: `/o=${this.forest.domain}/ou=Exchange/cn=Recipients/cn=${alias}`,
        msExchRecipientDisplayType: '1',
        member: [...new Set(members)],
      });
      this.#groups.push(dn);
    }
  }

  /** Adds mail users as a short script would, one after the other. @returns how many a second. */
  async bareScript(count: number): Promise<number> {
    const began = performance.now();
    for (let n = 0; n < count; n++) {
      const attributes = this.#account(`Bare ${n}`);
      await this.#client.add(`CN=Bare ${n},OU=Bare,${this.forest.base}`, {
        ...attributes,
        userAccountControl: '514',
        targetAddress: `SMTP:bare${n}@elsewhere.example`,
        msExchRecipientTypeDetails: '128',
      });
    }
    return count / ((performance.now() - began) / 1000);
  }

  /** What somebody does in a directory. */
  async change(pick: (below: number) => number, n: number): Promise<void> {
    const at = pick(this.#made.length);
    const dn = this.#made[at] ?? '';
    const replace = (type: string, values: string[]) =>
      this.#client.modify(dn, new Change({ operation: 'replace', modification: new Attribute({ type, values }) }));
    switch (pick(6)) {
      case 0:
      case 1:
        return replace('telephoneNumber', [`+43 ${n}`]);
      case 2:
        return replace('department', [`Department ${n % 7}`]);
      case 3: {
        const name = `Renamed ${n} of ${this.forest.domain.split('.')[0]}`;
        await this.#client.modifyDN(dn, `CN=${name}`);
        this.#made[at] = `CN=${name},OU=People,OU=Sync,${this.forest.base}`;
        return;
      }
      case 4: {
        const group = this.#groups[pick(this.#groups.length)] ?? '';
        const change = new Change({ operation: 'add', modification: new Attribute({ type: 'member', values: [dn] }) });
        // A member of it already.
        await this.#client.modify(group, change).catch(() => {});
        return;
      }
      default:
        return this.person(`New ${n} of ${this.forest.domain.split('.')[0]}`);
    }
  }

  async entries(ou: string): Promise<readonly Entry[]> {
    const { searchEntries } = await this.#client.search(`${ou},OU=Sync,${this.forest.base}`, {
      scope: 'one',
      filter: '(objectClass=*)',
      paged: { pageSize: 500 },
      attributes: [
        'displayName',
        'mail',
        'targetAddress',
        'telephoneNumber',
        'department',
        'member',
        'adminDescription',
      ],
    });
    return searchEntries;
  }

  /** Change numbers of everything else that mail knows of. */
  async outside(): Promise<string> {
    const { searchEntries } = await this.#client.search(this.forest.base, {
      filter: '(|(objectClass=user)(objectClass=contact)(objectClass=group))',
      paged: { pageSize: 500 },
      attributes: ['whenCreated', 'proxyAddresses', 'displayName', 'description'],
    });
    return searchEntries
      .filter(({ dn }) => !/,OU=(Sync|Bare),/i.test(dn))
      .map((entry) => JSON.stringify(entry))
      .sort()
      .join('\n');
  }
}
