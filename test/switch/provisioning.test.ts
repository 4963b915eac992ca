import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PowerShellNeed } from '#engine/directory/plan.ts';
import { linesFor, scriptFor } from '#jobs/directory/power-shell.ts';
import { must } from '#kit/assert.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { createLab, type Lab } from '#lab/lab.ts';
import type { Controller } from '#lab/world/directory/controller.ts';
import { runExchangeShell } from '#lab/world/directory/exchange-shell.ts';
import type { Organization } from '#lab/world/organization.ts';
import type { ObjectGuid } from '#model/directory/directory-object.ts';

let lab: Lab;
let target: Organization;
let at: Controller;
let home: string;
beforeEach(() => {
  lab = createLab({
    organizations: [
      { name: 'source', version: '2010' },
      { name: 'target', version: '2016' },
    ],
    mailboxes: 1,
    clock: new SteppingClock(Date.UTC(2026, 2, 2)),
  });
  target = lab.organization('target').world;
  at = target.forest.first;
  home = must(lab.organization('source').world.mailboxes[0], 'a mailbox').address;
  const account = {
    objectClass: 'user',
    sAMAccountName: 'ana',
    userAccountControl: '512',
    mailNickname: 'ana',
    mail: 'ana@target.test',
    proxyAddresses: ['SMTP:ana@target.test', 'smtp:ana.alm@target.test', 'X500:/o=Old/cn=ana'],
    targetAddress: `SMTP:${home}`,
    legacyExchangeDN: '/o=Target/cn=ana',
    msExchRecipientTypeDetails: '128',
  };
  at.add(
    target.forest.system,
    dn(),
    new Map(
      Object.entries(account).map(([name, values]) => [
        name.toLowerCase(),
        [values].flat().map((one) => Buffer.from(one)),
      ]),
    ),
  );
});
afterEach(() => lab.close());

const dn = () => `CN=Ana,OU=Other forest,${target.forest.domainDn}`;

const need = (): PowerShellNeed => ({
  need: 'enable-mailbox',
  side: 'right',
  guid: must(at.find(dn()), 'Ana').guid as ObjectGuid,
  identity: dn(),
  directory: 'ad',
  values: {
    mailNickname: ['ana'],
    mail: ['ana@target.test'],
    proxyAddresses: at.texts(must(at.find(dn()), 'Ana'), 'proxyAddresses'),
    targetAddress: [`SMTP:${home}`],
    legacyExchangeDN: ['/o=Target/cn=ana'],
    msExchRecipientTypeDetails: ['1'],
  },
  isMailUser: true,
  isDisabled: false,
  parking: 'causeway-1@target.test',
});

/** What becomes of mail to each address that anybody knows of her. */
function mail(): readonly string[] {
  return ['ana@target.test', 'ana.alm@target.test'].map((address) => {
    const before = lab.world.postOffice.outcomes.length;
    lab.mailLoad.deliver(address);
    const [outcome] = lab.world.postOffice.outcomes.slice(before);
    return `${outcome?.kind} ${outcome?.detail.split(' ')[0]}`;
  });
}

test('no cmdlet makes a mailbox of a mail user', () => {
  const [outcome] = runExchangeShell(target, [`Enable-Mailbox -Identity '${dn()}' -Alias 'ana'`]);
  expect(outcome?.error).toMatch(/does not support recipients of this type.*MailUser/);
});

test('after every line mail goes where the person works, or comes back to its sender: never into the new mailbox', () => {
  const states = linesFor(need(), at.name).map((line) => {
    expect(runExchangeShell(target, [line])).toEqual([{ command: line.split(' ')[0], error: null }]);
    return [...new Set(mail())];
  });
  expect(states).toEqual([['bounced 5.1.1'], ['bounced 5.1.1'], ['bounced 5.1.1'], [`delivered ${home}`]]);
  const ana = must(at.find(dn()), 'Ana');
  expect(new Set(at.texts(ana, 'proxyAddresses'))).toEqual(
    new Set([
      'SMTP:ana@target.test',
      'smtp:ana.alm@target.test',
      'X500:/o=Old/cn=ana',
      // What colleagues of the target have in their old mail.
      'X500:/o=Target/cn=ana',
    ]),
  );
  expect(at.text(ana, 'mail')).toBe('ana@target.test');
  expect([...must(target.mailbox('ana@target.test'), 'her mailbox').folder('inbox').items()]).toEqual([]);
});

test('a script that broke off after any line may be run again from its beginning', () => {
  const script = scriptFor([need()], 'right', at.name);
  const lines = script.filter((line) => line.includes(dn()));
  for (const line of lines) {
    runExchangeShell(target, [line]);
    runExchangeShell(target, script);
    expect(new Set(mail())).toEqual(new Set([`delivered ${home}`]));
  }
  expect(lines).toHaveLength(4);
});
