import { fork } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { systemClock } from '#kit/clock.ts';
import type { PairId, Version } from '#model/ids.ts';
import type { LinkRow } from '#model/link.ts';
import { itemId, link, pair, pairId } from '#test/suites/store-rows.ts';
import { begin } from '../migrations/0001-begin.ts';
import { migrate } from '../migrations/migrate.ts';
import { openStore } from '../open-store.ts';
import { spendBudget } from '../queries/spend-budget.ts';
import { sqlStore } from '../sql-store.ts';
import { WakeBell } from '../wake-bell.ts';
import { LibsqlConnection } from './libsql-connection.ts';
import { libsqlDialect } from './libsql-dialect.ts';
import { LookerCounts } from './looker-counts.ts';
import { openSqlite } from './open-sqlite.ts';

const log = { info() {}, warn() {} };
let folder: string;
let path: string;
const open = (options: { readonly readOnly?: boolean } = {}) =>
  openStore(`sqlite:${path}`, { clock: systemClock, log, ...options });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'causeway-open-'));
  path = join(folder, 'store.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('opening a SQLite store', () => {
  test('what was written is there again, and close leaves one file that holds everything', async () => {
    const store = await open();
    await store.putPairs([pair(1)]);
    await store.commit(pairId(1), null, { links: [link(1)] });
    await store.close();
    await store.close();
    expect(existsSync(`${path}-wal`)).toBe(false);
    const again = await open();
    expect(await again.links(pairId(1), {}, null, 9)).toEqual([link(1)]);
    await again.close();
    await expect(again.putPairs([pair(2)])).rejects.toMatchObject({ code: 'closed' });
  });

  test('a second writer of the file is refused and told who the first is', async () => {
    const openFile = () => openSqlite(path, { clock: systemClock, bell: new WakeBell(systemClock) });
    const first = await openFile();
    await expect(openFile()).rejects.toMatchObject({
      code: 'in-use',
      message: expect.stringContaining(`process ${process.pid}`),
    });
    await first.close();
    await (await open()).close();
  });

  test('the lock ends with its process, however that ends', async () => {
    const script = join(folder, 'holder.mjs');
    const libsql = import.meta.resolve('libsql');
    writeFileSync(
      script,
      `import Database from ${JSON.stringify(libsql)};
       const db = new Database(process.argv[2]);
       db.exec('create table owner (pid integer not null, host text not null, since_ms integer not null) strict');
       db.exec("insert into owner values (4711, 'elsewhere', 0)");
       db.exec('begin immediate');
       process.send('held');
       setInterval(() => {}, 1000);`,
    );
    const holder = fork(script, [`${path}.lock`]);
    await new Promise((resolve) => holder.once('message', resolve));
    await expect(open()).rejects.toMatchObject({
      code: 'in-use',
      message: expect.stringContaining('process 4711 on elsewhere'),
    });
    const ended = new Promise((resolve) => holder.once('close', resolve));
    holder.kill('SIGKILL');
    await ended;
    await (await open()).close();
  });

  test('another process may look while the owner works, and may not write', async () => {
    const owner = await open();
    await owner.putPairs([pair(1)]);
    const viewer = await open({ readOnly: true });
    expect(await viewer.pairs()).toHaveLength(1);
    await owner.putPairs([pair(2)]);
    expect(await viewer.pairs()).toHaveLength(2);
    await expect(viewer.putPairs([pair(3)])).rejects.toMatchObject({ code: 'read-only' });
    await viewer.close();
    await owner.close();
  });

  test('what a process that only looks uses of a budget, the owner sees, and the other way round', async () => {
    const owner = await open();
    const viewer = await open({ readOnly: true });
    const one = { inFlightMax: 1, requestsPerMinute: null, bytesPerMinute: null };
    const spend = (store: typeof owner, holder: string) =>
      store.spend('mailbox a', one, holder, { requests: 0, bytes: 0 }, 1_000, 60_000);
    expect(await spend(viewer, 'viewer')).toMatchObject({ waitMs: 0 });
    expect(await spend(owner, 'owner')).toMatchObject({ limitedBy: 'in-flight' });
    await viewer.release('mailbox a', 'viewer');
    expect(await spend(owner, 'owner')).toMatchObject({ waitMs: 0 });
    expect(await spend(viewer, 'viewer')).toMatchObject({ limitedBy: 'in-flight' });
    await owner.backOff('mailbox b', 5_000, 'HTTP 429');
    const grant = await viewer.spend('mailbox b', one, 'viewer', { requests: 0, bytes: 0 }, 1_000, 60_000);
    expect(grant).toEqual({ waitMs: 4_000, limitedBy: 'HTTP 429' });
    await viewer.close();
    await owner.close();
  });

  test('where an account may not write it counts for itself', async () => {
    // As root every file can be written, but not one in a folder that is not there.
    const counts = new LookerCounts(join(folder, 'missing', 'store.db'));
    const spend = (holder: string) =>
      counts.write((sql) =>
        spendBudget(
          sql,
          'sqlite',
          'mailbox a',
          { inFlightMax: 1, requestsPerMinute: null, bytesPerMinute: null },
          holder,
          { requests: 0, bytes: 0 },
          1_000,
          60_000,
        ),
      );
    expect(await spend('one')).toMatchObject({ waitMs: 0 });
    expect(await spend('other')).toMatchObject({ limitedBy: 'in-flight' });
    await counts.close();
  });

  test('looking at a store that is not there makes none', async () => {
    await expect(open({ readOnly: true })).rejects.toMatchObject({ code: 'cannot-open' });
    expect(existsSync(path)).toBe(false);
  });

  test('a full disk is named, nothing of the commit stays, and later commits go on', async () => {
    const bell = new WakeBell(systemClock);
    const db = await openSqlite(path, { clock: systemClock, bell, pagesMax: 150 });
    const store = sqlStore(db, { clock: systemClock, bell });
    await store.putPairs([pair(1)]);
    const many = Array.from({ length: 3000 }, (_, n) => link(n));
    await expect(store.commit(pairId(1), null, { links: many })).rejects.toMatchObject({
      code: 'disk-full',
      message: expect.stringContaining('free some space'),
    });
    expect(await store.links(pairId(1), {}, null, 9)).toEqual([]);
    await store.commit(pairId(1), null, { links: [link(1)] });
    expect(await store.links(pairId(1), {}, null, 9)).toEqual([link(1)]);
    await store.close();
  });

  test('a folder, a missing folder and a file of another kind are named', async () => {
    mkdirSync(path);
    await expect(open()).rejects.toMatchObject({ code: 'cannot-open' });
    path = join(folder, 'missing', 'store.db');
    await expect(open()).rejects.toMatchObject({
      code: 'cannot-open',
      message: expect.stringContaining('folder must exist'),
    });
    path = join(folder, 'letter.txt');
    writeFileSync(path, 'Dear store, '.repeat(1000));
    await expect(open()).rejects.toMatchObject({ code: 'not-a-store' });
  });

  test('URLs that name no store', async () => {
    const openUrl = (url: string) => openStore(url, { clock: systemClock, log });
    await expect(openUrl('sqlite:')).rejects.toMatchObject({ code: 'bad-url' });
    await expect(openUrl('mysql://user:secret@host/db')).rejects.toMatchObject({
      code: 'bad-url',
      message: expect.not.stringContaining('secret'),
    });
    await expect(openUrl('postgres://user:secret@host:port/db')).rejects.toMatchObject({
      code: 'bad-url',
      message: expect.not.stringContaining('secret'),
    });
    await expect(openUrl('postgres://user:secret@127.0.0.1:1/db?sslmode=no-verify')).rejects.toMatchObject({
      code: 'bad-url',
    });
    await expect(openUrl('postgres://user:secret@127.0.0.1:1/db')).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.not.stringContaining('secret'),
    });
  });
});

