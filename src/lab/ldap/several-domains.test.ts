import { Attribute, Change, type Client } from 'ldapts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { groupScopes, type Held } from '../world/directory/controller.ts';
import { guidBytes } from '../world/directory/dn.ts';
import { integer, octets, sequence } from './ber.ts';
import { controlOids } from './controls.ts';
import { LdapBench, present, RawClient } from './ldap.fixture.ts';

const [root, child, other] = ['DC=source,DC=test', 'DC=child,DC=source,DC=test', 'DC=other,DC=test'] as const;

let bench: LdapBench;
beforeEach(async () => {
  bench = await LdapBench.start({
    mailboxes: 12,
    directory: { otherDomains: ['child.source.test', 'other.test'] },
  });
});
afterEach(async () => {
  expect(bench.lab.failures).toEqual([]);
  await bench.close();
});

const domain = (dn: string) =>
  must(
    bench.forest.domains.find((one) => one.dn === dn),
    `the domain ${dn}`,
  );
/** Signed in at the first controller of a domain, or at the port of the catalogue. */
async function at(dn: string | 'catalogue'): Promise<Client> {
  const { catalogue, domains, user, password } = bench.at;
  const url = dn === 'catalogue' ? catalogue : domains.find(({ base }) => base === dn)?.urls[0];
  const client = bench.open(must(url, 'a controller'));
  await client.bind(user, password);
  return client;
}
const count = async (client: Client, base: string, filter: string): Promise<number> =>
  (await client.search(base, { filter, attributes: ['1.1'], paged: true })).searchEntries.length;
async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    const { code, message } = error as { readonly code: number; readonly message: string };
    return `${code} ${message.split(' Code: ')[0]?.replaceAll(/\s+/g, ' ') ?? ''}`;
  }
  return 'done';
}
const add = (dn: string, values: Readonly<Record<string, string>>): Held => {
  const one = must(
    bench.forest.domains.find(
      (each) => dn.endsWith(each.dn) && each.first.find(dn.slice(dn.indexOf(',') + 1)) !== null,
    ),
    'a domain',
  );
  const given = Object.entries(values).map(([name, value]) => [name, [Buffer.from(value)]] as const);
  return { at: one.first, entry: one.first.add(bench.forest.system, dn, new Map(given)) };
};
const user = (name: string, dn: string) =>
  add(`CN=${name},OU=Other forest,${dn}`, { objectClass: 'user', sAMAccountName: name });

