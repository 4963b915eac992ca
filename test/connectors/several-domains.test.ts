import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Context } from '#connectors/contract.ts';
import type { Directory, DirectoryChange, DirectoryCursor, DirectoryScope } from '#connectors/directory/contract.ts';
import { must } from '#kit/assert.ts';
import { systemClock } from '#kit/clock.ts';
import { seededRandom } from '#kit/random.ts';
import type { DirectoryObject, ObjectGuid } from '#model/directory/directory-object.ts';
import { thrown } from '../suites/connector-suite.ts';
import { type DomainName, dnOf, domainNames, into, SeveralDomains } from './several-domains.fixture.ts';

const everything: DirectoryScope = { under: [], filter: null, memberOf: [] };
const wanted = [
  'cn',
  'displayName',
  'proxyAddresses',
  'targetAddress',
  'employeeID',
  'member',
  'manager',
  'sAMAccountName',
];
const context = (): Context => ({ signal: new AbortController().signal, deadlineMs: performance.now() + 60_000 });

let at: SeveralDomains;
let directory: Directory;
beforeEach(async () => {
  at = await SeveralDomains.start();
  directory = at.connect();
});
afterEach(() => at.close());

/** @param between called before every page but the first. */
async function feed(by: Directory, cursor: DirectoryCursor | null, scope = everything, between: () => void = () => {}) {
  const changes: DirectoryChange[] = [];
  for (let place = cursor, isWhole = false, n = 0; ; n++) {
    if (n > 0) between();
    const page = await by.changes(scope, wanted, place, context());
    isWhole ||= page.isWhole;
    changes.push(...page.changes);
    place = page.cursor;
    if (page.complete) return { changes, cursor: place, isWhole };
  }
}
const upserts = (changes: readonly DirectoryChange[]) =>
  new Map(changes.flatMap((one) => (one.kind === 'upsert' ? [[one.object.guid, one.object] as const] : [])));
const gone = (changes: readonly DirectoryChange[]) => changes.flatMap((one) => (one.kind === 'gone' ? [one.guid] : []));
const modify = (guid: ObjectGuid, name: string, add: readonly string[], remove: readonly string[] = []) =>
  directory.write([{ kind: 'modify', guid, values: { [name]: { remove, add } } }], context());

