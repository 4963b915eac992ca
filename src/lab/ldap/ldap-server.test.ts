import { Attribute, Change } from 'ldapts';
import { afterEach, describe, expect, test } from 'vitest';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { BerReader, integer, octets, sequence } from './ber.ts';
import { controlOids } from './controls.ts';
import { LdapBench, present, RawClient } from './ldap.fixture.ts';

let bench: LdapBench;
const start = async (options?: Parameters<typeof LdapBench.start>[0]): Promise<LdapBench> => {
  bench = await LdapBench.start(options);
  return bench;
};
afterEach(async () => {
  expect(bench.lab.failures).toEqual([]);
  await bench.close();
});

/** Result code and the beginning of the diagnostic message that a refusal came with. */
async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    const { code, message } = error as { readonly code: number; readonly message: string };
    return `${code} ${/^[0-9A-F]{8}/.exec(message)?.[0] ?? message}`;
  }
  return 'done';
}
const change = (operation: 'add' | 'delete' | 'replace', type: string, ...values: string[]): Change =>
  new Change({ operation, modification: new Attribute({ type, values }) });
const user = (account: string, more: Record<string, string | string[]> = {}) => ({
  objectClass: ['top', 'user'],
  sAMAccountName: account,
  ...more,
});

describe('signing in', () => {
  test('by user principal name, DN and DOMAIN\\name; not with another password, and not without TLS', async () => {
    const { at } = await start({ mailboxes: 3 });
    const person = bench.lab.organization('source').world.mailboxes[0];
    const client = bench.open();
    for (const name of [at.user, 'SOURCE\\migration', bench.dn('CN=Migration,CN=Users')])
      await client.bind(name, at.password);
    await client.bind(person?.user ?? '', person?.password ?? '');
    expect(await refusal(bench.open().bind(at.user, 'wrong'))).toBe('49 80090308');
    expect(await refusal(bench.open().bind('nobody@source.test', at.password))).toBe('49 80090308');
    const plain = await RawClient.plain(at.startTls);
    expect(await plain.bind(at.user, at.password)).toMatchObject({ code: 8 });
    plain.close();
    const later = bench.open(at.startTls);
    await later.startTLS({ ca: bench.ca });
    await later.bind(at.user, at.password);
    expect((await later.search(at.base, { scope: 'base' })).searchEntries).toHaveLength(1);
  });

  test('who has not signed in reads what the controller says of itself, and nothing else', async () => {
    const { at } = await start({ mailboxes: 1 });
    const client = bench.open();
    const [root] = (await client.search('', { scope: 'base' })).searchEntries;
    expect(root).toMatchObject({
      defaultNamingContext: at.base,
      configurationNamingContext: `CN=Configuration,${at.base}`,
    });
    expect(await refusal(client.search(at.base))).toBe('1 000004DC');
    await client.bind('', '');
    expect(await refusal(client.search(at.base))).toBe('1 000004DC');
  });

  test('a disabled account is refused, over EWS too', async () => {
    await start({ mailboxes: 3 });
    const { world } = bench.lab.organization('source');
    const [person] = world.mailboxes;
    const admin = await bench.admin();
    const dn = bench.dn(`CN=${person?.displayName},OU=Berlin,OU=People`);
    await admin.modify(dn, change('replace', 'userAccountControl', '514'));
    expect(await refusal(bench.open().bind(person?.user ?? '', person?.password ?? ''))).toBe('49 80090308');
    expect(world.authenticate(person?.user ?? '', person?.password ?? '')).toBeNull();
    await admin.modify(dn, change('replace', 'userAccountControl', '512'));
    expect(world.authenticate(person?.user ?? '', person?.password ?? '')).not.toBeNull();
  });
});

