import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import type { Attributes, DirectoryObject, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { childDn } from '#model/directory/distinguished-name.ts';
import { found, thrown } from '#test/suites/connector-suite.ts';
import type { Directory, DirectoryChange, DirectoryCursor, DirectoryScope } from '../contract.ts';
import { ldapDirectory } from './ldap-directory.ts';

/** State directory of `scripts/samba-forests.sh`, whose source forest has both of its controllers running. */
const state = process.env['CAUSEWAY_TEST_SECOND_CONTROLLER'];
const first = 'ldaps://127.0.0.11';
const second = 'ldaps://127.0.0.13';
const gone = 'ldaps://127.0.0.11:9';
const names = { first: 'dc1.source.test', second: 'dc2.source.test' };
const people = 'OU=People,DC=source,DC=test' as DistinguishedName;
const scope: DirectoryScope = { under: [people], filter: '(description=second-controller)', memberOf: [] };
const wanted = ['cn', 'description', 'displayName', 'mail', 'sAMAccountName'];
const context = () => ({ signal: new AbortController().signal, deadlineMs: performance.now() + 60_000 });

if (state === undefined) {
  const reason = '`npm run test:peers -- directory` joins a second controller and runs this';
  describe('two controllers of one domain', () => {
    test.skipIf(true)(reason, () => {});
    console.log(`two controllers of one domain: skipped, ${reason}`);
  });
} else {
  const script = fileURLToPath(new URL('../../../../scripts/samba-forests.sh', import.meta.url));
  const replicate = () => execFileSync(script, ['replicate', state], { timeout: 60_000 });
  const ca = readFileSync(`${state}/tls/ca.pem`, 'utf8');
  const opened: Directory[] = [];
  const open = (...urls: readonly string[]): Directory => {
    const directory = ldapDirectory({
      urls,
      startTls: false,
      tls: { ca: [ca], min: '1.2' },
      user: 'sync@source.test',
      password: 'Password.of.sync.source',
    });
    opened.push(directory);
    return directory;
  };
  afterEach(async () => {
    for (const directory of opened.splice(0)) await directory.close();
  });

  const run = Date.now().toString(36);
  let count = 0;
  const add = async (
    to: Directory,
    attributes: Attributes = {},
    name = `two-${run}-${++count}`,
  ): Promise<ObjectGuid> => {
    const [written] = await to.write(
      [
        {
          kind: 'add',
          object: 'user',
          dn: childDn(people, 'CN', name),
          attributes: { sAMAccountName: [name.slice(0, 20)], description: ['second-controller'], ...attributes },
        },
      ],
      context(),
    );
    if (written?.kind !== 'done') throw new Error(JSON.stringify(written));
    return written.guid;
  };
  const set = (at: Directory, guid: ObjectGuid, from: readonly string[], to: readonly string[]) =>
    at.write([{ kind: 'modify', guid, values: { displayName: { remove: from, add: to } } }], context());
  const object = async (at: Directory, guid: ObjectGuid): Promise<DirectoryObject> =>
    found((await at.read([guid], wanted, context())).get(guid));
  async function feed(from: Directory, cursor: DirectoryCursor | null) {
    const changes: DirectoryChange[] = [];
    for (let at = cursor, isWhole = false; ; ) {
      const page = await from.changes(scope, wanted, at, context());
      isWhole ||= page.isWhole;
      changes.push(...page.changes);
      at = page.cursor;
      if (page.complete) return { changes, cursor: at, isWhole };
    }
  }

  describe('two controllers of one domain', () => {
    test('both are named, whichever is asked, and what one was written waits for replication at the other', async () => {
      const directory = open(first, second);
      const { controller, controllers } = await directory.describe(context());
      expect(controller).toBe(names.first);
      expect([...controllers].sort()).toEqual([names.first, names.second]);
      const guid = await add(directory, { displayName: ['New'] });
      const shown = () => directory.replicated(guid, { displayName: ['New'] }, controllers, context());
      expect([...(await shown()).values()]).toEqual([true, false]);
      replicate();
      expect([...(await shown()).values()]).toEqual([true, true]);
      expect(await set(directory, guid, ['New'], ['Newer'])).toMatchObject([{ kind: 'done' }]);
      const newer = () => directory.replicated(guid, { displayName: ['Newer'] }, controllers, context());
      expect((await newer()).get(names.second)).toBe(false);
      replicate();
      expect((await newer()).get(names.second)).toBe(true);
    });

    test('a place in the feed of one is none in that of the other: it is read from the beginning', async () => {
      const [here, there] = [open(first), open(second)];
      const guid = await add(here);
      replicate();
      const { cursor } = await feed(here, null);
      expect((await feed(here, cursor)).isWhole).toBe(false);
      const elsewhere = await feed(there, cursor);
      expect(elsewhere.isWhole).toBe(true);
      expect(elsewhere.changes.flatMap((one) => (one.kind === 'upsert' ? [one.object.guid] : []))).toContain(guid);
      expect((await feed(there, elsewhere.cursor)).isWhole).toBe(false);
      // What comes by replication is news there.
      await set(here, guid, [], ['From the first']);
      expect((await feed(there, elsewhere.cursor)).changes).toEqual([]);
      replicate();
      expect((await feed(there, elsewhere.cursor)).changes).toMatchObject([{ kind: 'upsert', object: { guid } }]);
    });

    test('what was read from one and has not reached the other is said to be unheard of', async () => {
      const [here, there] = [open(first), open(second)];
      const old = await add(here);
      replicate();
      const young = await add(here);
      const versions = [(await object(here, old)).version, (await object(here, young)).version];
      expect(await here.unheard(versions, context())).toEqual([]);
      expect(await there.unheard(versions, context())).toEqual(versions.slice(1));
      await set(here, old, [], ['Changed']);
      const changed = (await object(here, old)).version;
      expect(await there.unheard([changed], context())).toEqual([changed]);
      replicate();
      expect(await there.unheard([...versions, changed], context())).toEqual([]);
      expect(await there.unheard(['nonsense'], context())).toEqual([]);
    });

    test('the next one takes over where the first is gone, and goes back to nobody by itself', async () => {
      const directory = open(gone, second);
      expect((await directory.describe(context())).controller).toBe(names.second);
      const guid = await add(directory);
      const both = open(first, gone);
      expect((await both.read([guid], wanted, context())).size).toBe(0);
      replicate();
      expect((await both.read([guid], wanted, context())).size).toBe(1);
      expect(await thrown(open(gone).describe(context()))).toMatchObject({ kind: 'transient' });
    });

    test('two of one name, made on both at once, are two objects afterwards, and can be told apart', async () => {
      const [here, there] = [open(first), open(second)];
      const name = `both-${run}`;
      const mail = [`${name}@source.test`];
      const [one, other] = [await add(here, { mail }, name), await add(there, { mail }, name)];
      replicate();
      replicate();
      for (const directory of [here, there]) {
        const both = await directory.read([one, other], wanted, context());
        expect(both.size).toBe(2);
        const dns = [...both.values()].map(({ dn }) => dn);
        // The loser's name got a line feed and its GUID.
        expect(dns.filter((dn) => /\\0ACNF:/i.test(dn))).toHaveLength(1);
        expect(new Set((await directory.resolve(dns, context())).values())).toEqual(new Set([one, other]));
        const seen = await directory.find(['mail'], mail, wanted, context());
        expect(seen.map(({ guid }) => guid).sort()).toEqual([one, other].sort());
      }
      for (const guid of [one, other]) expect(await set(here, guid, [], [`${guid}`])).toMatchObject([{ kind: 'done' }]);
    });

    test('of two who change one value on both at once the later one stays, and the first writer is told by its feed', async () => {
      const [here, there] = [open(first), open(second)];
      const guid = await add(here);
      replicate();
      await set(here, guid, [], ['Early']);
      const { cursor } = await feed(here, null);
      // Stamps have whole seconds.
      await new Promise((next) => setTimeout(next, 1100));
      await set(there, guid, [], ['Late']);
      replicate();
      for (const directory of [here, there])
        expect((await object(directory, guid)).attributes['displayName']).toEqual(['Late']);
      expect((await feed(here, cursor)).changes).toMatchObject([
        { kind: 'upsert', object: { guid, attributes: { displayName: ['Late'] } } },
      ]);
    });
  });
}
