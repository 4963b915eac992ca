import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { Context, Mailbox } from '#connectors/contract.ts';
import type { MailboxSettings } from '#connectors/settings-contract.ts';
import { must } from '#kit/assert.ts';
import { FaultError } from '#kit/fault.ts';
import { type EwsVersion, ewsVersions } from '#lab/seams.ts';
import type { FolderId } from '#model/ids.ts';
import type { Instant } from '#model/mail.ts';
import type { AutomaticReplies, FolderPermission, InboxRule } from '#model/mailbox-settings.ts';
import { openEwsLab } from './ews-lab.fixture.ts';

const MiB = 2 ** 20;
type Opened = Awaited<ReturnType<typeof openEwsLab>>;

let opened: Opened | null = null;
afterEach(async () => {
  await opened?.close();
  opened = null;
});

async function open(version: EwsVersion) {
  opened = await openEwsLab(version, 10 * MiB, 4);
  const { connector, world, clock } = opened;
  const [own, second, third] = world.mailboxes.map(({ address }) => address);
  const mailbox: Mailbox = connector.mailbox(must(own, 'a mailbox'));
  const context: Context = { signal: new AbortController().signal, deadlineMs: clock.monotonicMs() + 600_000 };
  return {
    mailbox,
    context,
    world,
    settings: must<MailboxSettings | undefined>(mailbox.settings, 'EWS has settings') as MailboxSettings,
    second: must(second, 'a second person'),
    third: must(third, 'a third person'),
  };
}

