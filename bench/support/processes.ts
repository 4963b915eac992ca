import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A bundle of dist/, where this code lies as well. */
export const bundle = (name: string): string => fileURLToPath(new URL(`./${name}.js`, import.meta.url));
/** A file of the clone. */
export const inClone = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Started processes, so that none outlives a benchmark that breaks. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

export interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What it wrote to stderr last. */
  complaints(): string;
  /** Resolves with the exit code, or the name of the signal. */
  readonly ended: Promise<number | string>;
}

/** @param detached In a process group of its own, which can be killed as a whole by `-pid`. */
export function start(
  command: string,
  args: readonly string[],
  options: {
    readonly detached?: boolean;
    readonly ipc?: boolean;
    /** Beside our own. */
    readonly env?: NodeJS.ProcessEnv;
  } = {},
): Started {
  const child = spawn(command, [...args], {
    stdio: ['ignore', 'pipe', 'pipe', ...(options.ipc ? (['ipc'] as const) : [])],
    detached: options.detached ?? false,
    env: { ...process.env, ...options.env },
  });
  running.add(child);
  let said = '';
  child.stderr?.on('data', (data: Buffer) => (said = (said + data.toString()).slice(-8000)));
  const ended = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => {
      running.delete(child);
      resolve(code ?? signal ?? 'unknown');
    });
  });
  return { child, pid: child.pid ?? 0, complaints: () => said.trim(), ended };
}

/** Starts a server that says in its first line of JSON where it is. */
export async function startServer<Ready>(
  name: string,
  args: readonly string[],
  /** Beside our own. */
  env: NodeJS.ProcessEnv = {},
): Promise<{ readonly ready: Ready; readonly child: ChildProcess; readonly pid: number; close(): Promise<void> }> {
  const server = start(process.execPath, ['--enable-source-maps', bundle(name), ...args], { ipc: true, env });
  const lines = createInterface({ input: server.child.stdout as NodeJS.ReadableStream });
  const ready = await Promise.race([
    new Promise<Ready>((resolve) => lines.once('line', (line) => resolve(JSON.parse(line) as Ready))),
    server.ended.then((how) => Promise.reject(new Error(`${name} did not start (${how}): ${server.complaints()}`))),
  ]);
  return {
    ready,
    child: server.child,
    pid: server.pid,
    async close() {
      server.child.kill('SIGTERM');
      await server.ended;
    },
  };
}

/** Runs a program whose last line is one JSON object. @param limitMs It is killed after this. */
export async function runForJson<Result>(
  command: string,
  args: readonly string[],
  limitMs = 1_800_000,
): Promise<Result> {
  const program = start(command, args);
  let out = '';
  program.child.stdout?.on('data', (data: Buffer) => (out += data.toString()));
  const limit = setTimeout(() => program.child.kill('SIGKILL'), limitMs);
  const how = await program.ended;
  clearTimeout(limit);
  const last = out.trim().split('\n').at(-1) ?? '';
  if (how !== 0) throw new Error(`${command} ${args[0]} ended with ${how}: ${program.complaints() || last}`);
  return JSON.parse(last) as Result;
}

/** CPU seconds of a process so far, user and system; null when it is gone. Linux. */
export function cpuSecondsOf(pid: number): number | null {
  try {
    // The name in parentheses may hold spaces; what follows it does not. utime and stime are fields 14 and 15, in 1/100 s.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return null;
  }
}

/** Highest resident size of a process so far, in MB; null when it is gone. Linux. */
export function peakRssMbOf(pid: number): number | null {
  try {
    const found = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return found ? Number(found[1]) / 1024 : null;
  } catch {
    return null;
  }
}

/** Processes whose parent is this one. Linux. */
export function childrenOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1')
        .split(' ')
        .filter((text) => text !== '')
        .map(Number),
    );
  } catch {
    return [];
  }
}
