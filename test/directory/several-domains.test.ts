import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exitCodes } from '#cli/exit-codes.ts';
import { must } from '#kit/assert.ts';
import { seededRandom } from '#kit/random.ts';
import type { Held } from '#lab/world/directory/controller.ts';
import type { MoveTrace } from '#lab/world/directory/forest.ts';
import { LabProject } from './lab-project.fixture.ts';

const people = 12;
/** Of these, so many have no mailbox on the target. */
const without = 6;
const roots = ['DC=source,DC=test', 'DC=child,DC=source,DC=test', 'DC=other,DC=test'] as const;
const [root, child, other] = roots;
/** A search of each domain of the source, and one of the target. */
const idleSearches = roots.length + 1;

let at: LabProject;
beforeEach(async () => {
  at = await LabProject.open({
    people,
    targets: people - without,
    source: { version: '2016', directory: { otherDomains: ['child.source.test', 'other.test'], contacts: 3 } },
    target: { directory: { groups: 2, contacts: 0 } },
  });
  const under = [...roots.flatMap((dn) => ['People', 'Groups', 'Contacts'].map((ou) => `OU=${ou},${dn}`)), into];
  const target = ['People', 'Groups', 'Contacts', 'Other forest'].map((ou) => `OU=${ou},${at.base('target')}`);
  const list = (dns: readonly string[]) => `[${dns.map((dn) => `'${dn}'`).join(', ')}]`;
  writeFileSync(
    at.file,
    readFileSync(at.file, 'utf8').replace(
      /^directory:[\s\S]*$/m,
      `directory:
  main:
    source: source
    target: target
    scope: { source: { under: ${list(under)} }, target: { under: ${list(target)} } }
    into: { source: '${into}', target: 'OU=Other forest,${at.base('target')}' }
    match: [sAMAccountName]
    maxDelete: { share: 0%, atLeast: 1 }
`,
    ),
  );
});
afterEach(() => at.close());
/** Who is on the target only is made in the child domain. */
const into = `OU=Other forest,${child}`;

const source = () => at.organization('source').forest;
const target = () => at.organization('target').forest;
/** Where an object of the source is, by its GUID. */
function held(guid: string): Held {
  for (const { first } of source().domains) {
    const entry = first.byGuid(guid);
    if (entry !== null && !entry.isDeleted) return { at: first, entry };
  }
  throw new Error(`there is no ${guid}`);
}
const dn = (guid: string) => held(guid).at.dnOf(held(guid).entry);
/** People of the source, by GUID. */
const staff = () =>
  source().domains.flatMap(({ first }) =>
    [...first.entries()].flatMap((entry) =>
      !entry.isDeleted && first.dnOf(entry).includes(',OU=People,') && first.text(entry, 'mail') !== null
        ? [entry.guid]
        : [],
    ),
  );
/** The object of the target that stands for somebody: it has their legacyExchangeDN among its addresses. */
const shadows = (guid: string) => {
  const { at: holder, entry } = held(guid);
  const legacy = must(holder.text(entry, 'legacyExchangeDN'), 'a legacyExchangeDN');
  return target().first.having('proxyAddresses', `X500:${legacy}`);
};
const shadow = (guid: string) => {
  const all = shadows(guid);
  expect(all, dn(guid)).toHaveLength(1);
  return must(all[0], 'one');
};
const move = (guid: string, to: string) =>
  source().move(source().system, dn(guid), to === child ? `OU=Berlin,OU=People,${child}` : `OU=Berlin,OU=People,${to}`);
const domainOf = (guid: string) =>
  must(
    roots.toSorted((a, b) => b.length - a.length).find((one) => dn(guid).endsWith(one)),
    'a domain',
  );

async function sync(...args: string[]) {
  const { code, out, err } = await at.run('directory', 'sync', ...args, '--json');
  expect(code, `${out}${err}`).toBe(exitCodes.ok);
  return out.split('\n').flatMap((line): Record<string, unknown>[] => (line === '' ? [] : [JSON.parse(line)]));
}
/** Until a pass writes nothing. @returns its line */
async function settle(): Promise<Record<string, unknown>> {
  for (let n = 0; n < 8; n++) {
    const lines = await sync();
    const last = must(lines.at(-1), 'a pass');
    if (lines.length === 1 && last['writes'] === 0) return last;
  }
  throw new Error('the sync never comes to rest');
}