describe('reading', () => {
  test('everybody in every domain is read once, page by page', async () => {
    for (let n = 0; n < 1100; n++) at.add('other.test', 'contact');
    const { changes } = await feed(directory, null);
    const seen = changes.flatMap((one) => (one.kind === 'upsert' ? [one.object.guid] : []));
    expect(new Set(seen).size).toBe(seen.length);
    const carried = (classes: readonly unknown[]) => ['user', 'contact', 'group'].includes(String(classes.at(-1)));
    const there = at.forest.domains.flatMap(({ first }) =>
      [...first.entries()].filter((one) => one.root === first.domain && carried(first.read(one, 'objectclass'))),
    );
    expect(seen.sort()).toEqual(there.map(({ guid }) => guid).sort());
    expect(new Set([...upserts(changes).values()].map(({ domain }) => domain))).toEqual(new Set(domainNames));
  });

  test('a subtree is looked for in its own domain, one above a child domain in that, too', async () => {
    const [inRoot, inChild] = [at.add('source.test', 'user'), at.add('child.source.test', 'user')];
    const within = async (...under: readonly DomainName[]) =>
      [...upserts((await feed(directory, null, { ...everything, under: under.map(into) })).changes).keys()].sort();
    expect(await within('child.source.test')).toEqual([inChild]);
    expect(await within('source.test', 'child.source.test')).toEqual([inRoot, inChild].sort());
    // By name a child domain lies below the other one, whatever controller holds it.
    const tree = await feed(directory, null, { ...everything, under: [dnOf('source.test')] });
    const domains = new Set([...upserts(tree.changes).values()].map(({ domain }) => domain));
    expect([...domains].sort()).toEqual(['child.source.test', 'source.test']);
  });

  test('domains are named with the root first, whichever controller is worked with', async () => {
    for (const urls of [domainNames, [...domainNames].reverse()]) {
      const one = at.connect({ urls: urls.map((name) => at.wires[name].url) });
      const { domains, feed: told } = await one.describe(context());
      expect(domains[0]).toEqual({ name: 'source.test', dn: dnOf('source.test') });
      expect(domains.map(({ name }) => name).sort()).toEqual([...domainNames].sort());
      expect(told.by).toBe('dirsync');
    }
  });

  test('the domain whose changes are told worst is named', async () => {
    at.forest.setRights({ replicates: [dnOf('source.test'), dnOf('other.test')] });
    const { feed: told } = await at.restricted().describe(context());
    expect(told).toMatchObject({
      by: 'usn',
      why: expect.stringMatching(/^child\.source\.test: the account lacks the right/),
    });
  });

  test('names of other domains: members, managers, both ways', async () => {
    const [boss, person] = [at.add('other.test', 'user'), at.add('child.source.test', 'user')];
    const group = at.add('source.test', 'group', { groupType: '8' });
    expect(await modify(group, 'member', [at.dn(boss), at.dn(person)])).toEqual([{ kind: 'done', guid: group }]);
    expect(await modify(person, 'manager', [at.dn(boss)])).toEqual([{ kind: 'done', guid: person }]);
    const read = await directory.read([group, person], wanted, context());
    expect([...(read.get(group)?.attributes['member'] ?? [])].sort()).toEqual([at.dn(boss), at.dn(person)].sort());
    expect(read.get(person)?.attributes['manager']).toEqual([at.dn(boss)]);
    const names = await directory.resolve([at.dn(boss), at.dn(person), at.dn(group)], context());
    expect(new Set(names.values())).toEqual(new Set([boss, person, group]));
    // Who is moved keeps being a member, under another name.
    const before = at.dn(person);
    at.move(person, 'other.test');
    expect((await directory.resolve([before, at.dn(person)], context())).get(at.dn(person))).toBe(person);
    expect((await directory.read([group], wanted, context())).get(group)?.attributes['member']).toContain(
      at.dn(person),
    );
    expect(await modify(group, 'member', [], [at.dn(person)])).toEqual([{ kind: 'done', guid: group }]);
    const global = at.add('source.test', 'group', { groupType: '2' });
    expect(await modify(global, 'member', [at.dn(boss)])).toMatchObject([{ kind: 'refused', reason: 'value-refused' }]);
  });

  test('an address that somebody has in any domain is found, also one given a moment ago', async () => {
    // Catalogues hear of other domains a day later.
    at.forest.replicationDelayMs = 86_400_000;
    const guids = domainNames.map((name) => at.add(name, 'user', { targetAddress: 'SMTP:same@example.org' }));
    const found = async (name: string, value: string) =>
      (await directory.find([name], [value], wanted, context())).map(({ guid }) => guid).sort();
    expect(await found('targetAddress', 'smtp:SAME@example.org')).toEqual([...guids].sort());
    const last = must(guids.at(-1), 'three');
    at.put(last, { employeeID: ['4711'] });
    expect(await found('employeeID', '4711')).toEqual([last]);
  });
});

