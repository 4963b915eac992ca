import { z } from 'zod';
import { count, list, secret, strict, text, user, yesNo } from './schema-parts.ts';
import { isAddress, parseDuration, parsePercent } from './values.ts';

/** How people are switched, and how the few mails are submitted that Causeway sends on order. */

const duration = (example: string) =>
  text(`a duration such as ${example}`, (value) => parseDuration(value) !== null).optional();

const messageFile = text('the path of a text file', (value) => value !== '').optional();

/** On this machine only without TLS; elsewhere smtp:// means STARTTLS, which has to be there. */
const isSubmissionUrl = (value: string): boolean => {
  const url = URL.canParse(value) ? new URL(value) : null;
  return (
    url !== null && /^smtps?:$/.test(url.protocol) && url.username === '' && url.password === '' && url.hostname !== ''
  );
};

export const submission = strict({
  url: text('smtp://HOST:PORT or smtps://HOST:PORT, without user or password', isSubmissionUrl).describe(
    'smtps://: TLS from the first byte; smtp://: STARTTLS, which the server must offer (not asked for on 127.0.0.1).',
  ),
  from: text('an e-mail address', isAddress).describe('Sender of probe mails and messages.'),
  user: user.optional(),
  password: secret.optional(),
}).refine((value) => (value.user === undefined) === (value.password === undefined), {
  error: 'user and password are given together',
});

export const switching = strict({
  message: messageFile.describe(
    'Text file of the message to the person after the switch; its first line is "Subject: …". Without it nothing is sent.',
  ),
  undoMessage: messageFile.describe('The same after a switch was undone.'),
  probe: yesNo
    .optional()
    .describe(
      'Send a mail by each organization that has a submission, find it in the target and remove it (default true).',
    ),
  probeWait: duration('10 min').describe('Time for a probe mail to arrive (default 10 min).'),
  settle: duration('60 s').describe(
    'Time for transport to forget what it knew, after every controller shows a new redirection (default 60 s).',
  ),
  replicationWait: duration('4 h').describe('Controllers that do not follow within it stop the switch (default 4 h).'),
  controllers: strict({
    source: list(z.string()).optional(),
    target: list(z.string()).optional(),
  })
    .optional()
    .describe('Domain controllers that are waited for; without it all that the directory names.'),
  verifyEvery: duration('24 h').describe(
    'A result of verify that is older is made again before a switch (default 168 h).',
  ),
  verifyContents: text('a percentage such as 5%', (value) => parsePercent(value) !== null)
    .optional()
    .describe('Share of contents that is compared for it (default 5%).'),
  clientMbits: count('megabits per second', 1, 100_000)
    .optional()
    .describe('At which clients download, for the forecast (default 20).'),
  accept: list(z.string())
    .optional()
    .describe('Checks that may be not ready, because somebody has looked at them: quarantine, delegates, rivals, …'),
});
