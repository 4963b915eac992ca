import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { passKey } from '#agent/work.ts';
import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import { type MemoryMailbox, MemoryOrganization } from '#connectors/memory/memory-organization.ts';
import { must } from '#kit/assert.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { EventFields, EventIdentity } from '#model/appointment.ts';
import { loadProject } from '#project/read-project.ts';
import { openStore } from '#store/open-store.ts';
import { exitCodes } from '../exit-codes.ts';
import { holdWork } from '../hold-work.ts';
import type { Jobs } from '../jobs.ts';
import { projectTemplate } from '../project-template.ts';
import { realJobs } from '../real-jobs.ts';
import { runCli, testTerminal } from '../terminal.fixture.ts';

const identity = '040000008200E00074C5B7101A82E00800000000' as EventIdentity;

/** A project with calendars, between two organizations in memory. */
function world(hasCalendars = true) {
  const { cwd } = testTerminal();
  const template = projectTemplate({
    schema: 'causeway.schema.json',
    source: 'https://a.example/EWS/Exchange.asmx',
    target: 'https://b.example/EWS/Exchange.asmx',
    sourceUser: 'A\\c',
    targetUser: 'B\\c',
    pairs: ['ana@old.example -> ana@new.example'],
  });
  const file = join(cwd, 'causeway.yaml');
  writeFileSync(file, hasCalendars ? template.replace('# calendar:', 'calendar:') : template);
  const project = loadProject(file, file);
  const [pair] = project.pairs;
  const { source, target } = must([...project.collections.values()][0], 'a collection');
  const organizations = new Map([source, target].map((name) => [name, new MemoryOrganization(name)]));
  const left = must(organizations.get(source), 'source').add('ana@old.example');
  const right = must(organizations.get(target), 'target').add('ana@new.example');
  const jobs: Jobs = {
    ...realJobs,
    openConnector: async (_project, name) => memoryConnector(must(organizations.get(name), name)),
  };
  const run = (...args: string[]) => runCli(args, testTerminal({ cwd }), jobs);
  return { cwd, pair: must(pair, 'a pair'), left, right, run };
}

const book = (box: MemoryMailbox, fields: Partial<EventFields>) =>
  box.typed.add('calendar', box.byRole('calendar'), { subject: 'secret', ...fields }, { identity }).id;

test('finds, merges, tells how to undo it, and does', async () => {
  const { cwd, left, run } = world();
  const kept = book(left, { location: 'Room 1' });
  const other = book(left, {});
  const dry = await run('dedupe');
  expect(dry).toMatchObject({ code: exitCodes.ok, err: '' });
  expect(dry.out).toContain(`keep   ${kept}: it holds more`);
  expect(dry.out).toContain(`remove ${other}`);
  expect(dry.out).toContain('nothing was written; do it with --apply');
  expect(dry.out).not.toContain('secret');
  expect(left.typed.items.size).toBe(2);

  const applied = await run('dedupe', 'ana@old.example', '--apply', '--json');
  const lines = applied.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toMatchObject([
    { event: 'duplicate', side: 'left', outcome: 'done', keep: kept, remove: [other] },
    { duplicates: 1, removed: 1, left: 0, applied: true },
  ]);
  const undoFile = String(lines.at(-1)?.['undoFile']);
  expect(undoFile.startsWith(cwd)).toBe(true);
  expect(statSync(undoFile).mode & 0o777).toBe(0o600);
  expect(readFileSync(undoFile, 'utf8')).toContain('secret');
  expect(left.typed.items.size).toBe(1);

  const undone = await run('dedupe', '--undo', undoFile);
  expect(undone).toMatchObject({ code: exitCodes.ok, err: '' });
  expect(undone.out).toMatch(/^1 item put back/);
  expect(left.typed.items.size).toBe(2);
});

test('a collection by its name; what has no calendars, and files that are none, are told', async () => {
  const { cwd, pair, run } = world();
  expect((await run('dedupe', pair.collection)).out).toBe('nothing is there twice\n');
  writeFileSync(join(cwd, 'x.json'), '{}\n');
  expect(await run('dedupe', '--undo', 'x.json')).toMatchObject({
    code: exitCodes.usage,
    err: 'error: x.json: it is no undo file of causeway dedupe\n',
  });
  expect(await run('dedupe', '--undo', 'x.json', '--apply')).toMatchObject({ code: exitCodes.usage });
  expect((await world(false).run('dedupe')).err).toMatch(/keeps no calendars/);
});

test('while it is held nobody else gets the work, and who has it is waited for', async () => {
  const { pair } = world();
  const clock = new SteppingClock(1_700_000_000_000);
  const store = await openStore('sqlite::memory:', { clock, log: { info: () => {}, warn: () => {} } });
  const { signal } = new AbortController();
  const other = 'calendar:of somebody else';
  const key = passKey(pair.id, 'calendar');
  await store.ensureWork([
    { key: other, priority: 20, nextAtMs: clock.nowMs() - 5000 },
    { key, priority: 20, nextAtMs: clock.nowMs() },
  ]);
  const agents = await store.claim('agent', 'calendar:', 9, clock.nowMs(), 1_000_000);
  expect(agents).toHaveLength(2);
  const waiting = holdWork(store, pair.id, 'calendar', { clock, signal });
  for (const claim of agents) await store.complete(claim, { nextAtMs: clock.nowMs() - 1000, failed: false });
  const held = await waiting;
  expect(held.claim.key).toBe(key);
  expect((await store.claim('agent', 'calendar:', 9, clock.nowMs(), 1000)).map((claim) => claim.key)).toEqual([other]);
  await held.release();
  expect((await store.claim('agent', 'calendar:', 9, clock.nowMs(), 1000)).map((claim) => claim.key)).toEqual([key]);
  await store.close();
});

test('check --freebusy: what differs is told by its time, and has an exit code of its own', async () => {
  const { left, run } = world();
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
