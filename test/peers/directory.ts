import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { directorySync, fullSize, smallSize } from './directory-sync.ts';
import { finish } from './programs.ts';
import { startForests } from './samba-forests.ts';
import type { PeerContext, PeerSuite } from './suite.ts';
import { recordTests } from './vitest-report.ts';

/** The contract of directories on two real forests, with the bad input that they refuse. */
async function contract(context: PeerContext, state: string): Promise<void> {
  const report = join(context.state, 'vitest.json');
  const { stdout, stderr, status } = await finish(
    process.execPath,
    [
      ...[join(context.root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', context.root],
      ...['--reporter=json', `--outputFile=${report}`, 'src/connectors/directory/ldap'],
    ],
    { timeoutMs: 900_000, env: { ...process.env, CAUSEWAY_TEST_SAMBA: state } },
  );
  if (existsSync(report)) recordTests(context, report);
  await context.check('the directory tests ran to their end', () => {
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
    await contract(context, forests.state);
    await directorySync(context, forests, process.env['CAUSEWAY_PEERS_FULL'] === '1' ? fullSize : smallSize);
  },
};
