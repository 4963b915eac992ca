import { afterEach, expect, test } from 'vitest';
import type { Context } from '#connectors/contract.ts';
import { type CarrySettings, carrySettings } from '#jobs/settings/carry-settings.ts';
import { must } from '#kit/assert.ts';
import type { EwsVersion } from '#lab/seams.ts';
import type { FolderPermission } from '#model/mailbox-settings.ts';
import { openEwsLab } from '#test/connectors/ews-lab.fixture.ts';

type Opened = Awaited<ReturnType<typeof openEwsLab>>;
const opened: Opened[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

async function side(version: EwsVersion) {
  const lab = await openEwsLab(version, 10 * 2 ** 20, 4);
  opened.push(lab);
  const people = lab.world.mailboxes.map(({ address }) => address);
  const mailbox = lab.connector.mailbox(must(people[0], 'a mailbox'));
  const call = (): Context => ({ signal: new AbortController().signal, deadlineMs: lab.clock.monotonicMs() + 600_000 });
  const settings = must(mailbox.settings ?? null, 'settings');
  return { mailbox, people, call, settings, roles: await mailbox.roles(call()), world: lab.world };
}

/** The people of the two labs have the same names; here those of the target are known by their place. */
async function world(from: EwsVersion, to: EwsVersion) {
  const [source, target] = [await side(from), await side(to)];
  const asked = (more: Partial<CarrySettings> = {}): CarrySettings => ({
    source: source.mailbox,
    target: target.mailbox,
    folders: (['inbox', 'calendar'] as const).map((role) => ({
      source: must(source.roles.get(role), role),
      target: must(target.roles.get(role), role),
      path: role,
    })),
    // The last one has no counterpart.
    personOnTarget: (address) =>
      address === source.people[3] ? null : (target.people[source.people.indexOf(address)] ?? null),
    call: source.call,
    ...more,
  });
  return { source, target, asked };
}

const editor = (address: string): FolderPermission => ({
  who: { kind: 'person', address, name: '' },
  canCreateItems: true,
  canCreateSubfolders: false,
  isOwner: false,
  isVisible: true,
  isContact: false,
  edit: 'all',
  remove: 'all',
  read: 'full',
});
const rights = {
  calendar: 'editor',
  tasks: 'none',
  inbox: 'none',
  contacts: 'none',
  notes: 'none',
  journal: 'none',
} as const;
const xmlOf = (name: string) =>
  Buffer.from(`<categories xmlns="CategoryList.xsd"><category name="${name}"/></categories>`).toString('base64');

test('permissions, delegates and stored settings come over, people mapped; a second time nothing is written', async () => {
  const { source, target, asked } = await world('2010', '2016');
  const [, second, third, last] = source.people.map((address) => must(address, 'somebody'));
  const inbox = must(source.roles.get('inbox'), 'inbox');
  await source.settings.setPermissions(
    inbox,
    [editor(must(second, 'second')), editor(must(last, 'last'))],
    source.call(),
  );
  const delegate = { address: must(third, 'third'), name: '', rights, receivesCopies: true, seesPrivate: true };
  const lost = { ...delegate, address: must(last, 'last'), receivesCopies: false };
  await source.settings.setDelegates({ delegates: [delegate, lost], requestsGoTo: 'delegates-only' }, source.call());
  await source.settings.setStored(
    'categories',
    { dictionary: null, xml: xmlOf('Projekt Ä'), binary: null },
    source.call(),
  );
  await target.settings.setStored('categories', { dictionary: null, xml: xmlOf('Own'), binary: null }, target.call());
  await target.settings.setPermissions(
    must(target.roles.get('inbox'), 'inbox'),
    [editor(must(target.people[2], 'x'))],
    target.call(),
  );

  const dry = await carrySettings(asked({ dryRun: true }));
  expect((await target.settings.delegates(target.call())).delegates).toEqual([]);

  const report = await carrySettings(asked());
  expect(report).toEqual(dry);
  expect(report.written).toEqual({ permissions: 2, delegates: 1, stored: 1 });
  expect(report.left.map(({ setting, reason, detail }) => `${setting} ${reason} ${detail}`).sort()).toEqual([
    `delegates unmapped ${last}`,
    `permissions unmapped calendar: ${last}`,
    `permissions unmapped inbox: ${last}`,
  ]);

  const { delegates, requestsGoTo } = await target.settings.delegates(target.call());
  expect(requestsGoTo).toBe('delegates-only');
  expect(
    delegates.map(({ address, receivesCopies, seesPrivate }) => ({ address, receivesCopies, seesPrivate })),
  ).toEqual([{ address: target.people[2], receivesCopies: true, seesPrivate: true }]);
  const people = (await target.settings.permissions(must(target.roles.get('inbox'), 'inbox'), target.call())).flatMap(
    ({ who }) => (who.kind === 'person' ? [who.address] : []),
  );
  expect(people.sort()).toEqual([target.people[1], target.people[2]].sort());
  const categories = await target.settings.stored('categories', target.call());
  expect(Buffer.from(categories?.xml ?? '', 'base64').toString()).toMatch(/name="Own".*name="Projekt Ä"/);

  const again = await carrySettings(asked());
  expect(again.written).toEqual({ permissions: 0, delegates: 0, stored: 0 });
});

test('what a server of 2007 does not show is named, and the rest comes over', async () => {
  const { source, asked } = await world('2007', '2016');
  await source.settings.setPermissions(
    must(source.roles.get('inbox'), 'inbox'),
    [editor(must(source.people[1], 'x'))],
    source.call(),
  );
  const report = await carrySettings(asked());
  expect(report.written.permissions).toBe(1);
  expect(new Set(report.left.map(({ setting, reason }) => `${setting} ${reason}`))).toEqual(
    new Set(['categories unreadable', 'work-hours unreadable', 'web unreadable', 'nicknames unreadable']),
  );
});

test('a signature goes along, options of the mailbox itself do not', async () => {
  const { source, target, asked } = await world('2016', 'se');
  const entry = (key: string, value: string) => ({
    key: { type: 'String', value: key },
    value: { type: 'String', values: [value] },
  });
  const options = {
    dictionary: [entry('signaturehtml', '<p>Grüße</p>'), entry('timezone', 'Tokyo Standard Time')],
    xml: null,
    binary: null,
  };
  await source.settings.setStored('web', options, source.call());
  await carrySettings(asked());
  const after = await target.settings.stored('web', target.call());
  const values = Object.fromEntries((after?.dictionary ?? []).map(({ key, value }) => [key.value, value.values[0]]));
  expect(values['signaturehtml']).toBe('<p>Grüße</p>');
  expect(values['timezone']).not.toBe('Tokyo Standard Time');
});
