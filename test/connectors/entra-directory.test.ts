import { describe, expect, test } from 'vitest';
import type { Directory, DirectoryChange, DirectoryPage } from '#connectors/directory/contract.ts';
import { must } from '#kit/assert.ts';
import { FaultError } from '#kit/fault.ts';
import type { SteppingClock } from '#kit/stepping-clock.ts';
import type { HttpRequest, Transport } from '#kit/transport.ts';
import type { DirectoryEdit } from '#model/directory/directory-edit.ts';
import type { DirectoryObject, ObjectGuid } from '#model/directory/directory-object.ts';
import { recipientType } from '#model/directory/recipient-type.ts';
import { EntraLab, narrowId } from './entra-lab.fixture.ts';

const everything = { under: [], filter: null, memberOf: [] };
const wanted = [
  ...['displayName', 'mail', 'proxyAddresses', 'member', 'memberOf', 'manager', 'department', 'groupType', 'sn'],
  ...['ms-DS-ConsistencyGuid', 'onPremisesSyncEnabled', 'msExchRecipientTypeDetails', 'userAccountControl'],
  ...['telephoneNumber', 'extensionAttribute3', 'mailNickname', 'description'],
];

function bench(options: ConstructorParameters<typeof EntraLab>[0] = {}) {
  const tenant = new EntraLab(options);
  const context = () => ({ signal: new AbortController().signal, deadlineMs: tenant.clock.monotonicMs() + 60_000 });
  const feed = async (directory: Directory, cursor: string | null, after: (page: DirectoryPage) => void = () => {}) => {
    const changes: DirectoryChange[] = [];
    for (let at = cursor, pages = 1; ; pages++) {
      const page = await directory.changes(everything, wanted, at, context());
      changes.push(...page.changes);
      at = page.cursor;
      after(page);
      if (page.complete) return { changes, cursor: at, isWhole: page.isWhole, pages };
    }
  };
  const read = async (directory: Directory, guid: ObjectGuid): Promise<DirectoryObject> => {
    const found = (await directory.read([guid], wanted, context())).get(guid);
    if (found === undefined) throw new Error(`${guid} is not there`);
    return found;
  };
  return { tenant, context, feed, read };
}

const upserts = (changes: readonly DirectoryChange[]) =>
  new Map(changes.flatMap((one) => (one.kind === 'upsert' ? [[one.object.guid, one.object] as const] : [])));
/** What somebody knows who took the changes in one after the other. */
function stateAfter(changes: readonly DirectoryChange[]): ReadonlyMap<ObjectGuid, DirectoryObject> {
  const state = new Map<ObjectGuid, DirectoryObject>();
  for (const one of changes) {
    if (one.kind === 'upsert') state.set(one.object.guid, one.object);
    else state.delete(one.guid);
  }
  return state;
}
const change = (guid: ObjectGuid, name: string, remove: readonly string[], add: readonly string[]): DirectoryEdit => ({
  kind: 'modify',
  guid,
  values: { [name]: { remove, add } },
});

