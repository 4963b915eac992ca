import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { reference } from '#formats/text/reference.fixture.ts';
import type { MailFacts, MailState } from '#model/mail.ts';
import { mailProperties, mailStateFields } from '#model/mail-properties.ts';

const samplesFolder = reference('peers/samples/eml');

export interface Sample {
  /** Path below the folder of the samples. */
  readonly name: string;
  readonly mime: Buffer;
}

/** The real messages that tests move and alter, in order of their names. */
export const samples: readonly Sample[] =
  samplesFolder === null
    ? []
    : readdirSync(samplesFolder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith('.eml'))
        .map((entry) => join(entry.parentPath, entry.name))
        .sort()
        .map((path) => ({ name: relative(samplesFolder, path), mime: readFileSync(path) }));

/** The n-th item's state and facts: every sample value of every carried field occurs, in changing company. */
export function variedProperties(n: number): {
  readonly state: Partial<MailState>;
  readonly facts: Partial<MailFacts>;
} {
  const at = (values: readonly unknown[], k: number) =>
    values[(n * 7 + k * 3 + Math.floor(n / values.length)) % values.length];
  const state = Object.fromEntries(mailStateFields.map((field, k) => [field, at(mailProperties[field].sample, k)]));
  const facts = Object.fromEntries(
    Object.entries(mailProperties)
      .filter(([, row]) => row.carriage === 'fact')
      .map(([field, row], k) => [field, at(row.sample, k)]),
  );
  return {
    state: { ...state, isRead: n % 2 === 0 },
    facts: {
      ...facts,
      subject: `sample ${n}`,
      internetMessageId: n % 5 === 0 ? null : `<${n}@source.test>`,
      readReceiptRequested: n % 3 === 0,
    },
  };
}

/**
 * Messages of what the samples hardly have: copies, threads, lists, quotes, signatures, blind copies, attached messages. Each is
 * put together from the same pieces in another way.
 */
export const ownMessages: readonly Sample[] = Array.from({ length: 12 }, (_, n) => ({
  name: `own ${n}`,
  mime: Buffer.from(ownMessage(n).replace(/\n/g, '\r\n'), 'utf8'),
}));

function ownMessage(n: number): string {
  const copies = ['Carol Cole <carol@x.example>', 'Dan Dole <dan@y.example>', 'erin@z.example']
    .slice(0, 1 + (n % 3))
    .join(', ');
  const head = [
    'Received: from a.example by b.example; Mon, 6 Oct 2025 10:00:02 +0200',
    'Received: from c.example by a.example; Mon, 6 Oct 2025 10:00:01 +0200',
    `From: Alice Ames <alice${n}@x.example>`,
    ...(n % 2 === 0 ? ['Sender: Office Desk <office@x.example>'] : []),
    'To: Bob Bell <bob@y.example>, Frank Ford <frank@y.example>',
    `Cc: ${copies}`,
    ...(n % 3 === 0 ? ['Bcc: Grace Gill <grace@y.example>'] : []),
    'Reply-To: Alice Ames <private@x.example>',
    `Subject: ${n % 2 === 0 ? `Plan  for week ${n}` : '=?utf-8?B?R3LDvMOfZSDwn5iK?='}`,
    'Date: Mon, 6 Oct 2025 10:00:17 +0200',
    `Message-ID: <own.${n}@x.example>`,
    `In-Reply-To: <before.${n}@y.example>`,
    `References: <first.${n}@y.example> <second.${n}@x.example> <before.${n}@y.example>`,
    'Thread-Topic: Plan',
    'Thread-Index: AQHZ8w==',
    'List-Id: Planners <planners.x.example>',
    'List-Unsubscribe: <mailto:leave@x.example>',
    'Precedence: list',
    'Importance: high',
    'Disposition-Notification-To: Alice Ames <alice@x.example>',
    'Resent-From: Frank Ford <frank@y.example>',
    'Comments: kept',
    'X-Mailer: Writer 7',
    'X-Priority: 1',
    'X-Reference: order 4711',
    'DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s1; bh=abc=; b=def=',
    'MIME-Version: 1.0',
  ];
  const text = `Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nDear Bob,\n\n> Shall we meet at 10?\n> Yes or no?\n\nGrüße aus Köln, ${n} times.\n    indented\nlast line`;
  const html =
    'Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n<html><body><p class="first">Dear <b>Bob</b>,&nbsp;see <a href="https://x.example/a">there</a> – größer.</p></body></html>';
  const both = `Content-Type: multipart/alternative; boundary=alt${n}\n\n--alt${n}\n${text}\n--alt${n}\n${html}\n--alt${n}--`;
  const file = (name: string, content: string, more = '') =>
    `Content-Type: application/octet-stream; name="${name}"\nContent-Disposition: attachment; filename="${name}"\n${more}Content-Transfer-Encoding: base64\n\n${Buffer.from(content, 'latin1').toString('base64')}`;
  const files = [
    file('one.bin', `first\n\x00\xff${n}`),
    file('two.bin', 'second\r\nfile'),
    file('=?utf-8?Q?=C3=BCbung.bin?=', 'third file'),
  ];
  const picture = `Content-Type: image/png\nContent-Disposition: inline; filename=logo.png\nContent-ID: <logo.${n}@x.example>\nContent-Transfer-Encoding: base64\n\n${Buffer.from(`\x89PNG\r\n${n}`, 'latin1').toString('base64')}`;
  const inner = `Content-Type: message/rfc822\nContent-Disposition: attachment\n\nFrom: Henry Hill <henry@x.example>\nTo: alice@x.example\nSubject: inside\nDate: Sun, 5 Oct 2025 09:00:00 +0200\nX-Inside: yes\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=inner${n}\n\n--inner${n}\nContent-Type: text/plain\n\nfirst inside\nsecond inside\n--inner${n}\n${file('inside.bin', 'inside')}\n--inner${n}--`;
  const related = `Content-Type: multipart/related; boundary=rel${n}\n\n--rel${n}\n${both}\n--rel${n}\n${picture}\n--rel${n}--`;
  const signed = `Content-Type: multipart/signed; micalg=pgp-sha1; protocol="application/pgp-signature"; boundary=sig${n}\n\n--sig${n}\n${text}\n--sig${n}\n${file('signature.asc', '-----BEGIN PGP SIGNATURE-----')}\n--sig${n}--\n`;
  const shapes = [
    `${text}\n`,
    `${both}\n`,
    mixed(n, [text, ...files]),
    mixed(n, [related, ...files.slice(0, 2), inner]),
    signed,
    mixed(n, [text, text.replace('Dear Bob', 'Second text'), inner, html]),
  ];
  return `${head.join('\n')}\n${shapes[n % shapes.length]}`;
}

function mixed(n: number, parts: readonly string[]): string {
  return `Content-Type: multipart/mixed; boundary=mix${n}\n\n${parts.map((part) => `--mix${n}\n${part}\n`).join('')}--mix${n}--\n`;
}
