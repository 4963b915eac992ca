import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { serialize } from 'node:v8';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { type Clock, systemClock } from '#kit/clock.ts';
import type { LinkId } from '#model/ids.ts';
import { bundleForTest, type TestProgram } from '#test/suites/bundle-for-test.ts';
import { BATCH } from '#test/suites/store-crash-batches.ts';
import { link, pair, pairId } from '#test/suites/store-rows.ts';
import { storeSuite } from '#test/suites/store-suite.ts';
import { type OpenStore, openStore } from '../open-store.ts';
import { LibsqlConnection } from '../sqlite/libsql-connection.ts';
import type { Store } from '../store.ts';
import { StoreListener } from './store-listener.ts';

const log = { info() {}, warn() {} };
let folder: string;
let path: string;
const open = (options: { readonly version?: string; readonly clock?: Clock } = {}) =>
  openStore(`sqlite:${path}`, { clock: systemClock, log, ...options });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'causeway-beside-'));
  path = join(folder, 'store.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const suiteFolder = mkdtempSync(join(tmpdir(), 'causeway-beside-suite-'));
storeSuite({
  name: 'store through the process that owns it',
  async open(clock) {
    const url = `sqlite:${join(suiteFolder, 'store.db')}`;
    const owner = await openStore(url, { clock, log });
    const beside = await openStore(url, { clock, log });
    return {
      ...beside,
      async close() {
        await beside.close();
        await owner.close();
      },
    };
  },
  remove: async () => rmSync(suiteFolder, { recursive: true, force: true }),
  propertyRuns: 5,
});

/** What the lock says about the owner. */
function doorOf(lock = `${path}.lock`): { readonly pid: number; readonly address: string; readonly key: string } {
  const connection = new LibsqlConnection(lock, { busyTimeoutMs: 1000 });
  try {
    const [row] = connection.run<{ pid: number; address: string; key: string }>('select * from owner').rows;
    return must(row, 'an owner');
  } finally {
    connection.close();
  }
}
const socketFolders = (where = folder) => readdirSync(where).filter((name) => name.includes('.socket-'));

async function linksIn(store: Store): Promise<number> {
  let count = 0;
  for (let after: LinkId | null = null; ; ) {
    const page = await store.links(pairId(1), {}, after, 1000);
    count += page.length;
    after = page.at(-1)?.id ?? null;
    if (page.length < 1000) return count;
  }
}

describe('a store that two write to', () => {
  test('both see what either wrote, and wake each other', async () => {
    const owner = await open();
    const beside = await open();
    await owner.putPairs([pair(1)]);
    await beside.commit(pairId(1), null, { links: [link(1)] });
    expect(await owner.links(pairId(1), {}, null, 9)).toEqual([link(1)]);
    await owner.claim('o', 'mail:', 1, 0, 1);
    const woken = owner.waitForWork(60_000, new AbortController().signal, 'mail:');
    await beside.ensureWork([{ key: 'mail:x', priority: 1, nextAtMs: 0 }]);
    await woken;
    await beside.claim('b', 'calendar:', 1, 0, 1);
    const other = beside.waitForWork(60_000, new AbortController().signal, 'calendar:');
    await owner.ensureWork([{ key: 'calendar:x', priority: 1, nextAtMs: 0 }]);
    await other;
    await beside.close();
    await owner.close();
    expect(socketFolders()).toEqual([]);
  });

  test('when the owner ends in order, whoever is left goes on where it was, with every call once', async () => {
    const owner = await open();
    const stores = [await open(), await open(), await open()];
    await owner.putPairs([pair(1)]);
    let next = 0;
    const writing = stores.map(async (store) => {
      while (next < 600) await store.commit(pairId(1), null, { links: [link(next++)], bytesCopied: 1 });
    });
    const ending = (async () => {
      while (next < 100) await systemClock.sleep(1);
      await owner.close();
      while (next < 300) await systemClock.sleep(1);
    })();
    await Promise.all([...writing, ending]);
    const [first, ...others] = stores;
    expect((await first?.pair(pairId(1)))?.counts).toMatchObject({ links: next, bytesCopied: next });
    for (const store of others) await store.close();
    await first?.close();
    expect(socketFolders()).toEqual([]);
  });

  test('an owner that ends answers or leaves alone, and sleepers go on', async () => {
    const owner = await open();
    await owner.putPairs([pair(1)]);
    const beside = await open();
    const calls = Array.from({ length: 500 }, (_, n) =>
      beside.commit(pairId(1), null, { links: [link(n)], bytesCopied: 1 }),
    );
    const closed = owner.close();
    await Promise.all(calls);
    await closed;
    expect((await beside.pair(pairId(1)))?.counts).toMatchObject({ links: 500, bytesCopied: 500 });
    expect(doorOf().pid).toBe(process.pid);
    await beside.close();
    await expect(beside.pairs()).rejects.toMatchObject({ code: 'closed' });
  });

  test('many that come at once agree on one owner', async () => {
    const stores = await Promise.all(Array.from({ length: 8 }, () => open()));
    expect(socketFolders()).toHaveLength(1);
    await stores[0]?.putPairs([pair(1)]);
    await Promise.all(stores.map((store, n) => store.commit(pairId(1), null, { links: [link(n)] })));
    for (const store of stores.slice(0, 7)) await store.close();
    expect(await linksIn(must(stores[7], 'the last'))).toBe(8);
    await stores[7]?.close();
    expect(socketFolders()).toEqual([]);
  });

  test('a program of another version is refused by name', async () => {
    const owner = await open({ version: '1.0.0' });
    await expect(open({ version: '1.1.0' })).rejects.toMatchObject({
      code: 'in-use',
      message: expect.stringMatching(/process \d+ on .* it is causeway 1\.0\.0 and this is 1\.1\.0/),
    });
    await (await open({ version: '1.0.0' })).close();
    await owner.close();
  });

  test('a store whose path is too long for a socket is reached all the same', async () => {
    const deep = join(folder, 'a'.repeat(60), 'b'.repeat(60));
    mkdirSync(deep, { recursive: true });
    path = join(deep, 'store.db');
    const owner = await open();
    const { address } = doorOf();
    expect(Buffer.byteLength(address)).toBeLessThanOrEqual(103);
    expect(socketFolders(deep)).toEqual([]);
    if (process.platform !== 'win32') expect(statSync(dirname(address)).mode & 0o777).toBe(0o700);
    const beside = await open();
    await beside.putPairs([pair(1)]);
    await beside.close();
    await owner.close();
    expect(existsSync(dirname(address))).toBe(false);
  });

  test.skipIf(process.platform === 'win32')('only the account that owns it comes to the socket', async () => {
    const owner = await open();
    const { address } = doorOf();
    expect(statSync(dirname(address)).mode & 0o777).toBe(0o700);
    if (process.getuid?.() === 0) {
      const script = `require('node:net').connect(${JSON.stringify(address)}).on('error', (e) => { console.log(e.code); })`;
      const { stdout } = spawnSync(process.execPath, ['-e', script], {
        uid: 65534,
        gid: 65534,
        cwd: '/',
        encoding: 'utf8',
      });
      expect(stdout.trim()).toBe('EACCES');
    }
    await owner.close();
  });
});

describe('who comes to the socket and is no command of ours', () => {
  const framed = (frame: Buffer): Buffer => {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(frame.length);
    return Buffer.concat([head, frame]);
  };
  const hello = (key: string) => framed(Buffer.from(JSON.stringify({ causeway: 'store', version: '', key })));

  /** Sends it and waits until the other end closes. @returns what was answered. */
  async function send(address: string, ...parts: readonly Buffer[]): Promise<Buffer> {
    const socket = connect(address);
    const said: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => said.push(chunk));
    socket.on('error', () => {});
    const closed = once(socket, 'close');
    for (const part of parts) {
      socket.write(part);
      if (part !== parts.at(-1)) await Promise.race([once(socket, 'data'), closed]);
    }
    await closed;
    return Buffer.concat(said);
  }

  test('is shown out, and the owner goes on', async () => {
    const owner = await open();
    await owner.putPairs([pair(1)]);
    const { address, key } = doorOf();
    const noise = Buffer.from(Array.from({ length: 5000 }, (_, n) => (n * 7919) % 251));
    expect(await send(address, noise)).toHaveLength(0);
    expect(await send(address, Buffer.from('ffffffff', 'hex'))).toHaveLength(0);
    expect(await send(address, framed(Buffer.from('GET / HTTP/1.1\r\n\r\n')))).toHaveLength(0);
    expect(await send(address, hello('0'.repeat(64)))).toHaveLength(0);
    expect(await send(address, hello(key.slice(1)))).toHaveLength(0);
    // Behind a right greeting, too: no frame that says it is too large, none that is no message.
    for (const bad of [Buffer.from('ffffffff00', 'hex'), framed(noise), framed(Buffer.alloc(0))])
      expect((await send(address, hello(key), bad)).toString()).toContain(`"pid":${process.pid}`);
    // Half of something, and gone.
    for (const half of [
      Buffer.from('10', 'hex'),
      hello(key).subarray(0, 9),
      Buffer.concat([hello(key), Buffer.from('00ff0000ff', 'hex')]),
    ]) {
      const socket = connect(address);
      await once(socket, 'connect');
      socket.end(half);
      await once(socket.resume(), 'close');
    }
    // Messages that are none, and a method that is none.
    const stranger = connect(address);
    await once(stranger, 'connect');
    for (const message of [
      null,
      7,
      { to: 'store' },
      { to: 'store', call: 1, method: 'close', args: [] },
      { to: 'store', call: 2, method: 'pair', args: 'x' },
    ])
      stranger.write(
        Buffer.concat([hello(key), framed(serialize(message))]).subarray(message === null ? 0 : hello(key).length),
      );
    const beside = await open();
    await beside.commit(pairId(1), null, { links: [link(1)] });
    expect(await linksIn(owner)).toBe(1);
    stranger.destroy();
    await beside.close();
    await owner.close();
  });

  test('who reads no answers is asked for no more', async () => {
    let begun = 0;
    const big = 'x'.repeat(100_000);
    const store = {
      onWake: () => () => {},
      pair: async () => {
        begun++;
        return big;
      },
    } as unknown as OpenStore;
    const listener = new StoreListener({ path, version: '', log });
    const { address, key } = must(await listener.open(null), 'a door');
    listener.serve(store);
    const socket = connect(address);
    socket.pause();
    socket.write(hello(key));
    const call = (n: number) => framed(serialize({ to: 'store', call: n, method: 'pair', args: [n] }));
    const calls = Buffer.concat(Array.from({ length: 5000 }, (_, n) => call(n)));
    socket.write(calls);
    await systemClock.sleep(500);
    const beforeReading = begun;
    expect(beforeReading).toBeGreaterThan(0);
    expect(beforeReading).toBeLessThan(4000);
    socket.resume();
    while (begun < 5000) await systemClock.sleep(10);
    socket.destroy();
    await listener.close(async () => {});
  });

  test('a command that waits for an owner that is none is told what to do', async () => {
    const hasty: Clock = {
      ...systemClock,
      nowMs: () => systemClock.nowMs(),
      monotonicMs: () => systemClock.monotonicMs() * 20,
      sleep: (ms, signal) => systemClock.sleep(ms, signal),
    };
    const strange = createServer(
      (socket: Socket) =>
        void socket
          .on('error', () => {})
          .resume()
          .end('220 mail.example\r\n'),
    );
    const address = join(folder, 'strange');
    const holder = new LibsqlConnection(`${path}.lock`, { busyTimeoutMs: 0 });
    const claim = (where: string) => {
      holder.run('drop table if exists owner');
      holder.run('create table owner (pid integer, host text, since_ms integer, address text, key text)');
      holder.run('insert into owner values (4711, ?, 0, ?, ?)', [
        spawnSync('hostname').stdout.toString().trim(),
        where,
        'k',
      ]);
      holder.run('begin immediate');
    };
    writeFileSync(address, 'a file');
    claim(address);
    await expect(open({ clock: hasty })).rejects.toMatchObject({
      code: 'in-use',
      message: expect.stringMatching(/process 4711 .* cannot be reached from here/),
    });
    holder.run('rollback');
    rmSync(address);
    strange.listen(address);
    await once(strange, 'listening');
    claim(address);
    await expect(open({ clock: hasty })).rejects.toMatchObject({ code: 'in-use' });
    holder.run('rollback');
    holder.close();
    strange.close();
    await once(strange, 'close');
    writeFileSync(address, 'a file');
    // Once the lock is free, what stood there does not matter, and a file that is not ours stays.
    await (await open()).close();
    expect(existsSync(address)).toBe(true);
  });
});

