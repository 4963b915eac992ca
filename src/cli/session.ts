import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { loadProject } from '#project/read-project.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import type { JobSurroundings, Jobs } from './jobs.ts';
import { createLog } from './log.ts';
import { Output } from './output.ts';
import { saidHolds } from './said-holds.ts';
import { saidWaits } from './said-waits.ts';
import { openServices, type Services } from './services.ts';
import type { Terminal } from './terminal.ts';

export interface GlobalOptions {
  readonly project: string;
  readonly json?: true;
  readonly color: boolean;
  readonly debug?: true;
}

/** What the action of a command works with. */
export interface Run {
  readonly terminal: Terminal;
  readonly output: Output;
  readonly jobs: Jobs;
  readonly signal: AbortSignal;
  /** What jobs are given; whom they wait for is said. */
  readonly around: JobSurroundings;
  readonly options: GlobalOptions;
  /** Absolute path of the project file, whether it is there or not. */
  readonly projectFile: string;
  /** Reads the project and hands out what belongs to it; closed when the command ends. */
  services(): Services;
}

/** One call of the program: parses nothing, but keeps what parsing and running share. */
export class Session {
  readonly terminal: Terminal;
  readonly jobs: Jobs;
  exitCode: ExitCode = exitCodes.ok;
  /** Known once a command runs; before that the raw arguments decide. */
  output: Output;
  #services: Services | null = null;

  constructor(terminal: Terminal, jobs: Jobs, args: readonly string[]) {
    this.terminal = terminal;
    this.jobs = jobs;
    this.output = new Output(terminal, { json: args.includes('--json'), colour: !args.includes('--no-color') });
  }

  /** Makes the action of a command out of what it does. */
  action<Options extends object>(
    work: (run: Run, options: Options, args: readonly string[]) => Promise<ExitCode>,
  ): (this: Command) => Promise<void> {
    const session = this;
    return async function () {
      const options = this.optsWithGlobals<GlobalOptions & Options>();
      session.output = new Output(session.terminal, { json: options.json === true, colour: options.color });
      const projectFile = resolve(session.terminal.cwd, options.project);
      const onWaiting = saidWaits(session.terminal.clock, session.output);
      const run: Run = {
        terminal: session.terminal,
        output: session.output,
        jobs: session.jobs,
        signal: session.terminal.signal,
        around: {
          clock: session.terminal.clock,
          signal: session.terminal.signal,
          onHeld: saidHolds(session.terminal.clock, session.output),
          onWaiting: (pair, why, ms) => onWaiting(null, pair, why, ms),
        },
        options,
        projectFile,
        services: () =>
          (session.#services ??= openServices(
            loadProject(projectFile, options.project),
            session.terminal,
            createLog(session.terminal, options.debug === true),
            session.jobs,
            onWaiting,
          )),
      };
      try {
        session.exitCode = await work(run, options, this.args);
      } finally {
        await session.#services?.close();
      }
    };
  }
}

/** A sub-command with its examples. */
export function command(name: string, summary: string, examples: readonly (readonly [string, string])[]): Command {
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, what]) => `  $ ${line.padEnd(width)}  ${what}`);
  return new Command(name).description(summary).addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}

/** Options that every command takes. */
export function globalOptions(env: Terminal['env']): readonly Option[] {
  return [
    new Option('-p, --project <file>', 'project file').default(env['CAUSEWAY_PROJECT'] ?? 'causeway.yaml'),
    new Option('--json', 'one JSON object a line on stdout, for programs'),
    new Option('--no-color', 'no colours, also not on a terminal'),
    new Option('--debug', 'log what happens to stderr, and show where an error came from'),
  ];
}
