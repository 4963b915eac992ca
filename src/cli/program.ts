import { Command } from 'commander';
import { runLab } from '#lab/run.ts';
import { failureOf } from './cli-error.ts';
import { checkCommand } from './commands/check.ts';
import { addCompletion } from './commands/completion.ts';
import { dedupeCommand } from './commands/dedupe.ts';
import { demoCommand } from './commands/demo.ts';
import { directoryCommand } from './commands/directory.ts';
import { discoverCommand } from './commands/discover.ts';
import { finishCommand } from './commands/finish.ts';
import { historyCommand } from './commands/history.ts';
import { initCommand } from './commands/init.ts';
import { journalCommand } from './commands/journal.ts';
import { labCommand } from './commands/lab.ts';
import { planCommand } from './commands/plan.ts';
import { probeCommand } from './commands/probe.ts';
import { provisionCommand } from './commands/provision.ts';
import { quarantineCommand } from './commands/quarantine.ts';
import { relinkCommand } from './commands/relink.ts';
import { resyncCommand } from './commands/resync.ts';
import { runCommand } from './commands/run.ts';
import { settingsCommand } from './commands/settings.ts';
import { statusCommand } from './commands/status.ts';
import { switchCommand } from './commands/switch.ts';
import { syncCommand } from './commands/sync.ts';
import { undoCommand } from './commands/undo.ts';
import { verifyCommand } from './commands/verify.ts';
import { wavesCommand } from './commands/waves.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import type { Jobs } from './jobs.ts';
import { globalOptions, Session } from './session.ts';
import type { Terminal } from './terminal.ts';
import { version } from './version.ts';

const groups = [
  ['Prepare:', [initCommand, checkCommand, probeCommand, discoverCommand]],
  ['Migrate:', [planCommand, syncCommand, runCommand, settingsCommand]],
  ['Directory:', [directoryCommand, provisionCommand]],
  ['Switch:', [wavesCommand, switchCommand, undoCommand, finishCommand]],
  ['Look:', [statusCommand, verifyCommand, historyCommand, journalCommand, quarantineCommand]],
  ['Repair:', [relinkCommand, resyncCommand, dedupeCommand]],
  ['Try:', [demoCommand, labCommand]],
] as const;

/** The whole command line. */
export function buildProgram(session: Session): Command {
  const program = new Command('causeway')
    .description('Moves people from one Exchange organization to another while they go on working.')
    .version(version(), '-V, --version', 'print the version')
    .showSuggestionAfterError()
    .showHelpAfterError('(causeway --help lists the commands; causeway COMMAND --help shows examples)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 2 wrong use, 3 in part, 4 pairs stopped; all of them: docs/operating/exit-codes.md',
    );
  for (const option of globalOptions(session.terminal.env)) program.addOption(option);
  for (const [heading, commands] of groups) {
    program.commandsGroup(heading);
    for (const make of commands) program.addCommand(make(session));
  }
  program.commandsGroup('Other:');
  addCompletion(program);
  program.helpCommand(false);
  for (const command of withSubCommands(program)) {
    command.exitOverride().configureHelp({
      showGlobalOptions: true,
      sortOptions: false,
      helpWidth: session.terminal.stdout.columns ?? 100,
    });
    command.configureOutput({
      writeOut: (text) => void session.terminal.stdout.write(text),
      writeErr: (text) => session.output.note(text.trimEnd()),
      getOutHasColors: () => session.output.colours.isColorSupported,
      getErrHasColors: () => session.output.colours.isColorSupported,
    });
  }
  return program;
}

function withSubCommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withSubCommands)];
}

/** Runs one command line. Never throws, and never ends the process. @param args Without the program's own name. */
export async function runProgram(args: readonly string[], terminal: Terminal, jobs: Jobs): Promise<ExitCode> {
  if (args[0] === 'lab') {
    const out = (text: string) => void terminal.stdout.write(text);
    const error = (text: string) => void terminal.stderr.write(text);
    return (await runLab(args.slice(1), { out, error, signal: terminal.signal })) as ExitCode;
  }
  const session = new Session(terminal, jobs, args);
  const program = buildProgram(session);
  if (args.length === 0) {
    program.outputHelp();
    return exitCodes.usage;
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return session.exitCode;
  } catch (error) {
    const failure = failureOf(error);
    const { output } = session;
    if (failure.exitCode !== exitCodes.ok) {
      const text = failure.message === '' && error instanceof Error ? error.message : failure.message;
      output.line({ error: { code: failure.code, message: text } });
      if (failure.message !== '') output.note(`${output.colours.red('error:')} ${failure.message}`);
    }
    if (args.includes('--debug') && failure.code !== 'usage' && error instanceof Error)
      terminal.stderr.write(`${error.stack ?? error.message}\n`);
    return failure.exitCode;
  }
}
