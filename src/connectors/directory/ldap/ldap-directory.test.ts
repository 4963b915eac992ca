import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { DistinguishedName } from '#model/directory/directory-object.ts';
import { thrown } from '#test/suites/connector-suite.ts';
import { directorySuite } from '#test/suites/directory-suite.ts';
import { type LdapDirectoryOptions, ldapDirectory } from './ldap-directory.ts';

/** State directory of `scripts/samba-forests.sh`, with both forests running. */
const state = process.env['CAUSEWAY_TEST_SAMBA'];
const context = () => ({ signal: new AbortController().signal, deadlineMs: performance.now() + 30_000 });

describe('an LDAP directory', () => {
  const options: LdapDirectoryOptions = {
    urls: ['ldaps://dc1.example'],
    startTls: false,
    tls: { ca: [], min: '1.2' },
    user: 'someone',
    password: 'secret',
  };
  test.each([
    ['plain LDAP', { urls: ['ldap://dc1.example'] }, 'is not protected'],
    ['plain LDAP among others', { urls: ['ldaps://dc1.example', 'ldap://dc2.example'] }, 'is not protected'],
    ['another scheme', { urls: ['https://dc1.example'] }, 'is not ldaps://'],
    ['a path', { urls: ['ldaps://dc1.example/DC=x'] }, 'is not ldaps://'],
    ['a port out of range', { urls: ['ldaps://dc1.example:70000'] }, 'is not ldaps://'],
    ['no address', { urls: [] }, 'no address'],
    ['an empty password', { password: '' }, 'not empty'],
    ['an empty user', { user: ' ' }, 'not empty'],
  ])('refuses %s', (_, wrong, words) => {
    expect(() => ldapDirectory({ ...options, ...wrong })).toThrow(words);
  });

  test.each([
    ['what is no LDAP', 'HTTP/1.1 400 Bad Request\r\n\r\n', { kind: 'fatal', code: 'protocol' }],
    [
      'an answer with something slipped in behind it',
      Buffer.from('300c02010178070a010004000400300c02010278070a010004000400', 'hex'),
      { kind: 'fatal', code: 'protocol' },
    ],
    ['a refusal', Buffer.from('300c02010178070a013404000400', 'hex'), { kind: 'fatal', code: 'tls' }],
  ])('StartTLS: %s', async (_, answer, fault) => {
    const server = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.write(answer)));
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const directory = ldapDirectory({ ...options, urls: [`ldap://127.0.0.1:${port}`], startTls: true });
    try {
      expect(await thrown(directory.describe(context()))).toMatchObject(fault);
    } finally {
      await directory.close();
      server.close();
    }
  });
});

if (state === undefined) {
  const reason = 'CAUSEWAY_TEST_SAMBA names no forests; `npm run test:peers -- directory` starts them and runs this';
  describe('LDAP directory on Samba', () => {
    test.skipIf(true)(reason, () => {});
    console.log(`LDAP directory on Samba: skipped, ${reason}`);
  });
} else {
  const ca = readFileSync(`${state}/tls/ca.pem`, 'utf8');
  const onSource = (set: Partial<LdapDirectoryOptions> = {}) =>
    ldapDirectory({
      urls: ['ldaps://127.0.0.11'],
      startTls: false,
      tls: { ca: [ca], min: '1.2' },
      user: 'sync@source.test',
      password: 'Password.of.sync.source',
      ...set,
    });

  directorySuite({
    name: 'LDAP directory on Samba',
    async open() {
      return {
        into: 'OU=People,DC=source,DC=test' as DistinguishedName,
        closed: 'OU=Closed,DC=source,DC=test' as DistinguishedName,
        valuesAtOnce: 1500,
        open: () => onSource(),
        restricted: () => onSource({ user: 'SOURCE\\guest-sync', password: 'Password.of.guest-sync.source' }),
        wrongPassword: (password) => onSource({ password }),
        unreachable: () => onSource({ urls: ['ldaps://127.0.0.11:9'] }),
        close: async () => {},
      };
    },
    deviations: [],
  });

  describe('LDAP directory on Samba: connections', () => {
    test.each([
      ['LDAPS, name@domain', {}],
      ['StartTLS, DN', { urls: ['ldap://127.0.0.11'], startTls: true, user: 'CN=sync,OU=Accounts,DC=source,DC=test' }],
      ['DOMAIN\\name', { user: 'SOURCE\\sync' }],
      ['the second of two controllers', { urls: ['ldaps://127.0.0.11:9', 'ldaps://127.0.0.11'] }],
    ])('signs in by %s', async (_, set) => {
      const directory = onSource(set);
      expect((await directory.describe(context())).controller).toBe('dc1.source.test');
      await directory.close();
    });

    test.each([
      ['a certificate of an unknown authority', { tls: { ca: [], min: '1.2' as const } }],
      [
        'the same behind StartTLS',
        { tls: { ca: [], min: '1.2' as const }, urls: ['ldap://127.0.0.11'], startTls: true },
      ],
    ])('refuses %s', async (_, set) => {
      const directory = onSource(set);
      expect(await thrown(directory.describe(context()))).toMatchObject({ kind: 'fatal', code: 'tls' });
      await directory.close();
    });

    test('refuses a certificate for another name, whoever signed it', async () => {
      const relay = createServer((socket) => {
        const onward = connect(636, '127.0.0.11');
        for (const each of [socket, onward]) each.on('error', () => {});
        socket.pipe(onward).pipe(socket);
      });
      await new Promise<void>((ready) => relay.listen(0, '127.0.0.1', ready));
      const address = relay.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const directory = onSource({ urls: [`ldaps://127.0.0.1:${port}`] });
      expect(await thrown(directory.describe(context()))).toMatchObject({ kind: 'fatal', code: 'tls' });
      await directory.close();
      relay.close();
    });

    test('goes on after the connection was cut, and says of a write that it may have happened', async () => {
      const sockets = new Set<Socket>();
      const relay = createServer((socket) => {
        const onward = connect(636, '127.0.0.11');
        for (const each of [socket, onward]) {
          sockets.add(each);
          each.on('error', () => {});
        }
        socket.pipe(onward).pipe(socket);
      });
      await new Promise<void>((ready) => relay.listen(6361, '127.0.0.11', ready));
      const cut = () => {
        for (const socket of sockets) socket.destroy();
        sockets.clear();
      };
      const directory = onSource({ urls: ['ldaps://127.0.0.11:6361'] });
      const dn = 'OU=People,DC=source,DC=test' as DistinguishedName;
      expect((await directory.resolve([dn], context())).size).toBe(1);
      cut();
      expect((await directory.resolve([dn], context())).size).toBe(1);
      const add = {
        kind: 'add',
        object: 'contact',
        dn: `CN=cut-${Date.now()},${dn}` as DistinguishedName,
        attributes: {},
      } as const;
      const before = directory.counts.writes;
      const writing = thrown(directory.write([add], context()));
      while (directory.counts.writes === before) await new Promise((next) => setImmediate(next));
      cut();
      expect(await writing).toMatchObject({ kind: 'transient', mayHaveHappened: true });
      await directory.close();
      relay.close();
    });
  });
}
