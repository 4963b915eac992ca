import { beforeEach, describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { createLab, type Lab } from '../../lab.ts';
import { addOldMail, replyToOldMail } from '../../load/old-mail.ts';
import type { Mailbox } from '../mailbox.ts';
import type { Organization } from '../organization.ts';
import { plainContent } from '../plain-content.ts';
import { key } from '../property.ts';
import { runExchangeShell } from './exchange-shell.ts';
import { imceaexOf, legacyDnOf } from './recipients.ts';

let lab: Lab;
let clock: SteppingClock;
let source: Organization;
let target: Organization;
const person = (organization: Organization, at: number): Mailbox =>
  must(organization.mailbox(must(organization.mailboxes[at], 'a mailbox').address), 'a mailbox');
const entryOf = (organization: Organization, mailbox: Mailbox) =>
  must(organization.forest.first.having('userPrincipalName', mailbox.user)[0], 'an object');
/** Sends a mail to addresses; answers what became of it, in words. */
function send(from: Mailbox, ...to: readonly string[]): readonly string[] {
  const { postOffice } = lab.world;
  const before = postOffice.outcomes.length;
  postOffice.send(from, {
    cause: 'sent-by-person',
    content: plainContent({
      properties: new Map([[key.subject, { type: 'String', value: 'Plan' }]]),
      from: { name: '', address: from.address },
      body: { type: 'Text', text: 'x' },
    }),
    recipients: to,
    origin: { caller: from.user, doing: 'person', through: null },
  });
  return postOffice.outcomes.slice(before).map(({ kind, detail }) => `${kind} ${detail.split(' ')[0]}`);
}

beforeEach(() => {
  clock = new SteppingClock(Date.UTC(2026, 2, 2));
  lab = createLab({
    organizations: [
      { name: 'source', version: '2010' },
      { name: 'target', version: '2016' },
    ],
    mailboxes: 12,
    clock,
  });
  source = lab.organization('source').world;
  target = lab.organization('target').world;
});

describe('recipients by the directory', () => {
  test('legacyExchangeDN, X500 address, SMTP address and IMCEAEX lead to the same mailbox', () => {
    const [ana, ben] = [person(source, 0), person(source, 1)];
    const { first } = source.forest;
    const dn = must(first.text(entryOf(source, ben), 'legacyExchangeDN'), 'a DN');
    const arrived = [`delivered ${ben.address}`];
    expect(send(ana, dn)).toEqual(arrived);
    expect(send(ana, imceaexOf(dn, 'source.test'))).toEqual(arrived);
    expect(send(ana, '/o=old/cn=ben')).toEqual(['bounced 5.1.1', expect.stringContaining(ana.address)]);
    source.mailFlow.addProxy('/o=Old/cn=Ben', ben.address);
    expect(send(ana, '/o=old/cn=ben')).toEqual(arrived);
    source.mailFlow.addProxy('second@source.test', ben.address);
    expect(send(ana, 'Second@source.test')).toEqual(arrived);
  });

  test('a DN that nobody has comes back as an IMCEAEX address', () => {
    const ana = person(source, 0);
    send(ana, '/o=Old Org/ou=A&B/cn=Gone');
    const [report] = [...ana.folder('inbox').items()];
    expect(report?.content.body?.text).toMatch(/^IMCEAEX-_o=Old\+20Org_ou=A\+26B_cn=Gone@source\.test\r\n5\.1\.1/);
    expect(legacyDnOf('IMCEAEX-_o=Old+20Org_ou=A+26B_cn=Gone@SOURCE.test', 'source.test')).toBe(
      '/o=Old Org/ou=A&B/cn=Gone',
    );
  });

  test('an address that two objects have is ambiguous', () => {
    const [ana, ben, cara] = [person(source, 0), person(source, 1), person(source, 2)];
    for (const one of [ben, cara]) source.mailFlow.addProxy('both@source.test', one.address);
    expect(send(ana, 'both@source.test')[0]).toBe('bounced 5.1.4');
  });

  test('a redirected mailbox gets nothing; circles end, within one organization and between two', () => {
    const [ana, ben] = [person(source, 0), person(source, 1)];
    const dan = person(target, 1);
    source.mailFlow.setTargetAddress(ben.address, dan.address);
    expect(send(ana, ben.address)).toEqual([`delivered ${dan.address}`]);
    target.mailFlow.setTargetAddress(dan.address, ben.address);
    expect(send(ana, ben.address)[0]).toBe('bounced 5.4.6');
    source.mailFlow.setTargetAddress(ben.address, person(source, 2).address);
    source.mailFlow.setTargetAddress(person(source, 2).address, ben.address);
    expect(send(ana, ben.address)[0]).toBe('bounced 5.4.6');
  });

  test('with a delay mail goes by what the slower controller says', () => {
    const [ana, ben, dan] = [person(source, 0), person(source, 1), person(target, 1)];
    source.forest.replicationDelayMs = 120_000;
    source.mailFlow.setTargetAddress(ben.address, dan.address);
    expect(send(ana, ben.address)).toEqual([`delivered ${ben.address}`]);
    clock.advance(120_000);
    expect(send(ana, ben.address)).toEqual([`delivered ${dan.address}`]);
  });

  test('groups in groups are expanded, one copy for each; those for signed-in senders bounce the others', () => {
    const ana = person(source, 0);
    const { first, domainDn } = source.forest;
    const everybody = must(first.find(`CN=Everybody,OU=Groups,${domainDn}`), 'a group');
    const nested = must(first.byGuid(String(first.read(everybody, 'member')[0])), 'a group in it');
    first.put(nested, { member: [...first.read(nested, 'member'), everybody.guid] });
    const arrived = send(ana, 'everybody@source.test');
    expect(arrived.length).toBeGreaterThan(3);
    expect(new Set(arrived).size).toBe(arrived.length);
    const closed = must(first.text(nested, 'mail'), 'an address');
    expect(first.text(nested, 'msExchRequireAuthToSendTo')).toBe('TRUE');
    expect(send(person(target, 0), closed)[0]).toBe('bounced 5.7.1');
    expect(send(ana, closed)[0]).toMatch(/^delivered/);
  });

  test('a domain that two organizations share goes on to the other one when it is relayed', () => {
    const ana = person(source, 0);
    target.mailFlow.addProxy('moved@source.test', person(target, 3).address);
    expect(send(ana, 'moved@source.test')[0]).toBe('bounced 5.1.1');
    source.mailFlow.acceptedDomains.set('source.test', 'internal-relay');
    target.mailFlow.acceptedDomains.set('source.test', 'authoritative');
    expect(send(ana, 'moved@source.test')).toEqual([`delivered ${person(target, 3).address}`]);
  });

  test('Exchange Online neither heeds targetAddress nor lets mail be forwarded outside', () => {
    const online = createLab({ organizations: [{ name: 'cloud', version: 'online' }], mailboxes: 3, clock });
    lab = online;
    const cloud = online.organization('cloud').world;
    const [ana, ben] = [person(cloud, 0), person(cloud, 1)];
    cloud.mailFlow.setTargetAddress(ben.address, 'ben@elsewhere.test');
    expect(send(ana, ben.address)).toEqual([`delivered ${ben.address}`]);
    cloud.mailFlow.setForwarding(ben.address, { to: 'ben@elsewhere.test', keepsCopy: true });
    expect(send(ana, ben.address)).toEqual(['bounced 5.7.520', `delivered ${ana.address}`, `delivered ${ben.address}`]);
    cloud.mailFlow.mayForwardOutside = true;
    expect(send(ana, ben.address)).toEqual(['left ben@elsewhere.test', `delivered ${ben.address}`]);
  });
});

describe('what mailboxes do by themselves', () => {
  test('out-of-office answers each sender once, inside and outside as it was told, and again after the next absence', () => {
    const [ana, ben] = [person(source, 0), person(source, 1)];
    const set = (state: string) =>
      ben.settings.set(
        'oof',
        `<t:OofSettings><t:OofState>${state}</t:OofState><t:ExternalAudience>None</t:ExternalAudience><t:InternalReply><t:Message>Away</t:Message></t:InternalReply></t:OofSettings>`,
      );
    const answers = () => lab.outbox.filter(({ cause }) => cause === 'out-of-office').length;
    set('Enabled');
    for (let n = 0; n < 3; n++) send(ana, ben.address);
    send(person(target, 0), ben.address);
    expect(answers()).toBe(1);
    set('Disabled');
    send(ana, ben.address);
    set('Enabled');
    send(ana, ben.address);
    expect(answers()).toBe(2);
  });

  test('an inbox rule that redirects, and two that send to each other', () => {
    const [ana, ben, cara] = [person(source, 0), person(source, 1), person(source, 2)];
    const rule = (to: string) =>
      `<t:Rule><t:Priority>1</t:Priority><t:IsEnabled>true</t:IsEnabled><t:Actions><t:RedirectToRecipients><t:Address><t:EmailAddress>${to}</t:EmailAddress></t:Address></t:RedirectToRecipients></t:Actions></t:Rule>`;
    ben.settings.set('rules', rule(cara.address));
    expect(send(ana, ben.address)).toEqual([`delivered ${ben.address}`, `delivered ${cara.address}`]);
    cara.settings.set('rules', rule(ben.address));
    expect(send(ana, ben.address)).toHaveLength(4);
  });
});

describe('old mail and scripts', () => {
  test('replies to old senders bounce on the other side until the X500 addresses are there', () => {
    const ana = person(target, 0);
    addOldMail(source, person(source, 0), 5);
    for (const item of person(source, 0).folder('inbox').items()) ana.copy(item, ana.folder('inbox'), ana.server);
    expect(replyToOldMail(ana)).toMatchObject({ replied: 5, delivered: 0 });
    for (const [at, { address }] of source.mailboxes.entries()) {
      const dn = must(source.forest.first.text(entryOf(source, person(source, at)), 'legacyExchangeDN'), address);
      target.mailFlow.addProxy(dn, person(target, at).address);
    }
    expect(replyToOldMail(ana)).toEqual({ replied: 5, delivered: 5, bounced: {} });
    expect(replyToOldMail(person(source, 0))).toMatchObject({ delivered: 5 });
  });

  test('a mail user made over LDAP alone is no whole recipient until Update-Recipient', () => {
    const { first, system, domainDn } = target.forest;
    const values = {
      objectClass: 'user',
      sAMAccountName: 'new',
      mailNickname: 'new',
      mail: 'new@target.test',
      proxyAddresses: 'SMTP:new@target.test',
      targetAddress: `SMTP:${person(source, 0).address}`,
    };
    const made = first.add(
      system,
      `CN=New,OU=Other forest,${domainDn}`,
      new Map(Object.entries(values).map(([name, value]) => [name, [Buffer.from(value)]])),
    );
    expect(first.text(made, 'legacyExchangeDN')).toBeNull();
    expect(runExchangeShell(target, ["Update-Recipient -Identity 'new@target.test'"])).toEqual([
      { command: 'Update-Recipient', error: null },
    ]);
    const dn = must(first.text(made, 'legacyExchangeDN'), 'a DN');
    expect(first.read(made, 'showinaddressbook')).toHaveLength(2);
    expect(first.text(made, 'msExchRecipientTypeDetails')).toBe('128');
    expect(send(person(target, 0), dn)).toEqual([`delivered ${person(source, 0).address}`]);
  });

  test('an account gets a mailbox, with its addresses, that mail arrives in and its owner opens', () => {
    const { first, system, domainDn } = target.forest;
    const values = {
      objectClass: 'user',
      sAMAccountName: 'o.new',
      userPrincipalName: "o'new@target.test",
      userAccountControl: '544',
      displayName: "O'New",
    };
    first.add(
      system,
      `CN=New,OU=Other forest,${domainDn}`,
      new Map(Object.entries(values).map(([name, value]) => [name, [Buffer.from(value)]])),
    );
    const outcomes = runExchangeShell(target, [
      '# made by a test',
      "$ErrorActionPreference = 'Continue'",
      'function Get-SetOf([string]$Identity) {',
      '  switch (1) { }',
      '}',
      "Enable-Mailbox -Identity 'o''new@target.test' -Alias 'o.new' -PrimarySmtpAddress 'o''new@target.test'",
      "Set-Mailbox -Identity 'o''new@target.test' -EmailAddresses @{Add=@('X500:/o=Source/cn=new','smtp:n@target.test')}",
      "$set = Get-SetOf 'o''new@target.test'",
      "& $set -Identity 'o''new@target.test' -CustomAttribute1 'wave 1' -HiddenFromAddressListsEnabled $false",
      "Set-User -Identity 'o''new@target.test' -Department ('A'+[string][char]9+'B')",
      "Enable-Mailbox -Identity 'o''new@target.test'",
      "Set-Mailbox 'o''new@target.test' -EmailAddresses @{Add=@('smtp:everybody@target.test')}",
      "Remove-Mailbox 'o''new@target.test'",
      "Set-Mailbox 'o''new@target.test' -Nonsense $true",
    ]);
    expect(outcomes.map(({ command, error }) => `${command}: ${error?.split(/[".]/)[0] ?? 'done'}`)).toEqual([
      'Enable-Mailbox: done',
      'Set-Mailbox: done',
      'Get-SetOf: done',
      '$set: done',
      'Set-User: done',
      'Enable-Mailbox: This task does not support recipients of this type',
      'Set-Mailbox: The proxy address ',
      "Remove-Mailbox: The term 'Remove-Mailbox' is not recognized as the name of a cmdlet, function, script file, or operable program",
      "Set-Mailbox: A parameter cannot be found that matches parameter name 'nonsense'",
    ]);
    const mailbox = must(target.mailbox("o'new@target.test"), 'a mailbox');
    expect([...mailbox.folder('inbox').items()]).toEqual([]);
    expect(send(person(target, 0), '/o=source/cn=NEW', 'n@target.test')).toEqual([`delivered ${mailbox.address}`]);
    const account = must(target.account("o'new@target.test"), 'an account');
    expect(target.authenticate(account.user, account.password)).not.toBeNull();
  });

  test('a policy makes its address the primary one, unless the object is excluded', () => {
    const [ana, ben] = [person(source, 0), person(source, 1)];
    const { first } = source.forest;
    const shown = (mailbox: Mailbox) =>
      first.texts(entryOf(source, mailbox), 'proxyAddresses').filter((one) => /^smtp/i.test(one));
    for (const one of [ana, ben])
      first.put(entryOf(source, one), { proxyAddresses: [`SMTP:other${one.guid.slice(0, 4)}@source.test`] });
    runExchangeShell(source, [
      `Set-Mailbox -Identity '${ben.user}' -EmailAddressPolicyEnabled $false`,
      `Update-Recipient -Identity '${ana.user}'`,
      `Update-Recipient -Identity '${ben.user}'`,
    ]);
    expect(shown(ana)).toEqual([`smtp:other${ana.guid.slice(0, 4)}@source.test`, `SMTP:${ana.address}`]);
    expect(shown(ben)).toEqual([`SMTP:other${ben.guid.slice(0, 4)}@source.test`]);
  });

  test('Exchange 2003 completes by itself what anybody writes', () => {
    const old = createLab({ organizations: [{ name: 'old', version: '2003' }], mailboxes: 2, clock });
    const { forest } = old.organization('old').world;
    const values = {
      objectClass: 'contact',
      mailNickname: 'c',
      targetAddress: 'SMTP:c@target.test',
      proxyAddresses: 'SMTP:c@target.test',
    };
    const made = forest.first.add(
      forest.system,
      `CN=C,OU=Other forest,${forest.domainDn}`,
      new Map(Object.entries(values).map(([name, value]) => [name, [Buffer.from(value)]])),
    );
    old.happen();
    expect(forest.first.text(made, 'legacyExchangeDN')).toMatch(
      /^\/o=Old\/ou=First Administrative Group\/cn=Recipients\/cn=/,
    );
    expect(forest.first.read(made, 'showinaddressbook')).toHaveLength(2);
  });
});

test('mail from outside is followed to where it is', async () => {
  const [ana, dan] = [person(source, 0), person(target, 0)];
  await lab.mailLoad.run({ to: [ana.address], perSecond: 10, seconds: 1 });
  source.mailFlow.setTargetAddress(ana.address, dan.address);
  await lab.mailLoad.run({ to: [ana.address], perSecond: 10, seconds: 1 });
  expect(lab.mailLoad.report()).toMatchObject({ sent: 20, delivered: 20, bounced: 0, isRunning: false });
  const places = [...lab.mailLoad.mails()].map((mail) =>
    mail.places.map(({ mailbox, folder }) => `${folder} of ${mailbox}`).join(),
  );
  expect(places).toEqual([
    ...Array.from({ length: 10 }, () => `inbox of ${ana.address}`),
    ...Array.from({ length: 10 }, () => `inbox of ${dan.address}`),
  ]);
});