describe('writing', () => {
  test('goes to a controller of the right domain', async () => {
    const before = at.forest.domains.map(({ first }) => first.usn);
    const dn = `CN=New,${into('child.source.test')}` as const;
    const [made] = await directory.write(
      [{ kind: 'add', object: 'user', dn: dn as never, attributes: { sAMAccountName: ['new'] } }],
      context(),
    );
    const guid = must(made?.kind === 'done' ? made.guid : undefined, 'it was made');
    expect(at.dn(guid)).toBe(dn);
    expect(await modify(guid, 'displayName', ['New'])).toEqual([{ kind: 'done', guid }]);
    const { version } = must((await directory.read([guid], [], context())).get(guid), 'it is there');
    expect(await directory.write([{ kind: 'remove', guid, version }], context())).toEqual([{ kind: 'done', guid }]);
    expect(at.forest.domains.map(({ first }, n) => first.usn - (before[n] ?? 0))).toEqual([0, 3, 0]);
  });

  test('objects that were added together are looked up together, once a domain', async () => {
    await directory.read([], [], context());
    const edits = domainNames.flatMap((name) =>
      Array.from({ length: 10 }, (_, n) => ({
        kind: 'add' as const,
        object: 'contact' as const,
        dn: `CN=c${n},${into(name)}` as never,
        attributes: {},
      })),
    );
    const { searches } = directory.counts;
    const written = await directory.write(edits, context());
    expect(written.every(({ kind }) => kind === 'done')).toBe(true);
    expect(directory.counts.searches - searches).toBe(domainNames.length);
  });

  test('no rights in one domain is said of what lies there, and the others are written', async () => {
    at.forest.setRights({ writes: [into('source.test'), into('other.test')] });
    const guids = domainNames.map((name) => at.add(name, 'user'));
    const limited = at.restricted();
    const written = await limited.write(
      guids.map((guid) => ({ kind: 'modify' as const, guid, values: { displayName: { remove: [], add: ['x'] } } })),
      context(),
    );
    expect(written).toMatchObject([{ kind: 'done' }, { kind: 'refused', reason: 'no-rights' }, { kind: 'done' }]);
  });

  test('a move to another domain is none of ours, and what was moved meanwhile is stale', async () => {
    const guid = at.add('child.source.test', 'user');
    const from = at.dn(guid);
    const move = (to: DomainName, expected = from) =>
      directory.write([{ kind: 'move', guid, from: expected, to: `CN=moved,${into(to)}` as never }], context());
    expect(await move('source.test')).toMatchObject([{ kind: 'refused', reason: 'not-here' }]);
    const { version } = must((await directory.read([guid], [], context())).get(guid), 'it is there');
    at.move(guid, 'other.test');
    expect(await move('child.source.test')).toMatchObject([{ kind: 'refused', reason: 'stale' }]);
    expect(await directory.write([{ kind: 'remove', guid, version }], context())).toMatchObject([
      { kind: 'refused', reason: 'stale' },
    ]);
    expect(await modify(guid, 'displayName', ['There'])).toEqual([{ kind: 'done', guid }]);
  });

  test('controllers of other domains have nothing to show', async () => {
    at.forest.replicationDelayMs = 86_400_000;
    const both = at.connect({ urls: [...domainNames.map((name) => at.wires[name].url), ...at.addresses.urls] });
    const guid = at.add('child.source.test', 'user', { displayName: 'Shown' });
    const { controllers } = await both.describe(context());
    expect(controllers).toHaveLength(6);
    const shows = await both.replicated(guid, { displayName: ['Shown'] }, controllers, context());
    expect([...shows].flatMap(([name, is]) => (is === true ? [] : [`${name} ${is}`]))).toEqual([
      'dc4.child.source.test false',
    ]);
  });
});

