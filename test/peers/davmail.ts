import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startLab } from './lab.ts';
import { finish, freePorts, listening, start } from './programs.ts';
import type { PeerContext, PeerSuite } from './suite.ts';

interface Gateway {
  readonly imapPort: number;
  readonly smtpPort: number;
  readonly caldavPort: number;
}

/** DavMail in front of an EWS address: it serves IMAP, SMTP and CalDAV on loopback and is an Exchange client behind. */
async function startDavmail(context: PeerContext, name: string, ewsUrl: string): Promise<Gateway> {
  const home = join(context.state, name);
  mkdirSync(join(home, 'tmp'), { recursive: true });
  const [imapPort = 0, smtpPort = 0, caldavPort = 0] = await freePorts(3);
  const settings = {
    'davmail.server': true,
    'davmail.mode': 'EWS',
    'davmail.url': ewsUrl,
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

export const davmail: PeerSuite = {
  name: 'davmail',
  packages: ['default-jre-headless', 'davmail-server', 'python3'],
  async run(context) {
    // One lab each: only its first organization has mail.
    for (const version of ['2010', '2016']) {
      const [organization] = await startLab(context, [`source:${version}`]);
      if (!organization) throw new Error(`no organization of ${version}`);
      const [sender, recipient] = organization.mailboxes;
      if (!sender || !recipient) throw new Error(`${organization.name} needs two mailboxes`);
      const { imapPort, smtpPort, caldavPort } = await startDavmail(context, version, organization.ewsPlain);
      const dialogues = [
        { program: 'davmail-dialogue.py', facts: { imapPort, smtpPort, sender, recipient } },
        { program: 'caldav-dialogue.py', facts: { caldavPort, owner: recipient } },
      ];
      for (const { program, facts } of dialogues) {
        const { stdout, stderr, status } = await finish(
          '/usr/bin/python3',
          [join(context.root, 'test/peers', program)],
          { timeoutMs: 240_000, input: JSON.stringify(facts) },
        );
        for (const line of stdout.split('\n')) {
          const [, verdict, name, reason] = /^(ok|FAIL) ([\w -]+)(?:: (.*))?$/.exec(line) ?? [];
          if (name) context.record(`${organization.version} ${name}`, verdict === 'ok' ? null : (reason ?? 'failed'));
        }
        await context.check(`${organization.version} ${program} came to its end`, () => {
          if (!/^end$/m.test(stdout)) throw new Error(`status ${status}: ${stderr.trim().slice(-400)}`);
        });
      }
    }
  },
};
