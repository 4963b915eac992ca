import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { Connector } from '#connectors/contract.ts';
import type { Finding } from '#jobs/check.ts';
import type { VerifyReport } from '#jobs/verify/report.ts';
import { systemClock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import { readProject } from '#project/read-project.ts';
import { SecretError } from '#project/secret.ts';
import { openStore } from '#store/open-store.ts';
import type { BudgetRecords, PassSummary } from '#store/store.ts';
import { CliError } from './cli-error.ts';
import { exitCodes } from './exit-codes.ts';
import type { Jobs } from './jobs.ts';
import { buildProgram } from './program.ts';
import { projectTemplate } from './project-template.ts';
import { Session } from './session.ts';
import { fakeJobs, runCli, testTerminal } from './terminal.fixture.ts';

const answers = {
  schema: 'causeway.schema.json',
  source: 'https://a.example/EWS/Exchange.asmx',
  target: 'https://b.example/EWS/Exchange.asmx',
  sourceUser: 'A\\c',
  targetUser: 'B\\c',
  pairs: [],
};

/** A folder with the project that `init` writes, with these pairs. */
function projectFolder(
  pairs: readonly string[] = ['ana@old.example -> ana@new.example', 'ben@old.example -> ben@new.example'],
): string {
  const folder = mkdtempSync(join(tmpdir(), 'causeway-cli-'));
  writeFileSync(join(folder, 'causeway.yaml'), projectTemplate({ ...answers, pairs }));
  return folder;
}

/** A connector that nobody asks for anything. */
const idleConnector = (organization: string) => ({ organization, close: async () => {} }) as unknown as Connector;
const openConnector: Jobs['openConnector'] = async (_project, organization) => idleConnector(organization);

const jsonLines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const none = { explained: 0, unexplained: 0 };
const report: Omit<VerifyReport, 'pair' | 'grade'> = {
  startedAtMs: 0,
  endedAtMs: 1,
  compared: 5,
  contents: 1,
  sampled: 1,
  folders: 2,
  differing: 0,
  missing: 0,
  surplus: 0,
  notDue: {},
  inFlight: 0,
  findings: [
    {
      kind: 'property',
      folder: 'Inbox',
      left: null,
      right: null,
      property: 'isRead',
      leftValue: 'true',
      rightValue: 'false',
      explainedBy: 'changed on the target',
    },
  ],
  findingCounts: {
    missing: none,
    extra: none,
    duplicate: none,
    property: none,
    content: none,
    folder: none,
    unreadable: none,
  },
  notCarried: [],
};

const summary: PassSummary = {
  pass: 1,
  startedAtMs: 0,
  endedAtMs: 1000,
  writes: 3,
  requestsLeft: 4,
  requestsRight: 5,
  bytes: 6000,
  waitedMs: {},
  held: 0,
  outcome: 'complete',
};

test('the help of every command is as it was (npx vitest run src/cli -u writes it)', async () => {
  const session = new Session(testTerminal(), fakeJobs(), []);
  const program = buildProgram(session);
  const all = [program, ...program.commands, ...program.commands.flatMap((command) => command.commands)];
  const text = all.map((command) => `${'='.repeat(100)}\n`.concat(helpOf(command)));
  await expect(text.join('\n')).toMatchFileSnapshot('./golden/help.txt');
  for (const command of all.filter((candidate) => candidate.name() !== 'complete'))
    expect(helpOf(command), command.name()).toMatch(/Examples:|Exit codes:/);
});

function helpOf(command: ReturnType<typeof buildProgram>): string {
  let text = '';
  command.configureOutput({ ...command.configureOutput(), writeOut: (piece) => void (text += piece) });
  command.outputHelp();
  return text;
}

describe('exit codes and messages', () => {
  test.each([
    ['nothing', [], exitCodes.usage, /^$/],
    ['help', ['--help'], exitCodes.ok, /^$/],
    ['help of a command', ['sync', '--help'], exitCodes.ok, /^$/],
    ['the version', ['--version'], exitCodes.ok, /^$/],
    ['an unknown command', ['synk'], exitCodes.usage, /unknown command 'synk'\n\(Did you mean sync\?\)/],
    ['an unknown option', ['status', '--wach'], exitCodes.usage, /unknown option '--wach'\n\(Did you mean --watch\?\)/],
    ['a wrong value', ['history', '--limit', 'many'], exitCodes.usage, /Give a number from 1 to 1000000/],
    ['a wrong reason', ['quarantine', 'list', '--reason', 'ugly'], exitCodes.usage, /Allowed choices are too-large/],
    ['a missing option', ['probe'], exitCodes.usage, /required option '-o, --organization <name>' not specified/],
    [
      'no project file',
      ['status'],
      exitCodes.usage,
      /error: causeway\.yaml: there is no such file; run `causeway init`/,
    ],
    ['no terminal to ask on', ['init'], exitCodes.usage, /give --source and --target, or --yes/],
    ['too many workers', ['sync', '--workers', '1000'], exitCodes.usage, /Give a number from 1 to 256/],
    ['a sample that is no share', ['verify', '--sample', '7'], exitCodes.usage, /Give a percentage/],
  ] as const)('%s', async (_what, args, code, err) => {
    const result = await runCli(args);
    expect(result.code).toBe(code);
    expect(result.err).toMatch(err);
    expect(result.err).not.toMatch(/^\s+at /m);
  });

  test('with --json an error is one line on stdout', async () => {
    const result = await runCli(['status', '--json']);
    expect(jsonLines(result.out)).toEqual([
      { error: { code: 'project', message: expect.stringContaining('there is no such file') } },
    ]);
    expect(result.err).toBe('');
  });

  test('a pair that is not there, with what was meant', async () => {
    const result = await runCli(['status', 'anna@old.example'], testTerminal({ cwd: projectFolder() }));
    expect(result).toMatchObject({
      code: exitCodes.usage,
      err: 'error: no pair has the address anna@old.example; did you mean ana@old.example?\n',
    });
  });

  test.each([
    [
      'a fatal fault',
      new FaultError({ kind: 'fatal', code: 'auth', detail: 'HTTP 401' }),
      exitCodes.stopped,
      /auth: HTTP 401\nsee docs\/operating\/faults\.md, "auth"/,
    ],
    [
      'a passing fault',
      new FaultError({ kind: 'transient', detail: 'reset', mayHaveHappened: false }),
      exitCodes.stopped,
      /transient: reset/,
    ],
    ['our own refusal', new CliError('no', exitCodes.partial), exitCodes.partial, /error: no/],
    ['an interruption', new DOMException('x', 'AbortError'), exitCodes.interrupted, /interrupted/],
    [
      'anything else',
      new RangeError('boom'),
      exitCodes.unexpected,
      /unexpected: boom\nrun the command again with --debug/,
    ],
  ] as const)('%s', async (_what, error, code, err) => {
    const jobs = fakeJobs({ openConnector: () => Promise.reject(error) });
    const result = await runCli(['discover'], testTerminal({ cwd: projectFolder() }), jobs);
    expect(result.code).toBe(code);
    expect(result.err).toMatch(err);
    expect(result.err).not.toMatch(/^\s+at /m);
  });

  test('a stack only with --debug', async () => {
    const jobs = fakeJobs({ openConnector: () => Promise.reject(new RangeError('boom')) });
    const result = await runCli(['discover', '--debug'], testTerminal({ cwd: projectFolder() }), jobs);
    expect(result.err).toMatch(/^\s+at /m);
  });

  test('every exit code has a row in the manual', () => {
    const manual = readFileSync(new URL('../../docs/operating/exit-codes.md', import.meta.url), 'utf8');
    for (const [name, code] of Object.entries(exitCodes)) expect(manual).toContain(`| ${code} | \`${name}\` |`);
  });
});

describe('init', () => {
  test('writes a project that passes its own checks, and never over another', async () => {
    const terminal = testTerminal();
    const args = [
      'init',
      '--source',
      'mail.a.example',
      '--target',
      'mail.b.example',
      '--pair',
      'ana@a.example -> ana@b.example',
    ];
    expect((await runCli(args, terminal)).code).toBe(exitCodes.ok);
    const file = join(terminal.cwd, 'causeway.yaml');
    const written = readFileSync(file, 'utf8');
    const project = readProject(written, { file, shown: 'causeway.yaml' });
    expect(project.organizations.get('source')?.endpoint).toBe('https://mail.a.example/EWS/Exchange.asmx');
    expect(project.pairs.map(({ id }) => id)).toEqual(['ana@a.example → ana@b.example']);
    const again = await runCli(args, testTerminal({ cwd: terminal.cwd }));
    expect(again.code).toBe(exitCodes.usage);
    expect(again.err).toMatch(/is there already; it is never overwritten/);
    expect(readFileSync(file, 'utf8')).toBe(written);
  });

  test.each([
    ['mail.a.example', 'https://mail.a.example/EWS/Exchange.asmx'],
    ['mail.a.example:8443', 'https://mail.a.example:8443/EWS/Exchange.asmx'],
    ['https://mail.a.example', 'https://mail.a.example/EWS/Exchange.asmx'],
    ['https://mail.a.example/own/ews.asmx', 'https://mail.a.example/own/ews.asmx'],
    ['http://127.0.0.1:8080/EWS/Exchange.asmx', 'http://127.0.0.1:8080/EWS/Exchange.asmx'],
  ])('takes a host or an address: %s', async (given, endpoint) => {
    const terminal = testTerminal();
    const file = join(terminal.cwd, 'causeway.yaml');
    expect((await runCli(['init', '--source', given, '--target', 'b.example'], terminal)).code).toBe(exitCodes.ok);
    const text = readFileSync(file, 'utf8');
    expect(readProject(text, { file, shown: 'causeway.yaml' }).organizations.get('source')?.endpoint).toBe(endpoint);
    const schema = /\$schema=(.+)/.exec(text)?.[1] ?? '';
    expect(readFileSync(join(terminal.cwd, schema), 'utf8')).toMatch(/^\{/);
  });

  test.each([
    'http://mail.a.example/EWS/Exchange.asmx',
    'https://u:p@mail.a.example',
    'two words',
    'a.example:99999',
  ])('does not take %s', async (given) => {
    const result = await runCli(['init', '--source', given, '--target', 'b.example']);
    expect(result.code).toBe(exitCodes.usage);
    expect(result.err).toMatch(/--source must be a host such as/);
  });

  const typed = (text: string) => {
    const stdin = Object.assign(new PassThrough(), { isTTY: true });
    stdin.end(text);
    return { ...testTerminal(), stdin };
  };

  test('asks, also when all answers are pasted at once', async () => {
    const terminal = typed('mail.a.example\nA\\svc\n!?\nmail.b.example\n\nana@a.example -> ana@b.example\n');
    const result = await runCli(['init'], terminal);
    expect(result.err).toMatch(/this must be a host/);
    expect(result.code).toBe(exitCodes.ok);
    const file = join(terminal.cwd, 'causeway.yaml');
    const project = readProject(readFileSync(file, 'utf8'), { file, shown: 'causeway.yaml' });
    expect(project.organizations.get('target')?.endpoint).toBe('https://mail.b.example/EWS/Exchange.asmx');
    expect(project.organizations.get('source')?.signIn).toMatchObject({ user: 'A\\svc' });
    expect(project.organizations.get('target')?.signIn).toMatchObject({ user: 'NEW\\causeway' });
  });

  test('an end in the middle of the questions writes nothing', async () => {
    const terminal = typed('mail.a.example\n');
    const result = await runCli(['init'], terminal);
    expect(result.code).toBe(exitCodes.interrupted);
    expect(result.err).toMatch(/nothing was written/);
    expect(() => readFileSync(join(terminal.cwd, 'causeway.yaml'))).toThrow(/ENOENT/);
  });

  test('every commented example in it is accepted too', () => {
    const text = projectTemplate(answers).replace(
      /^(\s*)# (impersonation|tls|redirectHosts|budgets|folders|since|itemMax|policy|schedule|store|rule| {2}exclude| {2}map| {2}conflict| {2}maxDelete):/gm,
      '$1$2:',
    );
    const project = readProject(text, { file: '/p/causeway.yaml', shown: 'causeway.yaml' });
    expect(project.organizations.get('source')?.redirectHosts).toEqual(['*.old.example']);
    expect(project.collections.get('first')?.mail.exclude).toEqual(['@junkemail', '**/Old']);
    expect(project.collections.get('first')?.schedule.windows).toHaveLength(2);
  });
});

describe('status, history, quarantine', () => {
  test('a project that was never run', async () => {
    const cwd = projectFolder();
    const result = await runCli(['status', '--json'], testTerminal({ cwd }));
    expect(result.code).toBe(exitCodes.ok);
    expect(jsonLines(result.out)).toMatchObject([
      { pair: 'ana@old.example → ana@new.example', state: 'new', items: 0, lagMs: null },
      { pair: 'ben@old.example → ben@new.example', state: 'new' },
    ]);
    expect((await runCli(['history'], testTerminal({ cwd }))).out).toBe('nothing was written\n');
    expect((await runCli(['quarantine', 'list'], testTerminal({ cwd }))).out).toBe('nothing is in quarantine\n');
  });

  test('what a pass recorded is shown', async () => {
    const cwd = projectFolder();
    await runCli(['quarantine', 'retry'], testTerminal({ cwd })); // makes the store
    const store = await openStore(`sqlite:${join(cwd, '.causeway/causeway.db')}`, {
      clock: systemClock,
      log: { info: () => {}, warn: () => {} },
    });
    const project = readProject(readFileSync(join(cwd, 'causeway.yaml'), 'utf8'), {
      file: join(cwd, 'causeway.yaml'),
      shown: '',
    });
    const [pair] = project.pairs;
    if (pair === undefined) throw new Error('no pair');
    const side = (organization: string, address: string) => ({ organization, address, mailbox: null });
    await store.putPairs([
      {
        id: pair.id,
        kind: 'mail',
        collection: 'first',
        left: side('source', pair.source),
        right: side('target', pair.target),
      },
    ]);
    await store.commit(pair.id, null, {
      quarantine: [
        {
          left: 'i1' as never,
          leftFolder: 'f1' as never,
          reason: 'too-large',
          detail: '70 MB',
          attempts: 1,
          sinceMs: 0,
          itemClass: 'IPM.Note',
          sizeBytes: 73_400_320,
          retry: false,
        },
      ],
      history: [
        {
          pass: 1,
          atMs: 0,
          action: 'create',
          reason: 'new on the source',
          left: 'a',
          right: 'b',
          outcome: 'done',
          detail: null,
        },
      ],
      pair: { state: 'stopped', stoppedBecause: 'quota: the mailbox is full', pass: 1, lastPass: summary },
    });
    await store.close();

    const status = await runCli(['status', 'ana@old.example'], testTerminal({ cwd }));
    expect(status.code).toBe(exitCodes.stopped);
    expect(status.out).toContain('stopped ana@old.example → ana@new.example: quota: the mailbox is full');
    const list = await runCli(['quarantine', 'list'], testTerminal({ cwd }));
    expect(list.out).toMatch(/too-large\s+IPM\.Note\s+70\.0 MB\s+1\s+1970-01-01 00:00:00Z\s+70 MB/);
    const history = await runCli(['history', '--json'], testTerminal({ cwd }));
    expect(jsonLines(history.out)).toMatchObject([{ action: 'create', reason: 'new on the source' }]);
    const retry = await runCli(['quarantine', 'retry', '--json'], testTerminal({ cwd }));
    expect(jsonLines(retry.out)).toEqual([{ retried: 1 }]);
  });
});

describe('commands that work', () => {
  test('check: errors make it not ready, and each says what to do', async () => {
    const findings: readonly Finding[] = [
      { level: 'ok', check: 'tls', subject: 'source', detail: 'TLS 1.2', advice: null },
      {
        level: 'error',
        check: 'quota',
        subject: 'ana@new.example',
        detail: '2 GB for 3 GB',
        advice: 'raise the quota',
      },
    ];
    const jobs = fakeJobs({
      openConnector,
      check: async function* () {
        yield* findings;
      },
    });
    const result = await runCli(['check', '--json'], testTerminal({ cwd: projectFolder() }), jobs);
    expect(result.code).toBe(exitCodes.notReady);
    expect(jsonLines(result.out).at(-1)).toEqual({ ok: 2, note: 0, warning: 0, error: 1, ready: false });
    const text = await runCli(['check'], testTerminal({ cwd: projectFolder() }), jobs);
    expect(text.out).toMatch(/error\s+quota: ana@new\.example: 2 GB for 3 GB\n\s+→ raise the quota/);
  });

  test('check: a secret that is missing is a finding of its organization', async () => {
    const seen: string[] = [];
    const jobs = fakeJobs({
      openConnector: async (_project, organization) => {
        if (organization === 'source') throw new SecretError('the environment variable X is not set');
        return idleConnector(organization);
      },
      check: async function* (pairs) {
        seen.push(...pairs.map(({ left, right }) => `${left?.address} ${right?.address}`));
        yield* [];
      },
    });
    const result = await runCli(['check'], testTerminal({ cwd: projectFolder() }), jobs);
    expect(result.code).toBe(exitCodes.notReady);
    expect(result.out).toMatch(/^error +secret: source: the environment variable X is not set\n +→ /m);
    expect(seen).toEqual(['undefined ana@new.example', 'undefined ben@new.example']);
  });

  test('probe: only mailboxes that are said to be throw-away, and none of a pair', async () => {
    const terminal = () => testTerminal({ cwd: projectFolder() });
    const jobs = fakeJobs({ openConnector });
    expect((await runCli(['probe', '-o', 'source', '-m', 'a@x.example', 'b@x.example'], terminal(), jobs)).err).toMatch(
      /--throwaway/,
    );
    expect(
      (await runCli(['probe', '-o', 'source', '-m', 'ana@old.example', 'b@x.example', '--throwaway'], terminal(), jobs))
        .err,
    ).toMatch(/is no throw-away mailbox/);
    expect((await runCli(['probe', '-o', 'source', '-m', 'a@x.example', '--throwaway'], terminal(), jobs)).err).toMatch(
      /exactly two/,
    );
  });

  test('discover: one mailbox that cannot be read does not hide the others', async () => {
    const jobs = fakeJobs({
      openConnector,
      discover: async (connector, address) => {
        if (address.startsWith('ana'))
          throw new FaultError({ kind: 'fatal', code: 'access-denied', detail: 'no rights' });
        return {
          organization: connector.organization,
          address,
          folders: [{ path: '=Cmd', role: 'inbox', containerClass: null, items: 2, bytes: 5 }],
          largest: [],
          classes: {},
        };
      },
    });
    const result = await runCli(['discover', '--csv'], testTerminal({ cwd: projectFolder() }), jobs);
    expect(result.code).toBe(exitCodes.stopped);
    expect(result.out).toBe("mailbox,folder,role,class,items,bytes\r\nben@old.example,'=Cmd,inbox,,2,5\r\n");
    expect(result.err).toContain('ana@old.example: access-denied: no rights');
  });

  test('plan: reasons, and nothing is written', async () => {
    const cwd = projectFolder();
    const jobs = fakeJobs({
      openConnector,
      planPair: async () => [
        {
          action: 'create',
          reason: 'new on the source',
          folder: 'Inbox',
          left: 'a',
          right: null,
          bytes: 2048,
          detail: null,
        },
      ],
      itemWays: () => [
        {
          kind: 'mail',
          way: { read: 'mime', write: 'fts' },
          because: 'it makes no draft',
          dismissed: [{ side: 'right', as: 'mime', because: 'it makes a draft' }],
        },
      ],
    });
    const result = await runCli(['plan', 'ana@old.example'], testTerminal({ cwd }), jobs);
    expect(result.out).toContain('mail as MIME → stream: it makes no draft\n');
    expect(result.out).toContain('not as MIME: it makes a draft\n');
    const all = await runCli(['plan', '--json'], testTerminal({ cwd }), jobs);
    // Once, however many pairs there are.
    expect(jsonLines(all.out).filter((line) => 'item' in line)).toEqual([
      {
        collection: 'first',
        content: 'mail',
        item: 'mail',
        way: { read: 'mime', write: 'fts' },
        because: 'it makes no draft',
        dismissed: [{ side: 'right', as: 'mime', because: 'it makes a draft' }],
      },
    ]);
    expect(result.out).toMatch(/1 write, 2\.0 kB/);
    expect(result.out).toMatch(/create\s+target\s+Inbox\s+2\.0 kB\s+new on the source/);
    expect(() => readFileSync(join(cwd, '.causeway/causeway.db'))).toThrow(/ENOENT/);
  });

  test.each([
    ['all through', {}, exitCodes.ok],
    ['deletions held back', { lastPass: { ...summary, held: 7 } }, exitCodes.partial],
    ['a pair stopped', { state: 'stopped', stoppedBecause: 'auth: 401', lastPass: summary }, exitCodes.stopped],
    ['an outage in the middle', { state: 'in-step', stoppedBecause: 'exhausted: no answer' }, exitCodes.stopped],
  ] as const)('sync: %s', async (_what, outcome, code) => {
    const jobs = fakeJobs({
      openConnector,
      runAgent: async ({ store, pairs, onEvent, until }) => {
        expect(until).toBe('one-pass');
        for (const { id } of pairs) {
          await store.commit(id, null, { pair: { pass: 1, lastPass: summary, state: 'in-step', ...outcome } });
          onEvent({ kind: 'pass-ended', key: `mail:${id}`, pair: id, summary });
        }
        return [];
      },
    });
    const result = await runCli(['sync', '--json'], testTerminal({ cwd: projectFolder() }), jobs);
    expect(result.code).toBe(code);
    expect(jsonLines(result.out)).toHaveLength(3);
    expect(jsonLines(result.out).at(-1)).toMatchObject({ pairs: 2 });
  });

  test('sync: a pair whose pass failed each time is not taken for done', async () => {
    const jobs = fakeJobs({ openConnector, runAgent: async ({ pairs }) => pairs.slice(0, 1).map(({ id }) => id) });
    const result = await runCli(['sync'], testTerminal({ cwd: projectFolder() }), jobs);
    expect(result.code).toBe(exitCodes.stopped);
    expect(result.out).toMatch(/^stopped ana@old.*failed each time.*\n2 pairs: 0 writes/);
  });

  test.each([
    ['perfect', exitCodes.ok],
    ['good', exitCodes.ok],
    ['investigate', exitCodes.differences],
    ['poor', exitCodes.differences],
  ] as const)('verify: %s', async (grade, code) => {
    const jobs = fakeJobs({
      openConnector,
      verifyPair: async ({ id }) => ({ ...report, pair: id, grade: id.startsWith('ana') ? 'perfect' : grade }),
    });
    const result = await runCli(['verify', '--json'], testTerminal({ cwd: projectFolder() }), jobs);
    expect(result.code).toBe(code);
    expect(jsonLines(result.out).at(-1)).toEqual({ grade, pairs: 2, compared: 10, sampled: 2 });
  });

  test('what a command asks is counted where the agent counts, also by those that only look at the store', async () => {
    const cwd = projectFolder();
    const file = join(cwd, '.causeway', 'causeway.db');
    mkdirSync(join(cwd, '.causeway'));
    const agents = await openStore(`sqlite:${file}`, { clock: systemClock, log: { info() {}, warn() {} } });
    const spend = (counts: BudgetRecords, holder: string) => {
      const nowMs = systemClock.nowMs();
      const limits = { inFlightMax: 1, requestsPerMinute: null, bytesPerMinute: null };
      return counts.spend('mailbox a', limits, holder, { requests: 0, bytes: 0 }, nowMs, nowMs + 600_000);
    };
    const granted: number[] = [];
    const jobs = fakeJobs({
      async openConnector(_project, organization, { counts }) {
        granted.push((await spend(counts, organization)).waitMs);
        return idleConnector(organization);
      },
      verifyPair: async ({ id }) => ({ ...report, pair: id, grade: 'perfect' }),
    });
    expect((await runCli(['verify', 'ana@old.example'], testTerminal({ cwd }), jobs)).code).toBe(exitCodes.ok);
    expect(granted.toSorted()).toEqual([0, 50]);
    expect(await spend(agents, 'agent')).toMatchObject({ limitedBy: 'in-flight' });
    await agents.close();
  });

  test('verify: says what items travelled as, once', async () => {
    const jobs = fakeJobs({
      openConnector,
      verifyPair: async ({ id }) => ({ ...report, pair: id, grade: 'perfect' }),
      itemWays: () => [
        { kind: 'mail', way: { read: 'mime', write: 'fts' }, because: 'it makes no draft', dismissed: [] },
      ],
    });
    const text = await runCli(['verify'], testTerminal({ cwd: projectFolder() }), jobs);
    expect(text.out.match(/first: mail as MIME → stream: it makes no draft\n/g)).toHaveLength(1);
    const { out } = await runCli(['verify', '--json'], testTerminal({ cwd: projectFolder() }), jobs);
    expect(jsonLines(out).filter((line) => 'item' in line)).toEqual([
      {
        collection: 'first',
        content: 'mail',
        item: 'mail',
        way: { read: 'mime', write: 'fts' },
        because: 'it makes no draft',
        dismissed: [],
      },
    ]);
  });

  test('settings: says what comes over and what stays behind; refused ones are told by the exit code', async () => {
    const asked: boolean[] = [];
    const jobs = fakeJobs({
      openConnector,
      carrySettings: async (_pair, _project, _store, dryRun) => {
        asked.push(dryRun);
        return {
          written: { permissions: 2, delegates: 1, stored: 0 },
          left: [{ setting: 'permissions', reason: dryRun ? 'unmapped' : 'refused', detail: 'Inbox: cy@old.example' }],
        };
      },
    });
    const terminal = () => testTerminal({ cwd: projectFolder() });
    const plan = await runCli(['settings', 'plan'], terminal(), jobs);
    expect(plan.code).toBe(exitCodes.ok);
    expect(plan.out).toMatch(/would carry permissions of 2 folders, 1 delegate/);
    expect(plan.out).toMatch(/not known on the target.*Inbox: cy@old.example/s);
    const carried = await runCli(['settings', 'carry', '--json'], terminal(), jobs);
    expect(carried.code).toBe(exitCodes.partial);
    expect(jsonLines(carried.out)[0]).toMatchObject({ dryRun: false, written: { permissions: 2 } });
    expect(asked).toEqual([true, true, false, false]);
  });

  test('relink: only when it is said, because it forgets', async () => {
    const jobs = fakeJobs({ openConnector, relinkPair: async () => ({ found: 4, created: 2, unclaimed: 1 }) });
    expect((await runCli(['relink'], testTerminal({ cwd: projectFolder() }), jobs)).err).toMatch(/say so with --yes/);
    const result = await runCli(['relink', '--yes', '--json'], testTerminal({ cwd: projectFolder() }), jobs);
    expect(jsonLines(result.out)).toHaveLength(2);
  });
});

test('colours only on a terminal, and not against NO_COLOR', async () => {
  const jobs = fakeJobs({ openConnector, planPair: async () => [] });
  const out = async (given: Parameters<typeof testTerminal>[0], ...args: string[]) =>
    (await runCli(['plan', ...args], testTerminal({ cwd: projectFolder(), ...given }), jobs)).out.includes('\x1b[');
  expect(await out({ isTTY: true })).toBe(true);
  expect(await out({ isTTY: false })).toBe(false);
  expect(await out({ isTTY: true, env: { NO_COLOR: '1' } })).toBe(false);
  expect(await out({ isTTY: true, env: { TERM: 'dumb' } })).toBe(false);
  expect(await out({ isTTY: true }, '--no-color')).toBe(false);
  expect(await out({ isTTY: true }, '--json')).toBe(false);
});

test('completion prints a script for each shell', async () => {
  const printed: string[] = [];
  const log = console.log;
  console.log = (text: string) => void printed.push(text);
  try {
    for (const shell of ['bash', 'zsh', 'fish', 'powershell'])
      expect((await runCli(['completion', shell])).code).toBe(exitCodes.ok);
  } finally {
    console.log = log;
  }
  expect(printed).toHaveLength(4);
  for (const script of printed) expect(script).toContain('causeway');
});
