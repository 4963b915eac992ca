import { afterEach, describe, expect, test } from 'vitest';
import type { Finding } from '#jobs/check.ts';
import { checkRoutingOfSync } from '#jobs/directory/check-routing.ts';
import { planDirectoryPass, runDirectoryPass } from '#jobs/directory/directory-pass.ts';
import { openHandedOver, takeReceipt } from '#jobs/directory/handed-over.ts';
import { undoEntries } from '#jobs/directory/undo-entries.ts';
import { must } from '#kit/assert.ts';
import { guidBytes } from '#lab/world/directory/dn.ts';
import type { DistinguishedName } from '#model/directory/directory-object.ts';
import type { DirectorySyncPolicy } from '#model/directory/sync-policy.ts';
import { readReceipt } from '#project/receipt.ts';
import { Hybrid } from './hybrid.fixture.ts';

const signal = new AbortController().signal;
const hybrids: Hybrid[] = [];
afterEach(async () => {
  for (const one of hybrids.splice(0)) await one.close();
});
async function openHybrid(policy: Partial<DirectorySyncPolicy> = {}, mailboxes = 3, inTenant = 0): Promise<Hybrid> {
  const hybrid = await Hybrid.open({ policy, mailboxes, inTenant });
  hybrids.push(hybrid);
  return hybrid;
}

