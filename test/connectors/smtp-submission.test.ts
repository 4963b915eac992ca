import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type SubmissionOptions, submit } from '#connectors/smtp/submission.ts';
import { must } from '#kit/assert.ts';
import { FaultError } from '#kit/fault.ts';
import { createAuthority } from '#lab/edge/certificates.ts';
import { createLab, type Lab, type OrganizationAddresses } from '#lab/lab.ts';
import { listenSmtp } from '#lab/smtp/smtp-server.ts';
import { key } from '#lab/world/property.ts';

let lab: Lab;
let org: OrganizationAddresses;
let ca: string;
beforeEach(async () => {
  lab = createLab({ organizations: [{ name: 'source', version: '2016', mailboxes: 2 }] });
  org = must((await lab.listen()).orgs[0], 'an organization');
  ca = readFileSync(org.ca, 'utf8');
});
afterEach(async () => {
  expect(lab.failures).toEqual([]);
  await lab.close();
});

const ana = () => must(org.mailboxes[0], 'ana');
const ben = () => must(org.mailboxes[1], 'ben');
const mail = () => ({
  to: ben().address,
  subject: 'Probe',
  text: '.a line with a dot\nüber\n',
  messageId: '<1@x.test>',
});
const signal = new AbortController().signal;

function options(tls: 'implicit' | 'starttls', set: Partial<SubmissionOptions> = {}): SubmissionOptions {
  const { hostname: host, port } = new URL(tls === 'implicit' ? org.submission.smtps : org.submission.smtp);
  return {
    host,
    port: Number(port),
    tls,
    policy: { ca: [ca], min: '1.2' },
    from: ana().address,
    signIn: { user: ana().user, password: ana().password },
    ...set,
  };
}

const inbox = () => {
  const { world } = lab.organization('source');
  return [...must(world.mailbox(ben().address), 'a mailbox').folder('inbox').items()];
};