describe('searching', () => {
  test('filters of every kind', async () => {
    const { at } = await start();
    const client = await bench.admin();
    const count = async (filter: string): Promise<number> =>
      (await client.search(at.base, { filter, attributes: ['1.1'] })).searchEntries.length;
    expect(await count('(&(objectCategory=person)(objectClass=user)(msExchMailboxGuid=*))')).toBe(33);
    expect(await count('(objectClass=contact)')).toBe(2);
    expect(await count('(mail=ANNA.ADLER@source.test)')).toBe(1);
    expect(await count('(proxyAddresses=smtp:anna.adler@source.test)')).toBe(1);
    expect(await count('(cn=jorg*)')).toBe(await count('(cn=JÖRG*)'));
    expect(await count('(displayName=*adl*)')).toBeGreaterThan(0);
    expect(await count('(userAccountControl:1.2.840.113556.1.4.803:=2)')).toBe(3);
    expect(await count('(groupType:1.2.840.113556.1.4.804:=2147483656)')).toBeGreaterThan(1);
    expect(await count('(&(mail=*)(!(msExchRecipientTypeDetails=1)))')).toBeGreaterThan(3);
    // Three values: what the schema has no word for is neither true nor false.
    expect(await count('(!(nothing=1))')).toBe(0);
    expect(await count('(|(nothing=1)(objectClass=contact))')).toBe(2);
    expect(await count('(anr=anna adl)')).toBe(1);
    const everybody = bench.dn('CN=Everybody,OU=Groups');
    const direct = await count(`(memberOf=${everybody})`);
    expect(await count(`(memberOf:1.2.840.113556.1.4.1941:=${everybody})`)).toBeGreaterThan(direct);
  });

  test('without pages a search ends at 1000 entries; pages go on to the end', async () => {
    const { at } = await start({ mailboxes: 1200 });
    const client = await bench.admin();
    expect(await refusal(client.search(at.base, { filter: '(mail=*)' }))).toMatch(/^4 /);
    const { searchEntries } = await client.search(at.base, {
      filter: '(homeMDB=*)',
      paged: { pageSize: 100 },
      attributes: ['mail'],
    });
    expect(new Set(searchEntries.map(({ dn }) => dn)).size).toBe(1203);
    const references = await client.search(at.base, { filter: '(objectClass=domainDNS)' });
    expect(references.searchReferences).toEqual([`ldap://source.test/CN=Configuration,${at.base}`]);
  });

  test('more than 1500 values are read by ranges', async () => {
    await start({ mailboxes: 1 });
    const { first, system } = bench.forest;
    const group = first.find(bench.dn('CN=Everybody,OU=Groups'));
    const wanted = Array.from(
      { length: 1600 },
      (_, n) =>
        first.add(system, bench.dn(`CN=M${n},OU=Other forest`), new Map([['objectClass', [Buffer.from('contact')]]]))
          .guid,
    );
    if (group === null) throw new Error('there is the group');
    first.put(group, { member: wanted });
    const client = await bench.admin();
    const read = async (attribute: string) => {
      const [entry] = (
        await client.search(bench.dn('CN=Everybody,OU=Groups'), { scope: 'base', attributes: [attribute] })
      ).searchEntries;
      return Object.entries(entry ?? {})
        .filter(([name]) => name !== 'dn')
        .map(([name, values]) => [name, [values].flat().length]);
    };
    expect(await read('member')).toEqual([
      ['member', 0],
      ['member;range=0-1499', 1500],
    ]);
    expect(await read('member;range=1500-*')).toEqual([['member;range=1500-*', 100]]);
    expect(await read('member;range=0-9')).toEqual([['member;range=0-9', 10]]);
  });
});