describe('from a forest to a tenant', () => {
  test('what Graph does not make is handed over as a script, seen once it was run, and linked as made by us', async () => {
    const hybrid = await openHybrid();
    const first = await hybrid.pass();
    expect(first.refused).toEqual([]);
    const asked = await openHandedOver(hybrid.store, 'main');
    // Three people, one contact, three groups.
    expect(asked.map(({ action }) => action)).toEqual(Array(7).fill('add'));
    expect(await hybrid.store.countDirectoryLinks('main')).toBe(0);

    // Nobody has run it: nothing is asked for twice, and everybody waits under a name.
    await hybrid.pass();
    expect((await openHandedOver(hybrid.store, 'main')).map(({ no }) => no)).toEqual(asked.map(({ no }) => no));
    const waiting = await hybrid.store.directoryWaiting('main', 100);
    expect(new Set(waiting.map(({ reason }) => reason))).toEqual(new Set(['handed-over']));
    expect(waiting).toHaveLength(7);

    const script = await hybrid.script();
    await hybrid.take(hybrid.run(script));
    await hybrid.pass();
    expect(await hybrid.store.countDirectoryLinks('main')).toBe(7);
    expect((await openHandedOver(hybrid.store, 'main')).filter(({ action }) => action === 'add')).toEqual([]);
    const links = await hybrid.store.pageDirectoryLinks('main', null, 100);
    expect(links.every(({ made }) => made === 'right')).toBe(true);

    // Members can be named only now.
    hybrid.run(await hybrid.script());
    await hybrid.pass();
    const open = await openHandedOver(hybrid.store, 'main');
    const receipt = readReceipt(hybrid.run(await hybrid.script()));
    await takeReceipt(hybrid.services, null, receipt.lines, signal);
    expect(await openHandedOver(hybrid.store, 'main'), JSON.stringify(open, null, 1)).toEqual([]);

    const [person] = hybrid.people.mailboxes;
    const address = must(person, 'somebody').address;
    const [entry] = hybrid.at.having('proxyAddresses', `smtp:${address}`);
    const made = must(entry, 'a mail user');
    expect(hybrid.at.text(made, 'targetAddress')).toBe(`SMTP:${address}`);
    expect(hybrid.at.texts(made, 'proxyAddresses').some((one) => /^x500:\/o=Source/i.test(one))).toBe(true);
    const groups = [...hybrid.at.entries()].filter((one) => hybrid.at.texts(one, 'member').length > 0);
    expect(groups.length).toBeGreaterThan(0);

    // At rest: one request a side, and nothing to say.
    const idle = await hybrid.pass();
    expect(idle.summary).toMatchObject({ writes: 0, refused: 0, outcome: 'complete', searches: 2 });
    expect((await planDirectoryPass(hybrid.services, signal, { everything: true })).edits).toEqual([]);
    // Again, the script writes nothing.
    const usn = hybrid.at.usn;
    hybrid.run(script);
    expect(hybrid.at.usn).toBe(usn);
  });

  test('members that are handed over and that nobody has written yet are not taken for removed', async () => {
    const hybrid = await openHybrid({ direction: 'both' });
    const { first } = hybrid.people.forest;
    const members = () =>
      new Map(
        [...first.entries()].flatMap((entry) => {
          const names = first.texts(entry, 'member');
          return names.length === 0 ? [] : [[first.text(entry, 'cn'), [...names].sort()] as const];
        }),
      );
    const before = members();
    expect(before.size).toBeGreaterThan(0);
    await hybrid.pass();
    await hybrid.take(hybrid.run(await hybrid.script()));
    await hybrid.pass();
    const asked = (await openHandedOver(hybrid.store, 'main')).filter(({ after }) => 'member' in after);
    expect(asked.length).toBeGreaterThan(0);
    // Whoever runs scripts is on holiday.
    for (let day = 0; day < 3; day++) {
      await runDirectoryPass(hybrid.services, null, signal, { everything: true });
      expect(members()).toEqual(before);
    }
    await hybrid.settle();
    expect(members()).toEqual(before);
    // The same with somebody who joins a group that is in step.
    const links = await hybrid.store.pageDirectoryLinks('main', null, 100);
    const linked = must(
      links.find(({ shownRight }) => shownRight['member'] !== undefined),
      'a linked group',
    );
    const group = must(
      [...first.entries()].find(({ guid }) => guid === linked.left),
      'a group',
    );
    const membersNow = () => group.values.get('member') ?? [];
    const join = () => {
      const guids = hybrid.people.mailboxes.map(
        ({ address }) => must(first.having('proxyAddresses', `smtp:${address}`)[0], 'somebody').guid,
      );
      const outside = must(
        guids.find((guid) => !membersNow().includes(guid)),
        'somebody else',
      );
      first.put(group, { member: [...membersNow(), outside] });
    };
    join();
    const after = members();
    for (let day = 0; day < 3; day++) {
      await runDirectoryPass(hybrid.services, null, signal, { everything: day > 1 });
      expect((await openHandedOver(hybrid.store, 'main')).some((row) => 'member' in row.after)).toBe(true);
      expect(members()).toEqual(after);
    }
    await hybrid.settle();
    expect(members()).toEqual(after);
    // Whom somebody takes out in the tenant leaves the group of the forest, too, and is not put in again.
    const shadow = must(
      [...hybrid.at.entries()].find(({ guid }) => guid === linked.right),
      'the group of the tenant',
    );
    hybrid.at.put(shadow, { member: (shadow.values.get('member') ?? []).slice(1) });
    await hybrid.settle();
    expect(first.texts(group, 'member')).toHaveLength((after.get(first.text(group, 'cn')) ?? []).length - 1);
    expect(hybrid.at.texts(shadow, 'member')).toHaveLength(first.texts(group, 'member').length);
    // Who left again before anybody has written it is not asked for any more.
    const rest = membersNow();
    join();
    await hybrid.pass();
    const asks = async () => (await openHandedOver(hybrid.store, 'main')).filter(({ after: one }) => 'member' in one);
    expect(await asks()).toHaveLength(1);
    first.put(group, { member: rest });
    await hybrid.pass();
    expect(await asks()).toEqual([]);
    const { edits } = await planDirectoryPass(hybrid.services, signal, { everything: true });
    expect(edits.filter(({ after }) => 'member' in after)).toEqual([]);
  });

  test('what the script could not do is named, and stays asked for', async () => {
    const hybrid = await openHybrid();
    await hybrid.pass();
    const [person] = hybrid.people.mailboxes;
    const address = must(person, 'somebody').address;
    // A line of the script is lost.
    const script = await hybrid.script();
    const half = script.filter((line) => !line.startsWith('New-CausewayRecipient') || !line.includes(address));
    const receipt = readReceipt(hybrid.run(half));
    const told = await takeReceipt(hybrid.services, null, receipt.lines, signal);
    expect(told.filter(({ outcome }) => outcome === 'missing')).toEqual([
      expect.objectContaining({ detail: expect.stringContaining('not there after the script') }),
    ]);
    await hybrid.pass();
    const [open] = await openHandedOver(hybrid.store, 'main');
    expect(open?.after['mail']).toEqual([address]);
    expect(open?.detail).toContain(`'${address}' is not there`);
    expect(
      await takeReceipt(hybrid.services, null, [{ no: 4711, what: 'x', isThere: true, detail: '' }], signal),
    ).toEqual([expect.objectContaining({ outcome: 'unknown' })]);
  });

  test('in a hybrid accounts are joined by their anchors, none is made a second time, and what is synced is not written', async () => {
    const hybrid = await openHybrid({ hybrid: true, groups: 'nothing', contacts: 'nothing' }, 20);
    const { forest } = hybrid.people;
    const people = hybrid.people.mailboxes.map(({ address }) =>
      must(forest.first.having('proxyAddresses', `smtp:${address}`)[0], 'a person'),
    );
    // Entra Connect has brought all but two; none of them has an address yet that would tell who they are.
    for (const [n, entry] of people.slice(0, 18).entries()) {
      const guid = hybrid.tenant.make('user', `Cloud ${n}`, {
        userPrincipalName: [`cloud${n}@target.test`],
        userAccountControl: ['512'],
      });
      const anchor =
        n % 2 === 0
          ? entry.guid
          : '0badcafe-0000-4000-8000-0000000000aa'.replace(/00aa$/, `00${(n + 16).toString(16)}`);
      if (n % 2 === 1) forest.first.put(entry, { 'mS-DS-ConsistencyGuid': [guidBytes(anchor)] });
      hybrid.tenant.entra.syncFrom(hybrid.tenant.entry(guid), anchor);
    }
    const usersBefore = [...hybrid.at.entries()].length;
    await hybrid.pass();
    await hybrid.pass();
    const links = await hybrid.store.pageDirectoryLinks('main', null, 100);
    expect(links).toHaveLength(18);
    expect(links.every(({ by, made }) => by === 'anchor' && made === null)).toBe(true);
    expect(new Set(links.map(({ right }) => right)).size).toBe(18);
    const waiting = await hybrid.store.directoryWaiting('main', 100);
    expect(waiting.filter(({ reason }) => reason !== 'kind-left-out').map(({ reason }) => reason)).toEqual([
      'no-anchor-yet',
      'no-anchor-yet',
    ]);
    expect([...hybrid.at.entries()].length).toBe(usersBefore);
    expect(await openHandedOver(hybrid.store, 'main')).toEqual([]);
    const written = (await hybrid.store.directoryJournal({ sync: 'main' }, 1000)).filter(
      ({ action }) => action !== 'note',
    );
    expect(written).toEqual([]);
    const [link] = links;
    const { directory } = hybrid.services.ends.right;
    const [refused] = await directory.write(
      [{ kind: 'modify', guid: must(link, 'a link').right, values: { department: { remove: [], add: ['x'] } } }],
      { signal, deadlineMs: performance.now() + 30_000 },
    );
    expect(refused).toMatchObject({
      kind: 'refused',
      reason: 'not-here',
      detail: expect.stringContaining('Active Directory'),
    });
  });

  test('what was handed over and done is undone by a script as well', async () => {
    const hybrid = await openHybrid({ groups: 'nothing', contacts: 'nothing' });
    await hybrid.settle();
    // Somebody is renamed: Graph writes that; and gets another address: Graph does not.
    const { forest } = hybrid.people;
    const address = must(hybrid.people.mailboxes[0], 'somebody').address;
    const [entry] = forest.first.having('proxyAddresses', `smtp:${address}`);
    const person = must(entry, 'a person');
    forest.first.put(person, {
      department: ['Moved'],
      proxyAddresses: [...forest.first.texts(person, 'proxyAddresses'), 'smtp:second@source.test'],
    });
    await hybrid.pass();
    const [shadow] = hybrid.at.having('proxyAddresses', `smtp:${address}`);
    expect(hybrid.at.text(must(shadow, 'a mail user'), 'department')).toBe('Moved');
    const [asked] = (await openHandedOver(hybrid.store, 'main')).filter(
      ({ after }) => after['proxyAddresses'] !== undefined,
    );
    hybrid.run(await hybrid.script());
    await hybrid.pass();
    expect(hybrid.at.texts(must(shadow, 'a mail user'), 'proxyAddresses')).toContain('smtp:second@source.test');
    const entryOf = async (no: number) => must((await hybrid.store.directoryJournal({ no }, 1))[0], 'an entry');
    const done = await entryOf(must(asked, 'an entry').no);
    expect(done).toMatchObject({ outcome: 'done', detail: 'seen after the script was run' });

    for await (const undone of undoEntries(hybrid.services, null, signal, [done], true))
      expect(undone.outcome).toBe('handed-over');
    expect((await entryOf(done.no)).outcome).toBe('done');
    hybrid.run(await hybrid.script());
    const sourceUsn = forest.first.usn;
    expect((await hybrid.pass()).summary.writes).toBe(0);
    expect(hybrid.at.texts(must(shadow, 'a mail user'), 'proxyAddresses')).not.toContain('smtp:second@source.test');
    expect((await entryOf(done.no)).outcome).toBe('undone');
    // What was put back is no change that is carried, and is not asked for again.
    expect((await hybrid.pass()).summary.writes).toBe(0);
    expect(await hybrid.script()).toEqual([]);
    expect(forest.first.usn).toBe(sourceUsn);

    // Nor is somebody made again at once who was taken away by a script.
    const other = must(hybrid.people.mailboxes[1], 'somebody else').address;
    const [made] = (await hybrid.store.directoryJournal({ sync: 'main', outcome: 'done' }, 100)).filter(
      ({ action, after }) => action === 'add' && after['mail']?.[0] === other,
    );
    for await (const undone of undoEntries(hybrid.services, null, signal, [must(made, 'an add')], true))
      expect(['handed-over', 'undone'], undone.detail).toContain(undone.outcome);
    const removal = await hybrid.script();
    if (removal.length > 0) hybrid.run(removal);
    await hybrid.pass();
    await hybrid.pass();
    expect(await hybrid.script()).toEqual([]);
    expect(hybrid.at.having('proxyAddresses', `smtp:${other}`).filter(({ isDeleted }) => !isDeleted)).toEqual([]);
  });

  test('people of the tenant get mail users in the forest, and a change on either side is carried', async () => {
    const hybrid = await openHybrid(
      {
        direction: 'both',
        // Both organizations of the lab give their people the same numbers.
        match: [{ by: 'mail' }],
        into: {
          left: 'OU=Other forest,DC=source,DC=test' as DistinguishedName,
          right: 'the tenant' as DistinguishedName,
        },
        groups: 'nothing',
        contacts: 'nothing',
        resources: 'nothing',
        shared: 'nothing',
      },
      1,
      2,
    );
    await hybrid.pass();
    const { first } = hybrid.people.forest;
    const cloud = hybrid.tenant.organization.mailboxes.map(({ address }) => address);
    const shadows = cloud.map((address) =>
      must(first.having('proxyAddresses', `smtp:${address}`)[0], `a shadow of ${address}`),
    );
    expect(shadows.map((entry) => first.text(entry, 'targetAddress'))).toEqual(
      cloud.map((address) => `SMTP:${address}`),
    );
    const [shadow] = shadows;
    const [address = ''] = cloud;
    // In the forest, and in the tenant: Graph writes the one, LDAP the other.
    first.put(must(shadow, 'a shadow'), { department: ['Of the forest'] });
    await hybrid.pass();
    const person = must(hybrid.at.having('proxyAddresses', `smtp:${address}`)[0], 'a person');
    expect(hybrid.at.text(person, 'department')).toBe('Of the forest');
    hybrid.at.put(person, { title: ['Of the tenant'] });
    await hybrid.pass();
    expect(first.text(must(shadow, 'a shadow'), 'title')).toBe('Of the tenant');
    const entries = (await hybrid.store.directoryJournal({ sync: 'main', pass: 2 }, 10)).filter(
      ({ action }) => action !== 'note',
    );
    for await (const undone of undoEntries(hybrid.services, null, signal, entries, true))
      expect(undone.outcome).toBe('undone');
    expect(hybrid.at.text(person, 'department')).not.toBe('Of the forest');
    expect((await hybrid.pass()).summary.refused).toBe(0);
  });

  test('what is not wanted any more before anybody has run it is withdrawn, and asked for again when it is wanted again', async () => {
    const hybrid = await openHybrid({ groups: 'nothing' });
    await hybrid.settle();
    const { first } = hybrid.people.forest;
    const address = must(hybrid.people.mailboxes[0], 'somebody').address;
    const person = must(first.having('proxyAddresses', `smtp:${address}`)[0], 'a person');
    const contact = must(
      [...first.entries()].find((one) => first.texts(one, 'objectClass').includes('contact')),
      'a contact',
    );
    const addresses = first.texts(person, 'proxyAddresses');
    const name = first.text(contact, 'displayName') ?? '';
    for (let round = 0; round < 2; round++) {
      first.put(person, { proxyAddresses: [...addresses, 'smtp:second@source.test'] });
      first.put(contact, { displayName: ['Another name'] });
      await hybrid.pass();
      const open = await openHandedOver(hybrid.store, 'main');
      expect(open.map(({ after }) => Object.keys(after)[0]).sort()).toEqual(['displayName', 'proxyAddresses']);
      first.put(person, { proxyAddresses: addresses });
      first.put(contact, { displayName: [name] });
      await hybrid.pass();
      expect(await hybrid.script()).toEqual([]);
      for (const { no } of open)
        expect(await hybrid.entry(no)).toMatchObject({
          outcome: 'refused',
          detail: expect.stringContaining('not wanted any more'),
        });
    }
  });

  test('forwarding that nobody has run is not asked for of somebody who works in the tenant by now', async () => {
    const hybrid = await openHybrid({ groups: 'nothing', contacts: 'nothing' }, 1, 1);
    await hybrid.pass();
    const [asked] = (await openHandedOver(hybrid.store, 'main')).filter(
      ({ after }) => after['msExchGenericForwardingAddress'] !== undefined,
    );
    const { no } = must(asked, 'forwarding that was handed over');
    expect((await hybrid.script()).join('\n')).toMatch(/^Set-CausewayForwarding .* -To '/m);
    const [link] = await hybrid.store.pageDirectoryLinks('main', null, 10);
    await hybrid.store.commitDirectory('main', null, { links: [{ ...must(link, 'a link'), home: 'right' }] });
    await runDirectoryPass(hybrid.services, null, signal, { everything: true });
    const script = (await hybrid.script()).join('\n');
    expect(script).not.toMatch(/^Set-CausewayForwarding .* -To '/m);
    expect(script).toMatch(/^Set-CausewayForwarding /m);
    await hybrid.settle();
    expect((await hybrid.entry(no)).outcome).toBe('refused');
  });

  test('an entry that nobody has run can be struck out, and is not asked for again by itself', async () => {
    const hybrid = await openHybrid({ groups: 'nothing', contacts: 'nothing' }, 1, 1);
    await hybrid.pass();
    const open = await openHandedOver(hybrid.store, 'main');
    expect(open.length).toBeGreaterThan(0);
    for await (const undone of undoEntries(hybrid.services, null, signal, open, true))
      expect(undone).toMatchObject({ outcome: 'undone', detail: expect.stringContaining('withdrawn') });
    expect(await hybrid.script()).toEqual([]);
    await hybrid.pass();
    await hybrid.pass();
    expect(await hybrid.script()).toEqual([]);
  });

  test('an account that somebody made by hand meanwhile is neither written by the script nor counted as ours', async () => {
    const hybrid = await openHybrid({ groups: 'nothing', contacts: 'nothing', match: [{ by: 'mail' }] }, 1);
    await hybrid.pass();
    const script = await hybrid.script();
    const address = must(hybrid.people.mailboxes[0], 'somebody').address;
    const guid = hybrid.tenant.make('user', 'By hand', {
      userPrincipalName: ['hand@target.test'],
      mail: [address],
      proxyAddresses: [`SMTP:${address}`],
      targetAddress: ['SMTP:elsewhere@third.test'],
      msExchRecipientTypeDetails: ['128'],
    });
    const usn = hybrid.at.usn;
    const told = await hybrid.take(hybrid.run(script));
    expect(hybrid.at.usn).toBe(usn);
    expect(told).toEqual([
      expect.objectContaining({ outcome: 'missing', detail: expect.stringContaining('left alone') }),
    ]);
    await hybrid.pass();
    await hybrid.pass();
    const links = await hybrid.store.pageDirectoryLinks('main', null, 10);
    expect(links.map(({ right, made }) => ({ right, made }))).toEqual([{ right: guid, made: null }]);
  });

  test('what nobody can see costs no request of a pass', async () => {
    const hybrid = await openHybrid({ groups: 'nothing' });
    await hybrid.settle();
    await hybrid.pass();
    const links = await hybrid.store.pageDirectoryLinks('main', null, 10);
    const row = (n: number) => ({
      pass: 1,
      atMs: 0,
      side: 'right' as const,
      dn: '' as DistinguishedName,
      before: {},
      reason: 'redirect: a test',
      outcome: 'handed-over' as const,
      detail: null,
      ...(n % 2 === 0
        ? {
            action: 'modify' as const,
            guid: must(links[n % links.length], 'a link').right,
            after: { [`msExchExtensionCustomAttribute${n}`]: ['x'] },
          }
        : { action: 'add' as const, guid: null, after: { mail: [`nobody${n}@source.test`] } }),
    });
    await hybrid.store.commitDirectory('main', null, { journal: Array.from({ length: 200 }, (_, n) => row(n)) });
    expect((await hybrid.pass()).summary.searches).toBe(2);
    expect(await openHandedOver(hybrid.store, 'main')).toHaveLength(200);
  });
});

test('check --routing says once what Graph does not show, and finds no fault with people in a tenant', async () => {
  const hybrid = await openHybrid();
  await hybrid.settle();
  const findings: Finding[] = [];
  for await (const finding of checkRoutingOfSync(hybrid.services, signal)) findings.push(finding);
  expect(findings.filter(({ level }) => level === 'error' || level === 'warning')).toEqual([]);
  const notes = findings.filter(({ level, subject }) => level === 'note' && subject === 'target');
  expect(notes).toHaveLength(1);
  expect(notes[0]?.advice).toContain('Get-MailUser');
});
