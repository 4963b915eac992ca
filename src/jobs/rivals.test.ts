import { expect, test } from 'vitest';
import type { Connector, Mailbox } from '#connectors/contract.ts';
import { FaultError } from '#kit/fault.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { PairId } from '#model/ids.ts';
import { openStore } from '#store/open-store.ts';
import { type HistoryRow, trackId } from '#store/store.ts';
import type { Finding } from './check.ts';
import {
  checkOtherAddresses,
  madeAgain,
  repairAssistant,
  repairCommands,
  rivalDetail,
  rivalsInAll,
  rivalsOf,
  sameIdentity,
} from './rivals.ts';

test('counts what passes found of others, by side, within the days', async () => {
  const clock = new SteppingClock(1_700_000_000_000);
  const store = await openStore('sqlite::memory:', { clock, log: { info: () => {}, warn: () => {} } });
  const pair = 'ana@old.example → ana@new.example' as PairId;
  const id = trackId(pair, 'calendar');
  const side = { organization: 'x', address: 'ana@x', mailbox: null };
  await store.putPairs([{ id, kind: 'calendar', collection: 'all', left: side, right: side }]);
  const row = (given: Partial<HistoryRow>): Omit<HistoryRow, 'pair'> => ({
    pass: 2,
    atMs: clock.nowMs(),
    action: 'remove',
    reason: 'a duplicate: it is older',
    left: null,
    right: null,
    outcome: 'done',
    detail: null,
    ...given,
  });
  const adopted = { action: 'create', outcome: 'adopted', left: 'a', right: 'b' } as const;
  await store.commit(id, null, {
    history: [
      row({ left: 'a' }),
      row({ right: 'b' }),
      row({ right: 'c' }),
      row({ right: 'd', atMs: clock.nowMs() - 8 * 86_400_000 }),
      row({ left: 'e', reason: 'deleted on the source' }),
      row({ left: 'f', pass: 1 }),
      row({ ...adopted, reason: sameIdentity }),
      row({ ...adopted, reason: sameIdentity, detail: rivalDetail('right') }),
      row({ ...adopted, reason: madeAgain, detail: rivalDetail('left') }),
      row({ ...adopted, reason: sameIdentity, pass: 1 }),
      row({ ...adopted, reason: 'already there with our stamp' }),
    ],
  });
  const found = await rivalsOf(store, pair, clock.nowMs());
  expect(found).toEqual({ left: 2, right: 3, either: 1 });
  expect(rivalsInAll(found)).toBe(6);
  await store.close();
});

test.each([
  ['Exchange 2007 SP3 (8.3.83)', 'ok', null],
  ['Exchange 2010 SP2 (14.2.247)', 'note', /MissingItemFixDisabled/],
  ['Exchange 2016 (15.1.2507)', 'note', /CalendarRepairMode ValidateOnly/],
  [
    'Exchange Online (15.20.1)',
    'note',
    /^Get-Mailbox X \| fl CalendarRepairDisabled ; Set-Mailbox X -CalendarRepairDisabled \$true$/,
  ],
  ['', 'note', /Set-Mailbox X/],
] as const)('the commands for %s', (product, level, advice) => {
  const finding = repairAssistant('old', product);
  expect(finding.level).toBe(level);
  if (advice === null) expect(finding.advice).toBeNull();
  else expect(finding.advice).toMatch(advice);
});

test('the commands for one mailbox name it, quoted for PowerShell', () => {
  expect(repairCommands('Exchange 2016 (15.1.2507)', "o'hara@new.example")).toEqual([
    'Get-MailboxServer S | fl CalendarRepair*',
    "Get-Mailbox 'o''hara@new.example' | fl CalendarRepairDisabled",
    "Set-Mailbox 'o''hara@new.example' -CalendarRepairDisabled $true",
    'Set-MailboxServer S -CalendarRepairMode ValidateOnly',
  ]);
  expect(repairCommands('Exchange 2007 SP3 (8.3.83)', 'ana@old.example')).toEqual([]);
});

test('warns of a mailbox that lacks the address of the other side, and of nothing that nobody can tell', async () => {
  const [old, young] = ['ana@old.example', "o'ana@new.example"];
  type Ask = Mailbox['primaryOf'];
  const side = (organization: string, address: string, primaryOf: Ask, product = 'Exchange 2016 (15.1.2507)') => ({
    address,
    connector: {
      organization,
      abilities: { product },
      mailbox: () => ({ address, ...(primaryOf && { primaryOf }) }),
    } as unknown as Connector,
  });
  const knows =
    (known: Readonly<Record<string, string>>): Ask =>
    (of) =>
      Promise.resolve(known[of] ?? null);
  const findings = async (left: Ask, right: Ask, product?: string) => {
    const found: Finding[] = [];
    const pair = { left: side('old', old, left, product), right: side('new', young, right) };
    const around = { clock: new SteppingClock(0), requestDeadlineMs: 1 };
    for await (const one of checkOtherAddresses(pair, around, new AbortController().signal)) found.push(one);
    return found;
  };
  const both = knows({ [old]: young, [young]: young });
  expect(await findings(knows({ [old]: old }), both)).toMatchObject([
    {
      level: 'warning',
      check: 'other address',
      subject: old,
      advice: expect.stringContaining("Set-Mailbox 'ana@old.example' -EmailAddresses @{add='smtp:o''ana@new.example'}"),
    },
    { level: 'ok', subject: young },
  ]);
  // Somebody else has it.
  expect(await findings(both, knows({ [young]: young, [old]: 'ben@new.example' }))).toMatchObject([
    { level: 'ok' },
    { level: 'warning', subject: young },
  ]);
  expect(await findings(knows({}), undefined, 'Exchange 2007 SP3 (8.3.83)')).toEqual([]);
  const refused = () => Promise.reject(new FaultError({ kind: 'fatal', code: 'access-denied', detail: 'no' }));
  expect(await findings(refused, both)).toMatchObject([{ level: 'note' }, { level: 'ok' }]);
});