describe('killed', () => {
  let writer: TestProgram;
  beforeAll(async () => {
    writer = await bundleForTest('test/programs/store-crash-writer.ts');
  });
  afterAll(() => writer.remove());

  /** A process that commits batches as fast as it can. */
  async function begin(first: number): Promise<ChildProcess> {
    const child = spawn(process.execPath, [writer.path, path, String(first)], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(must(child.stdout, 'a pipe'), 'data');
    child.stdout?.resume();
    return child;
  }
  async function kill(child: ChildProcess): Promise<void> {
    // One whose owner was killed may have ended with the error that says so.
    if (child.exitCode !== null) return;
    const ended = once(child, 'close');
    child.kill('SIGKILL');
    await ended;
  }

  test('the owner: calls on their way say so, later ones go on, and nothing is there in part', async () => {
    const owner = await begin(0);
    const beside = await open();
    expect(doorOf().pid).toBe(owner.pid);
    const { address } = doorOf();
    let answered = 0;
    let cut = 0;
    const calls = Array.from({ length: 400 }, (_, n) =>
      beside
        .commit(pairId(1), null, { links: [link(10_000_000 + 2 * n), link(10_000_001 + 2 * n)] })
        .then(() => answered++)
        .catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'closed', message: expect.stringContaining('run the command again') });
          cut++;
        }),
    );
    while (answered < 20) await systemClock.sleep(1);
    await kill(owner);
    await Promise.all(calls);
    expect(answered + cut).toBe(400);
    expect(cut).toBeLessThanOrEqual(64);
    // What the killed one left is gone, and this process is the owner.
    expect(existsSync(dirname(address))).toBe(false);
    expect(socketFolders()).toHaveLength(1);
    expect(doorOf().pid).toBe(process.pid);
    const own = (await beside.links(pairId(1), {}, (9_999_999).toString(16).padStart(32, '0') as LinkId, 1000)).length;
    expect(own % 2).toBe(0);
    expect(own / 2).toBeGreaterThanOrEqual(answered);
    expect((await linksIn(beside)) - own).toBe(Math.floor(((await linksIn(beside)) - own) / BATCH) * BATCH);
    await beside.close();
    expect(socketFolders()).toEqual([]);
  });

  test('a command: the owner goes on, and what it committed is whole', async () => {
    const owner = await open();
    await owner.putPairs([pair(1)]);
    for (let round = 0; round < 3; round++) {
      const command = await begin(round * 100_000);
      await systemClock.sleep(100);
      await kill(command);
      const before = await linksIn(owner);
      expect(before % BATCH).toBe(0);
      expect(before).toBeGreaterThan(0);
    }
    await owner.close();
  });

  test.skipIf(process.platform === 'win32')(
    'an owner that was stopped, as by Ctrl-Z, does not answer, and that is said',
    async () => {
      const owner = await begin(0);
      owner.kill('SIGSTOP');
      await expect(open()).rejects.toMatchObject({
        code: 'in-use',
        message: expect.stringMatching(new RegExp(`process ${owner.pid} .* does not answer`)),
      });
      owner.kill('SIGCONT');
      await (await open()).close();
      await kill(owner);
    },
  );

  test('three processes that begin at once share it', async () => {
    const children = await Promise.all([begin(0), begin(1_000_000), begin(2_000_000)]);
    expect(socketFolders()).toHaveLength(1);
    for (const child of children) await kill(child);
    const store = await open();
    expect((await linksIn(store)) % BATCH).toBe(0);
    await store.close();
    expect(socketFolders()).toEqual([]);
  });
});
