import { describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import type { ObjectGuid } from '#model/directory/directory-object.ts';
import type { Side } from '#model/ids.ts';
import { withGuids } from './draft.ts';
import { Forests } from './forests.fixture.ts';
import { inverseOf, type WrittenEdit } from './undo.ts';

describe('somebody new', () => {
  test('gets a mail user that redirects to the mailbox and answers to old mail', () => {
    const world = new Forests();
    const ana = world.mailbox('left', 'Ana', { title: ['Engineer'] });
    const plan = world.run();
    expect(plan.edits.map(({ side, change, reason }) => [side, change.kind, reason])).toEqual([
      ['left', 'modify', 'routing'],
      ['right', 'add', 'stands-for'],
    ]);
    const shadow = world.shadow(ana);
    expect(shadow.dn).toBe('CN=Ana,OU=Shadows,DC=target,DC=test');
    expect(shadow.attributes).toMatchObject({
      title: ['Engineer'],
      sAMAccountName: ['ana'],
      userPrincipalName: ['ana@target.test'],
      userAccountControl: ['514'],
      targetAddress: ['SMTP:ana@route.source.example'],
      mail: ['ana@source.example'],
      msExchRecipientTypeDetails: ['128'],
      msExchPoliciesExcluded: ['{26491cfc-9e50-4857-861b-0cb8df22b5d7}'],
    });
    expect([...(shadow.attributes['proxyAddresses'] ?? [])].sort()).toEqual([
      'SMTP:ana@source.example',
      'smtp:ana@route.target.example',
      'x500:/o=source/ou=First/cn=Recipients/cn=ana',
    ]);
    expect(shadow.attributes['homeMDB']).toBeUndefined();
    expect(world.left.object(ana)?.attributes['proxyAddresses']).toContain(
      `x500:${shadow.attributes['legacyExchangeDN']?.[0]}`,
    );
    expect(plan.needs.map(({ need }) => need)).toEqual(['update-recipient', 'enable-mailbox']);
    expect(world.run().edits).toEqual([]);
  });
});

const settle = (world: Forests) => {
  for (let pass = 0; pass < 4; pass++) world.run();
};

describe('what people and directories come up with', () => {
  test('two people with one address are both named, and neither is made', () => {
    const world = new Forests();
    const ana = world.mailbox('left', 'Ana', {
      proxyAddresses: ['SMTP:ana@source.example', 'smtp:info@source.example'],
    });
    const ben = world.mailbox('left', 'Ben', {
      proxyAddresses: ['SMTP:ben@source.example', 'smtp:INFO@source.example'],
    });
    expect(world.run().edits).toEqual([]);
    expect([world.waiting.left.get(ana), world.waiting.left.get(ben)]).toEqual(['address-twice', 'address-twice']);
  });

  test('an address that somebody else has on the other side stops the object before anything is written', () => {
    const world = new Forests();
    const ana = world.mailbox('left', 'Ana');
    world.mailbox(
      'right',
      'Zoe',
      { proxyAddresses: ['SMTP:zoe@target.example', 'smtp:ana@source.example'] },
      'Elsewhere',
    );
    const plan = world.plan();
    expect(plan.edits.filter(({ side }) => side === 'right')).toEqual([]);
    expect(plan.waiting.find(({ guid }) => guid === ana)?.reason).toMatch(/address-taken|match-out-of-scope/);
  });

  test('an address of a third organization, and one that is none', () => {
    const world = new Forests();
    const ana = world.mailbox('left', 'Ana', { proxyAddresses: ['SMTP:ana@source.example', 'smtp:ana@third.example'] });
    const ben = world.mailbox('left', 'Ben', {
      proxyAddresses: ['SMTP:ben@@source.example'],
      mail: ['ben@@source.example'],
    });
    world.run();
    expect([world.waiting.left.get(ana), world.waiting.left.get(ben)]).toEqual(['foreign-domain', 'bad-address']);
    expect(world.links.size).toBe(0);
  });

  test('contacts that send on to each other are a circle, and nothing is written', () => {
    const world = new Forests();
    const contact = (side: Side, to: string, own: string) =>
      world[side].add('contact', `CN=Loop,OU=Staff,DC=${side === 'left' ? 'source' : 'target'},DC=test`, {
        mailNickname: ['loop'],
        mail: [own],
        proxyAddresses: [`SMTP:${own}`],
        targetAddress: [`SMTP:${to}`],
      });
    const left = contact('left', 'loop@target.example', 'loop@source.example');
    contact('right', 'loop@source.example', 'loop@target.example');
    expect(world.run().edits).toEqual([]);
    expect(world.waiting.left.get(left)).toBe('redirection-loop');
  });

  test('a contact that stands for a person of the other side is found, and no second one is made', () => {
    const world = new Forests();
    const carol = world.left.add('contact', 'CN=Carol,OU=Staff,DC=source,DC=test', {
      mailNickname: ['carol'],
      proxyAddresses: ['SMTP:carol@target.example'],
      targetAddress: ['SMTP:carol@target.example'],
    });
    const person = world.mailbox('right', 'Carol');
    settle(world);
    expect(world.linkOf('left', carol)).toMatchObject({ right: person, home: 'right', made: null });
  });

  test('groups nested in themselves and in one another', () => {
    const world = new Forests();
    const ana = world.mailbox('left', 'Ana');
    const one = world.group('left', 'One', [ana]);
    const two = world.group('left', 'Two', [one]);
    world.left.set(
      one,
      'member',
      [one, two, ana].map((guid) => world.left.entry(guid).dn),
    );
    const plan = world.run();
    const shadows = [one, two, ana].map((guid) => world.shadow(guid).dn);
    expect([...(world.shadow(one).attributes['member'] ?? [])].sort()).toEqual([...shadows].sort());
    expect(plan.edits.filter(({ reason }) => reason === 'members')).toHaveLength(2);
    expect(world.run().edits).toEqual([]);
  });

  test('a name with every special character', () => {
    const world = new Forests();
    const odd = world.mailbox('left', ' #Huber, "Ana" + <b>;=\\/ü ');
    world.run();
    expect(world.shadow(odd).attributes['displayName']).toEqual([' #Huber, "Ana" + <b>;=\\/ü ']);
    expect(world.run().edits).toEqual([]);
  });

  test('a value that the attribute does not take is left out and named; the rest goes over', () => {
    const world = new Forests();
    const ana = world.mailbox('left', 'Ana', { l: ['a'.repeat(129)], title: ['x'] });
    const plan = world.run();
    expect(plan.notes.map(({ outcome, attribute }) => [outcome, attribute])).toContainEqual(['value-too-long', 'l']);
    expect(world.shadow(ana).attributes).toMatchObject({ title: ['x'] });
    expect(world.shadow(ana).attributes['l']).toBeUndefined();
  });

  test('a disabled account is left out', () => {
    const world = new Forests();
    const ana = world.mailbox('left', 'Ana', { userAccountControl: ['514'] });
    world.run();
    expect(world.waiting.left.get(ana)).toBe('disabled');
  });

  test('renamed, then moved between organizational units', () => {
    const world = new Forests({ tree: 'mirror' });
    world.left.add('container', 'OU=Sales,OU=Staff,DC=source,DC=test');
    const ana = world.mailbox('left', 'Ana');
    world.run();
    world.left.move(ana, 'CN=Ana Huber,OU=Sales,OU=Staff,DC=source,DC=test');
    world.run();
    expect(world.shadow(ana).dn).toBe('CN=Ana Huber,OU=Sales,OU=Shadows,DC=target,DC=test');
    expect(world.run().edits).toEqual([]);
  });

  test('deleted: the object of ours goes after two passes, and no sooner', () => {
    const world = new Forests();
    const ana = world.mailbox('left', 'Ana');
    world.run();
    const { right } = world.links.get(ana) ?? { right: '' as ObjectGuid };
    world.left.remove(ana);
    expect(world.run().edits).toEqual([]);
    expect(world.waiting.right.get(right)).toBe('delete-waits');
    expect(world.run().edits.map(({ change }) => change.kind)).toEqual(['remove']);
    expect(world.links.size).toBe(0);
  });

  test.each([
    ['a mailbox was made of it', { msExchRecipientTypeDetails: ['1'], homeMDB: ['CN=Store,DC=target,DC=test'] }],
    ['a mailbox was made of it that only its store tells of', { homeMDB: ['CN=Store,DC=target,DC=test'] }],
    ['its mailbox is in the tenant', { msExchRecipientTypeDetails: ['2147483648'] }],
  ])('deleted: the object of ours stays and is named when %s', (_, attributes) => {
    const world = new Forests();
    const ana = world.mailbox('left', 'Ana');
    world.run();
    const { guid } = world.shadow(ana);
    for (const [name, values] of Object.entries(attributes)) world.right.set(guid, name, values);
    settle(world);
    world.left.remove(ana);
    settle(world);
    expect(world.right.object(guid)).not.toBeNull();
    expect(world.waiting.right.get(guid)).toBe('mailbox-stays');
    expect(world.run().edits).toEqual([]);
  });

  test('deleted: the object of ours stays where the person works by now', () => {
    const world = new Forests();
    const ana = world.mailbox('left', 'Ana');
    world.run();
    const { guid } = world.shadow(ana);
    world.links.set(ana, { ...must(world.links.get(ana), 'a link'), home: 'right' });
    world.left.remove(ana);
    for (let pass = 0; pass < 3; pass++) world.run();
    expect(world.right.object(guid)).not.toBeNull();
    expect(world.waiting.right.get(guid)).toBe('mailbox-stays');
  });

  test('switched: the mailbox that was left gets no address of the domains that it redirects to', () => {
    const world = new Forests({ routing: { left: null, right: null } });
    const ana = world.mailbox('left', 'Ana');
    world.run();
    const { guid } = world.shadow(ana);
    world.right.set(guid, 'homeMDB', ['CN=Store,DC=target,DC=test']);
    world.right.set(guid, 'msExchRecipientTypeDetails', ['1']);
    world.right.set(guid, 'targetAddress', []);
    world.right.set(guid, 'proxyAddresses', [
      ...(world.right.object(guid)?.attributes['proxyAddresses'] ?? []).map((value) => value.replace('SMTP:', 'smtp:')),
      'SMTP:ana@target.example',
      'smtp:ana@elsewhere.example',
    ]);
    world.links.set(ana, { ...must(world.links.get(ana), 'a link'), home: 'right' });
    settle(world);
    const addresses = world.left.object(ana)?.attributes['proxyAddresses'] ?? [];
    expect(addresses).toContain('smtp:ana@elsewhere.example');
    expect(addresses).not.toContain('smtp:ana@target.example');
    expect(world.left.object(ana)?.attributes['targetAddress']).toEqual(['SMTP:ana@target.example']);
  });

  test('more removals than maxDelete allows are held', () => {
    const world = new Forests({ maxDelete: { share: 0, atLeast: 1 } });
    const people = ['Ana', 'Ben', 'Cleo'].map((name) => world.mailbox('left', name));
    world.run();
    for (const guid of people) world.left.remove(guid);
    world.run();
    expect(world.run()).toMatchObject({ removals: 1, held: 2 });
  });

  test('deleted and recreated with the same name: another person, and the old link is gone first', () => {
    const world = new Forests();
    const old = world.mailbox('left', 'Ana');
    world.run();
    const shadow = world.shadow(old).guid;
    world.left.remove(old);
    const young = world.mailbox('left', 'Ana');
    world.run();
    expect(world.waiting.left.get(young)).toBe('recreated');
    settle(world);
    expect(world.right.object(shadow)).toBeNull();
    expect(world.linkOf('left', young)?.made).toBe('right');
  });

  test('what was matched and not made is never removed', () => {
    const world = new Forests({ match: [{ by: 'sAMAccountName' }] });
    const ana = world.mailbox('left', 'Ana');
    const account = world.mailbox('right', 'Ana');
    world.run();
    expect(world.linkOf('left', ana)).toMatchObject({ right: account, made: null, home: 'left' });
    world.left.remove(ana);
    settle(world);
    expect(world.right.object(account)).not.toBeNull();
    expect(world.right.object(account)?.attributes['targetAddress']).toBeUndefined();
    expect(world.waiting.right.get(account)).toBe('counterpart-deleted');
  });

  test('a match that may be several people is none', () => {
    const world = new Forests({ match: [{ by: 'employeeID' }] });
    const ana = world.mailbox('left', 'Ana', { employeeID: ['7'] });
    world.mailbox('right', 'Ana One', { employeeID: ['7'] });
    world.mailbox('right', 'Ana Two', { employeeID: ['7'] });
    const plan = world.run();
    expect(world.waiting.left.get(ana)).toBe('ambiguous-match');
    expect(plan.edits).toEqual([]);
  });

  test('in a hybrid accounts are joined by their anchor, and none is made', () => {
    const world = new Forests({ hybrid: true });
    const ana = world.mailbox('left', 'Ana', { 'ms-DS-ConsistencyGuid': ['aa'.repeat(16)] });
    const ben = world.mailbox('left', 'Ben');
    const there = world.right.add('user', 'CN=Somebody,OU=Staff,DC=target,DC=test', {
      'ms-DS-ConsistencyGuid': ['aa'.repeat(16)],
    });
    world.run();
    expect(world.linkOf('left', ana)).toMatchObject({ right: there, by: 'anchor' });
    expect(world.waiting.left.get(ben)).toBe('no-anchor-yet');
  });

  test('an anchor that nobody wrote is the objectGUID, on either side', () => {
    const world = new Forests({ hybrid: true });
    const bytesOf = (guid: ObjectGuid) =>
      guid.replace(/^(..)(..)(..)(..)-(..)(..)-(..)(..)-(....)-/, '$4$3$2$1$6$5$8$7$9').replaceAll('-', '');
    const there = world.mailbox('right', 'Ana there');
    // A tool wrote down at the old account which new one it became; somebody else has its mail address by now.
    const ana = world.mailbox('left', 'Ana', {
      'ms-DS-ConsistencyGuid': [bytesOf(there)],
      mail: ['new@target.example'],
    });
    world.mailbox('right', 'New');
    const ben = world.mailbox('left', 'Ben');
    const benThere = world.mailbox('right', 'Ben there', { 'ms-DS-ConsistencyGuid': [bytesOf(ben)] });
    world.run();
    expect(world.linkOf('left', ana)).toMatchObject({ right: there, by: 'anchor' });
    expect(world.linkOf('left', ben)).toMatchObject({ right: benThere, by: 'anchor' });
  });

  test('in a hybrid no rule takes an account that is anchored to somebody else', () => {
    const world = new Forests({ hybrid: true });
    const cleo = world.mailbox('left', 'Cleo', { employeeID: ['7'] });
    const ana = world.mailbox('left', 'Ana', { 'ms-DS-ConsistencyGuid': ['aa'.repeat(16)] });
    const there = world.mailbox('right', 'Ana there', {
      employeeID: ['7'],
      'ms-DS-ConsistencyGuid': ['aa'.repeat(16)],
    });
    world.run();
    expect(world.linkOf('left', ana)).toMatchObject({ right: there, by: 'anchor' });
    expect(world.linkOf('left', cleo)).toBeNull();
    expect(world.waiting.left.get(cleo)).toBe('anchors-differ');
  });

  test('both sides changed the same attribute: home wins, and the loser is in the journal', () => {
    const world = new Forests();
    const ana = world.mailbox('left', 'Ana', { title: ['a'] });
    world.run();
    world.left.set(ana, 'title', ['b']);
    world.right.set(world.shadow(ana).guid, 'title', ['c']);
    world.right.set(world.shadow(ana).guid, 'department', ['d']);
    const plan = world.run();
    expect(plan.notes).toMatchObject([{ outcome: 'both-changed', attribute: 'title', values: ['c'] }]);
    expect(world.shadow(ana).attributes['title']).toEqual(['b']);
    expect(world.left.object(ana)?.attributes['department']).toEqual(['d']);
  });

  test('what was written can be taken back, last first, and both sides are as before', () => {
    const world = new Forests();
    const ana = world.mailbox('left', 'Ana');
    world.group('left', 'All', [ana]);
    world.mailbox('right', 'Ben');
    const stateOf = () =>
      (['left', 'right'] as const).map((side) =>
        world[side].objects().map(({ dn, attributes }) => ({
          dn,
          attributes: Object.fromEntries(
            Object.entries(attributes).map(([name, values]) => [name, [...values].sort()]),
          ),
        })),
      );
    const before = stateOf();
    const plan = world.plan();
    const made = new Map<ObjectGuid, ObjectGuid>();
    const written: { readonly side: Side; readonly edit: WrittenEdit; readonly kind: 'user' | 'group' }[] = [];
    for (const { side, change, dn, makes, before: was, after } of plan.edits) {
      const guid = world[side].write(withGuids(change, made));
      if (makes !== null) made.set(makes, guid);
      written.push({ side, kind: 'user', edit: { action: change.kind, guid, dn, before: was, after } });
    }
    expect(written.length).toBeGreaterThan(3);
    for (const { side, edit, kind } of written.reverse()) {
      const now = world[side].object(edit.guid);
      const inverse = inverseOf(edit, { dn: now?.dn ?? edit.dn, version: now?.version ?? '', kind });
      if (inverse !== null) world[side].write(inverse);
    }
    expect(stateOf()).toEqual(before);
  });
});
