import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { systemClock } from '#kit/clock.ts';
import type { Jobs } from './jobs.ts';
import { runProgram } from './program.ts';
import type { Terminal } from './terminal.ts';

export interface TestTerminal extends Terminal {
  out(): string;
  err(): string;
}

/** A terminal that remembers what was written to it, in a folder of its own. */
export function testTerminal(
  given: { readonly env?: Record<string, string>; readonly isTTY?: boolean; readonly cwd?: string } = {},
): TestTerminal {
  const written = { out: '', err: '' };
  const sink = (name: keyof typeof written) => ({
    isTTY: given.isTTY ?? false,
    columns: 100,
    write(text: string) {
      written[name] += text;
    },
  });
  return {
    stdout: sink('out'),
    stderr: sink('err'),
    stdin: Object.assign(new PassThrough(), { isTTY: false }),
    env: given.env ?? {},
    cwd: given.cwd ?? mkdtempSync(join(tmpdir(), 'causeway-cli-')),
    clock: systemClock,
    signal: new AbortController().signal,
    out: () => written.out,
    err: () => written.err,
  };
}

const missing = (name: string) => () => {
  throw new Error(`the test gave no ${name}`);
};

/** Jobs that fail when they are called, but for those that a test gives. */
export function fakeJobs(given: Partial<Jobs> = {}): Jobs {
  return {
    runAgent: missing('runAgent'),
    planPair: missing('planPair'),
    itemWays: () => [],
    check: missing('check'),
    checkOtherAddresses: missing('checkOtherAddresses'),
    checkFreeBusy: missing('checkFreeBusy'),
    probe: missing('probe'),
    discover: missing('discover'),
    verifyPair: missing('verifyPair'),
    relinkPair: missing('relinkPair'),
    planResync: missing('planResync'),
    resyncPair: missing('resyncPair'),
    carrySettings: missing('carrySettings'),
    openDirectorySync: missing('openDirectorySync'),
    restoreValue: missing('restoreValue'),
    dedupePair: missing('dedupePair'),
    undoDedupe: missing('undoDedupe'),
    undoDedupeMail: missing('undoDedupeMail'),
    switchOfPair: missing('switchOfPair'),
    holdSwitch: missing('holdSwitch'),
    openDirectory: missing('openDirectory'),
    readSharing: missing('readSharing'),
    planWaves: missing('planWaves'),
    checkReplies: missing('checkReplies'),
    checkRouting: missing('checkRouting'),
    probeRouting: missing('probeRouting'),
    openConnector: missing('openConnector'),
    ...given,
  };
}

/** Runs a command line. @returns what it printed and its exit code. */
export async function runCli(
  args: readonly string[],
  terminal: TestTerminal = testTerminal(),
  jobs: Jobs = fakeJobs(),
) {
  const code = await runProgram(args, terminal, jobs);
  return { code, out: terminal.out(), err: terminal.err() };
}
