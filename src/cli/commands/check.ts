import type { Command } from 'commander';
import type { Connector } from '#connectors/contract.ts';
import { type Finding, failed } from '#jobs/check.ts';
import { must } from '#kit/assert.ts';
import { FaultError } from '#kit/fault.ts';
import type { Project, ProjectPair } from '#project/project.ts';
import { SecretError } from '#project/secret.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { countOf, plain } from '../format.ts';
import { pickPairs } from '../pick-pairs.ts';
import { command, type Run, type Session } from '../session.ts';

interface CheckOptions {
  readonly collection?: string;
}

export function checkCommand(session: Session): Command {
  return command('check', 'try everything that a first pass needs', [
    ['causeway check', 'the project file, the servers and every mailbox'],
    ['causeway check ana@old.example', 'only one pair'],
    ['causeway check --json | grep \'"level":"error"\'', 'for programs'],
  ])
    .argument('[addresses...]', 'only the pairs with these addresses')
    .option('-c, --collection <name>', 'only this collection')
    .action(session.action<CheckOptions>(check));
}

async function check(run: Run, options: CheckOptions, addresses: readonly string[]): Promise<ExitCode> {
  const { output } = run;
  const services = run.services();
  const chosen = pickPairs(services.project, addresses, options.collection);
  const counts = { ok: 0, note: 0, warning: 0, error: 0 };
  const report = (finding: Finding) => {
    counts[finding.level]++;
    output.line({ event: 'finding', ...finding });
    const colour = {
      ok: output.colours.green,
      note: output.colours.cyan,
      warning: output.colours.yellow,
      error: output.colours.red,
    }[finding.level];
    output.text(
      `${colour(finding.level.padEnd(7))} ${finding.check}: ${plain(finding.subject)}: ${plain(finding.detail)}`,
    );
    if (finding.advice !== null) output.text(`        → ${plain(finding.advice)}`);
  };
  report({
    level: 'ok',
    check: 'project',
    subject: run.options.project,
    detail: `${countOf(chosen.length, 'pair')} to check`,
    advice: null,
  });
  const connectors = new Map<string, Connector>();
  for (const name of new Set(chosen.flatMap((pair) => organizationsOf(services.project, pair)))) {
    try {
      connectors.set(name, await services.connector(name));
    } catch (error) {
      // One organization that cannot even be tried does not hide the other.
      if (run.signal.aborted) throw error;
      report(unopened(name, error));
    }
  }
  const pairs = chosen.map((pair) => {
    const [left, right] = organizationsOf(services.project, pair).map((name) => connectors.get(name));
    return {
      left: left === undefined ? null : { connector: left, address: pair.source },
      right: right === undefined ? null : { connector: right, address: pair.target },
    };
  });
  const endpoints = new Map([...services.project.organizations].map(([name, { endpoint }]) => [name, endpoint]));
  const around = { clock: run.terminal.clock, signal: run.signal };
  for await (const finding of run.jobs.check(pairs, endpoints, around)) report(finding);
  output.say(
    { ...counts, ready: counts.error === 0 },
    counts.error > 0
      ? `${countOf(counts.error, 'error')}: put these right first, then run causeway check again`
      : `ready${counts.warning > 0 ? `, with ${countOf(counts.warning, 'warning')}` : ''}; next: causeway plan, or causeway sync`,
  );
  return counts.error > 0 ? exitCodes.notReady : exitCodes.ok;
}

function organizationsOf({ collections }: Project, { id, collection: name }: ProjectPair): readonly [string, string] {
  const { source, target } = must(collections.get(name), `the pair ${id} belongs to no collection`);
  return [source, target];
}

function unopened(organization: string, error: unknown): Finding {
  if (error instanceof FaultError) return failed(organization, error.fault);
  if (!(error instanceof SecretError)) throw error;
  return {
    level: 'error',
    check: 'secret',
    subject: organization,
    detail: error.message,
    advice: 'the project file names where its secrets are: env:NAME or file:PATH, under signIn',
  };
}
