/**
 * The contract of `src/connectors/directory/contract.ts` as tests, with the bad input that a directory of people holds. Run on the real
 * thing (two Samba forests, `npm run test:peers -- directory`) and on what imitates it. A deviation that is listed must fail.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Context } from '#connectors/contract.ts';
import type {
  Directory,
  DirectoryChange,
  DirectoryCursor,
  DirectoryScope,
  DirectoryWritten,
} from '#connectors/directory/contract.ts';
import type { DirectoryEdit } from '#model/directory/directory-edit.ts';
import type {
  Attributes,
  DirectoryKind,
  DirectoryObject,
  DistinguishedName,
  ObjectGuid,
} from '#model/directory/directory-object.ts';
import { childDn, dnKey, isUnder, parentDn, sameDn } from '#model/directory/distinguished-name.ts';
import { found, thrown } from './connector-suite.ts';

/** A forest with a place for the tests. */
export interface DirectoryUnderTest {
  /** An organizational unit where accounts may be made; the suite makes one of its own below. Empty: the directory has no tree. */
  readonly into: DistinguishedName;
  /** One in which `restricted` may not write; everybody may read it. */
  readonly closed: DistinguishedName;
  /** Domains of the forest, each of which has a feed of its own to be asked; default one. */
  readonly domains?: number;
  /** A controller that holds `into`; default the one that work is pinned to. */
  readonly controller?: string;
  /** Values that a multi-valued reference is handed out with at once, if the server hands it out in pieces. */
  readonly valuesAtOnce: number;
  /** As an account that may write below `into` and `closed`, and read the changes of the forest. Each call is a session of its own. */
  open(): Directory;
  /** As one that may write below `into` but not in `closed`, nor replicate directory changes. */
  restricted(): Directory;
  /** With a password that is wrong. */
  wrongPassword(password: string): Directory;
  /** Where nothing listens. */
  unreachable(): Directory;
  /** Makes an object as an administrator does, where the directory itself makes none of that kind. */
  readonly make?: (object: DirectoryKind, name: string, attributes: Attributes) => Promise<ObjectGuid>;
  close(): Promise<void>;
}

export interface DirectorySuite {
  readonly name: string;
  open(): Promise<DirectoryUnderTest>;
  readonly deviations: readonly { readonly test: string; readonly because: string }[];
}

const wanted = [
  ...['cn', 'displayName', 'description', 'mail', 'proxyAddresses', 'targetAddress', 'sAMAccountName', 'member'],
  ...['userAccountControl', 'msExchMailboxGuid', 'extensionAttribute1', 'otherTelephone', 'groupType', 'manager'],
] as const;

/** Every character that a DN, a filter or a shell might take for its own, at every end. */
const awkwardNames = [
  'Huber, Anna',
  'a+b',
  '"quoted"',
  'back\\slash',
  'trailing\\',
  '<angle>',
  'semi;colon',
  'equals=sign',
  '#hash',
  'in#side',
  'star*(paren)',
  'slash/DC=evil,DC=x',
  'Müller Жук 日本',
  'emoji 😀',
  "O'Neil & Sons | !",
  '<GUID=00000000-0000-0000-0000-000000000000>',
] as const;