describe('a forest of several domains', () => {
  test('each controller says what it holds, and the configuration names all', async () => {
    for (const dn of [root, child, other]) {
      const client = await at(dn);
      const [dse] = (await client.search('', { scope: 'base' })).searchEntries;
      expect(dse).toMatchObject({ defaultNamingContext: dn, rootDomainNamingContext: root });
      expect(dse?.['namingContexts']).toEqual([dn, `CN=Configuration,${root}`, `CN=Schema,CN=Configuration,${root}`]);
      const { searchEntries } = await client.search(`CN=Partitions,CN=Configuration,${root}`, {
        filter: '(systemFlags:1.2.840.113556.1.4.803:=2)',
        attributes: ['nCName', 'dnsRoot', 'trustParent', 'rootTrust', 'systemFlags'],
      });
      const partitions = `CN=Partitions,CN=Configuration,${root}`;
      expect(searchEntries).toMatchObject([
        { nCName: root, dnsRoot: 'source.test', systemFlags: '3' },
        { nCName: child, dnsRoot: 'child.source.test', trustParent: `CN=SOURCE,${partitions}` },
        { nCName: other, dnsRoot: 'other.test', rootTrust: `CN=SOURCE,${partitions}` },
      ]);
      const [service] = (
        await client.search(String(dse?.['dsServiceName']), { scope: 'base', attributes: ['hasMasterNCs', 'options'] })
      ).searchEntries;
      expect(service).toMatchObject({ options: '1', hasMasterNCs: dse?.['namingContexts'] });
    }
    expect(bench.at.domains.map(({ name }) => name)).toEqual(['source.test', 'child.source.test', 'other.test']);
    expect(bench.at.urls).toHaveLength(6);
  });

  test('people are spread over the domains; a controller has its own and refers to the others', async () => {
    for (const dn of [root, child, other]) {
      const client = await at(dn);
      expect(await count(client, dn, '(&(homeMDB=*)(userAccountControl=512))')).toBe(4);
    }
    const client = await at(root);
    expect(await refusal(client.search(child))).toMatch(
      /^10 0000202B: RefErr: DSID-\w+, data 0, 1 access points ref 1: 'child\.source\.test'/,
    );
    expect(await refusal(client.search(`OU=x,${other}`))).toMatch(/^10 .*'other\.test'/);
    expect(await refusal(client.del(`CN=nobody,${child}`))).toMatch(/^10 /);
    expect(await refusal(client.search('DC=of-another,DC=forest'))).toMatch(/^10 .*'of-another\.forest'/);
    expect(await refusal(client.search('O=nobody'))).toMatch(/^32 /);
    const { searchReferences } = await client.search(root, { filter: '(objectClass=domainDNS)' });
    expect(searchReferences).toEqual([
      `ldap://child.source.test/${child}`,
      `ldap://source.test/CN=Configuration,${root}`,
    ]);
    const below = await (await at(child)).search(child, { filter: '(objectClass=domainDNS)' });
    expect(below.searchReferences).toEqual([]);
  });

  test('DirSync is of one naming context, and its cookie of one controller', async () => {
    const { users } = {
      users: await Promise.all(
        [root, child].map((dn) => RawClient.open(bench, undefined, undefined, dn === root ? 0 : 2)),
      ),
    };
    const [atRoot, atChild] = users as [RawClient, RawClient];
    const dirSync = (client: RawClient, base: string, cookie = Buffer.alloc(0)) =>
      client.search(base, present('sAMAccountName'), [
        { oid: controlOids.dirSync, value: sequence(integer(0), integer(0), octets(cookie)) },
      ]);
    const whole = await dirSync(atRoot, root);
    expect(whole.entries.every(({ dn }) => !dn.endsWith(child))).toBe(true);
    expect((await dirSync(atRoot, child)).code).toBe(10);
    expect((await dirSync(atChild, child)).entries.length).toBeGreaterThan(4);
    for (const client of users) client.close();
  });

  test('accounts of the first domain sign in at all, by name; by DN only where it is', async () => {
    const { user: name, password } = bench.at;
    const client = bench.open(must(bench.at.domains[1]?.urls[0], 'a controller'));
    await client.bind(name, password);
    await client.bind('SOURCE\\migration', password);
    expect(await refusal(client.bind(`CN=Migration,CN=Users,${root}`, password))).toMatch(/^49 /);
    expect(await refusal(client.bind('CHILD\\migration', password))).toMatch(/^49 /);
    const person = must(
      bench.lab.organization('source').world.mailboxes.find(({ index }) => index % 3 === 1),
      'somebody of the child',
    );
    for (const dn of [root, child]) {
      const anybody = bench.open(must(bench.at.domains.find(({ base }) => base === dn)?.urls[0], 'a controller'));
      await anybody.bind(person.user, person.password);
    }
  });

  test('what a group, a manager or a filter names may lie in another domain, and follows', async () => {
    const far = user('far', child);
    const manager = user('manager', other);
    const client = await at(root);
    const group = `CN=G,OU=Other forest,${root}`;
    await client.add(group, {
      objectClass: 'group',
      sAMAccountName: 'G',
      groupType: String(groupScopes.universal),
      member: `CN=far,OU=Other forest,${child}`,
      managedBy: `CN=manager,OU=Other forest,${other}`,
    });
    expect(await count(client, root, `(member=CN=far,OU=Other forest,${child})`)).toBe(1);
    // Whose members it is in is told by the controller that holds the group only.
    expect(far.at.read(far.entry, 'memberof')).toEqual([]);
    far.at.rename(bench.forest.system, far.at.dnOf(far.entry), 'CN=farther', null);
    const shown = async () => (await client.search(group, { scope: 'base' })).searchEntries[0];
    expect((await shown())?.['member']).toBe(`CN=farther,OU=Other forest,${child}`);
    manager.at.remove(bench.forest.system, manager.at.dnOf(manager.entry));
    expect((await shown())?.['managedBy']).toBeUndefined();
    const member = (dn: string) =>
      new Change({ operation: 'add', modification: new Attribute({ type: 'member', values: [dn] }) });
    expect(await refusal(client.modify(group, member(`CN=nobody,${child}`)))).toMatch(/^32 /);
    for (const [scope, code] of [
      [groupScopes.global, '53 00002147'],
      [groupScopes.local, 'done'],
    ] as const) {
      const dn = `CN=S${scope},OU=Other forest,${root}`;
      await client.add(dn, { objectClass: 'group', sAMAccountName: `S${scope}`, groupType: String(scope) });
      expect(await refusal(client.modify(dn, member(`CN=farther,OU=Other forest,${child}`)))).toContain(code);
    }
  });

  test('account names are taken in a domain, user principal names in the forest', async () => {
    const client = await at(child);
    user('twice', root);
    await client.add(`CN=twice,OU=Other forest,${child}`, { objectClass: 'user', sAMAccountName: 'twice' });
    const upn = (name: string) =>
      new Change({ operation: 'replace', modification: new Attribute({ type: 'userPrincipalName', values: [name] }) });
    expect(await refusal(client.modify(`CN=twice,OU=Other forest,${child}`, upn(bench.at.user)))).toMatch(
      /^19 000021C8/,
    );
  });
});