describe('reading a tenant', () => {
  test('from the beginning: everything with members, managers, memberships and what each is to mail', async () => {
    const { tenant, feed } = bench({ mailboxes: 4, directory: { groups: 3, contacts: 2 } });
    const directory = tenant.open();
    const { changes, isWhole } = await feed(directory, null);
    expect(isWhole).toBe(true);
    const seen = upserts(changes);
    const types = [...seen.values()].map((object) => recipientType(object)).sort();
    expect(types.filter((type) => type === 'user-mailbox')).toHaveLength(4);
    expect(types.filter((type) => type === 'mail-contact')).toHaveLength(2);
    expect(types).toContain('room-mailbox');
    expect(types).toContain('shared-mailbox');
    expect(types).toContain('distribution-group');
    expect(types).toContain('security-group');
    for (const object of seen.values()) {
      for (const member of object.attributes['member'] ?? [])
        expect(seen.get(member as ObjectGuid)?.attributes['memberOf']).toContain(object.guid);
      const entry = tenant.entry(object.guid);
      const at = tenant.organization.forest.first;
      expect(object.attributes['manager'] ?? []).toEqual(at.read(entry, 'manager'));
      expect(new Set(object.attributes['member'] ?? [])).toEqual(new Set(at.read(entry, 'member')));
    }
    // The same by reading one by one, versions too.
    const [first] = seen.keys();
    const again = await directory.read([...seen.keys()], wanted, {
      signal: new AbortController().signal,
      deadlineMs: Number.POSITIVE_INFINITY,
    });
    for (const [guid, object] of seen)
      expect(again.get(guid), String(first)).toEqual({
        ...object,
        attributes: expect.objectContaining(
          Object.fromEntries(Object.entries(object.attributes).filter(([name]) => name !== 'memberOf')),
        ),
      });
  });

  test('later: what changed, members and managers too, what is gone, and nothing in one request', async () => {
    const { tenant, feed } = bench();
    const directory = tenant.open();
    const [a, b] = [tenant.make('user', 'A', {}), tenant.make('user', 'B', {})];
    const group = tenant.make('group', 'G', { groupType: ['-2147483640'], member: [a] });
    const contact = tenant.make('contact', 'C', {
      proxyAddresses: ['SMTP:c@elsewhere.test'],
      mail: ['c@elsewhere.test'],
    });
    const { cursor } = await feed(directory, null);
    const before = directory.counts.searches;
    expect((await feed(directory, cursor)).changes).toEqual([]);
    expect(directory.counts.searches - before).toBe(1);

    tenant.set(a, { department: ['New'] });
    tenant.set(b, { manager: [a] });
    tenant.set(group, { member: [a, b] });
    tenant.remove(contact);
    const next = await feed(directory, cursor);
    expect(next.isWhole).toBe(false);
    const seen = upserts(next.changes);
    expect(seen.get(a)?.attributes).toMatchObject({ department: ['New'], memberOf: [group] });
    expect(seen.get(b)?.attributes).toMatchObject({ manager: [a] });
    expect(new Set(seen.get(group)?.attributes['member'])).toEqual(new Set([a, b]));
    expect(next.changes).toContainEqual({ kind: 'gone', guid: contact, lastDn: null });
    tenant.set(group, { member: [] });
    tenant.remove(b);
    const last = await feed(directory, next.cursor);
    expect(upserts(last.changes).get(group)?.attributes['member']).toBeUndefined();
    expect(last.changes).toContainEqual({ kind: 'gone', guid: b, lastDn: null });
  });

  test('a token that the service has forgotten begins anew, by itself', async () => {
    const { tenant, feed } = bench();
    const directory = tenant.open();
    const { cursor, changes } = await feed(directory, null);
    tenant.graph.forgetTokens();
    const anew = await feed(directory, cursor);
    expect(anew.isWhole).toBe(true);
    expect(upserts(anew.changes).size).toBe(upserts(changes).size);
    // Seven days are as good as forgotten.
    (tenant.clock as SteppingClock).advance(8 * 86_400_000);
    expect((await feed(tenant.open(), anew.cursor)).isWhole).toBe(true);
    expect((await feed(directory, 'nonsense')).isWhole).toBe(true);
  });

  test('what is deleted or written while a tenant is read from the beginning is told as it is then', async () => {
    const { tenant, feed, read } = bench({ mailboxes: 1 });
    const directory = tenant.open();
    const attributes = { department: ['Kept'], sn: ['Kept'], telephoneNumber: ['1'] };
    const [deleted, written, also] = ['D', 'W', 'X'].map((name) => tenant.make('user', name, attributes));
    if (deleted === undefined || written === undefined || also === undefined) throw new Error('nobody was made');
    const contact = tenant.make('contact', 'C', { sn: ['Kept'] });
    const group = tenant.make('group', 'G', {
      groupType: ['-2147483640'],
      description: ['Kept'],
      member: [deleted, also],
    });
    const gone = tenant.make('group', 'Gone', { groupType: ['-2147483640'] });
    // More than a page of each kind.
    const late = Array.from({ length: 250 }, (_, n) => tenant.make('contact', `M${n}`, {}));
    tenant.make('group', 'Large', { groupType: ['-2147483640'], member: late });
    for (let n = 0; n < 120; n++) tenant.make('user', `U${n}`, {});
    let [pages, tellingPages] = [0, 0];
    const { changes, cursor, isWhole } = await feed(directory, null, (page) => {
      if (++pages === 1) {
        tenant.set(group, { displayName: ['Renamed'], member: [also] });
        tenant.remove(gone);
      }
      if (page.changes.length === 0 || ++tellingPages > 1) return;
      tenant.remove(deleted);
      tenant.set(written, { department: ['New'], telephoneNumber: [] });
      tenant.set(contact, { sn: [] });
      for (const guid of late.slice(0, 3)) tenant.remove(guid);
    });
    expect(isWhole).toBe(true);
    const state = stateAfter(changes);
    expect(state.get(deleted)).toBeUndefined();
    expect(state.get(gone)).toBeUndefined();
    for (const guid of late.slice(0, 3)) expect(state.get(guid)).toBeUndefined();
    expect(state.get(late[3] ?? deleted)).toBeDefined();
    for (const guid of [written, also, contact, group]) {
      const { attributes: now, version } = await read(directory, guid);
      expect(state.get(guid)).toMatchObject({ attributes: now, version });
    }
    expect(state.get(written)?.attributes).toMatchObject({ department: ['New'], sn: ['Kept'] });
    expect(state.get(group)?.attributes).toMatchObject({
      displayName: ['Renamed'],
      description: ['Kept'],
      member: [also],
    });
    expect((await feed(directory, cursor)).changes).toEqual([]);
  });

  test('a page of people whose mailboxes are closed to the application is no missing permission', async () => {
    const roles = ['User.Read.All', 'Group.Read.All', 'OrgContact.Read.All', 'Organization.Read.All'];
    const scoped = { roles: ['MailboxSettings.Read'], mailboxes: [] as string[] };
    const { tenant, feed } = bench({ roles, scoped, mailboxes: 120 });
    const directory = tenant.open({ clientId: narrowId, secret: 'narrow' });
    await expect(feed(directory, null)).rejects.toThrow(/MailboxSettings\.Read/);
    const { address } = tenant.organization.mailboxes.at(-1) ?? { address: '' };
    scoped.mailboxes.push(address);
    const { changes, pages } = await feed(directory, null);
    expect(pages).toBeGreaterThan(2);
    const types = [...upserts(changes).values()].map((object) => recipientType(object));
    expect(types.filter((type) => type === 'user-mailbox')).toHaveLength(1);
  });

  test('a group of thousands comes in pieces and is read whole, from the beginning and later', async () => {
    const { tenant, feed, read } = bench();
    const directory = tenant.open();
    const people = Array.from({ length: 1207 }, (_, n) => tenant.make('contact', `M${n}`, {}));
    const group = tenant.make('group', 'Large', { groupType: ['-2147483640'], member: people });
    const first = await feed(directory, null);
    expect(first.pages).toBeGreaterThan(5);
    expect(new Set(upserts(first.changes).get(group)?.attributes['member'])).toEqual(new Set(people));
    const [gone = group, ...rest] = people;
    tenant.set(group, { member: rest });
    const next = await feed(directory, first.cursor);
    expect(upserts(next.changes).get(group)?.attributes['member']).toHaveLength(1206);
    expect((await read(directory, group)).attributes['member']).not.toContain(gone);
  }, 60_000);

  test('who has one of many addresses, long ones too, letters aside', async () => {
    const { tenant, context } = bench();
    const directory = tenant.open();
    const x500 = `X500:/o=Old/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=${'ab12'.repeat(12)}-o'neil`;
    const one = tenant.make('user', 'One', { proxyAddresses: ['SMTP:One@Old.test', x500] });
    const other = tenant.make('group', 'Other', { groupType: ['8'], proxyAddresses: ["smtp:o'neil@old.test"] });
    const many = Array.from({ length: 100 }, (_, n) => `smtp:nobody${n}@old.test`);
    const found = await directory.find(
      ['proxyAddresses', 'targetAddress'],
      [...many, 'smtp:one@old.test', "smtp:O'Neil@old.test", x500.toLowerCase()],
      ['proxyAddresses'],
      context(),
    );
    expect(found.map(({ guid }) => guid).sort()).toEqual([one, other].sort());
    expect((await directory.find(['proxyAddresses'], [x500], [], context())).map(({ guid }) => guid)).toEqual([one]);
    expect(await directory.find(['adminDescription'], ['x'], [], context())).toEqual([]);
  });

  test('a person from on premises has the anchor that Active Directory knows', async () => {
    const { tenant, context, read } = bench();
    const directory = tenant.open();
    const guid = tenant.make('user', 'Synced', {});
    tenant.entra.syncFrom(tenant.entry(guid), '00112233-4455-6677-8899-aabbccddeeff');
    const anchor = '33221100554477668899aabbccddeeff';
    expect((await read(directory, guid)).attributes).toMatchObject({
      'ms-DS-ConsistencyGuid': [anchor],
      onPremisesSyncEnabled: ['TRUE'],
    });
    expect((await directory.find(['ms-DS-ConsistencyGuid'], [anchor], [], context())).map((one) => one.guid)).toEqual([
      guid,
    ]);
  });
});