describe('migrations', () => {
  /** Leaves a step behind as a newer version would. */
  async function stepOf(kind: string): Promise<void> {
    await (await open()).close();
    const connection = new LibsqlConnection(path, { busyTimeoutMs: 0 });
    connection.run('insert into store_step values (?, ?, ?)', [`9999-${kind}`, kind, '9.9.0']);
    connection.close();
  }

  test('a store that a newer version broke with is refused by name of that version', async () => {
    await stepOf('breaking');
    await expect(open()).rejects.toMatchObject({ code: 'too-new', message: expect.stringContaining('9.9.0') });
  });

  test('newer compatible steps do not matter', async () => {
    await stepOf('compatible');
    const store = await open();
    await store.putPairs([pair(1)]);
    await store.close();
  });

  test('pairs and journal of a store from before typed items are about mail', async () => {
    const connection = new LibsqlConnection(path, { busyTimeoutMs: 0 });
    await migrate(new Kysely({ dialect: libsqlDialect(connection) }), 'sqlite', [begin]);
    const values = (row: readonly unknown[]) => `values (${row.map(() => '?').join(', ')})`;
    const old = [1, 'a → b', 'staff', 'old', 'a', null, 'new', 'b', null, 'in-step', null, 3, null, 0, 0, 0, 0, 1, 0];
    connection.run(`insert into pair ${values(old)}`, old);
    const entry = [7, 1, 5, 'x', 'isRead', '{"base":1,"left":2,"right":3}', 'left', 'why'];
    connection.run(`insert into journal ${values(entry)}`, entry);
    connection.close();
    await expect(open({ readOnly: true })).rejects.toMatchObject({ code: 'cannot-open' });
    const store = await open();
    expect(await store.pair('a → b' as PairId)).toMatchObject({ kind: 'mail', pass: 3, counts: { conflicts: 1 } });
    expect(await store.journal({}, 9)).toMatchObject([{ no: 7, day: null, restoredAtMs: null, left: 2 }]);
    await store.close();
    const looking = await open({ readOnly: true });
    expect(await looking.pairs()).toHaveLength(1);
    await looking.close();
  });

  test('a step that fails leaves nothing behind', async () => {
    const bell = new WakeBell(systemClock);
    const db = await openSqlite(':memory:', { clock: systemClock, bell });
    await db.read(async (sql) => {
      const failing = {
        name: '9998-failing',
        kind: 'compatible',
        since: '0.2.0',
        async up(trx: typeof sql) {
          await trx.schema.createTable('half').addColumn('a', 'text').execute();
          throw new Error('no power');
        },
      } as const;
      const { migrations } = await import('../migrations/index.ts');
      await expect(migrate(sql, 'sqlite', [...migrations, failing])).rejects.toThrow('no power');
      expect((await sql.introspection.getTables()).map((table) => table.name)).not.toContain('half');
    });
    await db.close();
  });
});