describe('the feed', () => {
  const [root, child, other] = domainNames;

  test.each([
    'proxy',
    'tombstone',
  ] as const)('who is moved between two readings is the same object (%s)', async (trace) => {
    at.forest.moveTrace = trace;
    const guids = [at.add(child, 'user'), at.add(root, 'user'), at.add(other, 'user')] as const;
    const { cursor } = await feed(directory, null);
    at.move(guids[0], root);
    at.move(guids[1], child);
    at.move(guids[2], root);
    at.move(guids[2], child);
    const { changes, isWhole, cursor: next } = await feed(directory, cursor);
    expect(isWhole).toBe(false);
    expect(gone(changes)).toEqual([]);
    expect([...upserts(changes)].map(([guid, { dn }]) => [guid, dn]).sort()).toEqual(
      guids.map((guid) => [guid, at.dn(guid)]).sort(),
    );
    const { searches } = directory.counts;
    expect((await feed(directory, next)).changes).toEqual([]);
    expect(directory.counts.searches - searches).toBe(3);
  });

  test.each([
    ['into a domain that was asked already', child, root],
    ['into one that is asked next', root, other],
  ] as const)('who is moved in the middle of a reading, %s, is never gone', async (_, from, to) => {
    for (const trace of ['proxy', 'tombstone'] as const) {
      at.forest.moveTrace = trace;
      const guid = at.add(from, 'user');
      const first = await feed(directory, null);
      at.put(guid, { displayName: ['Changed'] });
      // The controller that it leaves is about to be asked what changed.
      at.wires[from].beforeNext = () => at.move(guid, to);
      const second = await feed(directory, first.cursor);
      const third = await feed(directory, second.cursor);
      expect(gone([...second.changes, ...third.changes])).toEqual([]);
      const last = upserts([...second.changes, ...third.changes]).get(guid);
      expect(last).toMatchObject({ dn: at.dn(guid), attributes: { displayName: ['Changed'] } });
      // From the beginning, between the pages of two domains: it may be named by none, and is found when it is asked for.
      at.move(guid, from);
      let pages = 0;
      const whole = await feed(directory, null, everything, () => {
        if (++pages === 1) at.move(guid, to);
      });
      expect(gone(whole.changes)).toEqual([]);
      const asked = (await directory.read([guid], wanted, context())).get(guid);
      expect(asked?.dn).toBe(at.dn(guid));
      expect(upserts((await feed(directory, whole.cursor)).changes).get(guid)?.dn ?? asked?.dn).toBe(at.dn(guid));
    }
  });

  test('who has left one domain and not come to the other one yet is waited for, and is gone when deleted there', async () => {
    const second = must(at.addresses.domains[1]?.urls[1], 'a second controller');
    const urls = [at.wires['source.test'].url, second, at.wires['other.test'].url];
    const there = at.connect({ urls });
    const [guid, nobody] = [at.add(root, 'user'), at.add(root, 'user')];
    at.remove(nobody);
    await there.read([guid], wanted, context());
    at.forest.replicationDelayMs = 1000;
    at.move(guid, child);
    for (const asked of [[guid], [nobody, guid]])
      expect(await thrown(there.read(asked, wanted, context()))).toMatchObject({
        kind: 'transient',
        detail: expect.stringMatching(/^1 of [12] objects that are not found, .* were moved to another domain/),
      });
    expect((await there.read([nobody], wanted, context())).size).toBe(0);
    await new Promise((next) => setTimeout(next, 1100));
    expect((await there.read([guid], wanted, context())).get(guid)?.dn).toBe(at.dn(guid));
    at.forest.replicationDelayMs = 0;
    at.remove(guid);
    expect((await there.read([guid], wanted, context())).size).toBe(0);
  });

  test('who is moved while they are looked for is found', async () => {
    const guid = at.add(child, 'user');
    await directory.read([guid], wanted, context());
    at.wires[child].beforeNext = () => at.move(guid, root);
    expect((await directory.read([guid], wanted, context())).get(guid)?.dn).toBe(at.dn(guid));
  });

  test.each([
    'dirsync',
    'usn',
  ] as const)('what it tells is what is there, whatever is moved, changed and deleted (%s)', async (by) => {
    const reader = by === 'dirsync' ? directory : at.restricted();
    const random = seededRandom(`several domains ${by}`);
    const pick = <T>(list: readonly T[]): T => must(list[random.int(list.length)], 'one of them');
    const alive: ObjectGuid[] = [];
    // A deleted object is there to be seen, so that the restricted account is known to see them.
    for (const name of domainNames) {
      at.remove(at.add(name, 'contact'));
      for (let n = 0; n < 4; n++) alive.push(at.add(name, 'user'));
    }
    const act = () => {
      at.forest.moveTrace = pick(['proxy', 'tombstone']);
      const kind = pick(['move', 'move', 'move', 'change', 'add', 'remove'] as const);
      if (kind === 'add') alive.push(at.add(pick(domainNames), 'user'));
      else {
        const guid = pick(alive);
        const to = pick(domainNames.filter((name) => !at.dn(guid).endsWith(into(name))));
        if (kind === 'move') at.move(guid, to);
        else if (kind === 'change') at.put(guid, { displayName: [`${random.int(1e9)}`] });
        else {
          at.remove(guid);
          alive.splice(alive.indexOf(guid), 1);
        }
      }
    };
    expect((await reader.describe(context())).feed.by).toBe(by);
    const mirror = new Map<ObjectGuid, DirectoryObject>();
    const here = (one: DirectoryObject) => domainNames.some((name) => one.dn.endsWith(into(name)));
    let { cursor, changes } = await feed(reader, null);
    for (let round = 0; round < 25; round++) {
      for (const [guid, object] of upserts(changes)) if (here(object)) mirror.set(guid, object);
      for (const guid of gone(changes)) {
        expect(alive, `round ${round}: ${guid} is there`).not.toContain(guid);
        mirror.delete(guid);
      }
      for (let n = random.int(4); n > 0; n--) act();
      if (random.int(2) === 0) at.wires[pick(domainNames)].beforeNext = act;
      const next = await feed(reader, cursor);
      expect(next.isWhole).toBe(false);
      ({ cursor, changes } = next);
    }
    for (const wire of Object.values(at.wires)) wire.beforeNext = null;
    for (const { changes: late } of [{ changes }, await feed(reader, cursor)]) {
      for (const [guid, object] of upserts(late)) if (here(object)) mirror.set(guid, object);
      for (const guid of gone(late)) mirror.delete(guid);
    }
    expect([...mirror.values()].map(({ guid, dn }) => `${guid} ${dn}`).sort()).toEqual(
      alive.map((guid) => `${guid} ${at.dn(guid)}`).sort(),
    );
  });
});