async function faultOf(sent: Promise<void>): Promise<FaultError['fault']> {
  try {
    await sent;
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
  throw new Error('it was sent');
}

describe('submission', () => {
  test.each(['implicit', 'starttls'] as const)('over %s TLS, signed in, arrives as it was written', async (tls) => {
    await submit(options(tls), mail(), signal);
    const [item, ...more] = inbox();
    expect(more).toEqual([]);
    const text = (name: (typeof key)[keyof typeof key]) => item?.content.properties.get(name)?.value;
    expect([text(key.subject), text(key.messageId)]).toEqual(['Probe', '<1@x.test>']);
    const mime = item?.content.mime?.toString('utf8') ?? '';
    expect(mime).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    expect(mime).toMatch(/^X-Auto-Response-Suppress: All\r$/m);
    expect(lab.outbox.map(({ from, to, cause, doing }) => ({ from, to, cause, doing }))).toEqual([
      { from: ana().address, to: [ben().address], cause: 'sent-by-person', doing: 'person' },
    ]);
  });

  test.each([
    'implicit',
    'starttls',
  ] as const)('a certificate that nobody vouches for ends it for good (%s)', async (tls) => {
    const fault = await faultOf(submit(options(tls, { policy: { ca: [], min: '1.2' } }), mail(), signal));
    expect(fault).toMatchObject({ kind: 'fatal', code: 'tls', detail: expect.stringMatching(/certificate/) });
    expect(inbox()).toEqual([]);
  });

  test('a server that offers no STARTTLS gets neither mail nor password', async () => {
    let heard = '';
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.write('220 plain.test\r\n');
      socket.on('data', (data) => {
        heard += data;
        const isQuit = /^quit/im.test(String(data));
        socket.write(
          /^ehlo/i.test(String(data)) ? '250-plain.test\r\n250 AUTH PLAIN\r\n' : isQuit ? '221 bye\r\n' : '502 no\r\n',
        );
      });
    }).listen(0, '127.0.0.1');
    try {
      await new Promise((resolve) => server.once('listening', resolve));
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const fault = await faultOf(submit(options('starttls', { port }), mail(), signal));
      expect(fault).toMatchObject({ kind: 'fatal', code: 'tls' });
      expect(heard).not.toMatch(/AUTH|MAIL FROM/i);
    } finally {
      server.close();
    }
  });

  test.each([
    ['a wrong password', () => ({ signIn: { user: ana().user, password: 'wrong' } }), 'auth', /sign-in was refused/],
    ['no sign-in', () => ({ signIn: null }), 'config', /5\.7\.57/],
    ["somebody else's address", () => ({ from: ben().address }), 'config', /5\.7\.60/],
  ] as const)('%s is refused for good', async (_, set, code, detail) => {
    const fault = await faultOf(submit(options('starttls', set()), mail(), signal));
    expect(fault).toMatchObject({ kind: 'fatal', code, detail: expect.stringMatching(detail) });
    expect(JSON.stringify(fault)).not.toContain(ana().password);
    expect(inbox()).toEqual([]);
  });

  test('a message above SIZE is refused', async () => {
    const authority = await createAuthority(Date.now());
    const listener = await listenSmtp({
      organization: lab.organization('source').world,
      tls: { certificate: await authority.issue(['localhost']), min: 'TLSv1.2', max: 'TLSv1.3' },
      scheme: 'smtps',
      limits: { messageBytes: 20_000 },
      onFailure: lab.reportFailure,
    });
    try {
      const there = options('implicit', { port: listener.port, policy: { ca: [authority.caPem], min: '1.2' } });
      const fault = await faultOf(submit(there, { ...mail(), text: 'x\n'.repeat(20_000) }, signal));
      expect(fault).toMatchObject({ kind: 'fatal', code: 'config', detail: expect.stringMatching(/5\.3\.4/) });
      expect(inbox()).toEqual([]);
    } finally {
      await listener.close();
    }
  });

  /** Does to each connection what it is told. */
  async function against<R>(meet: (socket: Socket) => void, work: (port: number) => Promise<R>): Promise<R> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      meet(socket);
    }).listen(0, '127.0.0.1');
    try {
      await new Promise((resolve) => server.once('listening', resolve));
      const address = server.address();
      return await work(typeof address === 'object' && address !== null ? address.port : 0);
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  }
  /** A server of STARTTLS that says this to the command, and then ends the connection when the handshake begins. */
  const upgrades = (answer: string) => (socket: Socket) => {
    socket.write('220 busy.test\r\n');
    let isUpgrading = false;
    socket.on('data', (data) => {
      if (isUpgrading) return socket.destroy();
      isUpgrading = /^starttls/i.test(String(data));
      socket.write(isUpgrading ? answer : '250-busy.test\r\n250 STARTTLS\r\n');
    });
  };

  test.each([
    ['implicit', (socket: Socket) => socket.once('data', () => socket.destroy())],
    ['starttls', upgrades('220 go on\r\n')],
    ['starttls', upgrades('454 4.7.0 TLS not available now\r\n')],
  ] as const)('a busy gateway that breaks off while TLS is set up is tried again (%s)', async (tls, meet) => {
    const fault = await against(meet, (port) => faultOf(submit(options(tls, { port }), mail(), signal)));
    expect(fault).toMatchObject({ kind: 'transient', mayHaveHappened: false });
  });

  test('a service that speaks no TLS there ends it for good', async () => {
    const meet = (socket: Socket) => socket.write('220 plain.test\r\n');
    const fault = await against(meet, (port) => faultOf(submit(options('implicit', { port }), mail(), signal)));
    expect(fault).toMatchObject({ kind: 'fatal', code: 'tls' });
  });

  test.each(['wrong-host', 'expired'] as const)('a certificate that is %s ends it for good', async (kind) => {
    const authority = await createAuthority(Date.now());
    const listener = await listenSmtp({
      organization: lab.organization('source').world,
      tls: { certificate: await authority.issue(['localhost'], kind), min: 'TLSv1.2', max: 'TLSv1.3' },
      scheme: 'smtps',
      onFailure: lab.reportFailure,
    });
    try {
      const policy = { ca: [authority.caPem], min: '1.2' } as const;
      const fault = await faultOf(submit(options('implicit', { port: listener.port, policy }), mail(), signal));
      expect(fault).toMatchObject({ kind: 'fatal', code: 'tls' });
    } finally {
      await listener.close();
    }
  });

  test.each([
    ['the connection breaks', (client: Socket) => client.destroy(), /./],
    ['TLS breaks', (client: Socket) => client.write(Buffer.from('no record of TLS')), /SSL/],
  ] as const)('%s: before DATA nothing happened, after it it may have', async (_, breakOff, detail) => {
    const authority = await createAuthority(Date.now());
    const { certPem: cert, keyPem: privateKey } = await authority.issue(['localhost']);
    const policy = { ca: [authority.caPem], min: '1.2' } as const;
    for (const [at, mayHaveHappened] of [
      [/^MAIL FROM/im, false],
      [/^\.\r\n/m, true],
    ] as const) {
      const meet = (raw: Socket) => {
        const secure = new TLSSocket(raw, { isServer: true, cert, key: privateKey });
        secure.on('error', () => {});
        secure.write('220 here.test\r\n');
        let isData = false;
        secure.on('data', (data) => {
          const said = String(data);
          if (at.test(said)) return breakOff(raw);
          if (!isData) secure.write(/^data/i.test(said) ? '354 go on\r\n' : '250 here.test\r\n');
          isData ||= /^data/i.test(said);
        });
      };
      const fault = await against(meet, (port) =>
        faultOf(submit(options('implicit', { host: 'localhost', port, policy, signIn: null }), mail(), signal)),
      );
      expect(fault).toMatchObject({ kind: 'transient', mayHaveHappened, detail: expect.stringMatching(detail) });
    }
  });

  test('nobody there: nothing happened, and it may be tried again', async () => {
    const fault = await faultOf(submit(options('implicit', { port: 9 }), mail(), signal));
    expect(fault).toMatchObject({ kind: 'transient', mayHaveHappened: false });
  });
});

