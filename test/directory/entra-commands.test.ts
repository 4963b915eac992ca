import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realJobs } from '#cli/real-jobs.ts';
import { runCli, testTerminal } from '#cli/terminal.fixture.ts';
import { must } from '#kit/assert.ts';
import { createLab, type Lab } from '#lab/lab.ts';
import { receiptOf } from '#lab/world/directory/exchange-online-shell.ts';
import { runExchangeShell } from '#lab/world/directory/exchange-shell.ts';

describe('the commands with a tenant', () => {
  let lab: Lab;
  let cwd: string;
  let file: string;

  beforeAll(async () => {
    lab = createLab({
      organizations: [
        { name: 'source', version: '2016', mailboxes: 2, directory: { groups: 1, contacts: 1 } },
        { name: 'target', version: 'online', mailboxes: 0, directory: { groups: 0, contacts: 0 } },
      ],
      throttling: 'off',
      seed: 'tenant',
    });
    const { orgs } = await lab.listen();
    const [source, target] = [must(orgs[0], 'a source'), must(orgs[1], 'a target')];
    const { urls, base, user } = must(source.directory, 'a directory');
    const { tenant, clientId } = must(target.application, 'an application');
    cwd = mkdtempSync(join(tmpdir(), 'causeway-tenant-'));
    file = join(cwd, 'causeway.yaml');
    for (const { name, admin } of orgs) writeFileSync(join(cwd, `${name}.secret`), admin.password, { mode: 0o600 });
    writeFileSync(
      file,
      `version: 1
organizations:
  source:
    kind: exchange
    version: 2016
    endpoint: ${JSON.stringify(source.ews)}
    signIn: { method: basic, user: ${JSON.stringify(source.admin.user)}, password: 'file:source.secret' }
    tls: { ca: ${JSON.stringify(source.ca)} }
    directory: { url: ${JSON.stringify(urls)}, user: ${JSON.stringify(user)}, password: 'file:source.secret', domains: [source.test] }
  target:
    kind: exchange
    version: online
    endpoint: ${JSON.stringify(target.graph)}
    signIn: { method: oauth, tenant: ${tenant}, clientId: ${clientId}, clientSecret: 'file:target.secret', authority: ${JSON.stringify(target.graph)} }
    tls: { ca: ${JSON.stringify(target.ca)} }
    directory: { kind: entra, domains: [target.test] }
collections: {}
directory:
  main:
    source: source
    target: target
    direction: one-way
    scope: { source: { under: ['OU=People,${base}', 'OU=Groups,${base}', 'OU=Contacts,${base}'] } }
    into: { target: the tenant }
    targetMailboxes: false
`,
    );
  }, 60_000);
  afterAll(async () => {
    await lab.close();
    rmSync(cwd, { recursive: true, force: true });
  });

  const run = (...args: string[]) => runCli(args, testTerminal({ cwd }), realJobs);
  /** Runs the file that `provision --write` wrote, and keeps its receipt. */
  function runScript(): void {
    const script = readFileSync(join(cwd, 'main-target.ps1'), 'utf8')
      .replace(/^\uFEFF/, '')
      .split('\r\n');
    const outcomes = runExchangeShell(lab.organization('target').world, script);
    writeFileSync(join(cwd, 'receipt.csv'), `\uFEFF${receiptOf(outcomes.flatMap(({ check }) => check ?? []))}`);
  }

  test('plan, sync, script, receipt, status: until nothing is left to do', async () => {
    const planned = await run('directory', 'plan');
    expect(planned.code, planned.err).toBe(0);
    expect(planned.out).toContain('stands-for');
    for (let round = 0; ; round++) {
      const synced = await run('directory', 'sync');
      expect(synced.code, synced.out + synced.err).toBe(0);
      const checked = await run('provision', '--check');
      if (checked.code === 0) break;
      expect(checked.out).toMatch(/handed over and not seen by the last pass/);
      expect(round, checked.out).toBeLessThan(4);
      expect((await run('directory', 'status')).out).toContain('handed over and not seen yet');
      expect((await run('provision', '--write', '.')).out).toContain('main-target.ps1');
      runScript();
      const received = await run('provision', '--receipt', 'receipt.csv');
      expect(received.err).toBe('');
    }
    const status = await run('directory', 'status');
    // Two people, a contact and a group.
    expect(status.out).toContain('4 links');
    const again = await run('directory', 'sync', '--all');
    expect(again.out).toMatch(/0 writes, 0 refused/);
    const journal = await run('directory', 'journal', 'list');
    expect(journal.out).not.toContain('handed-over');
  }, 120_000);

  test('a receipt that is none is told', async () => {
    writeFileSync(join(cwd, 'no-receipt.csv'), 'a,b\n1,2\n');
    const told = await run('provision', '--receipt', 'no-receipt.csv');
    expect(told.code).not.toBe(0);
    expect(told.err).toContain('this is no receipt');
    expect((await run('provision', '--receipt', 'nowhere.csv')).err).toContain('cannot be read');
  });

  test('what a tenant cannot do is told with the line of the project file', async () => {
    const good = readFileSync(file, 'utf8');
    try {
      writeFileSync(
        file,
        good
          .replace('into: { target: the tenant }', 'into: { target: the tenant, source: nowhere }')
          .replace('direction: one-way', 'direction: both')
          .replace('Contacts,', 'Contacts,')
          .replace('scope: {', "scope: { target: { under: ['OU=a,DC=b'] },"),
      );
      const told = await run('directory', 'plan');
      expect(told.code).not.toBe(0);
      expect(told.err).toContain('a tenant has no tree');
      expect(told.err).toContain('this must be a distinguished name');
    } finally {
      writeFileSync(file, good);
    }
  });
});
