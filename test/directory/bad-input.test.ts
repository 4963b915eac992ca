import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exitCodes } from '#cli/exit-codes.ts';
import { must } from '#kit/assert.ts';
import { LabProject } from './lab-project.fixture.ts';

const people = 12;
let at: LabProject;

/** Over LDAP, against a server that was written without a look at the connector; what only Samba shows is in the peers run. */
beforeEach(async () => {
  at = await LabProject.open({ people, targets: 2 });
  // A third organization, whose domain is nobody else's.
  const text = readFileSync(at.file, 'utf8');
  writeFileSync(
    at.file,
    text.replace(
      /^collections:/m,
      `  third:
    kind: exchange
    endpoint: https://mail.third.example/EWS/Exchange.asmx
    signIn: { method: basic, user: svc, password: 'file:source.secret' }
    directory: { url: 'ldaps://dc.third.example', user: svc, password: 'file:source.secret', domains: [third.example] }
collections:`,
    ),
  );
});
afterEach(() => at.close());

const address = (n: number) => at.mailbox('source', n).address;
const entry = (n: number) => at.entry('source', address(n)).entry;
const dnOf = (of: ReturnType<typeof target>, one: ReturnType<typeof entry>) => of.dnOf(one);
const source = () => at.organization('source').forest.first;
const target = () => at.organization('target').forest.first;
const change = (n: number, values: Readonly<Record<string, readonly string[]>>) => source().put(entry(n), values);
const addresses = (n: number) => source().texts(entry(n), 'proxyAddresses');
const sync = async () => (await at.lines('directory', 'sync')).code;
/** Why somebody has no counterpart. */
const reasons = async (n: number) => {
  const { lines } = await at.lines('directory', 'status', '--limit', '1000');
  const waiting = lines.flatMap(({ waiting: rows }) => rows as readonly { guid: string; reason: string }[]);
  return waiting.filter(({ guid }) => guid === entry(n).guid).map(({ reason }) => reason);
};
/** Who bears the mark of standing for an object of the source. */
const marked = (guid: string) => {
  const made = must(target().find(`OU=Other forest,${at.base('target')}`), 'a container');
  return [...made.children.values()].filter(
    (one) => target().text(one, 'adminDescription') === `causeway:main:${guid}`,
  );
};
const standsFor = (n: number) => marked(entry(n).guid);
const notes = async () =>
  (await at.lines('directory', 'journal', 'list', '--limit', '500')).lines.filter(({ action }) => action === 'note');
const nameOf = (dn: string) => dn.slice(0, dn.search(/(?<!\\),/));

