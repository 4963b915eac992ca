import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Does not throw for an exit status other than 0: that is the caller's to judge. */
export function finish(
  command: string,
  args: readonly string[],
  options: {
    readonly timeoutMs?: number;
    readonly env?: NodeJS.ProcessEnv;
    readonly account?: Account;
    readonly input?: string;
  } = {},
): Promise<Finished> {
  return new Promise((done, fail) => {
    const child = execFile(
      command,
      args,
      {
        timeout: options.timeoutMs ?? 120_000,
        maxBuffer: 64 * 1024 * 1024,
        env: options.env ?? process.env,
        ...options.account,
      },
      (error, stdout, stderr) => {
        if (error && typeof error.code === 'string') fail(error);
        else done({ status: error ? (typeof error.code === 'number' ? error.code : null) : 0, stdout, stderr });
      },
    );
    // A program may end without reading what it was given; its exit status says what that means.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
  });
}

export interface Program {
  readonly pid: number;
  /** What it has printed so far, both streams. */
  output(): string;
  /** Resolves to the first line of stdout that satisfies `wanted`; throws with the output when it ends or time is up first. */
  line(wanted: (line: string) => boolean, timeoutMs: number): Promise<string>;
  ended(): boolean;
  /** Ends this process, by its id, and waits until it is gone. */
  stop(): Promise<void>;
}

/** Starts a program that goes on running; its output goes to `logFile`. */
export function start(
  command: string,
  args: readonly string[],
  options: {
    readonly logFile: string;
    readonly env?: NodeJS.ProcessEnv;
    readonly account?: Account;
    readonly stopSignal?: NodeJS.Signals;
  },
): Program {
  const log = openSync(options.logFile, 'a');
  const child = spawn(command, args, {
    stdio: ['ignore', log, log],
    env: options.env ?? process.env,
    cwd: '/',
    ...options.account,
  });
  let failure: Error | null = null;
  child.once('error', (error) => {
    failure = error;
  });
  const output = () => readFileSync(options.logFile, 'utf8');
  const ended = () => failure !== null || child.exitCode !== null || child.signalCode !== null;
  return {
    pid: child.pid ?? -1,
    output,
    async line(wanted, timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const complete = output().split('\n').slice(0, -1);
        const found = complete.find(wanted);
        if (found !== undefined) return found;
        if (ended() || performance.now() > deadline) {
          const what = ended() ? `ended (${failure?.message ?? child.signalCode ?? child.exitCode})` : 'is not ready';
          throw new Error(`${command} ${what}: ${output().slice(-1500)}`);
        }
        await delay(50);
      }
    },
    ended,
    stop: () => stop(child, options.stopSignal ?? 'SIGTERM'),
  };
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill(signal);
  const patience = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await gone;
  clearTimeout(patience);
}

/** Ports of the loopback interface that were free a moment ago. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((done, fail) => {
          server.once('error', fail);
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            done(typeof address === 'object' && address !== null ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

/** Resolves when something listens on the port of 127.0.0.1. */
export async function listening(port: number, program: Program, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const open = await new Promise<boolean>((done) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => done(true)).once('error', () => done(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    if (performance.now() > deadline)
      throw new Error(`nothing listens on port ${port}: ${program.output().slice(-1500)}`);
    await delay(100);
  }
}
