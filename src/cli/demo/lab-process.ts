import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { LabAddresses } from '#lab/lab.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';

/** What a lab prints when it is ready, with its control interface. */
export type ReadyLab = LabAddresses & { readonly control: { readonly url: string; readonly token: string } };

export interface LabProcess {
  readonly ready: ReadyLab;
  /** Rejects with what the lab said last when it ends before it is closed; never resolves. */
  readonly failed: Promise<never>;
  /** Ends the process and waits for it. */
  close(): Promise<void>;
}

const startTimeoutMs = 60_000;

/** Starts a lab in a process of its own: it must not share a processor's time, or memory, with what is shown. */
export async function startLab(args: readonly string[], signal: AbortSignal): Promise<LabProcess> {
  const script = fileURLToPath(new URL('./lab.js', import.meta.url));
  // Its own process group, so that Ctrl-C in the terminal reaches us first and the lab is there until we are done with it.
  const child = spawn(process.execPath, ['--enable-source-maps', script, ...args, '--control', '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  });
  let said = '';
  child.stderr.on('data', (data: Buffer) => {
    said = (said + data.toString()).slice(-4000);
  });
  let closing = false;
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const failed = new Promise<never>((_, reject) => {
    const fail = (why: string) => {
      if (!closing) reject(new CliError(`the lab ${why}\n${said.trim()}`, exitCodes.unexpected));
    };
    child.once('error', (error) => fail(`did not start: ${error.message}`));
    child.once('close', (code, died) => fail(`ended by itself (${died ?? code})`));
  });
  failed.catch(() => {}); // whoever waits for it hears of it; before that it is no unhandled rejection
  const stop = () => void child.kill('SIGTERM');
  process.once('exit', stop);
  const close = async () => {
    closing = true;
    process.off('exit', stop);
    stop();
    await ended;
  };
  try {
    return { ready: await Promise.race([failed, firstLine(child.stdout, signal)]), failed, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function firstLine(output: Readable, signal: AbortSignal): Promise<ReadyLab> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new CliError(`the lab said nothing within ${startTimeoutMs / 1000} s`, exitCodes.unexpected)),
      startTimeoutMs,
    );
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    createInterface({ input: output }).once('line', (line) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve(JSON.parse(line) as ReadyLab);
    });
  });
}
