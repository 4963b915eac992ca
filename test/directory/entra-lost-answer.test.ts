import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DistinguishedName } from '#model/directory/directory-object.ts';
import { Hybrid } from './hybrid.fixture.ts';

const called = 'Keys of the lab';

let hybrid: Hybrid;

/** A forest with one security group that receives no mail, and an empty tenant. */
beforeEach(async () => {
  hybrid = await Hybrid.open({ mailboxes: 0, groups: 0, contacts: 0 });
  const { forest } = hybrid.people;
  const values = { objectClass: 'group', groupType: '-2147483646', sAMAccountName: 'keys', displayName: called };
  forest.first.add(
    forest.system,
    `CN=${called},${hybrid.groupsUnder}` as DistinguishedName,
    new Map(
      Object.entries({ ...values, description: 'Who has a key' }).map(([name, one]) => [name, [Buffer.from(one)]]),
    ),
  );
});
afterEach(() => hybrid.close());

const groups = () => {
  const { at } = hybrid;
  return [...at.entries()].filter((entry) => !entry.isDeleted && at.text(entry, 'displayName') === called);
};
const adds = async () =>
  (await hybrid.store.directoryJournal({ sync: 'main' }, 100)).filter(({ action }) => action === 'add').reverse();

test('a group whose making was not answered is found, and none is made a second time', async () => {
  hybrid.tenant.lab.faults.set([{ point: 'drop-after', chance: 1, operations: ['POST groups'], limit: 1 }]);
  await expect(hybrid.pass()).rejects.toThrow();
  expect(groups()).toHaveLength(1);
  expect((await adds()).map(({ outcome }) => outcome)).toEqual(['open']);
  await hybrid.pass();
  await hybrid.pass();
  expect(groups()).toHaveLength(1);
  expect(await adds()).toEqual([
    expect.objectContaining({ outcome: 'done', guid: groups()[0]?.guid, detail: 'found done after an interruption' }),
  ]);
  expect(await hybrid.store.pageDirectoryLinks('main', null, 10)).toEqual([
    expect.objectContaining({ right: groups()[0]?.guid, made: 'right' }),
  ]);
});
