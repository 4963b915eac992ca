import { expect, test } from 'vitest';
import type { MemoryMailbox } from '#connectors/memory/memory-organization.ts';
import { rivalDetail, sameIdentity } from '#jobs/rivals.ts';
import type { EventFields } from '#model/appointment.ts';
import { loadProject } from '#project/read-project.ts';
import { trackId } from '#store/store.ts';
import { exitCodes } from '../exit-codes.ts';
import { createLog } from '../log.ts';
import { putProjectPairs } from '../put-pairs.ts';
import { openServices } from '../services.ts';
import { testTerminal } from '../terminal.fixture.ts';
import { memoryProject } from './memory-project.fixture.ts';

const book = (box: MemoryMailbox, fields: Partial<EventFields>) =>
  box.typed.add('calendar', box.byRole('calendar'), { subject: 'secret', ...fields }).id;

test('check --freebusy: what differs is told by its time, and has an exit code of its own', async () => {
  const { left, run } = memoryProject();
  const same = await run('check', '--freebusy', '--sample', '1');
  expect(same).toMatchObject({ code: exitCodes.ok, err: '' });
  expect(same.out).toContain('both sides tell the same');
  const start = Date.now() + 3_600_000;
  book(left, { showAs: 'busy', when: { start, end: start + 60_000, isAllDay: false, startZone: null, endZone: null } });
  const other = await run('check', '--freebusy');
  expect(other.code).toBe(exitCodes.differences);
  expect(other.out).toMatch(/Z busy \| free/);
  expect(other.out).not.toContain('secret');
});

test('rivals are told by side, with the commands for the server and the mailbox of that side', async () => {
  const { file, jobs, pair, run } = memoryProject(true, {
    source: 'Exchange 2010 SP2 (14.2.247)',
    target: 'Exchange 2016 (15.1.2507)',
  });
  const project = loadProject(file, file);
  const terminal = testTerminal();
  const services = openServices(project, terminal, createLog(terminal, false), jobs);
  const store = await services.store('own');
  await putProjectPairs(project, store);
  const row = { pass: 3, atMs: Date.now(), left: 'a', right: 'b', outcome: 'adopted' as const };
  const second = { ...row, action: 'create', reason: sameIdentity, detail: rivalDetail('right') };
  await store.commit(trackId(pair.id, 'calendar'), null, { history: [second, second] });
  await services.close();

  const checked = await run('check', '--json');
  const findings = checked.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(findings.find(({ check }) => check === 'rivals')).toMatchObject({
    level: 'warning',
    subject: pair.id,
    detail: 'in 7 days others made items under an identity that was known: 2 on the target',
    advice: expect.stringContaining(
      "on the target: Get-MailboxServer S | fl CalendarRepair* ; Get-Mailbox 'ana@new.example' | fl CalendarRepairDisabled ; Set-Mailbox 'ana@new.example' -CalendarRepairDisabled $true ; Set-MailboxServer S -CalendarRepairMode ValidateOnly",
    ),
  });
  expect(findings.find(({ check }) => check === 'rivals')?.['advice']).not.toContain('on the source');
  const repair = findings.filter(({ check }) => check === 'calendar repair');
  expect(repair.map(({ subject }) => subject)).toHaveLength(2);
  expect(repair[0]?.['advice']).toContain('-CalendarRepairMissingItemFixDisabled $true');
  expect((await run('status')).out).toContain('2 on the target; causeway check prints the commands against it');
});