describe('the global catalogue', () => {
  test('has all domains with a part of the attributes, and takes no writes', async () => {
    const client = await at('catalogue');
    expect(await count(client, '', '(&(homeMDB=*)(userAccountControl=512))')).toBe(12);
    expect(await count(client, root, '(&(homeMDB=*)(userAccountControl=512))')).toBe(8);
    expect(await count(client, other, '(&(homeMDB=*)(userAccountControl=512))')).toBe(4);
    expect(await count(client, '', '(objectClass=crossRef)')).toBe(5);
    const [person] = (await client.search(child, { filter: '(homeMDB=*)', attributes: ['mail', 'employeeID'] }))
      .searchEntries;
    expect(person?.['mail']).toContain('@source.test');
    expect(person?.['employeeID']).toEqual([]);
    // What it has not is as unknown as what the schema lacks.
    expect(await count(client, '', '(employeeID=*)')).toBe(0);
    expect(await count(client, '', '(!(employeeID=1))')).toBe(0);
    expect(await refusal(client.search('DC=nowhere'))).toMatch(/^32 /);
    expect(await refusal(client.del(`OU=Other forest,${root}`))).toMatch(
      /^53 00002035: LdapErr: .*Operation not allowed through GC port/,
    );
    const schema = await client.search(`CN=Schema,CN=Configuration,${root}`, {
      filter: '(|(lDAPDisplayName=mail)(lDAPDisplayName=employeeID))',
    });
    expect(schema.searchEntries).toHaveLength(0);
    const marks = await (await at(child)).search(`CN=Schema,CN=Configuration,${root}`, {
      filter: '(|(lDAPDisplayName=mail)(lDAPDisplayName=employeeID))',
      attributes: ['lDAPDisplayName', 'isMemberOfPartialAttributeSet'],
    });
    expect(marks.searchEntries.map((one) => one['isMemberOfPartialAttributeSet']).sort()).toEqual([[], 'TRUE'].sort());
  });

  test('hears of other domains by replication', async () => {
    bench.forest.replicationDelayMs = 86_400_000;
    user('new', child);
    user('own', root);
    const client = await at('catalogue');
    expect(await count(client, '', '(sAMAccountName=own)')).toBe(1);
    expect(await count(client, '', '(sAMAccountName=new)')).toBe(0);
    expect(await count(await at(child), child, '(sAMAccountName=new)')).toBe(1);
  });
});