describe('writing to a tenant', () => {
  test('a user, a security group, its members and a manager', async () => {
    const { tenant, context, read } = bench();
    const directory = tenant.open();
    const [a, b] = [tenant.make('user', 'A', { department: ['Old'] }), tenant.make('user', 'B', {})];
    const edits: readonly DirectoryEdit[] = [
      {
        kind: 'modify',
        guid: a,
        values: {
          department: { remove: ['Old'], add: ['New'] },
          telephoneNumber: { remove: [], add: ['+43 1'] },
          extensionAttribute3: { remove: [], add: ['x'] },
        },
      },
      change(b, 'manager', [], [a]),
      change(b, 'userAccountControl', ['514'], ['512']),
      {
        kind: 'add',
        object: 'group',
        dn: '' as never,
        attributes: { displayName: ['Team'], groupType: ['-2147483640'], member: [a] },
      },
    ];
    const written = await directory.write(edits, context());
    expect(written.map(({ kind }) => kind)).toEqual(['done', 'done', 'done', 'done']);
    const group = written[3]?.kind === 'done' ? written[3].guid : a;
    expect((await read(directory, a)).attributes).toMatchObject({
      department: ['New'],
      telephoneNumber: ['+43 1'],
      extensionAttribute3: ['x'],
      memberOf: [group],
    });
    expect((await read(directory, b)).attributes).toMatchObject({ manager: [a], userAccountControl: ['512'] });
    const more = await directory.write([change(group, 'member', [a], [b]), change(b, 'manager', [a], [])], context());
    expect(more.map(({ kind }) => kind)).toEqual(['done', 'done']);
    expect((await read(directory, group)).attributes['member']).toEqual([b]);
    const { version } = await read(directory, group);
    expect((await directory.write([{ kind: 'remove', guid: group, version: 'old' }], context()))[0]).toMatchObject({
      reason: 'stale',
    });
    expect((await directory.write([{ kind: 'remove', guid: group, version }], context()))[0]?.kind).toBe('done');
  });

  test('a user who has a mailbox by now is not removed', async () => {
    const { tenant, context, read } = bench();
    const directory = tenant.open();
    const [address] = tenant.organization.mailboxes.map((mailbox) => mailbox.address);
    const guid = tenant.idOf(must(address, 'somebody with a mailbox'));
    const { version } = await read(directory, guid);
    expect((await directory.write([{ kind: 'remove', guid, version }], context()))[0]).toMatchObject({
      reason: 'stale',
      detail: 'it has a mailbox by now',
    });
    expect((await read(directory, guid)).guid).toBe(guid);
  });

  test('what Exchange writes is handed over, with lines in which every value is a text', async () => {
    const { tenant, context } = bench();
    const directory = tenant.open();
    const name = "O'Hara'; Remove-Mailbox *; '";
    const user = tenant.make('user', 'U', { proxyAddresses: ['SMTP:u@target.test'], mail: ['u@target.test'] });
    const list = tenant.make('group', 'L', { groupType: ['8'], proxyAddresses: ['SMTP:l@target.test'] });
    const contact = tenant.make('contact', 'C', { proxyAddresses: ['SMTP:c@else.test'] });
    const { version } = (await directory.read([contact], [], context())).get(contact) ?? { version: '' };
    const answers = await directory.write(
      [
        change(user, 'proxyAddresses', [], ['x500:/o=Old/cn=U']),
        change(user, 'targetAddress', [], ['SMTP:u@old.test']),
        change(list, 'displayName', ['L'], [name]),
        change(list, 'member', [], [user]),
        change(contact, 'sn', [], [name]),
        { kind: 'remove', guid: contact, version },
        {
          kind: 'add',
          object: 'user',
          dn: '' as never,
          attributes: { displayName: [name], targetAddress: ['SMTP:x@old.test'], mail: ['x@old.test'] },
        },
      ],
      context(),
    );
    expect(answers.map(({ kind }) => kind)).toEqual(Array(7).fill('handed-over'));
    const lines = answers.flatMap((one) => (one.kind === 'handed-over' ? one.script : []));
    expect(lines[0]).toBe(`Set-CausewayAddress -No 0 -Identity '${user}' -Add @('x500:/o=Old/cn=U')`);
    expect(lines.join('\n').replaceAll("'O''Hara''; Remove-Mailbox *; '''", '')).not.toContain('Remove-Mailbox');
    expect(tenant.organization.forest.first.texts(tenant.entry(user), 'proxyAddresses')).toHaveLength(1);
  });

  test('refusals have their names, and nothing is half written', async () => {
    const { tenant, context, read } = bench();
    const directory = tenant.open();
    const [a, b] = [tenant.make('user', 'A', {}), tenant.make('user', 'B', { userPrincipalName: ['b@target.test'] })];
    const synced = tenant.make('user', 'S', {});
    tenant.entra.syncFrom(tenant.entry(synced), '00112233-4455-6677-8899-aabbccddeeff');
    const group = tenant.make('group', 'G', { groupType: ['-2147483640'] });
    const nobody = '11111111-2222-3333-4444-555555555555' as ObjectGuid;
    const answers = await directory.write(
      [
        change(synced, 'department', [], ['x']),
        change(nobody, 'department', [], ['x']),
        change(a, 'department', ['x'], ['y']),
        change(a, 'userPrincipalName', [], ['b@target.test']),
        change(a, 'extensionAttribute3', [], ['x'.repeat(5000)]),
        change(a, 'noSuchAttribute', [], ['x']),
        change(a, 'department', [], ['one', 'two']),
        { kind: 'modify', guid: group, values: { member: { remove: [], add: [a, nobody, b] } } },
        {
          kind: 'modify',
          guid: a,
          values: { department: { remove: [], add: ['half'] }, manager: { remove: [], add: [nobody] } },
        },
        { kind: 'move', guid: a, from: '' as never, to: 'CN=a' as never },
        { kind: 'add', object: 'container', dn: '' as never, attributes: {} },
      ],
      context(),
    );
    expect(answers.map((one) => (one.kind === 'refused' ? one.reason : one.kind))).toEqual([
      'not-here',
      'not-there',
      'stale',
      'name-taken',
      'value-refused',
      'schema-lacks',
      'value-refused',
      'value-refused',
      'value-refused',
      'no-container',
      'schema-lacks',
    ]);
    expect((await read(directory, group)).attributes['member']).toBeUndefined();
    expect((await read(directory, a)).attributes['department']).toBeUndefined();
  });

  test('an application that may only read is refused by name, and goes on reading', async () => {
    const roles = [
      'User.Read.All',
      'Group.Read.All',
      'OrgContact.Read.All',
      'Organization.Read.All',
      'MailboxSettings.Read',
    ];
    const { tenant, context, feed } = bench({ roles });
    const directory = tenant.open({ clientId: narrowId, secret: 'narrow' });
    expect((await feed(directory, null)).changes.length).toBeGreaterThan(4);
    const guid = tenant.make('user', 'A', {});
    const [answer] = await directory.write([change(guid, 'department', [], ['x'])], context());
    expect(answer).toMatchObject({ kind: 'refused', reason: 'no-rights' });
  });

  test('without a right to read it is told which ones are needed', async () => {
    const { tenant, context } = bench({ roles: ['Organization.Read.All', 'User.Read.All'] });
    const directory = tenant.open({ clientId: narrowId, secret: 'narrow' });
    const failed = directory.changes(everything, wanted, null, context());
    await expect(failed).rejects.toThrow(FaultError);
    await expect(failed).rejects.toThrow(/OrgContact\.Read\.All/);
  });
});