export function directorySuite(suite: DirectorySuite): void {
  describe(suite.name, () => {
    let it: DirectoryUnderTest;
    let directory: Directory;
    let root: DistinguishedName;
    const opened: Directory[] = [];
    const run = `t${Date.now().toString(36)}`;
    let count = 0;
    const unique = (name: string) => `${name}-${run}-${++count}`;

    beforeAll(async () => {
      it = await suite.open();
      directory = session(it.open());
      root = await makeContainer(it.into);
    }, 120_000);
    afterAll(async () => {
      for (const each of opened) await each.close();
      await it?.close();
    });

    const check = (name: string, body: () => Promise<void>, timeoutMs = 60_000) => {
      const deviation = suite.deviations.find((each) => each.test === name);
      if (deviation === undefined) return test(name, body, timeoutMs);
      return test(
        `${name} (deviation: ${deviation.because})`,
        () => expect(body(), 'a deviation that passes: take it off the list').rejects.toThrow(),
        timeoutMs,
      );
    };

    function session(one: Directory): Directory {
      opened.push(one);
      return one;
    }
    const context = (ms = 60_000): Context => ({
      signal: new AbortController().signal,
      deadlineMs: performance.now() + ms,
    });
    const write = async (...edits: readonly DirectoryEdit[]) => directory.write(edits, context());
    const outcome = (written: DirectoryWritten | undefined) =>
      written === undefined ? 'nothing' : written.kind === 'refused' ? written.reason : written.kind;
    async function done(...edits: readonly DirectoryEdit[]): Promise<readonly ObjectGuid[]> {
      return (await write(...edits)).map((written) => {
        if (written.kind !== 'done') throw new Error(JSON.stringify(written));
        return written.guid;
      });
    }
    const adding = (
      object: DirectoryKind,
      name: string,
      attributes: Attributes = {},
      under: DistinguishedName = root,
    ): DirectoryEdit => ({
      kind: 'add',
      object,
      dn: childDn(under, object === 'container' ? 'OU' : 'CN', name),
      attributes,
    });
    async function add(...args: Parameters<typeof adding>): Promise<ObjectGuid> {
      const [kind, name, attributes = {}] = args;
      return it.make === undefined ? found((await done(adding(...args)))[0]) : it.make(kind, name, attributes);
    }
    async function makeContainer(under: DistinguishedName, name = unique('ou')): Promise<DistinguishedName> {
      if (it.into === '') return it.into;
      await add('container', name, {}, under);
      return childDn(under, 'OU', name);
    }
    const user = (name = unique('user'), attributes: Attributes = {}, under: DistinguishedName = root) =>
      add('user', name, { sAMAccountName: [name.slice(0, 20)], userAccountControl: ['514'], ...attributes }, under);
    /** What names an object among the values of another one. */
    const referenceTo = async (guid: ObjectGuid): Promise<DistinguishedName> => {
      const { dn } = await object(guid);
      return dn === '' ? (guid as string as DistinguishedName) : dn;
    };
    const object = async (guid: ObjectGuid): Promise<DirectoryObject> =>
      found((await directory.read([guid], wanted, context())).get(guid));
    const change = (
      guid: ObjectGuid,
      name: string,
      remove: readonly string[],
      gain: readonly string[],
    ): DirectoryEdit => ({
      kind: 'modify',
      guid,
      values: { [name]: { remove, add: gain } },
    });

    const everything: DirectoryScope = { under: [], filter: null, memberOf: [] };
    const within = (container: DistinguishedName): DirectoryScope => ({
      ...everything,
      under: container === '' ? [] : [container],
    });
    async function feed(
      cursor: DirectoryCursor | null,
      scope: DirectoryScope = everything,
      by: Directory = directory,
      attributes: readonly string[] = wanted,
    ) {
      const changes: DirectoryChange[] = [];
      for (let at = cursor, isWhole = false; ; ) {
        const page = await by.changes(scope, attributes, at, context());
        isWhole = page.isWhole;
        changes.push(...page.changes);
        at = page.cursor;
        if (page.complete) return { changes, cursor: at, isWhole };
      }
    }
    const upserts = (changes: readonly DirectoryChange[]) =>
      new Map(changes.flatMap((one) => (one.kind === 'upsert' ? [[one.object.guid, one.object] as const] : [])));
    const gone = (changes: readonly DirectoryChange[]) =>
      new Map(changes.flatMap((one) => (one.kind === 'gone' ? [[one.guid, one.lastDn] as const] : [])));

    describe('reading', () => {
      check('says what it is', async () => {
        const told = await directory.describe(context());
        expect(told.product).not.toBe('');
        expect(told.domains.some(({ dn }) => isUnder(root, dn))).toBe(true);
        expect(told.controllers).toContain(told.controller);
        expect(told.exchange?.legacyExchangeDn).toMatch(/^\/o=/);
        expect(told.exchange?.administrativeGroupDn).toMatch(/^\/o=.*\/ou=/);
        expect(told.exchange?.schemaVersion).toBeGreaterThan(4000);
      });

      check(
        'a reading from the beginning names what is in scope, and then nothing, in one search a domain',
        async () => {
          const here = await makeContainer(root);
          const [person, contact, group] = [
            await user(unique('person'), { displayName: ['Person'] }, here),
            await add('contact', unique('contact'), { mail: ['c@example.org'] }, here),
            await add('group', unique('group'), { sAMAccountName: [unique('g')], groupType: ['2'] }, here),
          ];
          const elsewhere = await user();
          const scope: DirectoryScope = within(here);
          const first = await feed(null, scope);
          expect(first.isWhole).toBe(true);
          const seen = upserts(first.changes);
          expect([...seen.keys()].sort()).toEqual([person, contact, group].sort());
          expect([...seen.values()].map(({ kind }) => kind).sort()).toEqual(['contact', 'group', 'user']);
          expect(seen.get(person)?.attributes['displayName']).toEqual(['Person']);
          expect(seen.has(elsewhere)).toBe(false);

          const { searches, writes } = directory.counts;
          const idle = await feed(first.cursor, scope);
          expect(idle).toMatchObject({ changes: [], isWhole: false });
          expect(directory.counts.searches - searches).toBe(it.domains ?? 1);
          expect(directory.counts.writes).toBe(writes);
        },
      );

      check(
        'pages of a large container are complete',
        async () => {
          const here = await makeContainer(root);
          const names = Array.from({ length: 1203 }, () => unique('c'));
          await done(...names.map((name) => adding('contact', name, {}, here)));
          const { changes } = await feed(null, within(here));
          expect([...upserts(changes).values()].map(({ attributes }) => attributes['cn']?.[0]).sort()).toEqual(
            names.sort(),
          );
        },
        400_000,
      );

      check('a filter of the scope decides, and what leaves it is gone', async () => {
        const here = await makeContainer(root);
        const [inside, outside] = [
          await user(unique('in'), { extensionAttribute1: ['Sälés (x)'] }, here),
          await user(unique('out'), {}, here),
        ];
        const scope: DirectoryScope = { ...within(here), filter: '(extensionAttribute1=S\\c3\\a4l*\\28x\\29)' };
        const first = await feed(null, scope);
        expect([...upserts(first.changes).keys()]).toEqual([inside]);
        await done(
          change(outside, 'extensionAttribute1', [], ['Sälés (x)']),
          change(inside, 'extensionAttribute1', ['Sälés (x)'], ['Other']),
        );
        const second = await feed(first.cursor, scope);
        expect([...upserts(second.changes).keys()]).toEqual([outside]);
        expect([...gone(second.changes).keys()]).toEqual([inside]);
      });

      check('a filter that is none, and a container that is not there, are the project’s mistakes', async () => {
        for (const scope of [
          { ...everything, filter: '(cn=' },
          { ...everything, under: [childDn(root, 'OU', 'nowhere')] },
          { ...everything, under: ['OU=x,DC=of-another,DC=forest' as DistinguishedName] },
        ]) {
          expect(await thrown(directory.changes(scope, wanted, null, context()))).toMatchObject({
            kind: 'fatal',
            code: 'config',
          });
        }
      });

      check('a cursor that is not ours, or for other attributes, begins anew', async () => {
        const scope: DirectoryScope = within(await makeContainer(root));
        const { cursor } = await feed(null, scope);
        expect((await feed('nonsense', scope)).isWhole).toBe(true);
        expect((await feed(cursor, scope, directory, ['cn'])).isWhole).toBe(true);
        expect((await feed(cursor, everything)).isWhole).toBe(true);
        expect((await feed(cursor, scope)).isWhole).toBe(false);
      });

      check('names are resolved to objects and back, in the whole forest', async () => {
        const guid = await user();
        const { dn } = await object(guid);
        const nobody = childDn(root, 'CN', 'nobody');
        const strange = 'not a name' as DistinguishedName;
        const upper = dn.toUpperCase() as DistinguishedName;
        const names = await directory.resolve([dn, upper, nobody, strange], context());
        expect(names).toEqual(
          new Map([
            [dn, guid],
            [upper, guid],
          ]),
        );
      });

      check('objects are found by any of several values in any of several attributes', async () => {
        const [one, other] = [
          await user(unique('found'), { proxyAddresses: [`SMTP:a*(${run})\\@example.org`, 'smtp:x@example.org'] }),
          await add('contact', unique('found'), { targetAddress: [`SMTP:Far-${run}@example.org`] }),
        ];
        const seen = await directory.find(
          ['proxyAddresses', 'targetAddress'],
          [`smtp:A*(${run})\\@example.org`, `smtp:far-${run}@example.org`, '*', 'smtp:nobody@example.org'],
          wanted,
          context(),
        );
        expect(seen.map(({ guid }) => guid).sort()).toEqual([one, other].sort());
      });

      check('bytes are hex, found by hex', async () => {
        const hex = `efbbbf00ff2a28295c0d0a80${Date.now().toString(16).slice(-8)}`;
        const guid = await user(unique('bytes'), { msExchMailboxGuid: [hex] });
        expect((await object(guid)).attributes['msExchMailboxGuid']).toEqual([hex]);
        const seen = await directory.find(['msExchMailboxGuid'], [hex, 'no hex'], [], context());
        expect(seen.map((each) => each.guid)).toEqual([guid]);
      });
    });

    describe('the feed', () => {
      check('tells what was made, changed, moved, renamed and deleted, and by what name it went', async () => {
        const [here, there] = [await makeContainer(root), await makeContainer(root)];
        const scope: DirectoryScope = within(here);
        const people = await Promise.all(
          ['keeps', 'changes', 'moves', 'renames', 'dies'].map((name) => user(unique(name), {}, here)),
        );
        const [, changes, moves, renames, dies] = people as [
          ObjectGuid,
          ObjectGuid,
          ObjectGuid,
          ObjectGuid,
          ObjectGuid,
        ];
        const { cursor } = await feed(null, scope);
        const before = await directory.read(people, wanted, context());
        const dnOf = (guid: ObjectGuid) => found(before.get(guid)).dn;
        const moved = childDn(there, 'CN', found(found(before.get(moves)).attributes['cn'])[0] ?? '');
        const renamed = childDn(here, 'CN', unique('renamed, again'));
        await done(
          change(changes, 'displayName', [], ['New']),
          change(changes, 'userAccountControl', ['514'], ['546']),
          { kind: 'move', guid: moves, from: dnOf(moves), to: moved },
          { kind: 'move', guid: renames, from: dnOf(renames), to: renamed },
          { kind: 'remove', guid: dies, version: found(before.get(dies)).version },
        );
        const made = await user(unique('made'), {}, here);
        const next = await feed(cursor, scope);
        expect(next.isWhole).toBe(false);
        const seen = upserts(next.changes);
        expect([...seen.keys()].sort()).toEqual([changes, moves, renames, made].sort());
        expect(seen.get(changes)?.attributes).toMatchObject({ displayName: ['New'], userAccountControl: ['546'] });
        expect(sameDn(seen.get(moves)?.dn ?? '', moved)).toBe(true);
        expect(sameDn(seen.get(renames)?.dn ?? '', renamed)).toBe(true);
        const away = gone(next.changes);
        expect([...away.keys()]).toEqual([dies]);
        expect(sameDn(away.get(dies) ?? '', dnOf(dies))).toBe(true);
        expect((await feed(next.cursor, scope)).changes).toEqual([]);
      });

      check('one who was deleted and made again under the same name is another', async () => {
        const name = unique('again');
        const first = await user(name);
        const { cursor } = await feed(null);
        const { version, dn } = await object(first);
        await done({ kind: 'remove', guid: first, version });
        const second = await user(name);
        expect(second).not.toBe(first);
        expect(outcome((await write(change(first, 'displayName', [], ['Somebody'])))[0])).toBe('not-there');
        expect((await object(second)).attributes['displayName']).toBeUndefined();
        const { changes } = await feed(cursor);
        expect([...gone(changes).keys()]).toContain(first);
        expect(sameDn(upserts(changes).get(second)?.dn ?? '', dn)).toBe(true);
        expect(await directory.resolve([dn], context())).toEqual(new Map([[dn, second]]));
      });

      check('a container that is renamed tells all that lies below', async () => {
        const outer = await makeContainer(root);
        const inner = await makeContainer(outer);
        const guid = await user(unique('below'), {}, inner);
        const { cursor } = await feed(null);
        const [ou] = (await directory.resolve([outer], context())).values();
        const to = childDn(root, 'OU', unique('renamed'));
        await done({ kind: 'move', guid: found(ou), from: outer, to });
        const { changes } = await feed(cursor);
        expect(isUnder(upserts(changes).get(guid)?.dn ?? '', to)).toBe(true);
      });

      check('members that come and go are told with the whole group', async () => {
        const [a, b] = [await user(), await user()];
        const [dnA, dnB] = [await referenceTo(a), await referenceTo(b)];
        const group = await add('group', unique('g'), {
          sAMAccountName: [unique('g')],
          groupType: ['2'],
          member: [dnA],
        });
        const { cursor } = await feed(null);
        await done({ kind: 'modify', guid: group, values: { member: { remove: [], add: [dnB] } } });
        const next = await feed(cursor);
        const members = upserts(next.changes).get(group)?.attributes['member'] ?? [];
        expect(members.map(dnKey).sort()).toEqual([dnA, dnB].map(dnKey).sort());
        await done({ kind: 'modify', guid: group, values: { member: { remove: [dnA], add: [] } } });
        const last = upserts((await feed(next.cursor)).changes).get(group)?.attributes['member'] ?? [];
        expect(last.map(dnKey)).toEqual([dnKey(dnB)]);
      });

      check('an account without the right to replicate hears the same', async () => {
        const here = await makeContainer(root);
        const scope: DirectoryScope = within(here);
        const other = session(it.restricted());
        expect((await other.describe(context())).feed.by).not.toBe('dirsync');
        const [stays, dies] = [await user(unique('s'), {}, here), await user(unique('d'), {}, here)];
        const { cursor, changes } = await feed(null, scope, other);
        expect([...upserts(changes).keys()].sort()).toEqual([stays, dies].sort());
        await done(
          { kind: 'remove', guid: dies, version: (await object(dies)).version },
          change(stays, 'displayName', [], ['x']),
        );
        const next = await feed(cursor, scope, other);
        expect(upserts(next.changes).get(stays)?.attributes['displayName']).toEqual(['x']);
        // Either it says that it is gone, or it names everything that is there.
        expect(next.isWhole ? !upserts(next.changes).has(dies) : gone(next.changes).has(dies)).toBe(true);
      });
    });

    describe('writing', () => {
      check('every special character of names', async () => {
        const here = await makeContainer(root);
        const names = awkwardNames.map((name) => `${name}`);
        const guids = await done(...names.map((name) => adding('contact', name, { displayName: [name] }, here)));
        const seen = await directory.read(guids, wanted, context());
        for (const [i, guid] of guids.entries()) {
          const name = names[i] ?? '';
          const one = found(seen.get(guid));
          expect(sameDn(one.dn, childDn(here, 'CN', name))).toBe(true);
          expect(one.attributes['cn']).toEqual([name]);
          expect(one.attributes['displayName']).toEqual([name]);
          expect(sameDn(parentDn(one.dn) ?? '', here)).toBe(true);
        }
        const dns = [...seen.values()].map(({ dn }) => dn);
        expect((await directory.resolve(dns, context())).size).toBe(names.length);
        expect((await directory.find(['displayName'], names, [], context())).map(({ guid }) => guid).sort()).toEqual(
          [...guids].sort(),
        );
        const moved = await makeContainer(here, 'to, there\\');
        const moves = [...seen.values()].map(
          (one): DirectoryEdit => ({
            kind: 'move',
            guid: one.guid,
            from: one.dn,
            to: childDn(moved, 'CN', one.attributes['cn']?.[0] ?? ''),
          }),
        );
        await done(...moves);
        const there = await directory.read(guids, wanted, context());
        expect([...there.values()].every(({ dn }) => sameDn(parentDn(dn) ?? '', moved))).toBe(true);
        expect([...there.values()].map(({ attributes }) => attributes['cn']?.[0]).sort()).toEqual([...names].sort());
        await done(
          ...[...there.values()].map(({ guid, version }): DirectoryEdit => ({ kind: 'remove', guid, version })),
        );
        expect((await directory.read(guids, wanted, context())).size).toBe(0);
      });

      check('what an edit expects must be there, letter by letter, or nothing is written', async () => {
        const guid = await user(unique('cas'), {
          displayName: ['Before'],
          proxyAddresses: ['SMTP:one@example.org', 'smtp:two@example.org'],
        });
        const attempts: readonly DirectoryEdit[] = [
          change(guid, 'displayName', ['Other'], ['After']),
          change(guid, 'displayName', [], ['After']),
          change(guid, 'proxyAddresses', [], ['smtp:two@example.org']),
          change(guid, 'proxyAddresses', ['smtp:one@example.org'], ['SMTP:new@example.org']),
          {
            kind: 'modify',
            guid,
            values: {
              description: { remove: [], add: ['half'] },
              proxyAddresses: { remove: ['smtp:three@example.org'], add: [] },
            },
          },
        ];
        for (const edit of attempts) expect(outcome((await write(edit))[0])).toBe('stale');
        expect((await object(guid)).attributes).toMatchObject({
          displayName: ['Before'],
          proxyAddresses: expect.arrayContaining(['SMTP:one@example.org', 'smtp:two@example.org']),
        });
        expect((await object(guid)).attributes['description']).toBeUndefined();
        await done({
          kind: 'modify',
          guid,
          values: {
            displayName: { remove: ['Before'], add: ['After'] },
            description: { remove: [], add: ['whole'] },
            proxyAddresses: {
              remove: ['SMTP:one@example.org', 'smtp:two@example.org'],
              add: ['smtp:one@example.org', 'SMTP:two@example.org'],
            },
          },
        });
        const after = (await object(guid)).attributes;
        expect(after).toMatchObject({ displayName: ['After'], description: ['whole'] });
        expect([...(after['proxyAddresses'] ?? [])].sort()).toEqual(['SMTP:two@example.org', 'smtp:one@example.org']);
      });

      check('of two who write at the same time one is refused', async () => {
        const guid = await user(unique('race'), { displayName: ['0'] });
        const rivals = Array.from({ length: 4 }, () => session(it.open()));
        const all = await Promise.all(
          rivals.map((rival, i) => rival.write([change(guid, 'displayName', ['0'], [`${i + 1}`])], context())),
        );
        const outcomes = all.map(([one]) => outcome(one));
        expect(outcomes.filter((one) => one === 'done')).toHaveLength(1);
        expect(outcomes.filter((one) => one === 'stale')).toHaveLength(3);
        expect((await object(guid)).attributes['displayName']).toEqual([`${outcomes.indexOf('done') + 1}`]);
      });

      check('names, containers and attributes that are refused, each with its reason', async () => {
        const name = unique('taken');
        await user(name);
        const guid = await user();
        const { dn } = await object(guid);
        const long = 'x'.repeat(5000);
        const nowhere = childDn(childDn(root, 'OU', 'nowhere'), 'CN', 'a');
        const reasons: readonly (readonly [string, DirectoryEdit])[] = [
          ['name-taken', adding('contact', name)],
          ['name-taken', adding('user', unique('other'), { sAMAccountName: [name.slice(0, 20)] })],
          ['no-container', adding('contact', 'a', {}, childDn(root, 'OU', 'nowhere'))],
          ['schema-lacks', adding('contact', unique('c'), { noSuchAttribute: ['a'] })],
          ['schema-lacks', change(guid, 'noSuchAttribute', [], ['a'])],
          ['value-refused', change(guid, 'extensionAttribute1', [], [long])],
          ['value-refused', change(guid, 'extensionAttribute1', [], ['one', 'two'])],
          ['value-refused', change(guid, 'msExchMailboxGuid', [], ['no hex'])],
          ['value-refused', change(guid, 'manager', [], ['no name'])],
          ['value-refused', change(guid, 'manager', [], [childDn(root, 'CN', 'nobody')])],
          ['not-here', adding('contact', 'a', {}, 'OU=x,DC=of-another,DC=forest' as DistinguishedName)],
          ['not-there', change('11111111-2222-3333-4444-555555555555' as ObjectGuid, 'displayName', [], ['a'])],
          ['name-taken', { kind: 'move', guid, from: dn, to: childDn(root, 'CN', name) }],
          ['no-container', { kind: 'move', guid, from: dn, to: nowhere }],
          ['stale', { kind: 'move', guid, from: nowhere, to: childDn(root, 'CN', unique('new')) }],
          ['not-here', { kind: 'move', guid, from: dn, to: 'CN=a,DC=of-another,DC=forest' as DistinguishedName }],
          ['stale', { kind: 'remove', guid, version: 'of another time' }],
        ];
        const answers = await write(...reasons.map(([, edit]) => edit));
        expect(answers.map((answer, i) => `${i} ${outcome(answer)}`)).toEqual(
          reasons.map(([reason], i) => `${i} ${reason}`),
        );
        for (const answer of answers) expect(answer).toHaveProperty('detail');
        const after = await object(guid);
        expect(after.dn).toBe(dn);
        expect(Object.keys(after.attributes).sort()).toEqual(['cn', 'sAMAccountName', 'userAccountControl']);
      });

      check('an account that has a mailbox is not removed', async () => {
        const guid = await user(unique('works'), {
          msExchMailboxGuid: ['00112233445566778899aabbccddeeff'],
          msExchRecipientTypeDetails: ['1'],
        });
        const { version } = await object(guid);
        const [answer] = await write({ kind: 'remove', guid, version });
        expect(answer).toMatchObject({ kind: 'refused', reason: 'stale', detail: 'it has a mailbox by now' });
        await object(guid);
      });

      check('a container with something in it is not removed', async () => {
        const here = await makeContainer(root);
        await user(unique('in'), {}, here);
        const [guid] = (await directory.resolve([here], context())).values();
        const { version } = await object(found(guid));
        expect(outcome((await write({ kind: 'remove', guid: found(guid), version }))[0])).toBe('stale');
      });

      check('an account without rights on one container is refused there and works elsewhere', async () => {
        const other = session(it.restricted());
        const here = await makeContainer(it.closed);
        const guid = await user(unique('closed'), {}, here);
        const { version, dn } = await object(guid);
        const open = await user();
        const answers = await other.write(
          [
            adding('contact', unique('c'), {}, here),
            change(guid, 'displayName', [], ['x']),
            { kind: 'move', guid, from: dn, to: childDn(here, 'CN', unique('moved')) },
            { kind: 'remove', guid, version },
            change(open, 'displayName', [], ['allowed']),
          ],
          context(),
        );
        expect(answers.map(outcome)).toEqual(['no-rights', 'no-rights', 'no-rights', 'no-rights', 'done']);
        expect((await object(guid)).attributes['displayName']).toBeUndefined();
        expect((await object(open)).attributes['displayName']).toEqual(['allowed']);
      });

      check('a group may be in another one; in itself it is refused or harmless', async () => {
        const make = async () => add('group', unique('g'), { sAMAccountName: [unique('g')], groupType: ['8'] });
        const [inner, outer] = [await make(), await make()];
        const [dnInner, dnOuter] = [await referenceTo(inner), await referenceTo(outer)];
        await done(change(outer, 'member', [], [dnInner]));
        expect(outcome((await write(change(outer, 'member', [], [dnInner])))[0])).toBe('stale');
        const loop = outcome((await write(change(outer, 'member', [], [dnOuter])))[0]);
        expect(['done', 'value-refused']).toContain(loop);
        const members = (await object(outer)).attributes['member'] ?? [];
        expect(members.map(dnKey)).toContain(dnKey(dnInner));
      });

      check(
        'a group of more members than a server hands out at once is read whole',
        async () => {
          const here = await makeContainer(root);
          const size = it.valuesAtOnce * 2 + 7;
          const names = Array.from({ length: size }, () => unique('m'));
          await done(...names.map((name) => adding('contact', name, {}, here)));
          const dns = names.map((name) => childDn(here, 'CN', name));
          const group = await add('group', unique('g'), {
            sAMAccountName: [unique('g')],
            groupType: ['8'],
            member: dns.slice(0, 5),
          });
          for (let at = 5; at < dns.length; at += 1000)
            await done(change(group, 'member', [], dns.slice(at, at + 1000)));
          const members = (await object(group)).attributes['member'] ?? [];
          expect(members.map(dnKey).sort()).toEqual(dns.map(dnKey).sort());
          const [last = ''] = members.slice(-1);
          await done(change(group, 'member', [last], []));
          expect((await object(group)).attributes['member']).toHaveLength(size - 1);
          const page = await feed(null, { ...everything, filter: `(objectClass=group)` });
          expect(upserts(page.changes).get(group)?.attributes['member']).toHaveLength(size - 1);
        },
        400_000,
      );
    });

    describe('what is shown by a controller', () => {
      check('exactly these values, others, or no answer', async () => {
        const guid = await user(unique('seen'), {
          displayName: ['Shown'],
          proxyAddresses: ['SMTP:a@b.c', 'smtp:d@e.f'],
        });
        const controller = it.controller ?? (await directory.describe(context())).controller;
        const none = 'dc9.nowhere.invalid';
        const shows = async (attributes: Attributes) =>
          directory.replicated(guid, attributes, [controller, none], context(20_000));
        const same = await shows({
          displayName: ['Shown'],
          proxyAddresses: ['smtp:d@e.f', 'SMTP:a@b.c'],
          description: [],
        });
        expect(same).toEqual(
          new Map([
            [controller, true],
            [none, null],
          ]),
        );
        expect((await shows({ displayName: ['shown'] })).get(controller)).toBe(false);
        expect((await shows({ proxyAddresses: ['SMTP:a@b.c'] })).get(controller)).toBe(false);
        expect((await shows({ description: ['x'] })).get(controller)).toBe(false);
      });
    });

    check('what was read from a controller is not unheard of there', async () => {
      const { version } = await object(await user());
      expect(await directory.unheard([version, 'no version of ours'], context())).toEqual([]);
    });

    describe('when it does not work', () => {
      check('a wrong password is fatal and told without it', async () => {
        const password = 'Wrong.Secret-77';
        const fault = await thrown(session(it.wrongPassword(password)).describe(context()));
        expect(fault).toMatchObject({ kind: 'fatal', code: 'auth' });
        expect(JSON.stringify(fault)).not.toContain(password);
      });

      check('a server that cannot be reached is a passing trouble', async () => {
        const nobody = session(it.unreachable());
        const guid = '11111111-2222-3333-4444-555555555555' as ObjectGuid;
        expect(await thrown(nobody.read([guid], wanted, context()))).toMatchObject({
          kind: 'transient',
          mayHaveHappened: false,
        });
        expect(await thrown(nobody.write([adding('contact', 'a')], context()))).toMatchObject({
          kind: 'transient',
          mayHaveHappened: false,
        });
      });

      check('a deadline that has passed and work that is stopped end a call, and the next one works', async () => {
        const other = session(it.open());
        await other.describe(context());
        expect(await thrown(other.changes(everything, wanted, null, context(0)))).toMatchObject({ kind: 'transient' });
        const stop = new AbortController();
        const call = other.changes(everything, wanted, null, {
          signal: stop.signal,
          deadlineMs: performance.now() + 60_000,
        });
        stop.abort(new Error('stopped'));
        expect(await thrown(call)).toMatchObject({ kind: 'transient' });
        expect((await feed(null, everything, other)).isWhole).toBe(true);
      });

      check('a reading that was not ended is lost with its session', async () => {
        const [one, other] = [session(it.open()), session(it.open())];
        let page = await one.changes(everything, ['cn'], null, context());
        if (page.complete) page = { ...page, cursor: 'reading:of-another-session' };
        expect(await thrown(other.changes(everything, ['cn'], page.cursor, context()))).toEqual({
          kind: 'cursor-lost',
        });
      });
    });
  });
}
