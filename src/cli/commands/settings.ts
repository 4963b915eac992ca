import type { Command } from 'commander';
import { type LeftSetting, leftReasons, type SettingsReport } from '#jobs/settings/carry-settings.ts';
import { FaultError } from '#kit/fault.ts';
import type { PairId } from '#model/ids.ts';
import { type ExitCode, exitCodes, worstOf } from '../exit-codes.ts';
import { countOf, plain } from '../format.ts';
import { pickPairs } from '../pick-pairs.ts';
import { command, type Run, type Session } from '../session.ts';

interface SettingsOptions {
  readonly collection?: string;
}

export function settingsCommand(session: Session): Command {
  const settings = command('settings', 'permissions, delegates, categories and signatures of the mailboxes', []);
  const under = (name: 'plan' | 'carry', what: string, dryRun: boolean) =>
    settings.addCommand(
      command(name, what, [
        [`causeway settings ${name}`, 'every pair of the project'],
        [`causeway settings ${name} ana@old.example`, 'one pair'],
      ])
        .argument('[addresses...]', 'only the pairs with these addresses')
        .option('-c, --collection <name>', 'only this collection')
        .action(
          session.action<SettingsOptions>((run, options, addresses) => settingsOf(run, options, addresses, dryRun)),
        ),
    );
  under('plan', 'what would be carried over, and what would stay behind and why', true);
  under('carry', 'carry them over; what the target has of its own stays', false);
  return settings;
}

async function settingsOf(
  run: Run,
  { collection }: SettingsOptions,
  addresses: readonly string[],
  dryRun: boolean,
): Promise<ExitCode> {
  const services = run.services();
  const store = await services.store('look');
  const codes: ExitCode[] = [];
  for (const pair of pickPairs(services.project, addresses, collection)) {
    const around = { clock: run.terminal.clock, signal: run.signal };
    try {
      const report = await run.jobs.carrySettings(
        await services.jobPair(pair),
        services.project,
        store,
        dryRun,
        around,
      );
      codes.push(report.left.some(({ reason }) => reason === 'refused') ? exitCodes.partial : exitCodes.ok);
      say(run, pair.id, report, dryRun);
    } catch (error) {
      // One pair that cannot be worked on does not keep the others from it.
      if (!(error instanceof FaultError)) throw error;
      codes.push(exitCodes.stopped);
      run.output.say({ pair: pair.id, error: error.message }, `${plain(pair.id)}: ${plain(error.message)}`);
    }
  }
  return worstOf(codes);
}

function say(run: Run, pair: PairId, { written, left }: SettingsReport, dryRun: boolean): void {
  const { permissions, delegates, stored } = written;
  const lines = [
    `${plain(pair)}: ${dryRun ? 'would carry' : 'carried'} permissions of ${countOf(permissions, 'folder')}, ${countOf(delegates, 'delegate')}, ${countOf(stored, 'stored setting')}`,
    ...[...byReason(left)].flatMap(([reason, entries]) => [
      `  stays behind, ${leftReasons[reason]}:`,
      ...entries.map(({ setting, detail }) => `    ${setting}: ${plain(detail)}`),
    ]),
  ];
  run.output.say({ pair, dryRun, written, left }, lines.join('\n'));
}

function byReason(left: readonly LeftSetting[]): ReadonlyMap<LeftSetting['reason'], readonly LeftSetting[]> {
  const reasons = new Map<LeftSetting['reason'], LeftSetting[]>();
  for (const one of left) reasons.set(one.reason, [...(reasons.get(one.reason) ?? []), one]);
  return reasons;
}