describe('a tenant that is throttled', () => {
  /** Answers the first requests with 429, as a part of a batch or as a whole. */
  function throttling(inner: Transport, times: number, seen: { waits: number }): Transport {
    return {
      async connect(...to) {
        const connection = await inner.connect(...to);
        const request = async (asked: HttpRequest, signal: AbortSignal) => {
          if (asked.path.includes('/v1.0/') && seen.waits < times) {
            seen.waits++;
            return {
              status: 429,
              headers: { 'retry-after': '7', 'content-type': 'application/json' },
              body: (async function* () {
                yield Buffer.from(JSON.stringify({ error: { code: 'TooManyRequests', message: 'throttled' } }));
              })(),
            };
          }
          return connection.request(asked, signal);
        };
        return {
          channelBinding: connection.channelBinding,
          get usable() {
            return connection.usable;
          },
          request,
          close: () => connection.close(),
        };
      },
    };
  }

  test('is waited for as long as it says, and the work goes on; beyond the deadline it is told', async () => {
    const { tenant, feed, context } = bench();
    const seen = { waits: 0 };
    const directory = tenant.open({ transport: throttling(tenant.lab.transport(), 3, seen) });
    const began = tenant.clock.nowMs();
    expect((await feed(directory, null)).isWhole).toBe(true);
    expect(seen.waits).toBe(3);
    expect(tenant.clock.nowMs() - began).toBeGreaterThanOrEqual(21_000);
    const never = tenant.open({ transport: throttling(tenant.lab.transport(), 1000, { waits: 0 }) });
    const failed = never.describe(context());
    await expect(failed).rejects.toMatchObject({ fault: { kind: 'throttled' } });
  });
});