describe('causeway directory from a forest of three domains into one of one', () => {
  test('plan, first sync, changes of both sides with moves between domains, and rest', async () => {
    const planned = await at.lines('directory', 'plan');
    expect(planned.code).toBe(exitCodes.ok);
    expect(planned.lines.at(-1)).toMatchObject({ removals: 0, held: 0 });
    const first = await sync();
    expect(first[0]).toMatchObject({ refused: 0, held: 0 });
    const everybody = staff();
    expect(everybody).toHaveLength(people);
    expect(new Set(everybody.map(domainOf)).size).toBe(3);
    const standIns = new Map(everybody.map((guid) => [guid, shadow(guid).guid]));
    // A group of one domain with members of all has them on the target too.
    const everybodys = must(source().held(`CN=Everybody,OU=Groups,${root}`), 'a group');
    everybodys.at.put(everybodys.entry, { member: everybody });
    await settle();
    const group = must(
      target().first.find(`CN=Everybody,OU=Other forest,${at.base('target')}`) ??
        target().first.find(`CN=Everybody,OU=Groups,${at.base('target')}`),
      'the group',
    );
    expect([...target().first.read(group, 'member')].sort()).toEqual(
      expect.arrayContaining([...standIns.values()].sort()),
    );
    expect(await settle()).toMatchObject({ writes: 0, searches: idleSearches });

    const random = seededRandom('three domains into one');
    const pick = <T>(list: readonly T[]): T => must(list[random.int(list.length)], 'one of them');
    for (let round = 0; round < 3; round++) {
      source().moveTrace = pick<MoveTrace>(['proxy', 'tombstone']);
      for (let n = 0; n < 5; n++) {
        const guid = pick(everybody);
        const title = [`Title ${random.int(1e6)}`];
        switch (pick(['move', 'move', 'rename', 'change', 'answer'] as const)) {
          case 'move':
            move(guid, pick(roots.filter((one) => one !== domainOf(guid))));
            break;
          case 'rename':
            held(guid).at.rename(source().system, dn(guid), `CN=Renamed ${random.int(1e6)}`, null);
            break;
          case 'change':
            held(guid).at.put(held(guid).entry, { title });
            break;
          case 'answer':
            target().first.put(shadow(guid), { department: [`Department ${random.int(1e6)}`] });
        }
      }
      await settle();
      for (const guid of everybody) {
        const one = held(guid);
        const standIn = shadow(guid);
        // The same as ever: nobody was removed and made again.
        expect(standIn.guid, dn(guid)).toBe(standIns.get(guid));
        for (const name of ['title', 'department'])
          expect(target().first.texts(standIn, name), `${name} of ${dn(guid)}`).toEqual(one.at.texts(one.entry, name));
      }
    }
    expect(await settle()).toMatchObject({ writes: 0, searches: idleSearches });
    expect((await at.lines('directory', 'status')).lines[0]).toMatchObject({ waiting: [] });
    const { lines } = await at.lines('directory', 'journal', 'list', '--limit', '1000');
    expect(lines.filter(({ action }) => action === 'remove')).toEqual([]);
  }, 120_000);

  test.each(['proxy', 'tombstone'] as const)('a move at any time of a pass is a move (%s)', async (trace) => {
    source().moveTrace = trace;
    await settle();
    const [mover = ''] = staff();
    const standIn = shadow(mover).guid;
    const strike = at.lab.faults.strike.bind(at.lab.faults);
    let left = Number.POSITIVE_INFINITY;
    let passed = 0;
    at.lab.faults.strike = (point, occasion) => {
      // Asked once an operation.
      if (point === 'slow' && occasion.organization === 'source' && occasion.operation === 'LdapSearch') {
        passed++;
        if (--left === 0) move(mover, domainOf(mover) === root ? child : root);
      }
      return strike(point, occasion);
    };
    for (const args of [[], ['--all']]) {
      passed = 0;
      await sync(...args);
      const searches = passed;
      // Some of the moments in each of the four runs, others in each.
      for (let n = 1 + (trace === 'proxy' ? 0 : 3); n <= searches; n += 9) {
        const before = domainOf(mover);
        left = n;
        held(mover).at.put(held(mover).entry, { title: [`Title ${n}`] });
        await sync(...args);
        left = Number.POSITIVE_INFINITY;
        expect(domainOf(mover), `search ${n}`).not.toBe(before);
        await settle();
        expect(shadow(mover).guid, `search ${n} of ${searches}`).toBe(standIn);
        expect(target().first.text(shadow(mover), 'title')).toBe(`Title ${n}`);
      }
    }
    const { lines } = await at.lines('directory', 'journal', 'list', '--limit', '1000');
    expect(lines.filter(({ action }) => action === 'remove')).toEqual([]);
  }, 240_000);

  test('a domain whose controllers are gone stops the pass with its name, and nothing is written', async () => {
    await settle();
    const text = readFileSync(at.file, 'utf8');
    const gone = source().domains.findIndex(({ dn: one }) => one === other);
    const { urls } = must(at.addresses('source').domains[gone], 'a domain');
    writeFileSync(
      at.file,
      urls.reduce((all, url) => all.replace(url, 'ldaps://127.0.0.1:9'), text),
    );
    const [guid = ''] = staff().filter((one) => domainOf(one) === root);
    held(guid).at.put(held(guid).entry, { title: ['Nobody hears'] });
    const stopped = await at.run('directory', 'sync');
    expect(stopped.code).toBe(exitCodes.stopped);
    expect(stopped.err).toContain('the domain other.test: ');
    expect(target().first.text(shadow(guid), 'title')).not.toBe('Nobody hears');
    writeFileSync(at.file, text);
    await settle();
    expect(target().first.text(shadow(guid), 'title')).toBe('Nobody hears');
  });

  test('a domain that is taken out of the forest: nothing is done until it is confirmed, and removals are held by maxDelete', async () => {
    await settle();
    const standIns = staff().flatMap((guid) => (domainOf(guid) === other ? [shadow(guid)] : []));
    source().removeDomain('other.test');
    const refused = await at.run('directory', 'sync');
    expect(refused.code).toBe(exitCodes.usage);
    expect(refused.err).toContain('lies in no domain of this forest: correct the scope of the directory sync');
    const text = readFileSync(at.file, 'utf8');
    writeFileSync(at.file, text.replaceAll(/, 'OU=\w+,DC=other,DC=test'/g, ''));
    // What was read from its controllers nobody has heard of.
    const waiting = await at.run('directory', 'sync');
    expect(waiting.code).toBe(exitCodes.stopped);
    expect(waiting.err).toMatch(/has not heard yet of \d+ of \d+ objects.*directory sync --all takes for true/);
    expect((await at.run('directory', 'sync', '--all')).code).toBe(exitCodes.partial);
    expect((await at.run('directory', 'sync')).code).toBe(exitCodes.partial);
    const { lastPass, waiting: waits } = (await at.lines('directory', 'status')).lines[0] as never as {
      readonly lastPass: { readonly held: number };
      readonly waiting: readonly { readonly reason: string }[];
    };
    expect(lastPass.held).toBeGreaterThan(1);
    expect(waits.filter(({ reason }) => reason === 'deletes-held')).toHaveLength(lastPass.held);
    // As many as may be removed at most.
    expect(standIns.filter(({ isDeleted }) => isDeleted).length).toBeLessThanOrEqual(1);
  });

  test('the domain in which the account may not replicate is named by plan', async () => {
    const { restrictedUser, restrictedPassword } = source();
    source().setRights({ replicates: [root, other] });
    writeFileSync(join(at.cwd, 'restricted.secret'), restrictedPassword, { mode: 0o600 });
    const text = readFileSync(at.file, 'utf8');
    const admin = at.organization('source').admin.user;
    writeFileSync(
      at.file,
      text.replace(
        `user: "${admin}", password: 'file:source.secret', domains`,
        `user: "${restrictedUser}", password: 'file:restricted.secret', domains`,
      ),
    );
    const { lines } = await at.lines('directory', 'plan');
    expect(lines.filter(({ event }) => event === 'feed')).toEqual([
      { sync: 'main', event: 'feed', side: 'left', by: 'usn', why: expect.stringMatching(/^child\.source\.test: /) },
    ]);
    expect((await at.run('directory', 'plan')).out).toContain(
      'source: changes are asked for by their numbers: child.source.test: the account lacks the right',
    );
  });

  test('one address in two domains is found, and both wait by name', async () => {
    for (const [n, domain] of [root, other].entries()) {
      const { first } = must(
        source().domains.find(({ dn: one }) => one === domain),
        'a domain',
      );
      const values = {
        objectClass: 'contact',
        displayName: `Partner ${n}`,
        mailNickname: `partner${n}`,
        mail: `partner${n}@partner.test`,
        proxyAddresses: `SMTP:partner${n}@partner.test`,
        targetAddress: 'SMTP:both@partner.test',
        legacyExchangeDN: `/o=Source/ou=Exchange/cn=Recipients/cn=partner${n}`,
      };
      const attributes = new Map(Object.entries(values).map(([name, value]) => [name, [Buffer.from(value)]]));
      const made = first.add(source().system, `CN=Partner ${n},OU=Contacts,${domain}`, attributes);
      first.put(made, { proxyAddresses: [values.proxyAddresses, 'smtp:both@partner.test'] });
    }
    await at.lines('directory', 'sync');
    const { waiting } = (await at.lines('directory', 'status')).lines[0] as never as {
      readonly waiting: readonly { readonly reason: string; readonly detail: string }[];
    };
    expect(waiting.map(({ reason, detail }) => `${reason} ${detail.includes('both@partner.test')}`)).toEqual([
      'address-twice true',
      'address-twice true',
    ]);
  });

  test('members of the groups of the scope are found in all domains', async () => {
    const everybody = must(source().held(`CN=Everybody,OU=Groups,${root}`), 'a group');
    const inner = must(
      source().domains[2]?.first.search(source().system, {
        base: `OU=Groups,${other}`,
        scope: 'one',
        filter: { kind: 'present', attribute: 'objectClass' },
      })[0],
      'a group of another domain',
    );
    const [one = '', two = ''] = [root, child].map((domain) => staff().find((guid) => domainOf(guid) === domain) ?? '');
    everybody.at.put(everybody.entry, { member: [two, inner.guid] });
    held(inner.guid).at.put(inner, { member: [one] });
    writeFileSync(
      at.file,
      readFileSync(at.file, 'utf8').replace(
        /source: \{ under: \[[^\]]*\] \}/,
        `source: { memberOf: ['CN=Everybody,OU=Groups,${root}'] }`,
      ),
    );
    await sync();
    expect([one, two].map((guid) => shadows(guid).length)).toEqual([1, 1]);
    // Both, and the group between.
    expect((await at.lines('directory', 'status')).lines[0]).toMatchObject({ linked: 3 });
  });
});
