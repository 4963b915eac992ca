import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { type LabOrganization, startLab } from './lab.ts';
import { finish, freePorts, listening, start } from './programs.ts';
import type { PeerContext, PeerSuite } from './suite.ts';

interface Gateway {
  readonly imapPort: number;
  readonly smtpPort: number;
  readonly caldavPort: number;
}

/** How DavMail reaches an Exchange server. */
interface Behind {
  readonly mode: 'EWS' | 'WebDav';
  readonly url: string;
  /** SHA-1 of the certificate it is shown, in colon-separated upper-case hex. */
  readonly certificateHash?: string;
}

/** DavMail in front of an address of Exchange: it serves IMAP, SMTP and CalDAV on loopback and is an Exchange client behind. */
async function startDavmail(context: PeerContext, name: string, behind: Behind): Promise<Gateway> {
  const home = join(context.state, name);
  mkdirSync(join(home, 'tmp'), { recursive: true });
  const [imapPort = 0, smtpPort = 0, caldavPort = 0] = await freePorts(3);
  const settings = {
    'davmail.server': true,
    'davmail.mode': behind.mode,
    'davmail.url': behind.url,
    'davmail.server.certificate.hash': behind.certificateHash ?? '',
    'davmail.bindAddress': '127.0.0.1',
    'davmail.allowRemote': false,
    'davmail.disableUpdateCheck': true,
    'davmail.imapPort': imapPort,
    'davmail.smtpPort': smtpPort,
    'davmail.caldavPort': caldavPort,
    'davmail.imapIdleDelay': 1,
    'davmail.folderSizeLimit': 0,
    'davmail.enableKerberos': false,
    'davmail.disableGuiNotifications': true,
    'davmail.logFilePath': join(home, 'davmail.log'),
    'davmail.logFileSize': '20MB',
    'log4j.rootLogger': 'WARN',
    'log4j.logger.davmail': 'DEBUG',
  };
  const file = join(home, 'davmail.properties');
  writeFileSync(
    file,
    `${Object.entries(settings)
      .map(([key, value]) => `${key}=${value}`)
      .join('\n')}\n`,
  );
  const java = ['-Xmx256m', `-Djava.io.tmpdir=${join(home, 'tmp')}`, '-Djava.awt.headless=true'];
  const program = context.started(
    start('java', [...java, '-jar', '/usr/share/davmail/davmail.jar', '-server', file], {
      logFile: join(home, 'out.log'),
    }),
  );
  await listening(imapPort, program, 60_000);
  await listening(smtpPort, program, 10_000);
  await listening(caldavPort, program, 10_000);
  return { imapPort, smtpPort, caldavPort };
}

/** The SHA-1 fingerprint of the certificate that a server shows. */
function certificateHash(url: string, ca: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((done, fail) => {
    const socket = connect({ host: hostname, port: Number(port), ca: readFileSync(ca) }, () => {
      const { fingerprint } = socket.getPeerCertificate();
      socket.destroy();
      done(fingerprint);
    });
    socket.once('error', fail);
  });
}

interface Dialogue {
  readonly program: string;
  readonly facts: object;
}

async function run(context: PeerContext, version: string, dialogues: readonly Dialogue[]): Promise<void> {
  for (const { program, facts } of dialogues) {
    const { stdout, stderr, status } = await finish('/usr/bin/python3', [join(context.root, 'test/peers', program)], {
      timeoutMs: 240_000,
      input: JSON.stringify(facts),
    });
    for (const line of stdout.split('\n')) {
      const [, verdict, name, reason] = /^(ok|FAIL) ([\w -]+)(?:: (.*))?$/.exec(line) ?? [];
      if (name) context.record(`${version} ${name}`, verdict === 'ok' ? null : (reason ?? 'failed'));
    }
    await context.check(`${version} ${program} came to its end`, () => {
      if (!/^end$/m.test(stdout)) throw new Error(`status ${status}: ${stderr.trim().slice(-400)}`);
    });
  }
}

/**
 * What DavMail 6.0.1 does in its WebDAV mode over TLS. It closes the connection before it reads a message; over TLS it takes that for a
 * broken message and makes one from properties, over plain HTTP for a broken connection.
 */
async function behindOf(organization: LabOrganization): Promise<Behind> {
  if (organization.version !== '2003') return { mode: 'EWS', url: organization.ewsPlain };
  const url = organization.webdav.replace(/\/$/, '');
  return { mode: 'WebDav', url, certificateHash: await certificateHash(url, organization.ca) };
}

export const davmail: PeerSuite = {
  name: 'davmail',
  packages: ['default-jre-headless', 'davmail-server', 'python3'],
  async run(context) {
    // One lab each: only its first organization has mail.
    for (const version of ['2003', '2010', '2016']) {
      const [organization] = await startLab(context, [`source:${version}`]);
      if (!organization) throw new Error(`no organization of ${version}`);
      const [sender, recipient] = organization.mailboxes;
      if (!sender || !recipient) throw new Error(`${organization.name} needs two mailboxes`);
      const { imapPort, smtpPort, caldavPort } = await startDavmail(context, version, await behindOf(organization));
      const rebuilds = version === '2003';
      await run(context, version, [
        { program: 'davmail-dialogue.py', facts: { imapPort, smtpPort, sender, recipient, rebuilds } },
        { program: 'caldav-dialogue.py', facts: { caldavPort, owner: recipient } },
        ...(rebuilds ? [{ program: 'carddav-dialogue.py', facts: { caldavPort, owner: recipient } }] : []),
      ]);
      if (rebuilds)
        context.leftOut('2003 bytes of fetched messages', 'DavMail 6.0.1 makes messages anew in its WebDAV mode');
    }
  },
};
