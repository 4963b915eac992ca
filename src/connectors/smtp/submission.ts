import { createRequire } from 'node:module';
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
  sendMail(mail: Readonly<Record<string, unknown>>): Promise<unknown>;
  close(): void;
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
    throw faultOf(error, options);
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}

interface MailerError {
  readonly responseCode?: number;
  readonly code?: string;
  readonly command?: string;
  readonly errno?: number;
  readonly syscall?: string;
  readonly message?: string;
}

/** SMTP refusals (RFC 5321 4.2): 5xx for good, everything else passes. The server's words hold addresses, no content. */
function faultOf(error: unknown, { host, port }: SubmissionOptions): FaultError {
  const { responseCode, code, command, errno, syscall, message } = error as MailerError;
  const where = `submission to ${host}:${port}`;
  if (code === 'EAUTH') return new FaultError({ kind: 'fatal', code: 'auth', detail: `${where}: sign-in was refused` });
  // Of errors while it connects only those of the network have a number; the others are about certificates and versions.
  if (code === 'ETLS' || (code === 'ESOCKET' && command === 'CONN' && errno === undefined))
    return new FaultError({ kind: 'fatal', code: 'tls', detail: `${where}: ${firstLine(message)}` });
  if (responseCode !== undefined && responseCode >= 500)
    return new FaultError({ kind: 'fatal', code: 'config', detail: `${where}: ${message ?? responseCode}` });
  return new FaultError({
    kind: 'transient',
    detail: `${where}: ${message ?? code ?? 'failed'}`,
    mayHaveHappened: syscall !== 'connect' && code !== 'EDNS',
  });
}

const firstLine = (text = 'TLS is not spoken there'): string => text.split('\n')[0]?.trim() ?? text;
