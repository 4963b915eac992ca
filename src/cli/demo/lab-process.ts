import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LabAddresses } from '#lab/lab.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';

/** What a lab prints when it is ready, with its control interface. */
export type ReadyLab = LabAddresses & { readonly control: { readonly url: string; readonly token: string } };

export interface LabProcess {
  readonly ready: ReadyLab;
  /** Ends the process and waits for it. */
  close(): Promise<void>;
}

const startTimeoutMs = 60_000;

/** Starts a lab in a process of its own: it must not share a processor's time, or memory, with what is shown. */
export async function startLab(args: readonly string[], signal: AbortSignal): Promise<LabProcess> {
  const script = new URL('./lab.js', import.meta.url);
  // Its own process group, so that Ctrl-C in the terminal reaches us first and the lab is there until we are done with it.
  const child = spawn(
    process.execPath,
    ['--enable-source-maps', fileURLToPath(script), ...args, '--control', '--json'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
    },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = () => void child.kill('SIGTERM');
  process.once('exit', stop);
  const close = async () => {
    process.off('exit', stop);
    stop();
    await ended;
  };
  try {
    return { ready: await firstLine(child, signal), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function firstLine(child: ChildProcess, signal: AbortSignal): Promise<ReadyLab> {
  let said = '';
  child.stderr?.on('data', (data: Buffer) => (said = (said + data.toString()).slice(-4000)));
  return new Promise((resolve, reject) => {
    const fail = (why: string) =>
      reject(new CliError(`the lab did not start: ${why}\n${said.trim()}`, exitCodes.unexpected));
    const timer = setTimeout(() => fail(`nothing within ${startTimeoutMs / 1000} s`), startTimeoutMs);
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => fail(`it ended with ${code ?? 'a signal'}`));
    if (child.stdout === null) return fail('it has no output');
    createInterface({ input: child.stdout }).once('line', (line) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve(JSON.parse(line) as ReadyLab);
    });
  });
}
