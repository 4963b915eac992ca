import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exitCodes } from '#cli/exit-codes.ts';
import { must } from '#kit/assert.ts';
import { LabProject } from './lab-project.fixture.ts';

const people = 6;
/** Of these, so many have no mailbox on the target. */
const without = 2;
let at: LabProject;
beforeEach(async () => {
  at = await LabProject.open({ people, targets: people - without });
});
afterEach(() => at.close());

const into = () => `OU=Other forest,${at.base('target')}`;
/** DNs that lie where objects of ours are made. */
const made = () => {
  const { first } = at.organization('target').forest;
  return at
    .organization('source')
    .mailboxes.flatMap(({ displayName }) => first.find(`CN=${displayName},${into()}`) ?? [])
    .map((entry) => must(first.text(entry, 'mail'), 'an address'));
};
const hasAddresses = (after: unknown): boolean => Object.keys(after as object).includes('proxyAddresses');
const kinds = (lines: readonly Record<string, unknown>[]) =>
  lines.flatMap((line) => (typeof line['change'] === 'object' ? [(line['change'] as { kind: string }).kind] : []));

describe('causeway directory', () => {
  test('plan says every write with its reason and does none; sync does those, and then there is nothing to plan', async () => {
    const plan = await at.lines('directory', 'plan');
    expect(plan.code).toBe(exitCodes.ok);
    const planned = kinds(plan.lines);
    expect(planned.filter((kind) => kind === 'add')).toHaveLength(without);
    expect(planned.filter((kind) => kind === 'modify').length).toBeGreaterThanOrEqual(people - without);
    for (const line of plan.lines.filter(({ change }) => change !== undefined))
      expect(line).toMatchObject({
        sync: 'main',
        reason: expect.stringMatching(/\S/),
        dn: expect.stringContaining('CN='),
      });
    expect(plan.lines.at(-1)).toMatchObject({ edits: planned.length, removals: 0, held: 0 });
    expect(made()).toEqual([]);
    const text = await at.run('directory', 'plan', 'main');
    expect(text.out).toMatch(/target: add CN=.*,OU=Other forest/);
    expect(text.out).toContain('nothing was written');

    const synced = await at.lines('directory', 'sync', 'main');
    expect(synced.code).toBe(exitCodes.ok);
    expect(synced.lines[0]).toMatchObject({ sync: 'main', pass: 1, refused: 0, held: 0, writes: planned.length });
    expect(made()).toHaveLength(without);
    const again = await at.lines('directory', 'sync');
    expect(again.lines.map(({ writes }) => writes)).toEqual([0]);
    expect((await at.lines('directory', 'plan', '--all')).lines.at(-1)).toMatchObject({ edits: 0 });
  });

  test('status knows links, the last pass and who waits, with exit codes', async () => {
    const before = await at.lines('directory', 'status');
    expect(before).toMatchObject({ code: exitCodes.ok, lines: [{ sync: 'main', linked: 0, lastPass: null }] });
    await at.run('directory', 'sync');
    const after = await at.lines('directory', 'status');
    expect(after.lines[0]).toMatchObject({
      sync: 'main',
      linked: people,
      lastPass: { outcome: 'complete' },
      waiting: [],
    });
    expect((await at.run('directory', 'status')).out).toContain(`main: ${people} links, pass`);
    expect((await at.run('directory', 'status', 'mian')).err).toContain(
      'no directory sync is called mian; there are main',
    );
  });

  test('what a container refuses is named, the rest is done, and the exit code says in part', async () => {
    const secret = join(at.cwd, 'restricted.secret');
    const { restrictedUser, restrictedPassword } = at.organization('target').forest;
    writeFileSync(secret, restrictedPassword, { mode: 0o600 });
    const text = readFileSync(at.file, 'utf8');
    const admin = at.organization('target').admin.user;
    writeFileSync(
      at.file,
      text.replace(
        `user: "${admin}", password: 'file:target.secret', domains`,
        `user: "${restrictedUser}", password: 'file:restricted.secret', domains`,
      ),
    );
    const { code, out } = await at.run('directory', 'sync');
    expect(code).toBe(exitCodes.partial);
    expect(out).toMatch(/target: refused, no-rights: CN=/);
    expect((await at.run('directory', 'status')).code).toBe(exitCodes.partial);
    expect((await at.run('directory', 'status')).out).toContain('no-rights');
    expect(made()).toHaveLength(without);
  });

  test('a directory that cannot be reached, or a wrong password, is told by its name and changes nothing', async () => {
    writeFileSync(join(at.cwd, 'target.secret'), 'wrong', { mode: 0o600 });
    const refused = await at.run('directory', 'sync');
    expect(refused.code).not.toBe(exitCodes.ok);
    expect(refused.err).toMatch(/password|sign|credentials/i);
    expect(made()).toEqual([]);
    expect((await at.run('directory', 'plan')).code).toBe(refused.code);
  });

  test('only members of the groups of the scope are carried, nested ones too, and who joins follows', async () => {
    const { first } = at.organization('source').forest;
    const groups = `OU=Groups,${at.base('source')}`;
    const everybody = must(first.find(`CN=Everybody,${groups}`), 'a group');
    const nested = must(first.byGuid(String(first.read(everybody, 'member')[0])), 'a group in it');
    const guid = (n: number) => at.entry('source', at.mailbox('source', n).address).entry.guid;
    first.put(everybody, { member: [nested.guid, guid(people - 1)] });
    first.put(nested, { member: [guid(0)] });
    const text = readFileSync(at.file, 'utf8');
    writeFileSync(
      at.file,
      text.replace(/source: \{ under: \[[^\]]*\] \}/, (scope) =>
        scope.replace(' }', `, memberOf: ['CN=Everybody,${groups}'] }`),
      ),
    );
    expect((await at.run('directory', 'sync')).code).toBe(exitCodes.ok);
    expect((await at.lines('directory', 'status')).lines[0]).toMatchObject({ linked: 2 });
    expect(made()).toHaveLength(1);
    first.put(nested, { member: [guid(0), guid(people - 2)] });
    expect((await at.run('directory', 'sync')).code).toBe(exitCodes.ok);
    expect((await at.lines('directory', 'status')).lines[0]).toMatchObject({ linked: 3 });
  });

  test('every write stands in the journal; undo shows it, takes it back, and refuses what somebody changed since', async () => {
    await at.run('directory', 'sync');
    const { lines } = await at.lines('directory', 'journal', 'list', '--limit', '100');
    const writes = lines.filter(({ action }) => action !== 'note');
    expect(writes.length).toBeGreaterThanOrEqual(people);
    const entry = must(
      writes.find(({ action, side, after }) => action === 'modify' && side === 'right' && hasAddresses(after)),
      'a change on the target',
    );
    const shown = await at.run('directory', 'journal', 'show', String(entry['no']));
    expect(shown.out).toContain(`entry ${entry['no']}`);
    expect(shown.out).toMatch(/proxyAddresses: .* → .*x500:/i);
    expect((await at.run('directory', 'journal', 'show', '999999')).code).toBe(exitCodes.usage);

    const { first } = at.organization('target').forest;
    const target = must(first.find(String(entry['dn'])), 'the object');
    const before = first.texts(target, 'proxyAddresses');
    const dry = await at.run('directory', 'undo', String(entry['no']));
    expect(dry.out).toContain('nothing was written; do it with --apply');
    expect(first.texts(target, 'proxyAddresses')).toEqual(before);
    expect((await at.run('directory', 'undo', String(entry['no']), '--apply')).code).toBe(exitCodes.ok);
    expect(first.texts(target, 'proxyAddresses').some((one) => /^x500:/i.test(one))).toBe(false);

    const other = must(
      writes.find(
        ({ action, side, dn, after }) =>
          action === 'modify' && side === 'right' && dn !== entry['dn'] && hasAddresses(after),
      ),
      'another change',
    );
    const changed = must(first.find(String(other['dn'])), 'the object');
    first.put(changed, {
      proxyAddresses: first.texts(changed, 'proxyAddresses').filter((one) => !/^x500:/i.test(one)),
    });
    const refused = await at.run('directory', 'undo', String(other['no']), '--apply');
    expect(refused.code).toBe(exitCodes.partial);
    expect(refused.out).toContain(`${other['no']}: refused`);

    expect(made()).toHaveLength(without);
    await at.run('directory', 'undo', '--pass', '1', '--apply');
    expect(made()).toEqual([]);
    expect((await at.run('directory', 'undo')).code).toBe(exitCodes.usage);
    expect((await at.run('directory', 'undo', '1', '--pass', '1')).code).toBe(exitCodes.usage);
  });

  test('pairs are written where the project reads them, with where each person works', async () => {
    const text = readFileSync(at.file, 'utf8');
    writeFileSync(
      at.file,
      text.replace(
        / {4}pairs:\n {6}list:\n( {8}- .*\n)+/,
        '    pairs: { directory: { sync: main, kinds: [person] } }\n',
      ),
    );
    const { code, lines } = await at.lines('directory', 'sync');
    expect(code).toBe(exitCodes.ok);
    expect(lines.at(-1)).toMatchObject({ collection: 'staff', pairs: people, leftOut: 0 });
    const file = join(at.cwd, '.causeway', 'pairs', 'staff.csv');
    expect(existsSync(file)).toBe(true);
    expect(readFileSync(file, 'utf8').split('\r\n')[0]).toBe('source,target,active');
    expect((await at.lines('directory', 'pairs')).lines.at(-1)).toMatchObject({ pairs: people });
    expect((await at.lines('status')).lines.length).toBeGreaterThan(0);
  });

  test('a project without a sync is told how to write one', async () => {
    writeFileSync(at.file, readFileSync(at.file, 'utf8').replace(/^directory:[\s\S]*$/m, ''));
    for (const args of [['plan'], ['sync'], ['status'], ['journal', 'list']])
      expect(await at.run('directory', ...args)).toMatchObject({
        code: exitCodes.usage,
        err: expect.stringContaining('docs/operating/directory.md shows how to write one'),
      });
  });
});