describe('a domain that cannot be reached', () => {
  test('stops a reading with its name, and the next one goes on from the same place', async () => {
    const { cursor } = await feed(directory, null);
    await at.wires['other.test'].cut();
    const guids = domainNames.map((name) => at.add(name, 'user'));
    for (let n = 0; n < 2; n++)
      expect(await thrown(feed(directory, cursor))).toMatchObject({ kind: 'transient', mayHaveHappened: false });
    const fault = await thrown(feed(directory, cursor));
    expect(fault).toMatchObject({
      detail: expect.stringMatching(
        /^the domain other\.test: .*; name a controller of it that can be reached under url/,
      ),
    });
    await at.wires['other.test'].open();
    const { changes, isWhole } = await feed(directory, cursor);
    expect(isWhole).toBe(false);
    expect([...upserts(changes).keys()].sort()).toEqual([...guids].sort());
  });

  test('is no reason to take what it holds for gone, nor its addresses for free', async () => {
    const guid = at.add('child.source.test', 'user', { targetAddress: 'SMTP:a@example.org' });
    await feed(directory, null);
    await at.wires['child.source.test'].cut();
    expect(await thrown(directory.read([guid], wanted, context()))).toMatchObject({ kind: 'transient' });
    expect(await thrown(directory.find(['targetAddress'], ['SMTP:a@example.org'], [], context()))).toMatchObject({
      kind: 'transient',
    });
    // What is known to lie elsewhere is written still.
    const [root] = [at.add('source.test', 'user')];
    expect((await directory.read([root], wanted, context())).size).toBe(1);
  });

  test('may be the first one that is named: another domain answers for the forest, and waits for it', async () => {
    await at.wires['source.test'].cut();
    const { domains, controller } = await directory.describe(context());
    expect(controller).toBe('dc3.child.source.test');
    expect(domains[0]?.name).toBe('source.test');
    expect(await thrown(feed(directory, null))).toMatchObject({
      kind: 'transient',
      detail: expect.stringContaining('the domain source.test: '),
    });
  });

  test('has another controller that lags: what it has not heard of is told', async () => {
    const second = must(at.addresses.domains[1]?.urls[1], 'a second controller');
    const others = [at.wires['source.test'].url, at.wires['other.test'].url];
    const there = at.connect({ urls: [...others, second] });
    const old = at.add('child.source.test', 'user');
    const far = at.add('source.test', 'user');
    at.forest.replicationDelayMs = 86_400_000;
    const young = at.add('child.source.test', 'user');
    const read = await directory.read([old, far, young], [], context());
    const versions = [old, far, young].map((guid) => must(read.get(guid), 'it is there').version);
    expect(await directory.unheard(versions, context())).toEqual([]);
    expect(await there.unheard(versions, context())).toEqual(versions.slice(2));
    // Who is moved is told of by the database that took them over.
    at.move(far, 'other.test');
    const moved = must((await directory.read([far], [], context())).get(far), 'it is there').version;
    expect(await there.unheard([moved], context())).toEqual([]);
  });

  test('has another controller: everything is read once, from that one', async () => {
    const second = must(at.addresses.domains[1]?.urls[1], 'a second controller');
    const both = at.connect({ urls: [...domainNames.map((name) => at.wires[name].url), second] });
    const { cursor } = await feed(both, null);
    await at.wires['child.source.test'].cut();
    await thrown(feed(both, cursor));
    const { isWhole, cursor: next } = await feed(both, cursor);
    expect(isWhole).toBe(true);
    expect((await feed(both, next)).isWhole).toBe(false);
  });

  test('whose controllers nobody named says what to write', async () => {
    const one = at.connect({ urls: [at.wires['source.test'].url, at.wires['other.test'].url] });
    expect(await thrown(feed(one, null))).toMatchObject({
      detail: expect.stringMatching(/^the domain child\.source\.test: .*name a controller of it/),
    });
  });

  test('refuses a sign-in by DN of another domain, and the cure is said', async () => {
    const one = at.connect({ user: `CN=Migration,CN=Users,${dnOf('source.test')}` });
    expect(await thrown(feed(one, null))).toMatchObject({
      kind: 'fatal',
      code: 'auth',
      detail: expect.stringContaining('sign in as NAME@DOMAIN or DOMAIN\\NAME'),
    });
  });

  test('is not taken for the only one where the account may not read which there are', async () => {
    at.forest.setRights({ hidden: [`CN=Partitions,CN=Configuration,${dnOf('source.test')}`] });
    expect(await thrown(feed(at.restricted(), null))).toMatchObject({
      kind: 'fatal',
      code: 'access-denied',
      detail: expect.stringContaining('which names the domains of the forest'),
    });
  });

  test('cannot be seen by the account: the reading stops and says where', async () => {
    at.forest.setRights({ hidden: [dnOf('child.source.test')] });
    const fault = await thrown(feed(at.restricted(), null));
    expect(fault).toMatchObject({ detail: expect.stringMatching(/child/) });
  });
});

