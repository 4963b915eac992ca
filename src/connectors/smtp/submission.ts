import { createRequire } from 'node:module';
import { PassThrough, type Readable } from 'node:stream';
import { FaultError } from '#kit/fault.ts';
import type { TlsPolicy } from '#kit/transport.ts';

export interface SubmissionOptions {
  readonly host: string;
  readonly port: number;
  /** `none` only on this machine. */
  readonly tls: 'implicit' | 'starttls' | 'none';
  readonly policy: TlsPolicy;
  readonly from: string;
  /** Null: the server takes mail from this machine without a sign-in. */
  readonly signIn: { readonly user: string; readonly password: string } | null;
}

export interface SubmittedMail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** With its angle brackets. */
  readonly messageId: string;
}

/** Of `nodemailer`, which brings no types. */
interface Transporter {
  use(step: 'stream', plugin: (mail: ComposedMail, done: () => void) => void): void;
  sendMail(mail: Readonly<Record<string, unknown>>): Promise<unknown>;
  close(): void;
}
interface ComposedMail {
  readonly message: { processFunc(through: (content: Readable) => Readable): void };
}
const { createTransport } = createRequire(import.meta.url)('nodemailer') as {
  readonly createTransport: (options: object) => Transporter;
};

const timeoutMs = 30_000;

/**
 * Submits one mail by SMTP (RFC 6409). Certificates are verified, and without TLS nothing leaves this machine. `Auto-Submitted` (RFC 3834)
 * and `X-Auto-Response-Suppress` ([MS-OXCMAIL] 2.1.3.2.20) keep out-of-office and receipts from answering it. Throws FaultError.
 */
export async function submit(options: SubmissionOptions, mail: SubmittedMail, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const transporter = createTransport({
    host: options.host,
    port: options.port,
    secure: options.tls === 'implicit',
    requireTLS: options.tls === 'starttls',
    ignoreTLS: options.tls === 'none',
    tls: {
      rejectUnauthorized: true,
      minVersion: `TLSv${options.policy.min}`,
      ...(options.policy.ca.length > 0 ? { ca: options.policy.ca } : {}),
    },
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(options.signIn === null ? {} : { auth: { user: options.signIn.user, pass: options.signIn.password } }),
  });
  const progress: Progress = { isSession: false, isData: false };
  transporter.use('stream', ({ message }, done) => {
    message.processFunc((content) => {
      // Asked for when the session stands, and read from when the server has agreed to DATA.
      progress.isSession = true;
      const read = new PassThrough();
      read.once('resume', () => {
        progress.isData = true;
      });
      content.once('error', (error) => read.destroy(error));
      return content.pipe(read);
    });
    done();
  });
  const close = () => transporter.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    await transporter.sendMail({
      from: options.from,
      to: mail.to,
      subject: mail.subject,
      text: mail.text,
      messageId: mail.messageId,
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    });
  } catch (error) {
    signal.throwIfAborted();
    throw faultOf(error, options, progress);
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}

/** How far it came: what an error means depends on it, and the errors of the library do not say. */
interface Progress {
  /** The connection, its TLS and the sign-in stand. */
  isSession: boolean;
  /** Content is on its way. */
  isData: boolean;
}

interface MailerError {
  readonly responseCode?: number;
  /** Its own word for every error of a socket: what Node had called it is overwritten. */
  readonly code?: string;
  readonly command?: string;
  readonly message?: string;
  /** Of errors of OpenSSL (`ERR_SSL_*`). */
  readonly library?: string;
  readonly reason?: string;
  /** Of a certificate for another name (`ERR_TLS_CERT_ALTNAME_INVALID`). */
  readonly cert?: unknown;
  /** Of errors of the network. */
  readonly errno?: number;
  /** Of a connection that ended before its TLS stood, too. */
  readonly host?: string;
}

/** SMTP refusals (RFC 5321 4.2): 5xx for good, everything else passes. The server's words hold addresses, no content. */
function faultOf(error: unknown, { host, port }: SubmissionOptions, progress: Progress): FaultError {
  const { responseCode, code, message } = error as MailerError;
  const where = `submission to ${host}:${port}`;
  if (code === 'EAUTH') return new FaultError({ kind: 'fatal', code: 'auth', detail: `${where}: sign-in was refused` });
  if (!progress.isSession && isTlsRefusal(error as MailerError))
    return new FaultError({ kind: 'fatal', code: 'tls', detail: `${where}: ${firstLine(message)}` });
  if (responseCode !== undefined && responseCode >= 500)
    return new FaultError({ kind: 'fatal', code: 'config', detail: `${where}: ${message ?? responseCode}` });
  const isRefused = responseCode !== undefined && responseCode >= 400;
  return new FaultError({
    kind: 'transient',
    detail: `${where}: ${firstLine(message ?? code)}`,
    mayHaveHappened: progress.isData && !isRefused,
  });
}

/** That no TLS comes about however often it is tried: not that the connection broke off meanwhile, or that STARTTLS is refused for now (454). */
function isTlsRefusal(error: MailerError): boolean {
  const { code, command, responseCode } = error;
  if (code === 'ETLS') return responseCode === undefined ? command === 'STARTTLS' : responseCode >= 500;
  if (code !== 'ESOCKET' || error.errno !== undefined) return false;
  if (error.library !== undefined) return error.reason !== 'unexpected eof while reading';
  return error.cert !== undefined || (error.host === undefined && certificateWords.test(error.message ?? ''));
}

/** In the texts for what is wrong with a chain of certificates (`UNABLE_TO_*`, `DEPTH_ZERO_*`, `CERT_*`, `CRL_*`, …), OpenSSL crypto/x509/x509_txt.c. */
const certificateWords = /certificate|\bCRL|\bCA\b|path length|signature|subtree|too weak|mismatch/;

const firstLine = (text = 'failed'): string => text.split('\n')[0]?.trim() ?? text;
