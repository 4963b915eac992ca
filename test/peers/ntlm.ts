import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasSmokeProgram, smoke } from './exchangelib.ts';
import { type LabOrganization, startLab } from './lab.ts';
import { type Accepted, signInByNtlm } from './ntlm-client.ts';
import { finish, start } from './programs.ts';
import type { PeerContext, PeerSuite } from './suite.ts';

const account = { name: 'SOURCE\\zoe', password: 'Pässword 1' };

function expect(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

/** Clients that are not ours sign in to the lab. */
async function clientsOnLab(context: PeerContext, organization: LabOrganization): Promise<void> {
  const { version, ews, ewsPlain, ca } = organization;
  const [mailbox] = organization.mailboxes;
  if (!mailbox) throw new Error(`${organization.name} has no mailbox`);

  /** HTTP statuses of a GET of the EWS address, the whole handshake, over one connection. */
  const curl = async (url: string, password: string): Promise<readonly string[]> => {
    const secret = join(context.state, 'curl.conf');
    writeFileSync(secret, `user = ${JSON.stringify(`${mailbox.user}:${password}`)}\n`, { mode: 0o600 });
    const { stdout, stderr, status } = await finish('curl', [
      ...[
        '-sS',
        '-i',
        '--ntlm',
        '--max-time',
        '30',
        '-K',
        secret,
        ...(url.startsWith('https:') ? ['--cacert', ca] : []),
      ],
      url,
    ]);
    expect(status === 0, `curl: ${stderr.trim()}`);
    return [...stdout.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, code = '']) => code);
  };
  for (const [title, url] of [
    ['http', ewsPlain],
    ['https', ews],
  ] as const) {
    await context.check(`${version} curl ${title}`, async () => {
      const statuses = await curl(url, mailbox.password);
      expect(statuses[0] === '401', `the first answer should be the challenge: ${statuses.join(' ')}`);
      expect(statuses.length > 1 && statuses.at(-1) !== '401', `not signed in: ${statuses.join(' ')}`);
    });
    await context.check(`${version} curl ${title} with a wrong password`, async () => {
      const statuses = await curl(url, 'not the password');
      expect(statuses.at(-1) === '401', `signed in with a wrong password: ${statuses.join(' ')}`);
    });
  }
}

/** What an NTLM client has to show to an acceptor. */
interface Client {
  readonly title: string;
  readonly sendsMic: boolean;
  /** @returns what the acceptor saw, or why it refused. */
  signIn(url: URL, password: string, ca: string | null): Promise<Accepted | string>;
}

function ours(context: PeerContext): Client {
  return {
    title: 'our client',
    sendsMic: true,
    signIn: (url, password, ca) => signInByNtlm(url, account.name, password, ca, context.signal),
  };
}

/**
 * Debian's requests_ntlm: binds to the channel and sends no MIC, so it shows that the acceptor's refusals are not by chance.
 * Over plain http it does not work on its own there: Python finds MD4 only when something has loaded OpenSSL's old algorithms.
 */
function requestsNtlm(context: PeerContext): Client {
  return {
    title: 'requests_ntlm',
    sendsMic: false,
    async signIn(url, password, ca) {
      const pem = join(context.state, 'tls/ca.pem');
      const program = `
import json, sys, requests, requests_ntlm
url, user, password, ca = json.load(sys.stdin)
r = requests.post(url, data=b"<x/>", verify=ca, auth=requests_ntlm.HttpNtlmAuth(user, password), timeout=30)
print(json.dumps(r.json() if r.status_code == 200 else "refused: " + r.headers.get("X-Refused", str(r.status_code))))`;
      const input = JSON.stringify([url.href, account.name, password, ca === null ? true : pem]);
      const { stdout, stderr, status } = await finish('/usr/bin/python3', ['-c', program], { input });
      expect(status === 0, stderr.trim().slice(-300));
      return JSON.parse(stdout) as Accepted | string;
    },
  };
}

async function startAcceptor(context: PeerContext, name: string, certificate: readonly string[]): Promise<URL> {
  const users = join(context.state, 'users');
  writeFileSync(users, `${account.name.replace('\\', ':')}:${account.password}\n`, { mode: 0o600 });
  const program = join(context.root, 'test/peers/ntlm-acceptor.py');
  const acceptor = context.started(
    start('/usr/bin/python3', [program, users, ...certificate], { logFile: join(context.state, `${name}.log`) }),
  );
  const line = await acceptor.line((text) => text.startsWith('port '), 20_000);
  return new URL(`${certificate.length > 0 ? 'https' : 'http'}://127.0.0.1:${line.slice('port '.length)}/`);
}

