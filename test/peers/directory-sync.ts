import { equal, ok } from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { DirectoryProject, type PeerForests } from './directory-project.ts';
import { accountOf, all, type Entry, ForestEnd, one, type PeerForest } from './forest-end.ts';
import type { PeerContext } from './suite.ts';

export interface SyncSize {
  readonly users: number;
  readonly groups: number;
  readonly contacts: number;
  readonly changes: number;
  readonly kills: number;
}

/** What is asked for, and what a run of all peers has time for. `CAUSEWAY_PEERS_FULL=1` runs the former. */
export const fullSize: SyncSize = { users: 5000, groups: 500, contacts: 200, changes: 1000, kills: 30 };
export const smallSize: SyncSize = { users: 300, groups: 30, contacts: 12, changes: 60, kills: 4 };

const MEMBERS = 10;
/** Mersenne-like steps: the same "random" people in every run. */
const picker = (seed: number) => {
  let state = seed;
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
};

/**
 * Two real forests and the program as it is started from a shell: people of one side get objects on the other, changes of both sides are
 * carried over, and a killed process leaves nothing that the next one does not finish. What is there afterwards is read by a client of the
 * tests' own.
 */
export async function directorySync(context: PeerContext, forests: PeerForests, size: SyncSize): Promise<void> {
  const ends = { source: await Side.open(forests.source), target: await Side.open(forests.target) };
  const both = [ends.source, ends.target];
  const project = new DirectoryProject(context, 'directory-sync', forests, syncOf(forests));
  try {
    for (const side of both) await side.prepare();
    await ends.source.populate(size);
    await ends.target.populate({ ...size, users: Math.ceil(size.users / 10), groups: 5, contacts: 5 });
    const outside = await Promise.all(both.map((side) => side.outside()));

    const scripted = Math.min(500, size.users);
    const addsPerSecond = await ends.target.bareScript(scripted);
    await context.check('a first pass makes everybody on both sides', async () => {
      const passes = await project.sync();
      for (const { refused } of passes) equal(refused, 0);
      const { writes = 0, startedAtMs = 0, endedAtMs = 0 } = passes[0] ?? {};
      const seconds = (endedAtMs - startedAtMs) / 1000;
      const speed = writes / seconds;
      await ends.target.expectAlike();
      // Samba takes the longer for an add the more entries there are: the bar is what the script did while there were few.
      const afterwards = await ends.target.bareScript(scripted, 'Late');
      console.log(
        `directory: ${writes} writes in ${seconds.toFixed(1)} s, ${speed.toFixed(0)}/s; a bare script adds ${addsPerSecond.toFixed(0)}/s before and ${afterwards.toFixed(0)}/s after; ${(speed / addsPerSecond).toFixed(2)} × and ${(speed / afterwards).toFixed(2)} ×`,
      );
      // With few people the reading of both forests is most of the time, so small runs only print the figure.
      if (size.users >= 5000)
        ok(speed >= 0.7 * addsPerSecond, `${(speed / addsPerSecond).toFixed(2)} × the speed of a bare script`);
    });
    await project.settle();
    await context.check('everybody is there, once, and groups have their members', () => expectInStep(ends));
    await context.check('an idle pass makes no writes and one search a side', async () => {
      const [summary] = await project.sync();
      equal(summary?.writes, 0);
      equal(summary?.searches, 2);
    });

    const pick = picker(7);
    await context.check(`${size.changes} changes on both sides are carried over`, async () => {
      for (let n = 0; n < size.changes; n++) await (both[n % 2] ?? ends.source).change(pick, n);
      await project.settle();
      await expectInStep(ends);
    });

    await context.check(`killed ${size.kills} times while it writes, it finishes`, async () => {
      const busy = async (n: number) => {
        for (let m = 0; m < 40; m++) await (both[m % 2] ?? ends.source).change(pick, 10_000 + n * 40 + m);
        await ends.source.person(`Killed ${n}`);
      };
      const written = async () =>
        (await Promise.all(both.map((side) => side.highestChange()))).reduce((sum, usn) => sum + usn, 0);
      // What a dead process had taken is given to the next one after a minute, for which nobody waits here.
      const later = (n: number) => project.clockOff(n * 2);
      let midway = 0;
      for (let n = 1; n <= size.kills; n++) {
        await busy(n);
        const before = await written();
        const program = project.start(['directory', 'sync', '--json'], later(n));
        // Every fifth one while it starts or reads, the others after so many writes.
        if (n % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 200 + pick(1000)));
        else while (!program.ended() && (await written()) < before + 1 + ((n * 37) % 61));
        const hadEnded = program.ended();
        await program.stop();
        if (!hadEnded && (await written()) > before) midway++;
      }
      console.log(`directory: killed ${size.kills} times, ${midway} of these after a first and before the last write`);
      ok(midway >= size.kills / 2, 'too few were killed between two writes');
      await project.settle(8, later(size.kills + 1));
      await expectInStep(ends);
      const [summary] = await project.sync(later(size.kills + 2));
      equal(summary?.writes, 0);
      const open = (await project.journal()).filter(({ outcome }) => outcome === 'open');
      equal(open.length, 0, 'entries of the journal that nobody settled');
    });
    await context.check('nothing outside of the scope was touched', async () => {
      for (const [at, side] of both.entries()) equal(await side.outside(), outside[at]);
    });
  } finally {
    for (const side of both) await side.close();
  }
}