describe('writing', () => {
  test('what is made has what a server gives it', async () => {
    await start({ mailboxes: 1 });
    const client = await bench.admin();
    const dn = bench.dn('CN=Ünal\\, Emre \\#1,OU=Other forest');
    await client.add(dn, user('uenal', { mail: 'e@target.test' }));
    const [made] = (await client.search(dn, { scope: 'base' })).searchEntries;
    expect(made).toMatchObject({
      cn: 'Ünal, Emre #1',
      objectClass: ['top', 'person', 'organizationalPerson', 'user'],
      userAccountControl: '546',
      sAMAccountType: '805306368',
      distinguishedName: 'CN=Ünal\\, Emre #1,OU=Other forest,DC=source,DC=test',
    });
    expect((made?.['objectGUID'] as Buffer).length).toBe(16);
    expect((made?.['objectSid'] as Buffer).length).toBe(28);
  });

  test.each<[string, (dn: (below: string) => string) => readonly [string, Record<string, string | string[]>]]>([
    ['68 00002071', (dn) => [dn('OU=People'), { objectClass: 'organizationalUnit' }]],
    ['68 00000524', (dn) => [dn('CN=A,OU=Other forest'), user('migration')]],
    ['19 000021C8', (dn) => [dn('CN=A,OU=Other forest'), user('a', { userPrincipalName: 'Migration@source.test' })]],
    ['32 0000208D', (dn) => [dn('CN=A,OU=Nowhere'), user('a')]],
    ['19 00002082', (dn) => [dn('CN=A,OU=Other forest'), user('a', { mailNickname: 'x'.repeat(65) })]],
    ['19 00002081', (dn) => [dn('CN=A,OU=Other forest'), user('a', { mail: ['a@b.test', 'c@d.test'] })]],
    ['21 00000057', (dn) => [dn('CN=A,OU=Other forest'), user('a', { msExchRecipientTypeDetails: 'many' })]],
    ['21 00000057', (dn) => [dn('CN=A,OU=Other forest'), user('a', { mDBUseDefaults: 'yes' })]],
    ['16 00000057', (dn) => [dn('CN=A,OU=Other forest'), user('a', { msExchNonsense: '1' })]],
    ['65 0000207D', (dn) => [dn('CN=A,OU=Other forest'), { objectClass: 'contact', homeMDB: dn('OU=People') }]],
    ['65 00002014', (dn) => [dn('CN=A,OU=Other forest'), { mail: 'a@b.test' }]],
    ['64 00002073', (dn) => [dn('OU=A,OU=Other forest'), user('a')]],
    ['32 0000208D', (dn) => [dn('CN=A,OU=Other forest'), user('a', { manager: dn('CN=Nobody') })]],
    ['19 000020B1', (dn) => [dn('CN=A,OU=Other forest'), user('a', { objectSid: 'x' })]],
    ['19 00000523', (dn) => [dn('CN=A,OU=Other forest'), user('a.name.of.more.than.twenty')]],
    ['34 0000208F', () => ['CN=A,nonsense', user('a')]],
  ])('an add that is refused with %s', async (expected, given) => {
    await start({ mailboxes: 1 });
    const client = await bench.admin();
    const [dn, attributes] = given((below) => bench.dn(below));
    expect(await refusal(client.add(dn, attributes))).toBe(expected);
    expect(bench.forest.first.find(bench.dn('CN=A,OU=Other forest'))).toBeNull();
  });

  test('values are taken away when they are there and added when they are not; all changes or none', async () => {
    await start({ mailboxes: 1 });
    const client = await bench.admin();
    const dn = bench.dn('CN=A,OU=Other forest');
    await client.add(dn, user('a', { proxyAddresses: ['SMTP:a@source.test', 'smtp:b@source.test'] }));
    const values = async () => (await client.search(dn, { scope: 'base' })).searchEntries[0]?.['proxyAddresses'];
    const modify = (...changes: Change[]) => refusal(client.modify(dn, changes));
    expect(await modify(change('delete', 'proxyAddresses', 'smtp:c@source.test'))).toBe('16 00002085');
    expect(await modify(change('add', 'proxyAddresses', 'smtp:A@source.test'))).toBe('20 00002083');
    expect(await modify(change('add', 'mail', 'x@y.test'), change('delete', 'info'))).toBe('16 00002084');
    expect(await modify(change('replace', 'cn', 'B'))).toBe('67 00002016');
    expect(await modify(change('add', 'member', bench.dn('OU=People')))).toBe('65 0000207D');
    expect(await values()).toEqual(['SMTP:a@source.test', 'smtp:b@source.test']);
    expect(
      await modify(
        change('delete', 'proxyAddresses', 'SMTP:a@source.test', 'smtp:b@source.test'),
        change('add', 'proxyAddresses', 'smtp:a@source.test', 'SMTP:b@source.test'),
      ),
    ).toBe('done');
    expect(await values()).toEqual(['smtp:a@source.test', 'SMTP:b@source.test']);
    const group = bench.dn('CN=Everybody,OU=Groups');
    await client.modify(group, change('add', 'member', dn));
    expect(await refusal(client.modify(group, change('add', 'member', dn)))).toBe('68 00000562');
    await client.modify(group, change('delete', 'member', dn));
    expect(await refusal(client.modify(group, change('delete', 'member', dn)))).toBe('53 00000561');
  });

  test('names follow what is renamed and moved, and forget what is deleted', async () => {
    const { at } = await start({ mailboxes: 6 });
    const client = await bench.admin();
    const group = bench.dn('CN=Everybody,OU=Groups');
    const dn = bench.dn('CN=A,OU=Other forest');
    await client.add(dn, user('a'));
    await client.modify(group, change('add', 'member', dn));
    await client.modifyDN(dn, bench.dn('CN=B\\, C,OU=Berlin,OU=People'));
    const members = async () =>
      [(await client.search(group, { scope: 'base' })).searchEntries[0]?.['member'] ?? []].flat();
    expect(await members()).toContain(bench.dn('CN=B\\, C,OU=Berlin,OU=People'));
    expect(
      await refusal(client.modifyDN(bench.dn('CN=Everybody,OU=Groups'), bench.dn('CN=Everybody,OU=Nowhere'))),
    ).toBe('32 0000208D');
    expect(await refusal(client.modifyDN(bench.dn('CN=Production 2,OU=Groups'), group))).toBe('68 00002071');
    expect(await refusal(client.del(bench.dn('OU=Berlin,OU=People')))).toBe('66 00002015');
    await client.del(bench.dn('CN=B\\, C,OU=Berlin,OU=People'));
    expect((await members()).join()).not.toContain('B\\, C');
    const raw = await RawClient.open(bench);
    const { entries } = await raw.search(`CN=Deleted Objects,${at.base}`, present('isDeleted'), [
      { oid: controlOids.showDeleted },
    ]);
    expect(
      entries.map(({ dn: at, attributes }) => [
        at.split(',').length,
        attributes.get('lastKnownParent'),
        attributes.get('sAMAccountName'),
      ]),
    ).toEqual([[5, [bench.dn('OU=Berlin,OU=People')], ['a']]]);
    expect(entries[0]?.dn).toMatch(/^CN=B\\, C\\0ADEL:[0-9a-f-]{36},CN=Deleted Objects,/);
    raw.close();
  });

  test('the restricted account writes where it may, and sees all but what is hidden from it', async () => {
    await start({ mailboxes: 3 });
    const client = await bench.restricted();
    await client.add(bench.dn('CN=A,OU=Other forest'), user('a'));
    expect(await refusal(client.add(bench.dn('CN=A,OU=Groups'), user('b')))).toBe('50 00002098');
    expect(await refusal(client.del(bench.dn('CN=Everybody,OU=Groups')))).toBe('50 00002098');
    expect(await refusal(client.modifyDN(bench.dn('CN=A,OU=Other forest'), bench.dn('CN=A,OU=Groups')))).toBe(
      '50 00002098',
    );
    bench.forest.setRights({ hidden: [bench.dn('OU=Groups')] });
    expect(await refusal(client.search(bench.dn('OU=Groups'), { scope: 'base' }))).toBe('32 0000208D');
    expect((await client.search(bench.at.base, { filter: '(objectClass=group)' })).searchEntries).toHaveLength(2);
  });
});

