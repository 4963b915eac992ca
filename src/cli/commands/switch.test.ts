import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { runMailPass } from '#jobs/mail/mail-pass.ts';
import { systemClock } from '#kit/clock.ts';
import { systemRandom } from '#kit/random.ts';
import { defaultMailPolicy } from '#model/policy.ts';
import { loadProject } from '#project/read-project.ts';
import { openStore } from '#store/open-store.ts';
import { exitCodes } from '../exit-codes.ts';
import { createLog } from '../log.ts';
import { putProjectPairs } from '../put-pairs.ts';
import { testTerminal } from '../terminal.fixture.ts';
import { memoryProject } from './memory-project.fixture.ts';

const signal = new AbortController().signal;
let at: ReturnType<typeof memoryProject>;

const arrives = (side: 'left' | 'right', subject: string) =>
  at[side].add(at[side].byRole('inbox'), Buffer.from(`Subject: ${subject}\r\n\r\n${subject}\r\n`), { subject });
const subjects = (side: 'left' | 'right') =>
  [...at[side].items.values()].map(({ facts }) => facts.subject ?? '').sort();

/** The first copy, as `causeway sync` makes it. */
async function copied(): Promise<void> {
  const project = loadProject(at.file, at.file);
  const log = createLog(testTerminal(), false);
  const store = await openStore(`sqlite:${join(at.cwd, '.causeway', 'causeway.db')}`, { clock: systemClock, log });
  await putProjectPairs(project, store);
  const around = { clock: systemClock, signal, log, counts: store, onWaiting: () => {} };
  const connect = (name: 'source' | 'target') => at.jobs.openConnector(project, name, around);
  const basics = { store, clock: systemClock, random: systemRandom, requestDeadlineMs: 60_000, lanes: 1 };
  const [left, right] = [await connect('source'), await connect('target')];
  await runMailPass({ ...basics, left, right, policy: defaultMailPolicy }, at.pair.id, null, signal);
  await store.close();
}

beforeEach(() => {
  at = memoryProject(false);
  arrives('left', 'before');
  // Transport is not waited for: there is none.
  const written = readFileSync(at.file, 'utf8');
  writeFileSync(
    at.file,
    written.replace(/^ {4}source: .*$/m, (line) => `${line}\n    switch: { settle: 1 ms }`),
  );
  mkdirSync(join(at.cwd, '.causeway'), { recursive: true });
});

describe('causeway switch', () => {
  test('never switches everybody because a name was left out', async () => {
    expect(await at.run('switch', '--now', '--yes')).toMatchObject({ code: exitCodes.usage });
    expect((await at.run('switch', '--now', '--plan', 'ana@old.example')).code).toBe(exitCodes.usage);
    expect((await at.run('switch', 'ana@old.example', '--accept', 'redirection')).err).toContain('never accepted');
    expect((await at.run('switch', 'ana@old.example', '--at', '2026-03-01 22:00')).err).toContain('with its zone');
  });

  test('shows by default what stands in the way and every step, and changes nothing', async () => {
    const shown = await at.run('switch', 'ana@old.example', '--json');
    expect(shown.code).toBe(exitCodes.ok);
    const lines = shown.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ event: 'measured', state: 'provisioned' });
    expect(lines.filter(({ event }) => event === 'check')).toHaveLength(13);
    expect(lines.filter(({ step }) => step !== undefined).map(({ step }) => step)).toEqual([
      'catch-up',
      'prepare-target',
      'open-target',
      'turn-room',
      'redirect-source',
      'last-pass',
      'turn-active',
      'quiet-source',
      'turn-reminders',
      'prove',
      'tell',
    ]);
  });

  test('refuses who is not ready, and says why', async () => {
    const refused = await at.run('switch', 'ana@old.example', '--now', '--yes');
    expect(refused.code).toBe(exitCodes.notReady);
    expect(refused.out).toContain('the first copy is not complete');
  });

  test('hands over what it cannot turn, goes on when that was done, and leads back with what came in', async () => {
    await copied();
    const first = await at.run('switch', 'ana@old.example', '--now', '--yes');
    expect(first.code).toBe(exitCodes.partial);
    expect(first.out).toContain('(proxyAddresses=smtp:ana@new.example)');
    expect((await at.run('status')).out).toContain('switching, works in the source');
    const second = await at.run('switch', 'ana@old.example', '--now', '--yes', '--confirmed');
    expect(second.out).toContain("-Replace @{targetAddress='SMTP:ana@new.example'}");
    const last = await at.run('switch', 'ana@old.example', '--now', '--yes', '--confirmed');
    expect(last).toMatchObject({ code: exitCodes.ok });
    expect((await at.run('status')).out).toContain('switched, works in the target');

    arrives('right', 'meanwhile');
    const planned = await at.run('undo', 'ana@old.example');
    expect(planned.out.indexOf('redirect-source')).toBeLessThan(planned.out.indexOf('open-target'));
    for (const more of [[], ['--confirmed'], ['--confirmed']])
      await at.run('undo', 'ana@old.example', '--yes', ...more);
    expect((await at.run('status')).out).not.toContain('undoing');
    expect(subjects('left')).toEqual(['before', 'meanwhile']);
    expect(subjects('right')).toEqual(['before', 'meanwhile']);
    await copied();
    expect(subjects('right')).toEqual(['before', 'meanwhile']);
  });

  test('plans for a time or for when it is ready, and forgets it again', async () => {
    await copied();
    const planned = await at.run('switch', 'ana@old.example', '--when-ready', '--yes');
    expect(planned.out).toContain('as soon as it is ready');
    expect((await at.run('status')).out).toContain('as soon as it is ready');
    await at.run('switch', 'ana@old.example', '--cancel', '--yes');
    expect((await at.run('status')).out).not.toContain('as soon as it is ready');
  });
});

describe('causeway finish', () => {
  test('is refused for who was not switched', async () => {
    await copied();
    const refused = await at.run('finish', 'ana@old.example', '--yes');
    expect(refused.code).toBe(exitCodes.notReady);
    expect(refused.out).toContain('nothing was switched');
  });
});