const syncOf = ({ source, target }: PeerForests): string => `
scope:
  source: { under: ['OU=Sync,${source.base}'] }
  target: { under: ['OU=Sync,${target.base}'] }
into: { source: 'OU=Made,OU=Sync,${source.base}', target: 'OU=Made,OU=Sync,${target.base}' }
maxDelete: { share: 50% }
`;

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

class Side {
  readonly forest: PeerForest;
  readonly #end: ForestEnd;
  readonly #people: string;
  #made: string[] = [];
  #groups: string[] = [];

  private constructor(end: ForestEnd) {
    this.#end = end;
    this.forest = end.forest;
    this.#people = end.at('OU=People', 'OU=Sync');
  }

  static async open(forest: PeerForest): Promise<Side> {
    return new Side(await ForestEnd.open(forest));
  }

  close(): Promise<void> {
    return this.#end.close();
  }

  async prepare(): Promise<void> {
    const end = this.#end;
    for (const top of ['OU=Sync', 'OU=Bare']) await end.removeTree(end.at(top));
    await end.units(end.at('OU=Sync'), this.#people, end.at('OU=Made', 'OU=Sync'), end.at('OU=Bare'));
  }

  async person(name: string): Promise<void> {
    this.#made.push(await this.#end.mailbox(this.#people, name));
  }

  async populate({ users, groups, contacts }: Pick<SyncSize, 'users' | 'groups' | 'contacts'>): Promise<void> {
    const word = this.#word;
    for (let n = 0; n < users; n++) await this.person(`Person ${n} of ${word}`);
    for (let n = 0; n < contacts; n++) {
      const alias = `contact${n}of${word}`;
      await this.#end.add(`CN=Contact ${n} of ${word},${this.#people}`, {
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
      const members = Array.from(
        { length: Math.min(MEMBERS, users) },
        (_, m) => this.#made[(n * MEMBERS + m) % users] ?? '',
      );
      this.#groups.push(await this.#end.group(this.#people, `Group ${n} of ${word}`, [...new Set(members)]));
    }
  }

  get #word(): string {
    return this.forest.domain.split('.')[0] ?? '';
  }

