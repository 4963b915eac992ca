import { chownSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Account, finish, freePorts, listening, start } from './programs.ts';
import type { PeerContext, PeerSuite } from './suite.ts';
import { recordTests } from './vitest-report.ts';

const installed = '/usr/lib/postgresql';

/** PostgreSQL refuses to run as root, so it gets the account that its package made; anybody else runs it as himself. */
async function postgresAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await finish('id', [flag, 'postgres'])).stdout)),
  );
  if (!uid || !gid) throw new Error('the account "postgres" of the Debian package is missing');
  return { uid, gid };
}

/** A server of its own in the suite's state, over TCP only. @returns its URL */
async function startPostgres(context: PeerContext): Promise<string> {
  const version = readdirSync(installed).sort((a, b) => Number(b) - Number(a))[0];
  const bin = (name: string) => join(installed, version ?? '', 'bin', name);
  const account = await postgresAccount();
  const as = account ? { account } : {};
  const home = join(context.state, 'postgres');
  const [data, passwordFile, password] = [join(home, 'data'), join(home, 'password'), 'causeway'];
  mkdirSync(home);
  writeFileSync(passwordFile, password);
  if (account) for (const path of [home, passwordFile]) chownSync(path, account.uid, account.gid);

  const made = await finish(
    bin('initdb'),
    ['-D', data, '-U', 'causeway', `--pwfile=${passwordFile}`, '-A', 'scram-sha-256', '-E', 'UTF8', '--locale=C.UTF-8'],
    as,
  );
  rmSync(passwordFile);
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const [port = 0] = await freePorts(1);
  const settings = { listen_addresses: '127.0.0.1', port, unix_socket_directories: '', fsync: 'off' };
  const server = context.started(
    start(
      bin('postgres'),
      ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      {
        ...as,
        logFile: join(context.state, 'postgres.log'),
        stopSignal: 'SIGINT', // "fast": ends sessions instead of waiting for them
      },
    ),
  );
  await server.line((line) => line.includes('database system is ready to accept connections'), 60_000);
  await listening(port, server, 10_000);
  return `postgres://causeway:${password}@127.0.0.1:${port}/postgres`;
}

/** Bytes that the server has written to its log: databases that tests drop take their own statistics with them. */
async function written(url: string): Promise<number> {
  const query = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')";
  const { stdout, stderr, status } = await finish('psql', [url, '-Atqc', query]);
  if (status !== 0) throw new Error(stderr.trim());
  return Number(stdout.trim());
}

export const postgres: PeerSuite = {
  name: 'postgres',
  packages: ['postgresql', 'postgresql-client'],
  async run(context) {
    const url = await startPostgres(context);
    const before = await written(url);
    const report = join(context.state, 'vitest.json');
    const { stdout, stderr, status } = await finish(
      process.execPath,
      [
        ...[join(context.root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', context.root],
        ...['--reporter=json', `--outputFile=${report}`, 'src/store', 'test/suites'],
      ],
      { timeoutMs: 600_000, env: { ...process.env, CAUSEWAY_TEST_POSTGRES: url } },
    );
    if (existsSync(report)) recordTests(context, report);
    await context.check('the store tests ran to their end', () => {
      if (status !== 0)
        throw new Error(`vitest ended with status ${status}: ${`${stdout}${stderr}`.trim().slice(-500)}`);
    });
    await context.check('they worked on this server and not only on SQLite', async () => {
      const bytes = (await written(url)) - before;
      // Making the databases alone writes a few megabytes by copying files, which is not logged in full.
      if (!(bytes > 1_000_000)) throw new Error(`the server wrote ${bytes} bytes`);
    });
  },
};
