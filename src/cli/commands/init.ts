import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { isAddress, isHost, isServiceUrl } from '#project/values.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import { ownFile } from '../own-file.ts';
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
    ['causeway init --source mail.old.example --target mail.new.example', 'asks only for the rest'],
    ['causeway init --source mail.old.example --target mail.new.example --yes', 'asks nothing'],
  ])
    .option('--source <host>', 'host of the source, or its EWS address')
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
  const { source, target } = answers;
  const text = projectTemplate({
    ...answers,
    source: endpointOf(source),
    target: endpointOf(target),
    schema: relative(dirname(file), ownFile('schema/causeway.schema.json') ?? 'causeway.schema.json'),
  });
  try {
    await writeFile(file, text, { flag: 'wx' });
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

type Answers = Omit<InitAnswers, 'schema'>;

/** @param text A host, with or without port, or an address. */
function endpointOf(text: string): string {
  const url = new URL(text.includes('://') ? text : `https://${text}`);
  return url.pathname === '/' && url.search === '' ? `${url.origin}/EWS/Exchange.asmx` : url.href;
}

const defaults: Answers = {
  source: 'mail.old.example',
  target: 'mail.new.example',
  sourceUser: 'OLD\\causeway',
  targetUser: 'NEW\\causeway',
  pairs: [],
};

const valid = {
  host: (text: string) => {
    const isUrl = text.includes('://');
    return (isUrl && isServiceUrl(text)) ||
      (!isUrl && isHost(text.replace(/:\d{1,5}$/, '')) && URL.canParse(`https://${text}`))
      ? null
      : 'a host such as mail.old.example, or an EWS address that begins with https://';
  },
  user: (text: string) =>
    /^[^\s\p{Cc}'"]{1,256}$/u.test(text) ? null : 'a sign-in name, such as DOMAIN\\user or user@domain',
  pair: (text: string) => {
    const [source = '', target = '', ...more] = text.split(/\s*(?:->|→)\s*/);
    return more.length === 0 && isAddress(source) && isAddress(target)
      ? null
      : 'a pair, such as "ana@old.example -> ana@new.example"';
  },
};

function fromFlags(options: InitOptions): Answers {
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

async function ask(run: Run, options: InitOptions): Promise<Answers> {
  const lines = createInterface({ input: run.terminal.stdin, output: process.stderr });
  // Asked for by iterating, because that keeps lines which were pasted all at once.
  const given = lines[Symbol.asyncIterator]();
  const close = () => lines.close();
  run.signal.addEventListener('abort', close, { once: true });
  const question = async (
    text: string,
    byDefault: string,
    check: (answer: string) => string | null,
  ): Promise<string> => {
    for (;;) {
      lines.setPrompt(`${text}${byDefault === '' ? '' : ` [${byDefault}]`}: `);
      lines.prompt();
      const line = await given.next();
      if (line.done === true) throw new CliError('interrupted; nothing was written', exitCodes.interrupted);
      const answer = line.value.trim() || byDefault;
      const form = answer === '' ? null : check(answer);
      if (form === null) return answer;
      run.output.note(`  this must be ${form}`);
    }
  };
  try {
    const answers = {
      source: await question('Host or EWS address of the source', options.source ?? defaults.source, valid.host),
      sourceUser: await question(
        'Account that reads the source',
        options.sourceUser ?? defaults.sourceUser,
        valid.user,
      ),
      target: await question('Host or EWS address of the target', options.target ?? defaults.target, valid.host),
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
    run.signal.removeEventListener('abort', close);
    lines.close();
  }
}