describe('a move between domains', () => {
  const sidOf = ({ at: holder, entry }: Held) => (holder.read(entry, 'objectsid')[0] as Buffer).toString('hex');

  test.each([
    'proxy',
    'tombstone',
  ] as const)('keeps GUID and values, and gives a SID of the new domain (%s)', async (trace) => {
    bench.forest.moveTrace = trace;
    const before = user('mover', child);
    before.at.put(before.entry, { displayName: ['Mover'], manager: [user('boss', other).entry.guid] });
    const group = add(`CN=U,OU=Other forest,${root}`, { objectClass: 'group', sAMAccountName: 'U', groupType: '8' });
    group.at.put(group.entry, { member: [before.entry.guid] });
    const sid = sidOf(before);
    const { first, second } = domain(child);
    const usn = first.usn;
    const after = bench.forest.move(
      bench.forest.system,
      `CN=mover,OU=Other forest,${child}`,
      `OU=Other forest,${root}`,
    );
    expect(after.entry.guid).toBe(before.entry.guid);
    expect(after.at.dnOf(after.entry)).toBe(`CN=mover,OU=Other forest,${root}`);
    expect(after.at.text(after.entry, 'displayName')).toBe('Mover');
    expect(sidOf(after)).not.toBe(sid);
    expect(after.at.read(after.entry, 'sidhistory').map((one) => (one as Buffer).toString('hex'))).toEqual([sid]);
    const client = await at(root);
    const [shown] = (await client.search(`CN=U,OU=Other forest,${root}`, { scope: 'base' })).searchEntries;
    expect(shown?.['member']).toBe(`CN=mover,OU=Other forest,${root}`);
    expect(after.at.read(after.entry, 'memberof')).toEqual([group.entry.guid]);
    // In the old domain it is gone on both controllers.
    for (const old of [first, second]) {
      const left = old.byGuid(before.entry.guid);
      expect(left?.isDeleted ?? true).toBe(true);
      expect(left === null).toBe(trace === 'proxy');
      expect(old.having('sAMAccountName', 'mover')).toEqual([]);
    }
    const told = [...first.entries()].filter(({ usnChanged }) => usnChanged > usn);
    expect(told.map((one) => String(first.read(one, 'objectclass').at(-1)))).toEqual([
      trace === 'proxy' ? 'infrastructureUpdate' : 'user',
    ]);
    const raw = await RawClient.open(bench, undefined, undefined, 2);
    const names = async (form: readonly Buffer[]) =>
      (
        await raw.search(
          `CN=Deleted Objects,${child}`,
          present('proxiedObjectName'),
          [
            { oid: controlOids.showDeleted },
            form.length === 0
              ? { oid: controlOids.extendedDn }
              : { oid: controlOids.extendedDn, value: sequence(...form) },
          ],
          ['proxiedObjectName'],
        )
      ).entries.map(({ attributes }) => attributes.get('proxiedObjectName')?.[0]);
    const { guid } = before.entry;
    const named = `CN=mover,OU=Other forest,${root}`;
    if (trace === 'proxy') {
      expect(await names([])).toEqual([
        `B:16:0000000000000000:<GUID=${guidBytes(guid).toString('hex')}>;<SID=${sidOf(after)}>;${named}`,
      ]);
      expect(await names([integer(1)])).toEqual([
        expect.stringMatching(new RegExp(`^B:16:0{16}:<GUID=${guid}>;<SID=S-1-5-21-[0-9-]+>;${named}$`)),
      ]);
    } else expect(await names([])).toEqual([]);
    raw.close();
    // And back again.
    const back = bench.forest.move(bench.forest.system, `CN=mover,OU=Other forest,${root}`, `OU=Other forest,${child}`);
    expect(back.entry.guid).toBe(before.entry.guid);
    expect(domain(child).second.find(`CN=mover,OU=Other forest,${child}`)?.guid).toBe(before.entry.guid);
  });

  test('is refused for who is in a global group, for a name that is taken, and for what has something below', () => {
    const { forest } = bench;
    const to = `OU=Other forest,${root}`;
    const member = user('member', child);
    const group = add(`CN=Global,OU=Other forest,${child}`, {
      objectClass: 'group',
      groupType: '2',
      sAMAccountName: 'Gl',
    });
    group.at.put(group.entry, { member: [member.entry.guid] });
    const move =
      (dn: string, parent = to) =>
      () =>
        forest.move(forest.system, dn, parent);
    expect(move(`CN=member,OU=Other forest,${child}`)).toThrow('0000212D');
    expect(move(`CN=Global,OU=Other forest,${child}`)).toThrow('00002132');
    user('same', child);
    user('same', root);
    expect(move(`CN=same,OU=Other forest,${child}`)).toThrow('00002071');
    expect(move(`OU=Other forest,${child}`)).toThrow('00002086');
    expect(move(`CN=same,OU=Other forest,${child}`, `OU=Groups,${child}`)).toThrow('00002086');
    expect(move(`CN=nobody,${child}`)).toThrow('0000208D');
  });

  test('over LDAP is refused without its control, which nobody has here', async () => {
    user('stays', child);
    const client = await at(child);
    expect(
      await refusal(client.modifyDN(`CN=stays,OU=Other forest,${child}`, `CN=stays,OU=Other forest,${root}`)),
    ).toMatch(/^71 00002093/);
  });
});

test('a domain that is taken out of the forest is in no list any more', async () => {
  bench.forest.removeDomain('other.test');
  const client = await at(root);
  const configuration = `CN=Configuration,${root}`;
  expect(await count(client, configuration, '(&(objectClass=crossRef)(systemFlags=3))')).toBe(2);
  expect(await count(client, configuration, '(objectClass=nTDSDSA)')).toBe(4);
  expect(await count(await at('catalogue'), '', '(&(homeMDB=*)(userAccountControl=512))')).toBe(8);
});
