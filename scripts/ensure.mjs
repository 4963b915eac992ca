/**
 * Makes a clone ready to run: dependencies as the lockfile says, `dist/` as the sources say. Depends on nothing but Node,
 * writes nothing to stdout, and takes a few milliseconds when there is nothing to do.
 *
 *   node scripts/ensure.mjs                        make ready
 *   node scripts/ensure.mjs -- node dist/cli.js …  make ready, then become that command
 *
 * In an installed package there are no sources and no lockfile, so there is never anything to do.
 */
import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { constants, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const rootDefault = resolve(fileURLToPath(import.meta.url), '../..');

/** A reason to stop that the reader can do something about; printed without a stack. */
class NotReady extends Error {}

const say = (text) => process.stderr.write(`causeway: ${text}\n`);

/** @param root The clone (tests give another one). Throws when the clone cannot be made ready. */
export async function ensure(root = rootDefault) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  requireNode(manifest.engines.node);
  const needs = () => ({ install: !isInstalled(root), build: !isBuilt(root) });
  let { install, build } = needs();
  if (!install && !build) return;
  await locked(root, async () => {
    ({ install, build } = needs()); // somebody else may have done it while we waited
    if (install) await installPackages(root);
    if (build) await buildSources(root);
  });
}

function requireNode(range) {
  const floor = /^>=(\d+)\.(\d+)$/.exec(range);
  if (!floor) throw new NotReady(`package.json asks for Node "${range}", which is not of the form >=MAJOR.MINOR`);
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [wantMajor, wantMinor] = [Number(floor[1]), Number(floor[2])];
  if (major < wantMajor || (major === wantMajor && minor < wantMinor))
    throw new NotReady(`needs Node ${wantMajor}.${wantMinor} or newer; this is ${process.versions.node}`);
}

// --- dependencies ---------------------------------------------------------------------------------------------------

/** Written after a complete install, inside of what `npm ci` deletes first: an install that was cut short leaves none. */
const installStamp = (root) => join(root, 'node_modules', '.causeway-installed');

function lockfileHash(root) {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  return hash.update(`${process.platform}-${process.arch}`).digest('hex');
}

function isInstalled(root) {
  if (!existsSync(join(root, 'package-lock.json'))) return true;
  const wanted = lockfileHash(root);
  if (readOrNull(installStamp(root)) === wanted) return true;
  if (!npmInstalledSame(root)) return false;
  writeFileSync(installStamp(root), wanted);
  return true;
}

/** Whether npm's own record, which it writes last, says the same as the lockfile: somebody ran npm by hand. */
function npmInstalledSame(root) {
  const record = readOrNull(join(root, 'node_modules', '.package-lock.json'));
  if (record === null) return false;
  const installed = JSON.parse(record).packages;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    const found = installed[path];
    if (path === '' || (!found && optional)) return true;
    return found?.version === version && found.integrity === integrity;
  });
}

async function installPackages(root) {
  say('installing dependencies (npm ci)');
  rmSync(installStamp(root), { force: true });
  // npm itself when it started us (the same version, also on Windows), else the one on the path.
  const own = process.env.npm_execpath?.endsWith('npm-cli.js') ? process.env.npm_execpath : null;
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const status = own
    ? await run(process.execPath, [own, ...args], root)
    : await run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, root, { shell: process.platform === 'win32' });
  if (status !== 0)
    throw new NotReady(`npm ci failed (${describe(status)}). Its message is above; the next start tries again.`);
  writeFileSync(installStamp(root), lockfileHash(root));
}

// --- build ----------------------------------------------------------------------------------------------------------

const buildStamp = (root) => join(root, 'dist', '.built');

/** What the bundles are made of. Tests are no part of them, so editing one does not build. */
const sourceRoots = [
  'src',
  'bench',
  'test/simulation',
  'test/suites',
  'test/peers',
  'scripts/build.mjs',
  'package.json',
];

function isBuilt(root) {
  if (!existsSync(join(root, 'src'))) return true;
  return readOrNull(buildStamp(root)) === sourceFingerprint(root);
}

/** Names, sizes and times rather than contents: a walk of a few hundred files in a few milliseconds. */
function sourceFingerprint(root) {
  const hash = createHash('sha256').update(process.versions.node);
  const visit = (path) => {
    const stat = statSync(join(root, path), { throwIfNoEntry: false });
    if (stat?.isDirectory()) for (const name of readdirSync(join(root, path)).sort()) visit(`${path}/${name}`);
    else if (stat && !path.endsWith('.test.ts')) hash.update(`${path}\0${stat.size}\0${stat.mtimeMs}\n`);
  };
  for (const path of sourceRoots) visit(path);
  return hash.digest('hex');
}

