import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exitCodes } from '#cli/exit-codes.ts';
import { must } from '#kit/assert.ts';
import { systemClock } from '#kit/clock.ts';
import { snapshot } from '#lab/world/ground-truth.ts';
import type { Mailbox } from '#lab/world/mailbox.ts';
import { loadProject } from '#project/read-project.ts';
import { openStore } from '#store/open-store.ts';
import { LabProject } from './lab-project.fixture.ts';

let at: LabProject;
beforeEach(async () => {
  at = await LabProject.open({
    people: 2,
    items: 60,
    appointments: 24,
    collection: ['calendar: { direction: both }'],
  });
  await at.copy();
});
afterEach(() => at.close());

/** Everything that a person sees, a line for each item: equal mails are as many lines. */
const contents = (box: Mailbox): readonly string[] =>
  snapshot(box)
    .folders.filter(({ role }) => role === null || !role.startsWith('recoverable'))
    .flatMap(({ place, items }) => items.map(({ subject, itemClass }) => `${place} | ${itemClass} | ${subject}`))
    .sort();
const source = () => contents(at.mailbox('source', 0));
const target = () => contents(at.mailbox('target', 0));
const address = () => at.mailbox('source', 0).address;
const planOf = async () => {
  const { code, lines } = await at.lines('resync', '--mailbox', address());
  const [mail, calendar] = ['mail', 'calendar'].map((kind) =>
    lines.find(({ event, content }) => event === 'plan' && content === kind),
  );
  return { code, mail, calendar };
};

describe('causeway resync', () => {
  test('a target mailbox that was removed and made again gets everything once more, by one command', async () => {
    const before = source();
    expect(target()).toEqual(before);
    at.organization('target').replaceMailbox(at.mailbox('target', 0).address);
    await expect(at.copy()).rejects.toThrow('mailbox-replaced');

    const { code, mail, calendar } = await planOf();
    expect(code).toBe(exitCodes.ok);
    const mails = before.filter((line) => !line.includes('IPM.Appointment')).length;
    expect(mail).toMatchObject({
      found: 0,
      links: mails,
      replaced: { was: expect.any(String), is: expect.any(String) },
    });
    expect((mail?.['writes'] as Record<string, number>)['create']).toBe(mails);
    expect((calendar?.['writes'] as Record<string, number>)['create']).toBe(before.length - mails);
    expect(target()).toEqual([]);

    const applied = await at.run('resync', '--mailbox', address(), '--apply');
    expect(applied.code).toBe(exitCodes.ok);
    expect(applied.out).toContain(`0 items linked again, ${mails} items copied`);
    expect(target()).toEqual(before);
    expect(source()).toEqual(before);
    expect((await at.run('history', address())).out).toContain('the target mailbox was made again, and is accepted');
    await at.copy();
    expect(target()).toEqual(before);
    expect(source()).toEqual(before);
  });

  test('a target mailbox that lost half of its items gets those, and what is there is not copied twice', async () => {
    const before = source();
    const box = at.mailbox('target', 0);
    let removed = 0;
    for (const folder of [...box.folders()])
      for (const item of [...folder.items()]) if (removed++ % 2 === 0) box.remove(item, 'HardDelete', box.server);
    const left = target().length;
    expect(left).toBeLessThan(before.length * 0.6);

    const { mail, calendar } = await planOf();
    const creates = [mail, calendar].map((one) => (one?.['writes'] as Record<string, number>)['create'] ?? 0);
    expect(creates[0]).toBeGreaterThan(0);
    expect(creates[1]).toBeGreaterThan(0);
    expect(Number(creates[0]) + Number(creates[1])).toBe(before.length - left);
    expect(mail).toMatchObject({ replaced: null, found: Number(mail?.['links']) - Number(creates[0]) });
    expect(target()).toHaveLength(left);
    expect((await at.run('resync', '--mailbox', address(), '--apply')).code).toBe(exitCodes.ok);
    expect(target()).toEqual(before);
    expect(source()).toEqual(before);
    await at.copy();
    expect(target()).toEqual(before);
    expect(source()).toEqual(before);
  });

  test('keeps out of a switch that is under way, and says what does not come back after one', async () => {
    const [pair] = loadProject(at.file).pairs;
    const put = async (state: 'switching' | 'finished' | 'switched') => {
      const store = await openStore(`sqlite:${join(at.cwd, '.causeway', 'causeway.db')}`, {
        clock: systemClock,
        log: { info() {}, warn() {} },
      });
      const row = { state, active: 'right', run: 1, at: null, changedAtMs: 1, because: null } as const;
      await store.commitSwitch(null, { row: { pair: must(pair, 'a pair').id, ...row } });
      await store.close();
    };
    for (const state of ['switching', 'finished'] as const) {
      await put(state);
      const refused = await at.run('resync', '--mailbox', address(), '--apply');
      expect(refused.code).toBe(exitCodes.stopped);
      expect(refused.out).toContain(state);
    }
    await put('switched');
    const shown = await at.run('resync', '--mailbox', address());
    expect(shown.code).toBe(exitCodes.ok);
    expect(shown.out).toContain('mail that arrived there since the switch is not in the source');
  });

  test('is not for a source mailbox, nor for nobody', async () => {
    at.organization('source').replaceMailbox(address());
    const refused = await at.run('resync', '--mailbox', at.mailbox('target', 0).address, '--apply');
    expect(refused.code).toBe(exitCodes.stopped);
    expect(refused.out).toContain('only a target can be made again');
    expect((await at.run('resync')).code).toBe(exitCodes.usage);
    expect((await at.run('resync', '--mailbox', 'nobody@elsewhere.test')).code).toBe(exitCodes.usage);
  });
});
