import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { holdWork } from '#agent/hold-work.ts';
import { passKey } from '#agent/work.ts';
import type { MemoryMailbox } from '#connectors/memory/memory-organization.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { EventFields, EventIdentity } from '#model/appointment.ts';
import type { MailState } from '#model/mail.ts';
import { openStore } from '#store/open-store.ts';
import { exitCodes } from '../exit-codes.ts';
import { memoryProject } from './memory-project.fixture.ts';

const identity = '040000008200E00074C5B7101A82E00800000000' as EventIdentity;

const book = (box: MemoryMailbox, fields: Partial<EventFields>) =>
  box.typed.add('calendar', box.byRole('calendar'), { subject: 'secret', ...fields }, { identity }).id;

test('finds, merges, tells how to undo it, and does', async () => {
  const { cwd, left, run } = memoryProject();
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

test('messages that another tool copied twice go to the deleted items, and come back', async () => {
  const { left, right, run } = memoryProject(false);
  const mail = (box: MemoryMailbox, text: string, state: Partial<MailState> = {}) =>
    box.add(box.byRole('inbox'), Buffer.from(`Subject: secret\r\n\r\n${text}\r\n`), { subject: 'secret' }, state).id;
  for (const text of ['a', 'a', 'a', 'b']) mail(right, text);
  const flagged = mail(right, 'a', { categories: ['Red'] });
  for (let n = 0; n < 2; n++) mail(left, 'c');
  const dry = await run('dedupe');
  expect(dry).toMatchObject({ err: '', code: exitCodes.partial });
  expect(dry.out).toContain('4 times (equal content)');
  expect(dry.out).toContain(`keep   ${flagged}: it is marked`);
  expect(dry.out).toContain('nothing is written to the source');
  expect(dry.out).not.toContain('secret');
  const applied = await run('dedupe', '--content', 'mail', '--apply', '--json');
  const last = JSON.parse(applied.out.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
  expect(last).toMatchObject({ duplicates: 2, removed: 3, left: 1 });
  const inFolders = () =>
    (['inbox', 'deleteditems'] as const).map(
      (role) => [...right.items.values()].filter(({ folder }) => folder === right.byRole(role)).length,
    );
  expect(inFolders()).toEqual([2, 3]);
  expect((await run('dedupe')).out).toContain('0 items to remove, 1 left');
  const undone = await run('dedupe', '--undo', String(last['undoFile']));
  expect(undone).toMatchObject({ code: exitCodes.ok, err: '' });
  expect(undone.out).toMatch(/^3 items put back/);
  expect(inFolders()).toEqual([5, 0]);
  expect([...left.items.keys()]).toHaveLength(2);
});

test('a collection by its name; what has no calendars, and files that are none, are told', async () => {
  const { cwd, pair, run } = memoryProject();
  expect((await run('dedupe', pair.collection)).out).toBe('nothing is there twice\n');
  writeFileSync(join(cwd, 'x.json'), '{}\n');
  expect(await run('dedupe', '--undo', 'x.json')).toMatchObject({
    code: exitCodes.usage,
    err: 'error: x.json: it is no undo file of causeway dedupe\n',
  });
  expect(await run('dedupe', '--undo', 'x.json', '--apply')).toMatchObject({ code: exitCodes.usage });
  expect((await memoryProject(false).run('dedupe', '--content', 'calendar')).err).toMatch(/keeps no calendar of/);
});

test('while it is held nobody else gets the work, and who has it is waited for', async () => {
  const { pair } = memoryProject();
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
  const waiting = holdWork(store, { key, priority: 20 }, 'dedupe', { clock, signal });
  for (const claim of agents) await store.complete(claim, { nextAtMs: clock.nowMs() - 1000, failed: false });
  const held = await waiting;
  expect(held.claim.key).toBe(key);
  expect((await store.claim('agent', 'calendar:', 9, clock.nowMs(), 1_000_000)).map((claim) => claim.key)).toEqual([
    other,
  ]);
  await held.release();
  expect((await store.claim('agent', 'calendar:', 9, clock.nowMs(), 1000)).map((claim) => claim.key)).toEqual([key]);
  await store.close();
});