const faultOf = async (asked: Promise<unknown>) => {
  try {
    await asked;
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
  return null;
};

describe.each(ewsVersions)('settings of a mailbox, Exchange %s', (version) => {
  const permission = (address: string): FolderPermission => ({
    who: { kind: 'person', address, name: '' },
    canCreateItems: true,
    canCreateSubfolders: false,
    isOwner: false,
    isVisible: true,
    isContact: false,
    edit: 'all',
    remove: 'none',
    read: 'full',
  });

  test('permissions of a folder are replaced, whatever they are', async () => {
    const { settings, context, mailbox, second, third } = await open(version);
    const roles = await mailbox.roles(context);
    const part = fc.constantFrom('none' as const, 'owned' as const, 'all' as const);
    const flags = fc.record({
      canCreateItems: fc.boolean(),
      canCreateSubfolders: fc.boolean(),
      isOwner: fc.boolean(),
      isVisible: fc.boolean(),
      isContact: fc.boolean(),
      edit: part,
      remove: part,
    });
    await fc.assert(
      fc.asyncProperty(
        flags,
        fc.constantFrom('none' as const, 'full' as const),
        fc.constantFrom('time-only' as const, 'time-and-subject' as const, 'none' as const, 'full' as const),
        fc.constantFrom('inbox' as const, 'calendar' as const, 'tasks' as const, 'contacts' as const),
        async (rights, read, calendarRead, role) => {
          const folder: FolderId = must(roles.get(role), role);
          const wanted: readonly FolderPermission[] = [
            { who: { kind: 'default' }, ...rights, read: role === 'calendar' ? calendarRead : read },
            { ...permission(second), ...rights, read },
            permission(third),
            { ...permission(third), who: { kind: 'anonymous' }, canCreateItems: false, edit: 'none', read: 'none' },
          ];
          await settings.setPermissions(folder, wanted, context);
          const plain = (list: readonly FolderPermission[]) =>
            list.map(({ who, ...rest }) => ({ who: who.kind === 'person' ? who.address : who.kind, ...rest }));
          expect(plain(await settings.permissions(folder, context))).toEqual(plain(wanted));
        },
      ),
      { numRuns: 25, seed: 20_261_123 },
    );
  });

  test('a person whom the organization does not know is refused, and nothing is written', async () => {
    const { settings, context, mailbox } = await open(version);
    const inbox = must((await mailbox.roles(context)).get('inbox'), 'inbox');
    const before = await settings.permissions(inbox, context);
    const fault = await faultOf(settings.setPermissions(inbox, [permission('nobody@elsewhere.test')], context));
    expect(fault?.kind).toMatch(/poison|fatal/);
    expect(await settings.permissions(inbox, context)).toEqual(before);
  });

  test('delegates are added, changed and taken away until they are as wanted', async () => {
    const { settings, context, second, third } = await open(version);
    expect((await settings.delegates(context)).delegates).toEqual([]);
    const rights = {
      calendar: 'editor',
      tasks: 'author',
      inbox: 'none',
      contacts: 'none',
      notes: 'none',
      journal: 'none',
    } as const;
    const one = { address: second, rights, receivesCopies: true, seesPrivate: false };
    const other = {
      ...one,
      address: third,
      receivesCopies: false,
      seesPrivate: true,
      rights: { ...rights, inbox: 'reviewer' },
    } as const;
    const seen = async () => {
      const { delegates, requestsGoTo } = await settings.delegates(context);
      return {
        requestsGoTo,
        delegates: delegates.map(({ name: _, ...rest }) => rest).sort((a, b) => (a.address < b.address ? -1 : 1)),
      };
    };
    const sorted = (...list: { readonly address: string }[]) => list.sort((a, b) => (a.address < b.address ? -1 : 1));
    const named = (...list: (typeof one | typeof other)[]) => list.map((d) => ({ ...d, name: 'Somebody' }));
    await settings.setDelegates({ delegates: named(one), requestsGoTo: 'delegates-and-me' }, context);
    expect(await seen()).toEqual({ requestsGoTo: 'delegates-and-me', delegates: [one] });
    const changed = { ...one, receivesCopies: false };
    await settings.setDelegates(
      { delegates: [...named(other), { ...changed, name: '' }], requestsGoTo: 'delegates-only' },
      context,
    );
    expect(await seen()).toEqual({ requestsGoTo: 'delegates-only', delegates: sorted(changed, other) });
    await settings.setDelegates({ delegates: [], requestsGoTo: 'delegates-only' }, context);
    expect((await seen()).delegates).toEqual([]);
  });
});

describe.each(['2010', '2013', '2016', 'se'] as const)('replies, rules and stored settings, Exchange %s', (version) => {
  const replies: AutomaticReplies = {
    state: 'scheduled',
    audience: 'known',
    schedule: { start: 1_700_000_000_000 as Instant, end: 1_700_600_000_000 as Instant },
    internal: '<html><body>Weg & zurück</body></html>',
    external: '<html><body>Away</body></html>',
  };

  test('automatic replies come back as they were set', async () => {
    const { settings, context } = await open(version);
    expect(await settings.automaticReplies(context)).toMatchObject({ state: 'disabled', schedule: null });
    await settings.setAutomaticReplies(replies, context);
    expect(await settings.automaticReplies(context)).toEqual(replies);
    const off: AutomaticReplies = { ...replies, state: 'disabled', schedule: null };
    await settings.setAutomaticReplies(off, context);
    expect(await settings.automaticReplies(context)).toEqual(off);
  });

  const rule = (folder: FolderId, more: Partial<InboxRule> = {}): InboxRule => ({
    name: 'Projekt "Ä" & <mehr>',
    order: 1,
    isOn: true,
    isReadable: true,
    isBroken: false,
    conditions: {
      ContainsSubjectStrings: ['Ä', '<b>'],
      FromAddresses: [{ address: 'somebody@elsewhere.test', name: 'Somebody' }],
      Sensitivity: 'Private',
      SentOnlyToMe: 'true',
      WithinSizeRange: { range: { MinimumSize: '10', MaximumSize: '2000' } },
    },
    exceptions: { HasAttachments: 'true' },
    actions: {
      AssignCategories: ['Red Category'],
      MarkAsRead: 'true',
      MarkImportance: 'High',
      MoveToFolder: { folder },
      StopProcessingRules: 'true',
    },
    ...more,
  });

  test('rules come back as they were set, in their order, and are replaced as a whole', async () => {
    const { settings, context, mailbox } = await open(version);
    const drafts = must((await mailbox.roles(context)).get('drafts'), 'drafts');
    const later = rule(drafts, { name: 'Later', order: 7, conditions: {}, actions: { Delete: 'true' } });
    await settings.setRules([later, rule(drafts)], false, context);
    expect(await settings.rules(context)).toEqual({
      hasOutlookRules: false,
      rules: [rule(drafts), { ...later, order: 2 }],
    });
    await settings.setRules([later], false, context);
    expect((await settings.rules(context)).rules).toEqual([{ ...later, order: 1 }]);
    await settings.setRules([], false, context);
    expect((await settings.rules(context)).rules).toEqual([]);
  });

  test('a rule that is refused leaves the others as they were', async () => {
    const { settings, context, mailbox } = await open(version);
    const drafts = must((await mailbox.roles(context)).get('drafts'), 'drafts');
    await settings.setRules([rule(drafts)], false, context);
    const fault = await faultOf(settings.setRules([rule(drafts, { name: 'New', actions: {} })], false, context));
    expect(fault).toMatchObject({ kind: 'poison', reason: 'refused-by-target' });
    expect((await settings.rules(context)).rules).toEqual([rule(drafts)]);
  });

  test('rules that Outlook keeps are not switched off without consent', async () => {
    const { settings, context, world, mailbox } = await open(version);
    const drafts = must((await mailbox.roles(context)).get('drafts'), 'drafts');
    must(world.mailbox(mailbox.address), 'mailbox').settings.set('outlook-rules', 'true');
    expect(await faultOf(settings.setRules([rule(drafts)], false, context))).toMatchObject({ kind: 'stale' });
    await settings.setRules([rule(drafts)], true, context);
    expect((await settings.rules(context)).hasOutlookRules).toBe(false);
  });

  test('stored settings are made, then replaced', async () => {
    const { settings, context } = await open(version);
    expect(await settings.stored('categories', context)).toBeNull();
    const first = { dictionary: null, xml: Buffer.from('<categories/>').toString('base64'), binary: null };
    await settings.setStored('categories', first, context);
    expect(await settings.stored('categories', context)).toEqual(first);
    const second = {
      dictionary: [
        { key: { type: 'String', value: 'signature' }, value: { type: 'String', values: ['Grüße & <i>'] } },
        { key: { type: 'String', value: 'list' }, value: { type: 'StringArray', values: ['a', 'b'] } },
      ],
      xml: null,
      binary: Buffer.from([0, 1, 255]).toString('base64'),
    };
    await settings.setStored('categories', second, context);
    expect(await settings.stored('categories', context)).toEqual(second);
    expect(await settings.stored('web', context)).toMatchObject({ xml: null });
  });
});

test('Exchange 2007 has no way to rules and stored settings', async () => {
  const { settings, context } = await open('2007');
  expect(await faultOf(settings.rules(context))).toMatchObject({ kind: 'fatal', code: 'unsupported' });
  expect(await faultOf(settings.stored('web', context))).toMatchObject({ kind: 'fatal', code: 'unsupported' });
  expect(settings.abilities.rules.can).toBe('nothing');
  expect(settings.abilities.permissions.can).toBe('read-and-write');
});

test('Exchange 2007 refuses automatic replies of others, with a reason', async () => {
  const { settings, context } = await open('2007');
  expect(await faultOf(settings.automaticReplies(context))).toMatchObject({
    kind: 'poison',
    reason: 'access-denied',
  });
});
