import type { Clock } from '#kit/clock.ts';
import { systemClock } from '#kit/clock.ts';

/** Everything outside of the program that a command touches besides servers and files; tests give their own. */
export interface Terminal {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface TextSink {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** The real one. The first Ctrl-C (or SIGTERM) asks for an orderly end, the second ends the process at once. */
export function processTerminal(): Terminal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort(new DOMException('interrupted', 'AbortError'));
    });
  // Who reads our output may have seen enough (`causeway history | head`). Then nobody is left to work for.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    controller.abort(new DOMException('nobody reads the output any more', 'AbortError'));
  });
  process.stderr.on('error', () => {});
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    env: process.env,
    cwd: process.cwd(),
    clock: systemClock,
    signal: controller.signal,
  };
}

/** Colours only for people: on a terminal that shows them, unless NO_COLOR (no-color.org) or --no-color says no. */
export function wantsColour(sink: TextSink, env: Terminal['env'], asked: boolean): boolean {
  if (!asked || (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb') return false;
  return sink.isTTY === true;
}