describe('bad input has a named outcome, and nothing is written by half', () => {
  test('addresses: two who share one, one of a third organization, one that somebody has on the other side', async () => {
    change(2, { proxyAddresses: [...addresses(2), 'smtp:both@source.test'] });
    change(3, { proxyAddresses: [...addresses(3), 'smtp:both@source.test'] });
    change(4, { proxyAddresses: [...addresses(4), 'smtp:somebody@third.example'] });
    const own = at.entry('target', at.mailbox('target', 1).address).entry;
    target().put(own, { proxyAddresses: [...target().texts(own, 'proxyAddresses'), `smtp:${address(5)}`] });
    const before = [2, 3, 5].map((n) => addresses(n));
    expect(await sync()).toBe(exitCodes.ok);
    expect(await reasons(2)).toEqual(['address-twice']);
    expect(await reasons(3)).toEqual(['address-twice']);
    expect(await reasons(5)).toEqual(['address-taken']);
    for (const n of [2, 3, 5]) expect(standsFor(n)).toEqual([]);
    expect([2, 3, 5].map((n) => addresses(n))).toEqual(before);
    expect(await reasons(4)).toEqual(['foreign-domain']);
    expect(standsFor(4)).toEqual([]);
    // Put right, they follow without further ado.
    change(4, { proxyAddresses: addresses(4).filter((one) => !one.includes('third.example')) });
    change(3, { proxyAddresses: addresses(3).filter((one) => !one.includes('both@')) });
    expect(await sync()).toBe(exitCodes.ok);
    expect([2, 3, 4].map((n) => standsFor(n).length)).toEqual([1, 1, 1]);
  });

  test('redirections in a circle, and to where the person is not', async () => {
    change(2, { targetAddress: [`SMTP:${address(3)}`] });
    change(3, { targetAddress: [`SMTP:${address(2)}`] });
    change(4, { targetAddress: ['SMTP:somebody@elsewhere.example'] });
    expect(await sync()).toBe(exitCodes.ok);
    for (const n of [2, 3]) {
      expect(await reasons(n)).toEqual(['redirection-loop']);
      expect(standsFor(n)).toEqual([]);
    }
    // What the person set stays, and is said whenever the object is looked at.
    await at.run('directory', 'sync', '--all');
    expect(await notes()).toContainEqual(
      expect.objectContaining({ reason: expect.stringMatching(/^redirected-elsewhere/) }),
    );
    expect(source().texts(entry(4), 'targetAddress')).toEqual(['SMTP:somebody@elsewhere.example']);
  });

  test('names: every special character, a value over its range, a disabled account', async () => {
    const awkward = [
      'Huber, Anna',
      'a+b=c',
      '"quoted"',
      'back\\slash',
      '<angle>',
      'semi;colon',
      '#hash',
      'star*(paren)|&!',
    ];
    awkward.forEach((name, n) => {
      change(n + 2, { displayName: [name] });
      const escaped = name.replace(/["+,;<>\\=#]/g, '\\$&');
      source().rename(at.organization('source').forest.system, dnOf(source(), entry(n + 2)), `CN=${escaped}`, null);
    });
    change(10, { telephoneNumber: ['5'.repeat(65)] });
    change(11, { userAccountControl: ['514'] });
    expect(await sync()).toBe(exitCodes.ok);
    awkward.forEach((name, n) => {
      const [made] = standsFor(n + 2);
      expect(target().text(must(made ?? null, name), 'displayName')).toBe(name);
      expect(nameOf(dnOf(target(), must(made ?? null, name)))).toBe(nameOf(dnOf(source(), entry(n + 2))));
    });
    // The value is left out, the person is not.
    expect(standsFor(10).map((one) => target().text(one, 'telephoneNumber'))).toEqual([null]);
    expect(standsFor(10).map((one) => target().text(one, 'displayName'))).toEqual([
      source().text(entry(10), 'displayName'),
    ]);
    expect(await notes()).toContainEqual(expect.objectContaining({ reason: 'value-too-long' }));
    expect(await reasons(11)).toEqual(['disabled']);
    expect(standsFor(11)).toEqual([]);
    change(11, { userAccountControl: ['512'] });
    await sync();
    expect(standsFor(11)).toHaveLength(1);
  });

  test('somebody who is renamed and moved stays the same, and who is deleted and made again is another one', async () => {
    expect(await sync()).toBe(exitCodes.ok);
    const [before] = standsFor(2);
    const { system, domainDn } = at.organization('source').forest;
    source().rename(system, dnOf(source(), entry(2)), 'CN=Renamed Person', `OU=Paris,OU=People,${domainDn}`);
    await sync();
    const [after] = standsFor(2);
    expect(after?.guid).toBe(before?.guid);
    expect(dnOf(target(), must(after ?? null, 'an object'))).toContain('CN=Renamed Person');

    const gone = entry(3);
    const values = new Map(
      [
        'objectClass',
        'sAMAccountName',
        'userPrincipalName',
        'mailNickname',
        'mail',
        'proxyAddresses',
        'displayName',
      ].map((name) => [
        name,
        (name === 'objectClass' ? ['user'] : source().texts(gone, name)).map((one) => Buffer.from(one)),
      ]),
    );
    const [old] = standsFor(3);
    const dn = dnOf(source(), gone);
    const oldGuid = gone.guid;
    source().remove(system, dn);
    const again = source().add(system, dn, values);
    source().put(again, { userAccountControl: ['512'], homeMDB: source().texts(entry(4), 'homeMDB') });
    expect(again.guid).not.toBe(oldGuid);
    await sync();
    await sync();
    const made = marked(again.guid);
    // Never one object for two people: who stood for the first is gone before anybody stands for the second.
    expect(made.map(({ guid }) => guid)).not.toContain(old?.guid);
    expect(marked(oldGuid)).toEqual([]);
    expect(made).toHaveLength(1);
  });
});