describe('DirSync', () => {
  const ask = (cookie: Buffer, flags = 0): Buffer => sequence(integer(flags), integer(0), octets(cookie));
  const cookieOf = (value: Buffer | undefined): Buffer => {
    const reader = new BerReader(value ?? Buffer.alloc(0)).enter();
    reader.integer();
    reader.integer();
    return Buffer.from(reader.octets());
  };

  test('everything at first, then what was written with its attributes, and what was deleted', async () => {
    const { at } = await start({ mailboxes: 3 });
    const raw = await RawClient.open(bench);
    const dirSync = async (cookie: Buffer) => {
      const answer = await raw.search(at.base, present('objectClass'), [
        { oid: controlOids.dirSync, value: ask(cookie) },
      ]);
      return { answer, cookie: cookieOf(answer.controls.get(controlOids.dirSync)) };
    };
    const whole = await dirSync(Buffer.alloc(0));
    expect(whole.answer.entries.length).toBeGreaterThan(20);
    const idle = await dirSync(whole.cookie);
    expect(idle.answer.entries).toEqual([]);
    const client = await bench.admin();
    await client.modify(bench.dn('CN=Everybody,OU=Groups'), change('replace', 'displayName', 'All of us'));
    await client.add(bench.dn('CN=A,OU=Other forest'), user('a'));
    await client.del(bench.dn('CN=Production 2,OU=Groups'));
    const next = await dirSync(idle.cookie);
    expect(
      next.answer.entries.map(({ dn, attributes }) => [
        dn.replace(/,.*/, ''),
        attributes.get('displayName') ?? null,
        attributes.get('isDeleted') ?? null,
      ]),
    ).toEqual([
      ['CN=Everybody', ['All of us'], null],
      ['CN=A', null, null],
      [expect.stringMatching(/^CN=Production 2\\0ADEL:/), [], ['TRUE']],
    ]);
    expect([...(next.answer.entries[0]?.attributes.keys() ?? [])].sort()).toEqual([
      'displayName',
      'instanceType',
      'objectGUID',
    ]);
    raw.close();
  });

  test('only from the root of a naming context, and only with the right to replicate', async () => {
    const { at } = await start({ mailboxes: 3 });
    const raw = await RawClient.open(bench);
    const control = { oid: controlOids.dirSync, value: ask(Buffer.alloc(0)) };
    expect(await raw.search(bench.dn('OU=People'), present('objectClass'), [control])).toMatchObject({ code: 53 });
    expect(await raw.search(at.base, present('objectClass'), [{ oid: '1.2.3', critical: true }])).toMatchObject({
      code: 12,
    });
    raw.close();
    const other = await RawClient.open(bench, at.restricted.user, at.restricted.password);
    expect(await other.search(at.base, present('objectClass'), [control])).toMatchObject({ code: 50 });
    const ownEyes = { oid: controlOids.dirSync, value: ask(Buffer.alloc(0), 1) };
    expect(await other.search(at.base, present('objectClass'), [ownEyes])).toMatchObject({ code: 0 });
    other.close();
  });
});

