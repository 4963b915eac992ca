import type { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import { countOf, plain } from '../format.ts';
import { command, type Run, type Session } from '../session.ts';

interface ProbeOptions {
  readonly organization: string;
  readonly mailboxes: readonly string[];
  readonly throwaway?: true;
}

export function probeCommand(session: Session): Command {
  return command('probe', 'find out how a server really behaves', [
    ['causeway probe -o source -m probe1@old.example probe2@old.example --throwaway', 'about a minute'],
  ])
    .requiredOption('-o, --organization <name>', 'organization of the project file')
    .requiredOption('-m, --mailboxes <two...>', 'two mailboxes made for this; they are written to')
    .option('--throwaway', 'yes, nobody uses these two mailboxes')
    .action(session.action<ProbeOptions>(probe));
}

async function probe(run: Run, { organization, mailboxes, throwaway }: ProbeOptions) {
  const [first, second, ...more] = mailboxes;
  if (first === undefined || second === undefined || more.length > 0)
    throw new CliError('name exactly two mailboxes after --mailboxes');
  if (throwaway !== true)
    throw new CliError(
      'probe creates, marks and deletes items in both mailboxes and may cause receipts between them; use two that nobody needs, and say so with --throwaway',
    );
  const { project, connector } = run.services();
  if (!project.organizations.has(organization))
    throw new CliError(
      `no organization is called ${organization}; there are ${[...project.organizations.keys()].join(', ')}`,
    );
  const inUse = project.pairs.find(({ source, target }) =>
    [first, second].some((address) => [source, target].includes(address.toLowerCase())),
  );
  if (inUse !== undefined) throw new CliError(`a mailbox of the pair ${inUse.id} is no throw-away mailbox`);
  const counts = { 'as-assumed': 0, different: 0, undecided: 0 };
  const around = { clock: run.terminal.clock, signal: run.signal };
  for await (const result of run.jobs.probe(await connector(organization), [first, second], around)) {
    counts[result.outcome]++;
    const { green, yellow, red } = run.output.colours;
    const colour = { 'as-assumed': green, different: red, undecided: yellow }[result.outcome];
    run.output.say(
      { event: 'probed', ...result },
      `${colour(result.outcome.padEnd(10))} ${result.behaviour}: ${plain(result.detail)}`,
    );
  }
  run.output.say(
    { organization, asAssumed: counts['as-assumed'], different: counts.different, undecided: counts.undecided },
    counts.different === 0
      ? `${countOf(counts['as-assumed'], 'behaviour')} as assumed, ${counts.undecided} undecided`
      : `${countOf(counts.different, 'behaviour differs', 'behaviours differ')} from what docs/protocol-assumptions.md says; report them before you rely on the promises that rest on them`,
  );
  return counts.different === 0 ? exitCodes.ok : exitCodes.differences;
}