/** Says lines and reads answers. */
class Dialogue {
  #text = '';
  isOver = false;
  readonly #socket: Socket;
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (data) => (this.#text += data));
    socket.on('error', () => {});
    socket.on('close', () => (this.isOver = true));
  }
  say(text: string): void {
    this.#socket.write(text);
  }
  /** Everything since the last call, once it ends with a whole answer that matches. */
  async hear(wanted: RegExp): Promise<string> {
    await expect.poll(() => this.#text, { timeout: 20_000 }).toMatch(wanted);
    const text = this.#text;
    this.#text = '';
    return text;
  }
  close(): void {
    this.#socket.destroy();
  }
}
const plain = () => new Dialogue(connect(Number(new URL(org.submission.smtp).port), '127.0.0.1'));
const secure = () =>
  new Dialogue(connectTls({ port: Number(new URL(org.submission.smtps).port), host: '127.0.0.1', ca: [ca] }));

describe('the listener of the lab', () => {
  test('takes no sign-in without TLS, and nothing that was sent before it', async () => {
    const one = plain();
    one.say('EHLO a\r\nAUTH PLAIN AGEAYg==\r\n');
    expect(await one.hear(/530 .*\r\n$/)).toMatch(/250-STARTTLS\r\n/);
    one.say('STARTTLS\r\nMAIL FROM:<a@b>\r\n');
    await one.hear(/421 4\.7\.0 .*\r\n$/);
    await expect.poll(() => one.isOver).toBe(true);
  });

  test('ends connections that send lines without end, or one mistake after the other', async () => {
    const long = secure();
    long.say('X'.repeat(20_000));
    await long.hear(/500 5\.5\.2 Line too long\r\n$/);
    const wrong = secure();
    wrong.say('NONSENSE\r\n'.repeat(30));
    await wrong.hear(/421 4\.7\.0 Too many errors/);
    for (const one of [long, wrong]) await expect.poll(() => one.isOver).toBe(true);
  });

  test('takes a hundred recipients of a message, and no line of a megabyte', async () => {
    const one = secure();
    const login = Buffer.from(`\0${ana().user}\0${ana().password}`).toString('base64');
    one.say(`EHLO a\r\nAUTH PLAIN ${login}\r\nMAIL FROM:<${ana().address}> SIZE=10\r\n`);
    await one.hear(/250 2\.1\.0 .*\r\n$/);
    one.say(Array.from({ length: 101 }, (_, n) => `RCPT TO:<p${n}@partner.test>\r\n`).join(''));
    await one.hear(/452 4\.5\.3 Too many recipients\r\n$/);
    one.say(`DATA\r\n${'x'.repeat(1_000_000)}`);
    await one.hear(/500 5\.5\.2 Line too long\r\n$/);
    expect(lab.outbox).toEqual([]);
  });
});
