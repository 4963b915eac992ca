import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { isAddress, isHost } from '#project/values.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import { type InitAnswers, projectTemplate } from '../project-template.ts';
import { command, type Run, type Session } from '../session.ts';

interface InitOptions {
  readonly source?: string;
  readonly target?: string;
  readonly sourceUser?: string;
  readonly targetUser?: string;
  readonly pair: readonly string[];
  readonly yes?: true;
}

export function initCommand(session: Session): Command {
  return command('init', 'write a commented project file', [
    ['causeway init', 'asks what it needs to know'],
    ['causeway init --source old.example --target new.example --yes', 'asks nothing'],
  ])
    .option('--source <host>', 'host of the source, or the domain to ask Autodiscover for')
    .option('--target <host>', 'the same for the target')
    .option('--source-user <name>', 'account that reads the source')
    .option('--target-user <name>', 'account that writes the target')
    .option(
      '--pair <"a -> b">',
      'a pair of mailboxes; may be given several times',
      (pair, pairs: string[]) => [...pairs, pair],
      [],
    )
    .option('--yes', 'take the defaults for everything that is not given')
    .action(session.action<InitOptions>(init));
}

async function init(run: Run, options: InitOptions) {
  const file = run.projectFile;
  const exists = () =>
    new CliError(
      `${run.options.project} is there already; it is never overwritten. Edit it, or name another file with --project`,
    );
  if (existsSync(file)) throw exists();
  const interactive = options.yes !== true && run.terminal.stdin.isTTY === true && !run.output.json;
  const answers = interactive ? await ask(run, options) : fromFlags(options);
  try {
    await writeFile(file, projectTemplate(answers), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw exists();
    throw new CliError(`cannot write ${run.options.project} (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
  run.output.say(
    { file },
    `wrote ${run.options.project}
Next: put the passwords where the file says (CAUSEWAY_SOURCE_PASSWORD and CAUSEWAY_TARGET_PASSWORD), list the mailboxes,
then run: causeway check`,
  );
  return exitCodes.ok;
}

const defaults: InitAnswers = {
  source: 'mail.old.example',
  target: 'mail.new.example',
  sourceUser: 'OLD\\causeway',
  targetUser: 'NEW\\causeway',
  pairs: [],
};

const valid = {
  host: (text: string) => (isHost(text) ? null : 'a host or domain, such as mail.old.example'),
  user: (text: string) =>
    /^[^\s\p{Cc}'"]{1,256}$/u.test(text) ? null : 'a sign-in name, such as DOMAIN\\user or user@domain',
  pair: (text: string) => {
    const [source = '', target = '', ...more] = text.split(/\s*(?:->|→)\s*/);
    return more.length === 0 && isAddress(source) && isAddress(target)
      ? null
      : 'a pair, such as "ana@old.example -> ana@new.example"';
  },
};

function fromFlags(options: InitOptions): InitAnswers {
  if (options.yes !== true && (options.source === undefined || options.target === undefined))
    throw new CliError('there is no terminal to ask on: give --source and --target, or --yes for an example to edit');
  const accept = (
    given: string | undefined,
    byDefault: string,
    check: (text: string) => string | null,
    flag: string,
  ): string => {
    const form = given === undefined ? null : check(given);
    if (form !== null) throw new CliError(`${flag} must be ${form}`);
    return given ?? byDefault;
  };
  return {
    source: accept(options.source, defaults.source, valid.host, '--source'),
    target: accept(options.target, defaults.target, valid.host, '--target'),
    sourceUser: accept(options.sourceUser, defaults.sourceUser, valid.user, '--source-user'),
    targetUser: accept(options.targetUser, defaults.targetUser, valid.user, '--target-user'),
    pairs: options.pair.map((pair) => accept(pair, '', valid.pair, '--pair')),
  };
}

async function ask(run: Run, options: InitOptions): Promise<InitAnswers> {
  const lines = createInterface({ input: run.terminal.stdin, output: process.stderr });
  const question = async (
    text: string,
    byDefault: string,
    check: (answer: string) => string | null,
  ): Promise<string> => {
    for (;;) {
      const answer =
        (
          await lines.question(`${text}${byDefault === '' ? '' : ` [${byDefault}]`}: `, { signal: run.signal })
        ).trim() || byDefault;
      const form = answer === '' ? null : check(answer);
      if (form === null) return answer;
      run.output.note(`  this must be ${form}`);
    }
  };
  try {
    const answers = {
      source: await question('Host or domain of the source', options.source ?? defaults.source, valid.host),
      sourceUser: await question(
        'Account that reads the source',
        options.sourceUser ?? defaults.sourceUser,
        valid.user,
      ),
      target: await question('Host or domain of the target', options.target ?? defaults.target, valid.host),
      targetUser: await question(
        'Account that writes the target',
        options.targetUser ?? defaults.targetUser,
        valid.user,
      ),
    };
    const first = await question(
      'A first pair to try ("ana@old -> ana@new"; empty: later)',
      options.pair[0] ?? '',
      valid.pair,
    );
    return { ...answers, pairs: first === '' ? [] : [first, ...options.pair.slice(1)] };
  } finally {
    lines.close();
  }
}
