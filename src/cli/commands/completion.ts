import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';

/**
 * Adds `completion SHELL`, which prints a script, and the hidden `complete`, which that script calls. Must come after every
 * other command.
 */
export function addCompletion(program: Command): void {
  tab(program, { completionCommandName: 'completion' });
  const completion = program.commands.find((candidate) => candidate.name() === 'completion');
  completion
    ?.description('print a script for completion in your shell')
    .addHelpText(
      'after',
      '\nExamples:\n  $ source <(causeway completion bash)\n  $ causeway completion zsh > ~/.zfunc/_causeway\n  $ causeway completion fish | source',
    );
}