describe('two controllers', () => {
  test('what is written at one is at the other when the delay is over, also what both wrote', async () => {
    const clock = new SteppingClock(Date.UTC(2026, 2, 2));
    await start({ mailboxes: 3, clock });
    bench.forest.replicationDelayMs = 60_000;
    const [one, two] = [await bench.admin(0), await bench.admin(1)];
    const dn = bench.dn('CN=Everybody,OU=Groups');
    const shown = async (client: typeof one) => (await client.search(dn, { scope: 'base' })).searchEntries[0]?.['info'];
    await one.modify(dn, change('replace', 'info', 'first'));
    clock.advance(1000);
    await two.modify(dn, change('replace', 'info', 'second'));
    await one.add(bench.dn('CN=A,OU=Other forest'), user('a'));
    await one.modify(dn, change('add', 'member', bench.dn('CN=A,OU=Other forest')));
    expect([await shown(one), await shown(two)]).toEqual(['first', 'second']);
    expect(await refusal(two.search(bench.dn('CN=A,OU=Other forest'), { scope: 'base' }))).toBe('32 0000208D');
    clock.advance(60_000);
    // The later one wins.
    expect([await shown(one), await shown(two)]).toEqual(['second', 'second']);
    const [entry] = (await two.search(bench.dn('CN=A,OU=Other forest'), { scope: 'base', attributes: ['memberOf'] }))
      .searchEntries;
    expect(entry?.['memberOf']).toBe(dn);
    await two.del(bench.dn('CN=A,OU=Other forest'));
    clock.advance(60_000);
    expect(await refusal(one.search(bench.dn('CN=A,OU=Other forest'), { scope: 'base' }))).toBe('32 0000208D');
  });
});