test('who looks counts for himself where the file is not to be had, and holds nobody up for it', async () => {
  const store = await open();
  await store.putPairs([pair(1)]);
  const busy = new LibsqlConnection(path, { busyTimeoutMs: 0 });
  const counts = new LookerCounts(path, 20);
  const limits = { inFlightMax: 1, requestsPerMinute: null, bytesPerMinute: null };
  const spend = (holder: string) =>
    counts.write((sql) =>
      spendBudget(sql, 'sqlite', 'mailbox a', limits, holder, { requests: 1, bytes: 0 }, 1_000, 60_000),
    );
  try {
    busy.run('begin immediate');
    expect((await spend('one')).waitMs).toBe(0);
    busy.run('rollback');
    // The count goes on where it began.
    expect(await spend('two')).toMatchObject({ limitedBy: 'in-flight' });
  } finally {
    await counts.close();
    busy.close();
    await store.close();
  }
});

test('among many links of one commit, a new one takes over the items that one before it gives up; all others keep theirs', async () => {
  const store = await open();
  try {
    await store.putPairs([pair(1)]);
    const before = Array.from({ length: 60 }, (_, n) => link(n));
    await store.commit(pairId(1), null, { links: before });
    const given = must(before[10], 'a link');
    const changed: LinkRow[] = before.map((one) => ({ ...one, rightVersion: 'later' as Version }));
    changed[10] = { ...given, leftId: itemId('other left'), rightId: itemId('other right') };
    changed[11] = link(999, { leftId: given.leftId, rightId: given.rightId });
    await store.commit(pairId(1), null, { links: changed });
    const kept = must(before[11], 'the link that was not written again');
    const expected = [...changed, kept].sort((a, b) => (a.id < b.id ? -1 : 1));
    expect(await store.links(pairId(1), {}, null, 100)).toEqual(expected);
    expect((await store.pair(pairId(1)))?.counts.links).toBe(61);
  } finally {
    await store.close();
  }
});