  /**
   * Adds mail users as a short script would, one after the other: with the values that a sync gives to those that stand for somebody
   * (`expectAlike`), which are ready beforehand. @returns how many a second.
   */
  async bareScript(count: number, name = 'Bare'): Promise<number> {
    const entries = Array.from({ length: count }, (_, n) => {
      const account = accountOf(this.forest.domain, `${name} ${n}`);
      const address = `${name}${n}@elsewhere.example`.toLowerCase();
      const legacyDn = `/o=${this.forest.domain} Organization/cn=Recipients/cn=`;
      return {
        ...account,
        userAccountControl: '514',
        mail: address,
        targetAddress: `SMTP:${address}`,
        proxyAddresses: [`SMTP:${address}`, `x500:/o=elsewhere.example/ou=Exchange/cn=Recipients/cn=${name}${n}`],
        legacyExchangeDN: `${legacyDn}${String(n).padStart(32, '0')}-${name}${n}`,
        adminDescription: `script:main:${randomUUID()}`,
        msExchRecipientTypeDetails: '128',
        msExchRecipientDisplayType: '6',
        msExchPoliciesExcluded: '{26491cfc-9e50-4857-861b-0cb8df22b5d7}',
      };
    });
    const began = performance.now();
    for (const [n, values] of entries.entries())
      await this.#end.add(this.#end.at(`CN=${name} ${n}`, 'OU=Bare'), values);
    return count / ((performance.now() - began) / 1000);
  }

  /** That the script adds what the sync adds: the same attributes, with as many values. */
  async expectAlike(): Promise<void> {
    const [bare] = await this.#end.search(this.#end.at('OU=Bare'), '(cn=Bare 0)', ['*']);
    const [shadow] = await this.#end.search(
      this.#end.at('OU=Made', 'OU=Sync'),
      '(&(objectClass=user)(targetAddress=*))',
      ['*'],
    );
    const shapeOf = (entry: Entry | undefined) =>
      Object.entries(entry ?? {})
        // Who is in a group is written to the group.
        .filter(([attribute]) => attribute !== 'memberOf')
        .map(([attribute, values]) => `${attribute} ${[values].flat().length}`)
        .sort()
        .join(', ');
    equal(shapeOf(bare), shapeOf(shadow));
  }

  /** What somebody does in a directory. */
  async change(pick: (below: number) => number, n: number): Promise<void> {
    const at = pick(this.#made.length);
    const dn = this.#made[at] ?? '';
    switch (pick(6)) {
      case 0:
      case 1:
        return this.#end.set(dn, { telephoneNumber: `+43 ${n}` });
      case 2:
        return this.#end.set(dn, { department: `Department ${n % 7}` });
      case 3: {
        const name = `Renamed ${n} of ${this.#word}`;
        this.#made[at] = `CN=${name},${this.#people}`;
        return this.#end.rename(dn, this.#made[at] ?? '');
      }
      case 4:
        // A member of it already, perhaps.
        return this.#end.gain(this.#groups[pick(this.#groups.length)] ?? '', 'member', [dn]).catch(() => {});
      default:
        return this.person(`New ${n} of ${this.#word}`);
    }
  }

  /** Number of the last change of the database. */
  async highestChange(): Promise<number> {
    const [root] = await this.#end.search('', '(objectClass=*)', ['highestCommittedUSN'], 'base');
    return Number(one(root, 'highestCommittedUSN'));
  }

  entries(ou: string): Promise<readonly Entry[]> {
    const attributes = ['displayName', 'mail', 'targetAddress', 'telephoneNumber', 'department', 'member'];
    return this.#end.search(this.#end.at(ou, 'OU=Sync'), '(objectClass=*)', [...attributes, 'adminDescription'], 'one');
  }

  /** Change numbers of everything else that mail knows of. */
  async outside(): Promise<string> {
    const entries = await this.#end.search(
      this.forest.base,
      '(|(objectClass=user)(objectClass=contact)(objectClass=group))',
      ['whenCreated', 'proxyAddresses', 'displayName', 'description'],
    );
    return entries
      .filter(({ dn }) => !/,OU=(Sync|Bare),/i.test(dn))
      .map((entry) => JSON.stringify(entry))
      .sort()
      .join('\n');
  }
}