async function buildSources(root) {
  say('building dist/');
  // Taken before the build: a source that changes meanwhile makes the next start build again.
  const fingerprint = sourceFingerprint(root);
  const status = await run(process.execPath, [join(root, 'scripts', 'build.mjs')], root);
  if (status !== 0) throw new NotReady(`the build failed (${describe(status)}). Its message is above.`);
  writeFileSync(buildStamp(root), fingerprint);
}

// --- one at a time --------------------------------------------------------------------------------------------------

const heartbeatMs = 1_000;
/** Longer than any pause of a holder that lives, for locks whose processes we cannot ask (another host, a reused pid). */
const silentMs = 600_000;

/** Runs `work` while no other process does on this clone. A lock whose processes are dead, or silent, is taken over. */
async function locked(root, work) {
  const path = join(root, '.ensure-lock');
  const token = randomUUID();
  const content = (pids) => JSON.stringify({ pids, host: hostname(), token });
  const isMine = () => readOrNull(path)?.includes(token) ?? false;
  for (let told = false; ; ) {
    try {
      writeFileSync(path, content([process.pid]), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code === 'EACCES' || error.code === 'EROFS')
        throw new NotReady(`cannot write to ${root} (${error.code}), and it is not ready to run as it is`);
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = abandoned(path);
    if (holder !== null) {
      takeAway(path, holder);
      continue;
    }
    if (!told) say('waiting for another process that is setting up this clone');
    told = true;
    await delay(100);
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    if (isMine()) utimesSync(path, now, now);
  }, heartbeatMs);
  const release = () => {
    if (isMine()) rmSync(path, { force: true });
  };
  // When we are killed, npm or the build goes on without us: until it has ended, nobody else may begin.
  childStarted = (pid) => {
    if (isMine()) writeFileSync(path, content([process.pid, pid]));
  };
  process.on('exit', release);
  try {
    await work();
  } finally {
    clearInterval(heartbeat);
    process.off('exit', release);
    childStarted = () => {};
    release();
  }
}

/** The lock's content when nobody is behind it any more, else null. */
function abandoned(path) {
  const content = readOrNull(path);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (content === null || !stat) return null;
  if (Date.now() - stat.mtimeMs > silentMs) return content;
  try {
    const { pids, host } = JSON.parse(content);
    return host === hostname() && !pids.some(isAlive) ? content : null;
  } catch {
    return null; // half-written: it belongs to somebody who is just starting
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Removes exactly the lock that was found abandoned: if another process replaced it meanwhile, that one is put back. */
function takeAway(path, content) {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
    if (readOrNull(aside) !== content) linkSync(aside, path);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  }
  rmSync(aside, { force: true });
}

// --- small things ---------------------------------------------------------------------------------------------------

function readOrNull(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Told the pid of each command that is run under the lock. */
let childStarted = (_pid) => {};

/** Runs a command whose stdout is our stderr. Resolves to its exit status, or to the name of the signal or error. */
function run(command, args, cwd, options = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', process.stderr, process.stderr], ...options });
    if (child.pid !== undefined) childStarted(child.pid);
    child.once('error', (error) => done(error.code ?? error.message));
    child.once('exit', (code, signal) => done(code ?? signal));
  });
}

const describe = (status) => (typeof status === 'number' ? `exit status ${status}` : status);

/** Runs the rest of our command line in our place: its streams, its signals, its exit status. */
function become([command, ...args]) {
  const child = spawn(command === 'node' ? process.execPath : command, args, { stdio: 'inherit' });
  // A terminal sends Ctrl-C to the whole group, so the child has it already; other senders mean us and we pass it on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  child.once('error', (error) => {
    say(`${command}: ${error.message}`);
    process.exit(127);
  });
  child.once('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

/** `ensure` for programs: prints what is wrong and ends the process instead of throwing. */
export async function ensureOrExit() {
  try {
    await ensure();
  } catch (error) {
    say(error instanceof NotReady ? error.message : error.stack);
    process.exit(1);
  }
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await ensureOrExit();
  const rest = process.argv.indexOf('--');
  if (rest > 0 && process.argv[rest + 1]) become(process.argv.slice(rest + 1));
}
