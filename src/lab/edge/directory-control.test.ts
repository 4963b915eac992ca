import { afterEach, beforeEach, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { type ControlClient, controlClient } from '../control-client.ts';
import { createLab, type Lab } from '../lab.ts';
import { type ControlListener, listenControl } from './control.ts';

let lab: Lab;
let listener: ControlListener;
let control: ControlClient;
const addressOf = (name: string, at: number): string =>
  must(lab.organization(name).world.mailboxes[at], 'a mailbox').address;

beforeEach(async () => {
  lab = createLab({
    organizations: [
      { name: 'source', version: '2010' },
      { name: 'target', version: '2016' },
    ],
    mailboxes: 6,
    clock: new SteppingClock(Date.UTC(2026, 2, 2)),
  });
  listener = await listenControl(lab);
  control = controlClient(listener);
});
afterEach(async () => {
  expect(lab.failures).toEqual([]);
  await listener.close();
  await lab.close();
});

test('lines of the shell are run one by one; what is no PowerShell is refused as a whole', async () => {
  const address = addressOf('source', 0);
  expect(
    await control.shell('source', [`Set-Mailbox -Identity '${address}' -CustomAttribute1 'wave'`, "Get-Mailbox 'x'"]),
  ).toEqual([
    { command: 'Set-Mailbox', error: null },
    { command: 'Get-Mailbox', error: expect.stringContaining('not recognized') },
  ]);
  await expect(control.shell('source', ["Set-Mailbox 'x"])).rejects.toThrow(/line 1: a text does not end/);
});

test('mail of a load is found where it is, also after the mailbox behind an address was replaced or taken away', async () => {
  const [one, other] = [addressOf('source', 0), addressOf('source', 1)];
  await control.startMailLoad({ to: [one], perSecond: 10, seconds: 1 });
  await expect.poll(async () => (await control.mailLoad()).isRunning).toBe(false);
  expect(await control.mailLoad()).toEqual({ sent: 10, delivered: 10, bounced: 0, left: 0, isRunning: false });
  const mails = await control.mails();
  expect(mails.map(({ places }) => places)).toEqual(
    Array.from({ length: 10 }, () => [{ organization: 'source', mailbox: one, folder: 'inbox' }]),
  );
  const { world } = lab.organization('source');
  world.removeMailbox(one);
  lab.mailLoad.deliver(one);
  world.replaceMailbox(other);
  lab.mailLoad.deliver(other);
  expect((await control.mails(10)).map(({ outcomes }) => outcomes.map(({ kind }) => kind))).toEqual([
    ['bounced'],
    ['delivered'],
  ]);
});

test('settings of directories and transport, and what is refused of them', async () => {
  await control.configureDirectory('source', {
    replicationDelayMs: 5000,
    writes: ['OU=Groups,DC=source,DC=test'],
    replicates: ['DC=source,DC=test'],
  });
  expect(lab.organization('source').world.forest).toMatchObject({
    replicationDelayMs: 5000,
    rights: { writes: ['OU=Groups,DC=source,DC=test'], replicates: ['DC=source,DC=test'] },
  });
  await expect(control.configureDirectory('source', { hidden: ['OU=Nowhere,DC=source,DC=test'] })).rejects.toThrow(
    /Nowhere/,
  );
  await control.configureMailFlow('source', { acceptedDomains: { 'route.test': 'authoritative' }, hopMax: 5 });
  expect(lab.organization('source').world.mailFlow.acceptedDomains.get('route.test')).toBe('authoritative');
  await expect(control.configureMailFlow('source', { hopMax: 0 })).rejects.toThrow(/hopMax is a number from 1/);
  const { world } = lab.organization('source');
  for (const { user } of world.mailboxes)
    world.forest.first.put(must(world.forest.first.having('userPrincipalName', user)[0], 'an object'), {
      mailNickname: [`x${user.length}`],
    });
  expect(await control.updateAddressPolicy('source')).toBeGreaterThan(5);
});

test('old mail is replied to, and a watch sees who used a mailbox', async () => {
  const address = addressOf('source', 0);
  expect(await control.addOldMail(address, 7)).toBe(7);
  expect(await control.replyToOldMail(address)).toEqual({ replied: 7, delivered: 7, bounced: {} });
  expect((await control.uses(address)).sends).toHaveLength(7);
  expect((await control.uses(address, Date.UTC(2027, 1, 1))).sends).toEqual([]);
});
