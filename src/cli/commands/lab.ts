import { Command } from 'commander';

/**
 * `causeway lab` reads its own arguments, because its interface is public by itself and is also started without this program:
 * see `runLab`. What stands here is for the list of commands and for completion.
 */
export function labCommand(): Command {
  return new Command('lab')
    .description('organizations on this machine that behave like Exchange')
    .usage('--org NAME:VERSION [--org NAME:VERSION ...] [options]')
    .option(
      '--org <name:version[:mailboxes]>',
      'an organization, its version, and how many mailboxes it has; its domain is NAME.test',
    )
    .option('--mailboxes <count>', 'mailboxes of each organization')
    .option('--sources <count>', 'organizations that hold something from the beginning')
    .option('--items <count>', 'mails in the sources')
    .option('--seed <number>', 'what everything generated follows from')
    .option('--samples <folder>', 'a folder of .eml, .ics and .msg files to mix in')
    .option('--faults <spec>', 'seeded faults')
    .option('--repair-assistant <cycle>', 'Calendar Repair Assistants: on (once a day), off, or seconds')
    .option('--port-base <port>', 'first of two ports per organization')
    .addHelpText(
      'after',
      '\nExamples:\n  $ causeway lab --org source:2010 --org target:2016 --mailboxes 20 --items 10000 --json\n\nAll options: causeway lab --help',
    );
}
