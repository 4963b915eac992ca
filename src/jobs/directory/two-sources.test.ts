import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MemoryForest } from '#connectors/directory/memory/memory-directory.ts';
import { must } from '#kit/assert.ts';
import { systemClock } from '#kit/clock.ts';
import type { Attributes, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { childDn } from '#model/directory/distinguished-name.ts';
import { type DirectorySyncPolicy, defaultDirectorySyncPolicy } from '#model/directory/sync-policy.ts';
import { type OpenStore, openStore } from '#store/open-store.ts';
import { runDirectoryPass } from './directory-pass.ts';
import { pairsOfLinks, withoutCollisions } from './pairs-of-links.ts';

/** Two organizations are moved into one: a sync for each, with the same target. */
const sources = ['one', 'two'] as const;
type Source = (typeof sources)[number];

const dn = (text: string) => text as DistinguishedName;
let store: OpenStore;
let forests: Readonly<Record<Source | 'new', MemoryForest>>;

beforeEach(async () => {
  store = await openStore('sqlite::memory:', { clock: systemClock, log: { info() {}, warn() {} } });
  const forest = (name: string, seed: string) => {
    const root = dn(`DC=${name},DC=example`);
    const made = new MemoryForest({ root, seed });
    for (const ou of ['Staff', 'From one', 'From two']) made.add('container', childDn(root, 'OU', ou), {});
    return made;
  };
  forests = { one: forest('one', 'aaaaaaaa'), two: forest('two', 'bbbbbbbb'), new: forest('new', 'cccccccc') };
});
afterEach(() => store.close());

const person = (where: Source | 'new', name: string, more: Attributes = {}): ObjectGuid =>
  forests[where].add('user', dn(`CN=${name},OU=Staff,DC=${where},DC=example`), {
    displayName: [name],
    sAMAccountName: [name.toLowerCase()],
    userPrincipalName: [`${name.toLowerCase()}@${where}.example`],
    mailNickname: [name.toLowerCase()],
    mail: [`${name.toLowerCase()}@${where}.example`],
    proxyAddresses: [`SMTP:${name.toLowerCase()}@${where}.example`],
    legacyExchangeDN: [`/o=${where}/cn=${name.toLowerCase()}`],
    userAccountControl: ['512'],
    msExchMailboxGuid: ['00112233445566778899aabbccddeeff'],
    msExchRecipientTypeDetails: ['1'],
    ...more,
  });

const services = (source: Source, over: Partial<DirectorySyncPolicy> = {}) => {
  const end = (name: Source | 'new') => ({
    directory: forests[name].open(),
    organization: name,
    kind: 'ad' as const,
    scope: { under: [], filter: null, memberOf: [] },
  });
  return {
    store,
    ends: { left: end(source), right: end('new') },
    policy: {
      ...defaultDirectorySyncPolicy,
      sync: source,
      direction: 'one-way' as const,
      into: { left: null, right: dn(`OU=From ${source},DC=new,DC=example`) },
      roots: { left: [], right: [] },
      domains: { left: [`${source}.example`], right: ['new.example'] },
      match: [{ by: 'sAMAccountName' as const }],
      ...over,
    },
    others: sources.filter((other) => other !== source),
    clock: systemClock,
    requestDeadlineMs: 60_000,
  };
};
const signal = new AbortController().signal;
const pass = async (source: Source, over: Partial<DirectorySyncPolicy> = {}) => {
  for (let n = 0; n < 5; n++) {
    const { again, summary } = await runDirectoryPass(services(source, over), null, signal);
    if (!again && summary.writes === 0) return;
  }
};
const waits = async (source: Source) =>
  (await store.directoryWaiting(source, 100)).map(({ side, reason, detail }) => ({ side, reason, detail }));
const standsFor = async (source: Source, guid: ObjectGuid) => {
  const [link] = await store.directoryLinks(source, 'left', [guid]);
  return forests.new.all().find((object) => object.guid === link?.right) ?? null;
};

describe('two organizations come into one', () => {
  test('somebody like somebody of the first waits by name, and two people never become one', async () => {
    const [first, second] = [person('one', 'Ana'), person('two', 'Ana')];
    await pass('one');
    await pass('two');
    const made = must(await standsFor('one', first), 'who stands for the first');
    expect(await standsFor('two', second)).toBeNull();
    expect(await waits('two')).toContainEqual({
      side: 'left',
      reason: 'other-sync',
      detail: expect.stringContaining('in the sync one somebody else is'),
    });
    expect(made.attributes['targetAddress']).toEqual(['SMTP:ana@one.example']);
    expect(made.attributes['proxyAddresses']?.join()).not.toContain('two.example');
  });

  test('the same where the object was there before both, and bears no mark', async () => {
    const [first, second] = [person('one', 'Ana'), person('two', 'Ana')];
    const own = person('new', 'Ana');
    await pass('one');
    await pass('two');
    expect((await standsFor('one', first))?.guid).toBe(own);
    expect(await standsFor('two', second)).toBeNull();
    expect((await waits('two')).map(({ reason }) => reason)).toContain('other-sync');
  });

  test('with suffix the second gets an object with names of its own, and mail to either reaches its own mailbox', async () => {
    const [first, second] = [person('one', 'Ana'), person('two', 'Ana')];
    await pass('one');
    await pass('two', { collision: 'suffix' });
    const [one, two] = [
      must(await standsFor('one', first), 'the first'),
      must(await standsFor('two', second), 'the second'),
    ];
    expect(two.guid).not.toBe(one.guid);
    expect([one, two].map(({ attributes }) => attributes['targetAddress']?.[0])).toEqual([
      'SMTP:ana@one.example',
      'SMTP:ana@two.example',
    ]);
    for (const name of ['sAMAccountName', 'mailNickname'] as const)
      expect(one.attributes[name]).not.toEqual(two.attributes[name]);
    expect(await waits('two')).toEqual([]);
    // Both go on by themselves.
    await pass('one');
    await pass('two', { collision: 'suffix' });
    expect((await standsFor('two', second))?.guid).toBe(two.guid);
  });

  test('in one container the second is told apart by the name of its organization', async () => {
    const into = { left: null, right: dn('OU=Staff,DC=new,DC=example') };
    const second = person('two', 'Ana');
    person('one', 'Ana');
    await pass('one', { into });
    await pass('two', { into, collision: 'suffix' });
    expect((await standsFor('two', second))?.dn).toBe('CN=Ana (two),OU=Staff,DC=new,DC=example');
    const third = person('two', 'Ben');
    person('one', 'Ben');
    await pass('one', { into });
    await pass('two', { into, collision: 'suffix', nameTaken: 'wait' });
    expect(await standsFor('two', third)).toBeNull();
    expect((await waits('two')).map(({ reason }) => reason)).toContain('name-taken');
  });

  test('a CSV file says that they are one person after all', async () => {
    const [first, second] = [person('one', 'Ana'), person('two', 'Ana')];
    await pass('one');
    const made = must(await standsFor('one', first), 'the first');
    await pass('two');
    const csv = { by: 'csv' as const, pairs: [{ left: 'ana@two.example', right: made.guid }] };
    await runDirectoryPass(services('two', { match: [csv, { by: 'sAMAccountName' }] }), null, signal, {
      everything: true,
    });
    expect((await standsFor('two', second))?.guid).toBe(made.guid);
  });

  test('one address in both organizations is given away once; the other one waits, and is named', async () => {
    const shared = { proxyAddresses: ['SMTP:info@shared.example'], mail: ['info@shared.example'] };
    const [first, second] = [person('one', 'Info', shared), person('two', 'Desk', shared)];
    await pass('one');
    await pass('two');
    expect(await standsFor('one', first)).not.toBeNull();
    expect(await standsFor('two', second)).toBeNull();
    expect(await waits('two')).toContainEqual(expect.objectContaining({ reason: 'address-taken' }));
  });

  test('a mailbox that collections of both claim goes to neither, or to the first, as the project says', async () => {
    person('one', 'Ana');
    person('two', 'Ana');
    const own = person('new', 'Ana');
    await pass('one');
    const csv = { by: 'csv' as const, pairs: [{ left: 'ana@two.example', right: own }] };
    await pass('two', { match: [csv] });
    const claim = async (source: Source, collision: 'refuse' | 'first') => ({
      collection: source,
      organizations: { source, target: 'new' },
      collision,
      pairs: await pairsOfLinks(
        services(source),
        { collection: source, under: [], memberOf: [], attributes: {}, kinds: ['person'], collision },
        signal,
      ),
    });
    const refused = withoutCollisions([await claim('one', 'refuse'), await claim('two', 'refuse')]);
    expect(sources.map((name) => refused.get(name)?.pairs)).toEqual([[], []]);
    expect(refused.get('two')?.leftOut[0]?.why).toBe(
      'ana@new.example is claimed by one, too (ana@one.example → ana@new.example)',
    );
    const given = withoutCollisions([await claim('one', 'first'), await claim('two', 'first')]);
    expect(given.get('one')?.pairs).toHaveLength(1);
    expect(given.get('two')?.leftOut).toHaveLength(1);
  });
});
