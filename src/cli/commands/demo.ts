import { type Command, InvalidArgumentError } from 'commander';
import { type DemoOptions, faultsIn, runDemo } from '../demo/run-demo.ts';
import { exitCodes } from '../exit-codes.ts';
import { command, type Session } from '../session.ts';

export function demoCommand(session: Session): Command {
  return command('demo', 'a whole migration between two lab organizations, live', [
    ['causeway demo', '20 mailboxes with about 10,000 mails and 600 appointments'],
    ['causeway demo --mailboxes 5 --items 1000 --appointments 200', 'a smaller one'],
    ['causeway demo --samples ./samples', 'with your own .eml, .ics and .msg files'],
  ])
    .option('--mailboxes <count>', 'mailboxes of each side', number(1, 1000), 20)
    .option('--items <count>', 'mails in all', number(0, 10_000_000), 10_000)
    .option('--appointments <count>', 'appointments and series in all', number(0, 100_000), 600)
    .option('--samples <folder>', 'mix in the .eml, .ics and .msg files of a folder')
    .option('--seed <number>', 'what everything generated follows from', number(0, 2 ** 31), 1)
    .action(
      session.action<DemoOptions>(async (run, options) => {
        const result = await runDemo(run, options);
        run.output.line(result);
        return faultsIn(result) > 0 ? exitCodes.differences : exitCodes.ok;
      }),
    );
}

function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(`Give a number from ${least} to ${most}.`);
    return value;
  };
}
