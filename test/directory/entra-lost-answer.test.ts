import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ldapDirectory } from '#connectors/directory/ldap/ldap-directory.ts';
import type { DirectoryServices } from '#jobs/directory/directory-context.ts';
import { runDirectoryPass } from '#jobs/directory/directory-pass.ts';
import { must } from '#kit/assert.ts';
import { systemClock } from '#kit/clock.ts';
import { createLab, type Lab } from '#lab/lab.ts';
import type { DistinguishedName } from '#model/directory/directory-object.ts';
import { defaultDirectorySyncPolicy } from '#model/directory/sync-policy.ts';
import { openStore } from '#store/open-store.ts';
import type { Store } from '#store/store.ts';
import { EntraLab } from '../connectors/entra-lab.fixture.ts';

const { signal } = new AbortController();
const called = 'Keys of the lab';

let source: Lab;
let tenant: EntraLab;
let store: Store;
let services: DirectoryServices;
let close: () => Promise<void>;

/** A forest with one security group that receives no mail, and an empty tenant. */
beforeEach(async () => {
  source = createLab({
    organizations: [{ name: 'source', version: '2016', mailboxes: 0, directory: { groups: 0, contacts: 0 } }],
    throttling: 'off',
    seed: 'lost answer',
  });
  const { orgs } = await source.listen();
  const org = must(orgs[0], 'an organization');
  const { urls, base, user, password } = must(org.directory, 'a directory');
  const tls = { ca: [readFileSync(org.ca, 'utf8')], min: '1.2' } as const;
  const left = ldapDirectory({ urls: [must(urls[0], 'a controller')], startTls: false, tls, user, password });
  const { forest } = source.organization('source').world;
  const values = { objectClass: 'group', groupType: '-2147483646', sAMAccountName: 'keys', displayName: called };
  forest.first.add(
    forest.system,
    `CN=${called},OU=Groups,${base}`,
    new Map(
      Object.entries({ ...values, description: 'Who has a key' }).map(([name, one]) => [name, [Buffer.from(one)]]),
    ),
  );
  tenant = new EntraLab({ clock: systemClock, mailboxes: 0, directory: { groups: 0, contacts: 0 } });
  const right = tenant.open();
  store = await openStore('sqlite::memory:', { clock: systemClock, log: { info() {}, warn() {} } });
  const under = [`OU=Groups,${base}` as DistinguishedName];
  services = {
    store,
    clock: systemClock,
    requestDeadlineMs: 30_000,
    ends: {
      left: { directory: left, organization: 'source', kind: 'ad', scope: { under, filter: null, memberOf: [] } },
      right: {
        directory: right,
        organization: 'target',
        kind: 'entra',
        scope: { under: [], filter: null, memberOf: [] },
      },
    },
    policy: {
      ...defaultDirectorySyncPolicy,
      sync: 'main',
      direction: 'one-way',
      into: { left: null, right: 'the tenant' as DistinguishedName },
      roots: { left: under, right: [] },
      domains: { left: ['source.test'], right: ['target.test'] },
      targetMailboxes: false,
    },
  };
  close = async () => {
    for (const one of [store, left, right, source, tenant.lab]) await one.close();
  };
});
afterEach(() => close());

const groups = () => {
  const { first } = tenant.organization.forest;
  return [...first.entries()].filter((entry) => !entry.isDeleted && first.text(entry, 'displayName') === called);
};
const adds = async () =>
  (await store.directoryJournal({ sync: 'main' }, 100)).filter(({ action }) => action === 'add').reverse();
const pass = () => runDirectoryPass(services, null, signal);

test('a group whose making was not answered is found, and none is made a second time', async () => {
  tenant.lab.faults.set([{ point: 'drop-after', chance: 1, operations: ['POST groups'], limit: 1 }]);
  await expect(pass()).rejects.toThrow();
  expect(groups()).toHaveLength(1);
  expect((await adds()).map(({ outcome }) => outcome)).toEqual(['open']);
  await pass();
  await pass();
  expect(groups()).toHaveLength(1);
  expect(await adds()).toEqual([
    expect.objectContaining({ outcome: 'done', guid: groups()[0]?.guid, detail: 'found done after an interruption' }),
  ]);
  expect(await store.pageDirectoryLinks('main', null, 10)).toEqual([
    expect.objectContaining({ right: groups()[0]?.guid, made: 'right' }),
  ]);
});

test("a group of the same name that holds others is somebody else's, and ours is made", async () => {
  const somebody = tenant.make('user', 'Somebody', {});
  tenant.lab.faults.set([{ point: 'drop-before', chance: 1, operations: ['POST groups'], limit: 1 }]);
  await expect(pass()).rejects.toThrow();
  expect(groups()).toHaveLength(0);
  const theirs = tenant.make('group', called, {
    groupType: ['-2147483640'],
    description: ['Who has a key'],
    member: [somebody],
  });
  await pass();
  const [first] = await adds();
  expect(first).toMatchObject({ outcome: 'refused', guid: null });
  const links = await store.pageDirectoryLinks('main', null, 10);
  expect(links.filter(({ made, right }) => made === 'right' && right === theirs)).toEqual([]);
});
