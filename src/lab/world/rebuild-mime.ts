import { createRequire } from 'node:module';

interface ParsedAttachment {
  readonly filename?: string;
  readonly content: Buffer;
  readonly contentType: string;
  readonly contentDisposition?: string;
  readonly related?: boolean;
  readonly cid?: string;
}
interface ParsedMail {
  readonly headerLines: readonly { readonly key: string; readonly line: string }[];
  readonly text?: string;
  readonly html?: string | false;
  readonly attachments: readonly ParsedAttachment[];
}
interface Parser {
  simpleParser(source: Buffer, options: object): Promise<ParsedMail>;
}
type Composer = new (options: object) => { compile(): { build(): Promise<Buffer> } };

const require = createRequire(import.meta.url);
const structural = new Set([
  'content-type',
  'content-transfer-encoding',
  'content-disposition',
  'content-id',
  'mime-version',
  'bcc',
]);

/**
 * Takes a message apart with one library and puts it together with another, as a server does that keeps properties instead of
 * MIME: text, attachments and header fields survive, boundaries, encodings and order do not. Loaded only by labs that ask for it.
 */
export async function rebuildMime(mime: Buffer): Promise<Buffer> {
  const { simpleParser } = require('mailparser') as Parser;
  const MailComposer = require('nodemailer/lib/mail-composer') as Composer;
  const parsed = await simpleParser(mime, {
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipImageLinks: true,
    skipTextLinks: true,
  });
  const headers = parsed.headerLines
    .filter(({ key }) => !structural.has(key))
    .map(({ line }) => line.replace(/\r?\n[ \t]+/g, ' '))
    .map((line) => ({
      key: line.slice(0, line.indexOf(':')),
      value: { prepared: true, value: line.slice(line.indexOf(':') + 1).trim() },
    }));
  const composer = new MailComposer({
    text: parsed.text ?? '',
    ...(typeof parsed.html === 'string' ? { html: parsed.html } : {}),
    attachments: parsed.attachments.map((attachment) => ({
      content: attachment.content,
      contentType: attachment.contentType,
      filename: attachment.filename ?? false,
      contentDisposition: attachment.contentDisposition ?? (attachment.related === true ? 'inline' : 'attachment'),
      ...(attachment.cid === undefined ? {} : { cid: attachment.cid }),
    })),
  });
  const built = await composer.compile().build();
  // The composer's own envelope headers give way to those of the message; its structure headers stay.
  const end = built.indexOf('\r\n\r\n');
  const kept = built
    .subarray(0, end)
    .toString('latin1')
    .split(/\r\n(?![ \t])/)
    .filter((line) => /^(?:content-|mime-version)/i.test(line));
  const own = headers.map(({ key, value }) => fold(`${key}: ${value.value}`));
  return Buffer.concat([Buffer.from([...own, ...kept].join('\r\n'), 'latin1'), built.subarray(end)]);
}

/** A header line folded at spaces, so that no line grows beyond 998 characters where that can be helped. */
function fold(line: string): string {
  if (line.length <= 76) return line;
  let out = '';
  let width = 0;
  for (const word of line.split(' ')) {
    if (width > 0 && width + word.length > 75) {
      out += '\r\n';
      width = 0;
      out += ` ${word}`;
    } else out += out === '' ? word : ` ${word}`;
    width += word.length + 1;
  }
  return out;
}
