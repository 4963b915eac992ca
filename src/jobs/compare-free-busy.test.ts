import { expect, test } from 'vitest';
import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import { MemoryOrganization } from '#connectors/memory/memory-organization.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { EventFields } from '#model/appointment.ts';
import type { Finding } from './check.ts';
import { checkFreeBusy, differences } from './compare-free-busy.ts';

const minute = 60_000;
const busy = (from: number, to: number, showAs: 'busy' | 'tentative' | 'oof' | 'working-elsewhere' = 'busy') => ({
  start: from * minute,
  end: to * minute,
  showAs,
});
const between = (left: readonly ReturnType<typeof busy>[], right: readonly ReturnType<typeof busy>[]) =>
  differences(left, right, 0, 100 * minute).map((d) => [d.start / minute, d.end / minute, d.left, d.right]);

test.each([
  ['nothing', [], [], []],
  ['the same in other pieces', [busy(0, 10), busy(5, 20)], [busy(0, 20)], []],
  ['the stronger one of two', [busy(0, 10, 'tentative'), busy(0, 10)], [busy(0, 10)], []],
  ['one minute', [busy(0, 10)], [busy(0, 11)], [[10, 11, 'free', 'busy']]],
  ['another kind', [busy(0, 10, 'oof')], [busy(0, 10)], [[0, 10, 'oof', 'busy']]],
  ['what an old version cannot say', [busy(0, 10, 'working-elsewhere')], [], []],
  ['but that against busy', [busy(0, 9, 'working-elsewhere')], [busy(0, 9)], [[0, 9, 'working-elsewhere', 'busy']]],
  ['outside of what was asked', [busy(-50, 0), busy(100, 200)], [], []],
] as const)('%s', (_what, left, right, expected) => {
  expect(between(left, right)).toEqual(expected);
});

test('a pair that differs is told with times and no subject; a connector that cannot tell is named', async () => {
  const clock = new SteppingClock(1_700_000_000_000);
  const [old, young] = [new MemoryOrganization('old'), new MemoryOrganization('new')];
  const [source] = [old.add('ana@old.example'), young.add('ana@new.example')];
  const start = clock.nowMs() + 3_600_000;
  source.typed.add('calendar', source.byRole('calendar'), {
    subject: 'secret',
    showAs: 'busy',
    when: { start, end: start + 1_800_000, isAllDay: false, startZone: null, endZone: null },
  } satisfies Partial<EventFields>);
  const left = { connector: memoryConnector(old), address: 'ana@old.example' };
  const right = { connector: memoryConnector(young), address: 'ana@new.example' };
  const dumb = { organization: 'dumb', mailbox: () => ({}) } as unknown as typeof left.connector;
  const all: Finding[] = [];
  const pairs = [
    { left, right },
    { left, right: left },
    { left, right: { ...right, connector: dumb } },
  ];
  const services = { clock, requestDeadlineMs: 1000 };
  for await (const finding of checkFreeBusy(services, pairs, new AbortController().signal)) all.push(finding);
  expect(all.map(({ level }) => level)).toEqual(['error', 'ok', 'note']);
  expect(all[0]?.detail).toMatch(/busy \| free/);
  expect(JSON.stringify(all)).not.toContain('secret');
  expect(all[2]?.detail).toMatch(/^dumb cannot/);
});
