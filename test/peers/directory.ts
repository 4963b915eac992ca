import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { directoryBadInput } from './directory-bad-input.ts';
import { directoryControllers } from './directory-controllers.ts';
import { directoryHybrid } from './directory-hybrid.ts';
import { directorySwitch } from './directory-switch.ts';
import { directorySync, fullSize, smallSize } from './directory-sync.ts';
import { finish } from './programs.ts';
import { startForests, startSecondController } from './samba-forests.ts';
import type { PeerContext, PeerSuite } from './suite.ts';
import { recordTests } from './vitest-report.ts';

/** Tests of the directories' own on what runs here; `variable` tells them where it is. */
async function ownTests(
  context: PeerContext,
  what: string,
  path: string,
  variable: string,
  value: string,
): Promise<void> {
  const report = join(context.state, `${variable.toLowerCase()}.json`);
  const { stdout, stderr, status } = await finish(
    process.execPath,
    [
      ...[join(context.root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', context.root],
      ...['--reporter=json', `--outputFile=${report}`, path],
    ],
    { timeoutMs: 900_000, env: { ...process.env, [variable]: value } },
  );
  if (existsSync(report)) recordTests(context, report);
  await context.check(`${what} ran to their end`, () => {
    if (status !== 0) throw new Error(`vitest ended with status ${status}: ${`${stdout}${stderr}`.trim().slice(-500)}`);
  });
}

export const directory: PeerSuite = {
  name: 'directory',
  packages: [
    'samba',
    'samba-ad-dc',
    'samba-ad-provision',
    'samba-dsdb-modules',
    'samba-vfs-modules',
    'python3-samba',
    'ldb-tools',
  ],
  async run(context) {
    const forests = await startForests(context);
    const ldap = 'src/connectors/directory/ldap';
    // The contract of directories, with the bad input that they refuse.
    await ownTests(
      context,
      'the directory tests',
      `${ldap}/ldap-directory.test.ts`,
      'CAUSEWAY_TEST_SAMBA',
      forests.state,
    );
    const isFull = process.env['CAUSEWAY_PEERS_FULL'] === '1';
    await directorySync(context, forests, isFull ? fullSize : smallSize);
    // Places of their own, and most of a switch is waiting.
    const ended = await Promise.allSettled([
      directorySwitch(context, forests, isFull ? { people: 6, kills: 30 } : { people: 3, kills: 0 }),
      (async () => {
        await directoryHybrid(context, forests, isFull ? 1000 : 66);
        await directoryBadInput(context, forests, isFull ? 12 : 2);
      })(),
    ]);
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
    await startSecondController(context, forests);
    await directoryControllers(context, forests);
    await ownTests(
      context,
      'the tests of two controllers',
      `${ldap}/second-controller.test.ts`,
      'CAUSEWAY_TEST_SECOND_CONTROLLER',
      forests.state,
    );
  },
};
