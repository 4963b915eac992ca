import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { root } from './source-files.ts';

let clone: string;
const write = (path: string, text: string) => writeFileSync(join(clone, path), text);
const log = (): readonly string[] =>
  existsSync(join(clone, 'log')) ? readFileSync(join(clone, 'log'), 'utf8').trim().split('\n') : [];

/** A clone in small: the real ensure.mjs, with an npm and a build that only write down that they ran. */
beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'causeway-ensure-'));
  for (const folder of ['scripts', 'src', 'npm']) mkdirSync(join(clone, folder));
  cpSync(join(root, 'scripts/ensure.mjs'), join(clone, 'scripts/ensure.mjs'));
  write('package.json', JSON.stringify({ type: 'module', engines: { node: '>=20.19' } }));
  write('package-lock.json', JSON.stringify({ packages: { '': {} } }));
  write('src/main.ts', '');
  const note = (word: string) => `fs.appendFileSync('log', '${word}\\n');`;
  write(
    'npm/npm-cli.js',
    `import fs from 'node:fs'; ${note('install')} console.log('npm talks'); if (fs.existsSync('broken')) process.exit(3);
     await new Promise((done) => setTimeout(done, 300)); fs.rmSync('node_modules', { recursive: true, force: true }); fs.mkdirSync('node_modules');`,
  );
  write('scripts/build.mjs', `import fs from 'node:fs'; ${note('build')} fs.mkdirSync('dist', { recursive: true });`);
});
afterEach(() => rmSync(clone, { recursive: true, force: true }));

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function ensure(...command: readonly string[]): Promise<Outcome> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [join(clone, 'scripts/ensure.mjs'), ...command], {
      cwd: clone,
      env: { ...process.env, npm_execpath: join(clone, 'npm/npm-cli.js') },
    });
    const text = { stdout: '', stderr: '' };
    child.stdout.on('data', (data) => (text.stdout += data));
    child.stderr.on('data', (data) => (text.stderr += data));
    child.once('close', (status) => done({ status, ...text }));
  });
}

test('installs and builds once, and says so on stderr only', async () => {
  const first = await ensure();
  expect(first).toMatchObject({ status: 0, stdout: '' });
  expect(first.stderr).toContain('npm talks');
  expect(log()).toEqual(['install', 'build']);
  expect(await ensure()).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(log()).toEqual(['install', 'build']);
});

test('builds when a source changed, appeared or went; not for a test', async () => {
  await ensure();
  for (const change of [
    () => write('src/main.ts', 'changed'),
    () => write('src/new.ts', ''),
    () => rmSync(join(clone, 'src/new.ts')),
  ]) {
    const before = log().length;
    change();
    await ensure();
    expect(log().slice(before)).toEqual(['build']);
  }
  write('src/main.test.ts', '');
  expect((await ensure()).stderr).toBe('');
});

test('installs when the lockfile changed', async () => {
  await ensure();
  write('package-lock.json', JSON.stringify({ packages: { '': {}, 'node_modules/x': { version: '1.0.0' } } }));
  await ensure();
  expect(log()).toEqual(['install', 'build', 'install']);
});

test('takes what npm installed by hand', async () => {
  mkdirSync(join(clone, 'node_modules'));
  write('node_modules/.package-lock.json', JSON.stringify({ packages: {} }));
  await ensure();
  expect(log()).toEqual(['build']);
});

test('two at once: one works, the other waits', async () => {
  const [one, two] = await Promise.all([ensure(), ensure()]);
  expect([one.status, two.status]).toEqual([0, 0]);
  expect(log()).toEqual(['install', 'build']);
  expect(`${one.stderr}${two.stderr}`).toContain('waiting for another process');
  expect(existsSync(join(clone, '.ensure-lock'))).toBe(false);
});

test('a failed install is told, and tried again at the next start', async () => {
  write('broken', '');
  const failed = await ensure();
  expect(failed.status).toBe(1);
  expect(failed.stderr).toContain('npm ci failed (exit status 3)');
  rmSync(join(clone, 'broken'));
  expect((await ensure()).status).toBe(0);
  expect(log()).toEqual(['install', 'install', 'build']);
});

test('the lock of a dead process is taken over', async () => {
  const beyondAnyPid = 2 ** 22 + 1;
  write('.ensure-lock', JSON.stringify({ pids: [beyondAnyPid], host: hostname(), token: 'of the dead' }));
  expect((await ensure()).status).toBe(0);
  expect(log()).toEqual(['install', 'build']);
});

test('a Node that is too old is named', async () => {
  write('package.json', JSON.stringify({ type: 'module', engines: { node: '>=99.1' } }));
  const { status, stderr } = await ensure();
  expect(status).toBe(1);
  expect(stderr).toContain(`needs Node 99.1 or newer; this is ${process.versions.node}`);
});

test('becomes the command behind --: its output and its exit status', async () => {
  await ensure();
  const program = 'process.stdout.write(process.argv[1]); process.exit(7)';
  expect(await ensure('--', 'node', '-e', program, '--', '--json')).toEqual({
    status: 7,
    stdout: '--json',
    stderr: '',
  });
});
