import { type Command, InvalidArgumentError } from 'commander';
import { type LabVersion, labVersions } from '#lab/seams.ts';
import { type DemoOptions, faultsIn, runDemo } from '../demo/run-demo.ts';
import { exitCodes } from '../exit-codes.ts';
import { command, type Session } from '../session.ts';

export function demoCommand(session: Session): Command {
  return command('demo', 'a whole migration between two lab organizations, live', [
    ['causeway demo', '20 mailboxes with about 10,000 mails and 600 appointments'],
    ['causeway demo --mailboxes 5 --items 1000 --appointments 200', 'a smaller one'],
    ['causeway demo --samples ./samples', 'with your own .eml, .ics and .msg files'],
    ['causeway demo --from 2003 --to online', 'from Exchange 2003 to Exchange Online in one hop'],
    ['causeway demo --from 2003,2010 --to online', 'two organizations into one tenant'],
  ])
    .option('--from <versions>', 'what the sources are', versions(5), ['2010'])
    .option('--to <version>', 'what the target is', (text: string) => versions(1)(text)[0], '2016')
    .option('--mailboxes <count>', 'mailboxes of each side', number(1, 1000), 20)
    .option('--items <count>', 'mails in all', number(0, 10_000_000), 10_000)
    .option('--appointments <count>', 'appointments and series in all', number(0, 100_000), 600)
    .option('--samples <folder>', 'mix in the .eml, .ics and .msg files of a folder')
    .option(
      '--faster <times>',
      'windows of the limits of Exchange Online are so many times shorter',
      number(1, 1000),
      10,
    )
    .option('--keep <folder>', 'leave project file and store in a new folder, to look into afterwards')
    .option('--seed <number>', 'what everything generated follows from', number(0, 2 ** 31), 1)
    .action(
      session.action<DemoOptions>(async (run, options) => {
        const result = await runDemo(run, options);
        run.output.line(result);
        return faultsIn(result) > 0 ? exitCodes.differences : exitCodes.ok;
      }),
    );
}

/** Up to so many versions of the lab, separated by commas. */
function versions(most: number): (text: string) => readonly LabVersion[] {
  return (text) => {
    const words = text.split(',').map((word) => word.trim().toLowerCase());
    const known = words.flatMap((word) => labVersions.filter((version) => version === word));
    if (known.length !== words.length || known.length > most)
      throw new InvalidArgumentError(
        `Give ${most === 1 ? 'one' : `up to ${most}, with commas,`} of ${labVersions.join(', ')}.`,
      );
    return known;
  };
}

function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(`Give a number from ${least} to ${most}.`);
    return value;
  };
}