/** A certificate for 127.0.0.1 under a CA of its own. @returns certificate and key files, and the CA in PEM */
async function makeCertificate(
  context: PeerContext,
): Promise<{ readonly files: readonly string[]; readonly ca: string }> {
  const tls = join(context.state, 'tls');
  const script = `set -e; mkdir -p "$1"; cd "$1"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=Peer test CA' -addext 'basicConstraints=critical,CA:TRUE' \\
  -addext 'keyUsage=critical,keyCertSign' -keyout ca.key -out ca.pem
openssl req -newkey rsa:2048 -nodes -subj '/CN=acceptor' -keyout acceptor.key -out acceptor.csr
printf 'subjectAltName=IP:127.0.0.1\\nextendedKeyUsage=serverAuth\\n' > extensions
openssl x509 -req -in acceptor.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out acceptor.pem`;
  const { status, stderr } = await finish('/bin/sh', ['-c', script, 'sh', tls]);
  expect(status === 0, `openssl: ${stderr.slice(-300)}`);
  return {
    files: [join(tls, 'acceptor.pem'), join(tls, 'acceptor.key')],
    ca: readFileSync(join(tls, 'ca.pem'), 'utf8'),
  };
}

/** Clients sign in to a server side that is not ours: gss-ntlmssp. */
async function clientsOnAcceptor(context: PeerContext): Promise<void> {
  const certificate = await makeCertificate(context);
  const plain = await startAcceptor(context, 'acceptor-http', []);
  const secure = await startAcceptor(context, 'acceptor-https', certificate.files);
  const { ca } = certificate;

  const own = ours(context);
  await context.check(`${own.title} signs in over http`, async () => {
    const outcome = await own.signIn(plain, account.password, null);
    expect(typeof outcome !== 'string' && !outcome.channelBound, JSON.stringify(outcome));
  });
  for (const client of [own, requestsNtlm(context)]) {
    const check = (name: string, body: () => Promise<void>) => context.check(`${client.title} ${name}`, body);
    const accepts = (outcome: Accepted | string): Accepted => {
      if (typeof outcome === 'string') throw new Error(outcome);
      expect(outcome.user.toLowerCase() === account.name.toLowerCase(), `signed in as ${outcome.user}`);
      return outcome;
    };
    const refuses = (outcome: Accepted | string) =>
      expect(typeof outcome === 'string', `accepted: ${JSON.stringify(outcome)}`);

    await check('signs in over https, bound to the channel', async () => {
      expect(accepts(await client.signIn(secure, account.password, ca)).channelBound, 'not bound to the channel');
    });
    await check('is refused behind another certificate', async () => {
      refuses(await client.signIn(new URL('/relayed', secure), account.password, ca));
    });
    await check('is refused with a wrong password', async () => {
      refuses(await client.signIn(secure, 'not the password', ca));
    });
    await check(
      client.sendsMic ? 'is refused when its messages were altered' : 'has no MIC: an altered message passes',
      async () => {
        const outcome = await client.signIn(new URL('/tampered', secure), account.password, ca);
        if (client.sendsMic) refuses(outcome);
        else accepts(outcome);
      },
    );
  }
}

export const ntlm: PeerSuite = {
  name: 'ntlm',
  packages: ['curl', 'openssl', 'gss-ntlmssp', 'python3-gssapi', 'python3-requests-ntlm', 'python3-exchangelib'],
  async run(context) {
    await clientsOnAcceptor(context);
    for (const organization of await startLab(context, ['source:2010', 'target:2016'])) {
      await clientsOnLab(context, organization);
      if (!hasSmokeProgram(context)) continue;
      // exchangelib's handshakes in full are the exchangelib suite's; here it is one more client, with binding.
      const { version, ews, ca } = organization;
      await smoke(context, organization, {
        title: `${version} exchangelib`,
        url: ews,
        ca,
        auth: 'ntlm',
        mailbox: 0,
        schema: null,
        only: 'message-crud',
      });
    }
  },
};
