/**
 * Bundles the entry points into `dist/`: ES modules for Node, packages left outside, shared code in chunks.
 * Called by scripts/ensure.mjs whenever sources are newer; `npm run build` builds unconditionally.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(fileURLToPath(import.meta.url), '../..');
const out = join(root, 'dist');

/**
 * Bundle in dist/ without `.js` → its source. All lie beside each other and beside the shared chunks, so that
 * `new URL('./worker.js', import.meta.url)` finds a bundle from anywhere. knip.js reads this table too: what none of these
 * reaches is unused.
 */
export const entryPoints = {
  cli: 'src/cli/main.ts',
  worker: 'src/agent/worker.ts',
  lab: 'src/lab/main.ts',
  simulation: 'test/simulation/main.ts',
  bench: 'bench/main.ts',
  'test-peers': 'test/peers/main.ts',
};

/** Processes of their own that benchmarks start (floor, responder, …): every other file directly in bench/. */
function benchProcesses() {
  const directory = join(root, 'bench');
  if (!existsSync(directory)) return {};
  const names = readdirSync(directory).filter((name) => /^[\w-]+\.ts$/.test(name) && name !== 'main.ts');
  return Object.fromEntries(names.map((name) => [`bench-${name.slice(0, -3)}`, `bench/${name}`]));
}

async function build() {
  const { build: esbuild } = await import('esbuild');
  const all = Object.entries({ ...entryPoints, ...benchProcesses() });
  const result = await esbuild({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(all.filter(([, source]) => existsSync(join(root, source)))),
    outdir: out,
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
  });
  // Chunks before the entry points that name them, each by rename: a program starting meanwhile sees old or new, never half.
  const isChunk = (file) => basename(file.path).startsWith('chunk-');
  for (const file of [...result.outputFiles].sort((a, b) => Number(isChunk(b)) - Number(isChunk(a))))
    replace(file.path, file.path.endsWith('.js') ? Buffer.from(inAscii(file.text)) : file.contents);
  removeStale(new Set(result.outputFiles.map((file) => file.path)));
}

/**
 * esbuild leaves other characters in comments and regular expressions. One beyond Latin 1, and a whole bundle takes two bytes in memory for
 * each of its own.
 */
function inAscii(text) {
  return text.replace(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function replace(path, contents) {
  if (existsSync(path) && readFileSync(path).equals(contents)) return;
  mkdirSync(dirname(path), { recursive: true });
  const beside = `${path}.${process.pid}`;
  writeFileSync(beside, contents);
  renameSync(beside, path);
}

/** Old chunks stay for an hour, because a program started before this build may still load one. */
function removeStale(current) {
  const keepMs = 3_600_000;
  for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || current.has(path) || entry.name === '.built') continue;
    if (Date.now() - statSync(path).mtimeMs > keepMs) rmSync(path, { force: true });
  }
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    mkdirSync(out, { recursive: true });
    await build();
  } catch (error) {
    // esbuild has printed its own messages, with file and line.
    if (!('errors' in error)) process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
  }
}
