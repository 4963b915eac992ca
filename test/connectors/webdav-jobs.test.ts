/** What an operator runs before a migration, against the lab's 2003 over WebDAV. */
import { expect, test } from 'vitest';
import { check, type Finding } from '#jobs/check.ts';
import { discover } from '#jobs/discover.ts';
import { type ProbeResult, probe } from '#jobs/probe/probe.ts';
import { must } from '#kit/assert.ts';
import { seededRandom } from '#kit/random.ts';
import { folderByRole } from '#test/simulation/simulated-mailbox.ts';
import { openWebdavLab } from './webdav-lab.fixture.ts';

const itemMaxBytes = 6 << 20;
const { signal } = new AbortController();

test('what we rely on is true of the lab', async () => {
  const it = await openWebdavLab(itemMaxBytes, 2);
  const { connector, clock } = it;
  const results: ProbeResult[] = [];
  const services = { connector, clock, random: seededRandom('probe 2003'), requestDeadlineMs: 600_000, receiptMs: 1 };
  const [first, second] = it.addresses;
  const addresses = [must(first, 'a mailbox'), must(second, 'another one')] as const;
  for await (const result of probe(services, addresses, signal)) results.push(result);
  expect(results.filter(({ outcome }) => outcome !== 'as-assumed')).toEqual([]);
  expect(results).toHaveLength(20);
  expect(it.people.sent()).toEqual([]);
  expect(it.people.items()).toEqual([]);
  await it.close();
});

test('discover counts what is there, check finds nothing to complain of', async () => {
  const it = await openWebdavLab(itemMaxBytes);
  const { connector, clock, people } = it;
  people.deliver(folderByRole(people, 'inbox'), {
    mime: Buffer.from('Subject: x\r\n\r\n'),
    subject: 'x',
    messageId: '<x>',
  });
  const around = { connector, clock, requestDeadlineMs: 600_000 };
  const inventory = await discover(around, people.address, signal);
  expect(inventory.folders.find(({ role }) => role === 'inbox')).toMatchObject({ items: 1 });
  const findings: Finding[] = [];
  const side = { connector, address: people.address };
  const services = { endpoints: new Map([['lab', null]]), clock, requestDeadlineMs: 600_000 };
  for await (const finding of check(services, [{ left: side, right: null }], signal)) findings.push(finding);
  expect(findings.filter(({ level }) => level === 'error' || level === 'warning')).toEqual([]);
  expect(findings.find((finding) => finding.check === 'sign-in')?.detail).toMatch(/Exchange 2003/);
  await it.close();
});
