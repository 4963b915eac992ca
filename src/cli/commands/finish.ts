import type { Command } from 'commander';
import { finishSwitch } from '#jobs/switch/run-switch.ts';
import { oldMailboxUse, useText } from '#jobs/switch/watch-old-mailbox.ts';
import { type ExitCode, exitCodes, worstOf } from '../exit-codes.ts';
import { plain } from '../format.ts';
import { command, type Run, type Session } from '../session.ts';
import { eachSwitch, pickSwitched, type SwitchTurn } from '../switching.ts';

interface FinishOptions {
  readonly collection?: string;
  readonly yes?: true;
}

export function finishCommand(session: Session): Command {
  return command('finish', 'make a switch final: nothing is kept in step any more, and there is no way back', [
    ['causeway finish ana@old.example', 'whether anybody still uses the old mailbox'],
    ['causeway finish -c finance --yes', 'everybody of a collection who was switched'],
  ])
    .argument('[addresses...]', 'the pairs with these addresses')
    .option('-c, --collection <name>', 'everybody of this collection')
    .option('--yes', 'without it nothing is changed')
    .action(session.action<FinishOptions>(finish));
}

async function finish(run: Run, options: FinishOptions, addresses: readonly string[]): Promise<ExitCode> {
  const pairs = pickSwitched(run, addresses, options.collection);
  const codes = await eachSwitch(run, pairs, options.yes ? 'own' : 'look', (turn) =>
    one(run, turn, options.yes === true),
  );
  if (!options.yes) run.output.text('nothing was changed; add --yes to do it: undo is not possible afterwards');
  return worstOf(codes);
}

async function one({ output }: Run, { pair, of: { services }, claim }: SwitchTurn, yes: boolean): Promise<ExitCode> {
  const use = useText(await oldMailboxUse(services));
  if (use !== null)
    output.say(
      { event: 'use', pair: pair.id, detail: use },
      `${output.colours.yellow('warning')} ${plain(pair.id)}: ${use}`,
    );
  if (!yes) {
    if (use === null)
      output.say(
        { event: 'use', pair: pair.id, detail: null },
        `${plain(pair.id)}: nobody uses the old mailbox, as far as can be seen`,
      );
    return exitCodes.ok;
  }
  const { state } = await finishSwitch(services, claim);
  output.say(
    { pair: pair.id, state },
    `${plain(pair.id)}: finished; the source keeps redirecting. Its mailbox may be disabled once its entry is a mail user that redirects`,
  );
  return exitCodes.ok;
}
