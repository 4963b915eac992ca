import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type LabOrganization, startLab } from './lab.ts';
import { finish } from './programs.ts';
import type { PeerContext, PeerSuite } from './suite.ts';

/**
 * A check that exchangelib 4.9 cannot pass against an honest server: it expects an exception where the client hands out the error as a
 * value (`EWSService.ERRORS_TO_CATCH_IN_RESPONSE` holds ErrorItemNotFound, `QuerySet.get` returns what it is given). What it is
 * about, ErrorItemNotFound for an item that is gone, is asked for in the lab's table of refusals. It must go on failing in this very way.
 */
const knownToFail: Readonly<Record<string, string>> = { 'missing-item-error': 'AssertionError: no ErrorItemNotFound' };

/** What exchangelib calls the newest schema of each lab version: the way without a guess. */
const schemaOf: Readonly<Record<string, string>> = {
  '2007': 'Exchange2007_SP1',
  '2010': 'Exchange2010_SP2',
  '2013': 'Exchange2013_SP1',
  '2016': 'Exchange2016',
};

const smokeProgram = (context: PeerContext): string => join(context.reference, 'peers/exchangelib-smoke.py');

/** Says so when the reference material is absent; that is a failure only where it must be there. */
export function hasSmokeProgram(context: PeerContext): boolean {
  if (existsSync(smokeProgram(context))) return true;
  const missing = `${smokeProgram(context)} is not there; set CAUSEWAY_REFERENCE`;
  if (process.env['CI'] === 'true') context.record('reference material', missing);
  else context.leftOut('everything', missing);
  return false;
}

export interface SmokeRun {
  readonly title: string;
  readonly url: string;
  readonly ca: string | null;
  readonly auth: 'basic' | 'ntlm';
  /** Its place among the mailboxes; each run needs a fresh one, since some checks count what is left behind. */
  readonly mailbox: number;
  readonly schema: string | null;
  /** Only this check; null: all of them. */
  readonly only: string | null;
}

/** One run of the smoke program; each of its checks becomes one of ours. */
export async function smoke(context: PeerContext, organization: LabOrganization, run: SmokeRun): Promise<void> {
  const mailbox = organization.mailboxes[run.mailbox];
  if (!mailbox) throw new Error(`${organization.name} has no mailbox ${run.mailbox}`);
  const { stdout, stderr, status } = await finish(
    '/usr/bin/python3',
    [
      ...[
        smokeProgram(context),
        run.url,
        mailbox.user,
        mailbox.password,
        '--email',
        mailbox.address,
        '--auth',
        run.auth,
      ],
      ...(run.ca === null ? [] : ['--ca', run.ca]),
      ...(run.schema === null ? [] : ['--version', run.schema]),
      ...(run.only === null ? [] : ['--only', run.only]),
    ],
    { timeoutMs: 240_000 },
  );
  for (const line of stdout.split('\n')) {
    const [, verdict, name, reason] = /^(ok|FAIL) ([\w-]+)(?:: (.*))?$/.exec(line) ?? [];
    if (!name) continue;
    const expected = knownToFail[name];
    const problem = verdict === 'ok' ? null : (reason ?? 'failed');
    if (expected === undefined) context.record(`${run.title} ${name}`, problem);
    else if (problem === expected)
      context.leftOut(`${run.title} ${name}`, 'the client returns the error instead of raising it');
    else context.record(`${run.title} ${name}`, problem ?? 'passes now: take it off the list of known failures');
  }
  if (!/^\d+ passed, \d+ failed$/m.test(stdout))
    context.record(`${run.title} run`, `ended early (status ${status}): ${stderr.trim().slice(-400)}`);
}

export const exchangelib: PeerSuite = {
  name: 'exchangelib',
  packages: ['python3-exchangelib'],
  async run(context) {
    if (!hasSmokeProgram(context)) return;
    await context.check('the list of known failures names real checks', async () => {
      const { stdout } = await finish('/usr/bin/python3', [smokeProgram(context), '--list']);
      const gone = Object.keys(knownToFail).filter((name) => !stdout.split('\n').includes(name));
      if (gone.length > 0) throw new Error(`no such checks: ${gone.join(' ')}`);
    });

    for (const organization of await startLab(context, ['source:2010', 'target:2016'])) {
      const { version, ews, ewsPlain, ca } = organization;
      const runs: readonly SmokeRun[] = [
        { title: `${version} basic https`, url: ews, ca, auth: 'basic', mailbox: 0, schema: null, only: null },
        {
          title: `${version} basic http`,
          url: ewsPlain,
          ca: null,
          auth: 'basic',
          mailbox: 1,
          schema: schemaOf[version] ?? null,
          only: null,
        },
        { title: `${version} ntlm https`, url: ews, ca, auth: 'ntlm', mailbox: 2, schema: null, only: null },
        {
          title: `${version} ntlm http`,
          url: ewsPlain,
          ca: null,
          auth: 'ntlm',
          mailbox: 3,
          schema: schemaOf[version] ?? null,
          only: null,
        },
      ];
      for (const run of runs) {
        context.signal.throwIfAborted();
        await smoke(context, organization, run);
      }
    }
  },
};