describe('causeway provision', () => {
  test('prints what PowerShell has to do, writes it to files, and checks what is still open', async () => {
    await at.run('directory', 'sync');
    const open = await at.lines('provision', '--check');
    expect(open.code).toBe(exitCodes.notReady);
    const needs = open.lines.filter(({ need }) => need !== undefined);
    expect(needs.length).toBeGreaterThanOrEqual(without);
    expect((await at.run('provision')).out).toContain('is disabled: give it a password');
    at.enableAccounts();
    const printed = await at.run('provision');
    expect(printed.code).toBe(exitCodes.ok);
    expect(printed.out).toContain('# target');
    expect(printed.out).toMatch(/Enable-Mailbox|Update-Recipient/);
    expect((await at.lines('provision', 'main')).lines[0]).toMatchObject({
      sync: 'main',
      organization: 'target',
      needs: expect.any(Number),
      script: expect.any(Array),
    });
    expect((await at.run('provision', '--write', '.')).out).toContain('main-target.ps1');
    const script = readFileSync(join(at.cwd, 'main-target.ps1'), 'utf8');
    expect(script.startsWith('\uFEFF')).toBe(true);
    expect(script).toContain('\r\n');
    // Printing is no running.
    expect((await at.run('provision', '--check')).code).toBe(exitCodes.notReady);

    expect(await at.provision()).toEqual([]);
    await at.run('directory', 'sync');
    const done = await at.run('provision', '--check');
    expect(done.out).toContain('nothing is left to do');
    expect(done.code).toBe(exitCodes.ok);
    expect((await at.run('provision')).out).toContain('nothing has to be run');
    expect((await at.run('provision', 'nowhere')).code).toBe(exitCodes.usage);
  });
});