test('which domains there are is looked at again after an hour', async () => {
  let passedMs = 0;
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + passedMs };
  const one = at.connect({ clock });
  const always = { signal: new AbortController().signal, deadlineMs: Number.POSITIVE_INFINITY };
  const read = async (from: DirectoryCursor | null) => {
    for (let place = from; ; ) {
      const page = await one.changes(everything, wanted, place, always);
      if (page.complete) return page;
      place = page.cursor;
    }
  };
  const { cursor } = await read(null);
  // Its controllers answer still.
  at.forest.removeDomain('other.test');
  expect((await read(cursor)).isWhole).toBe(false);
  passedMs = 3_600_000;
  expect((await read(cursor)).isWhole).toBe(true);
});

test('a domain that is taken out of the forest is not asked any more, and everything is read anew', async () => {
  const inside = at.add('source.test', 'user');
  const outside = at.add('other.test', 'user');
  const { cursor } = await feed(directory, null);
  at.forest.removeDomain('other.test');
  await at.wires['other.test'].cut();
  await thrown(feed(directory, cursor));
  const { isWhole, changes } = await feed(directory, cursor);
  expect(isWhole).toBe(true);
  expect(upserts(changes).has(inside)).toBe(true);
  expect(upserts(changes).has(outside)).toBe(false);
  expect((await directory.describe(context())).domains).toHaveLength(2);
});
