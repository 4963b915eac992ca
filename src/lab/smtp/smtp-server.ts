/** Submission of mail to an organization (RFC 6409): SMTP with STARTTLS, or TLS from the first byte, on the loopback. */
import type { Socket } from 'node:net';
import type { TlsSettings } from '../edge/listen.ts';
import { type LoopbackListener, listenOnLoopback } from '../edge/loopback.ts';
import type { Caller } from '../seams.ts';
import type { Organization } from '../world/organization.ts';
import { contentOfMime } from '../world/read-message.ts';

export interface SmtpServerOptions {
  readonly organization: Organization;
  readonly tls: TlsSettings;
  /** `smtps`: TLS from the first byte. `smtp`: plain, with STARTTLS; nobody signs in without it. */
  readonly scheme: 'smtp' | 'smtps';
  readonly limits?: Partial<SmtpLimits>;
  /** Told of faults of the lab's own. */
  readonly onFailure: (error: unknown) => void;
}

export interface SmtpLimits {
  readonly connections: number;
  readonly recipients: number;
  /** Of one message, as SIZE says it (RFC 1870). */
  readonly messageBytes: number;
  readonly idleMs: number;
  /** Commands that were refused on one connection. */
  readonly refusals: number;
}

const defaultLimits: SmtpLimits = {
  connections: 100,
  recipients: 100,
  messageBytes: 10 * 1_048_576,
  idleMs: 300_000,
  refusals: 20,
};

/** A command line is 512 bytes long, one of a sign-in 12288 (RFC 5321 4.5.3.1.4, RFC 4954 4). */
const lineBytesMax = 12_288;
/** Of a message. 1000 by RFC 5321 4.5.3.1.6; servers take more. (assumed) */
const textLineBytesMax = 65_536;

export function listenSmtp(options: SmtpServerOptions, port = 0): Promise<LoopbackListener> {
  const limits = { ...defaultLimits, ...options.limits };
  return listenOnLoopback(
    {
      scheme: options.scheme,
      isSecure: options.scheme === 'smtps',
      tls: options.tls,
      connectionsMax: limits.connections,
      serve: (socket, startTls) => new Session({ ...options, limits }, socket, startTls).start(),
    },
    port,
  );
}

/** What is being handed in. */
interface Envelope {
  readonly from: string;
  readonly recipients: string[];
}

/** One connection. */
class Session {
  readonly #options: SmtpServerOptions & { readonly limits: SmtpLimits };
  readonly #tlsOn: (plain: Socket) => Socket;
  #socket: Socket;
  #isSecure: boolean;
  #hasGreeted = false;
  #by: Caller | null = null;
  #envelope: Envelope | null = null;
  #rest: Buffer = Buffer.alloc(0);
  /** Lines of the message so far; null: commands are read. */
  #message: { readonly lines: Buffer[]; bytes: number; isTooLarge: boolean } | null = null;
  /** What an answer to our question is for. */
  #asked: ((line: string) => void) | null = null;
  #refusals = 0;

  constructor(
    options: SmtpServerOptions & { readonly limits: SmtpLimits },
    socket: Socket,
    tlsOn: (plain: Socket) => Socket,
  ) {
    this.#options = options;
    this.#socket = socket;
    this.#tlsOn = tlsOn;
    this.#isSecure = options.scheme === 'smtps';
  }

  start(): void {
    this.#say(220, `mail.${this.#options.organization.domain} ESMTP`);
    this.#attend();
  }

  #attend(): void {
    const socket = this.#socket;
    socket.setTimeout(this.#options.limits.idleMs, () => this.#end(421, '4.4.2 Connection timed out'));
    socket.on('error', () => socket.destroy());
    socket.on('data', (data: Buffer) => this.#read(data));
  }

  #say(code: number, ...lines: readonly string[]): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    this.#socket.write(lines.map((line, at) => `${code}${at < lines.length - 1 ? '-' : ' '}${line}\r\n`).join(''));
  }
  #end(code: number, text: string): void {
    this.#say(code, text);
    this.#socket.end();
  }
  #refuse(code: number, text: string): void {
    if (++this.#refusals >= this.#options.limits.refusals) this.#end(421, '4.7.0 Too many errors on this connection');
    else this.#say(code, text);
  }

  #read(data: Buffer): void {
    // What comes after the last word is not listened to.
    if (this.#socket.writableEnded) return;
    this.#rest = Buffer.concat([this.#rest, data]);
    try {
      for (;;) {
        const end = this.#rest.indexOf('\r\n');
        const isMessage = this.#message !== null;
        if (end < 0) {
          if (this.#rest.length > (isMessage ? textLineBytesMax : lineBytesMax)) this.#end(500, '5.5.2 Line too long');
          return;
        }
        const line = this.#rest.subarray(0, end);
        this.#rest = this.#rest.subarray(end + 2);
        if (isMessage) this.#content(line);
        else if (line.length > lineBytesMax) this.#refuse(500, '5.5.2 Line too long');
        else if (this.#asked !== null) {
          const asked = this.#asked;
          this.#asked = null;
          asked(line.toString('latin1'));
        } else if (this.#command(line.toString('latin1'))) return;
      }
    } catch (error) {
      this.#options.onFailure(error);
      this.#end(451, '4.3.0 Mail server temporarily rejected message');
    }
  }

  /** @returns whether the connection is read in another way from now on. */
  #command(line: string): boolean {
    const [, verb = '', rest = ''] = /^([A-Za-z]+)(?: (.*))?$/.exec(line) ?? [];
    switch (verb.toUpperCase()) {
      case 'EHLO':
        this.#hasGreeted = true;
        this.#envelope = null;
        this.#say(
          250,
          `mail.${this.#options.organization.domain} Hello`,
          `SIZE ${this.#options.limits.messageBytes}`,
          ...(this.#isSecure ? ['AUTH PLAIN LOGIN'] : ['STARTTLS']),
          'ENHANCEDSTATUSCODES',
          '8BITMIME',
        );
        return false;
      case 'HELO':
        this.#hasGreeted = true;
        this.#say(250, `mail.${this.#options.organization.domain} Hello`);
        return false;
      case 'STARTTLS':
        return this.#startTls();
      case 'AUTH':
        this.#signIn(rest);
        return false;
      case 'MAIL':
        this.#mailFrom(rest);
        return false;
      case 'RCPT':
        this.#recipient(rest);
        return false;
      case 'DATA':
        this.#data();
        return false;
      case 'RSET':
        this.#envelope = null;
        this.#say(250, '2.0.0 Resetting');
        return false;
      case 'NOOP':
        this.#say(250, '2.0.0 OK');
        return false;
      case 'QUIT':
        this.#end(221, '2.0.0 Service closing transmission channel');
        return false;
      default:
        this.#refuse(500, '5.3.3 Unrecognized command');
        return false;
    }
  }

  #startTls(): boolean {
    if (this.#isSecure) {
      this.#refuse(503, '5.5.1 Already in TLS');
      return false;
    }
    if (this.#rest.length > 0) {
      // Whatever came before TLS must not be taken for said within it (RFC 3207 6).
      this.#end(421, '4.7.0 Something was sent after STARTTLS');
      return true;
    }
    this.#say(220, '2.0.0 SMTP server ready');
    const plain = this.#socket;
    plain.removeAllListeners('data');
    plain.setTimeout(0);
    const socket = this.#tlsOn(plain);
    this.#socket = socket;
    this.#isSecure = true;
    this.#hasGreeted = false;
    this.#attend();
    return true;
  }

  #signIn(rest: string): void {
    if (!this.#isSecure) {
      this.#refuse(530, '5.7.0 Must issue a STARTTLS command first');
      return;
    }
    if (this.#by !== null) {
      this.#refuse(503, '5.5.1 Already authenticated');
      return;
    }
    const [mechanism = '', initial = ''] = rest.split(' ');
    const decoded = (text: string): string => Buffer.from(text, 'base64').toString('utf8');
    const ask = (challenge: string, then: (answer: string) => void): void => {
      this.#asked = (line) =>
        line === '*' ? this.#refuse(501, '5.7.0 Authentication was given up') : then(decoded(line));
      this.#say(334, Buffer.from(challenge).toString('base64'));
    };
    switch (mechanism.toUpperCase()) {
      case 'PLAIN': {
        // authorize-as NUL user NUL password (RFC 4616)
        const check = (text: string): void => {
          const [, user = '', password = ''] = text.split('\0');
          this.#check(user, password);
        };
        if (initial === '') ask('', check);
        else check(decoded(initial));
        return;
      }
      case 'LOGIN': {
        const password = (user: string): void => ask('Password:', (text) => this.#check(user, text));
        if (initial === '') ask('Username:', password);
        else password(decoded(initial));
        return;
      }
      default:
        this.#refuse(504, '5.7.4 Unrecognized authentication type');
    }
  }
  #check(user: string, password: string): void {
    this.#by = this.#options.organization.authenticate(user, password);
    if (this.#by === null) this.#refuse(535, '5.7.3 Authentication unsuccessful');
    else this.#say(235, '2.7.0 Authentication successful');
  }

  #mailFrom(rest: string): void {
    const [, address = '', parameters = ''] = /^FROM: ?<([^<>\s]*)>(.*)$/i.exec(rest) ?? [];
    const size = Number(/ SIZE=(\d{1,15})/i.exec(parameters)?.[1] ?? 0);
    if (!this.#hasGreeted) this.#refuse(503, '5.5.2 Send hello first');
    else if (this.#by === null) this.#refuse(530, '5.7.57 Client not authenticated to send mail');
    else if (this.#envelope !== null) this.#refuse(503, '5.5.2 Sender already specified');
    else if (!address.includes('@')) this.#refuse(501, '5.5.4 Invalid arguments');
    else if (!this.#maySendAs(this.#by, address))
      this.#refuse(550, '5.7.60 Client does not have permissions to send as this sender');
    else if (size > this.#options.limits.messageBytes)
      this.#refuse(552, '5.3.4 Message size exceeds fixed maximum message size');
    else {
      this.#envelope = { from: address.toLowerCase(), recipients: [] };
      this.#say(250, '2.1.0 Sender OK');
    }
  }
  #maySendAs({ user, kind }: Caller, address: string): boolean {
    const own = this.#options.organization.account(user)?.address ?? null;
    return kind === 'admin' || own?.toLowerCase() === address.toLowerCase();
  }

  #recipient(rest: string): void {
    const address = /^TO: ?<([^<>\s]+)>/i.exec(rest)?.[1] ?? '';
    if (this.#envelope === null) this.#refuse(503, '5.5.2 Need mail command');
    else if (!address.includes('@')) this.#refuse(501, '5.1.3 Invalid address');
    else if (this.#envelope.recipients.length >= this.#options.limits.recipients)
      this.#refuse(452, '4.5.3 Too many recipients');
    else {
      this.#envelope.recipients.push(address);
      this.#say(250, '2.1.5 Recipient OK');
    }
  }

  #data(): void {
    if (this.#envelope === null || this.#envelope.recipients.length === 0) {
      this.#refuse(503, '5.5.2 Need rcpt command');
      return;
    }
    this.#message = { lines: [], bytes: 0, isTooLarge: false };
    this.#say(354, 'Start mail input; end with <CRLF>.<CRLF>');
  }

  #content(line: Buffer): void {
    const message = this.#message;
    const envelope = this.#envelope;
    if (message === null || envelope === null) return;
    if (line.length === 1 && line[0] === 0x2e) {
      this.#message = null;
      this.#envelope = null;
      if (message.isTooLarge) this.#refuse(552, '5.3.4 Message size exceeds fixed maximum message size');
      else {
        this.#handIn(envelope, Buffer.concat(message.lines));
        this.#say(250, '2.6.0 Queued mail for delivery');
      }
      return;
    }
    message.bytes += line.length + 2;
    if (message.bytes > this.#options.limits.messageBytes) {
      message.isTooLarge = true;
      message.lines.length = 0;
    }
    if (!message.isTooLarge) message.lines.push(line[0] === 0x2e ? line.subarray(1) : line, Buffer.from('\r\n'));
  }

  #handIn({ from, recipients }: Envelope, mime: Buffer): void {
    const { organization } = this.#options;
    const { user, kind } = this.#by ?? { user: '', kind: 'person' };
    organization.world.postOffice.submit(organization, from, {
      cause: 'sent-by-person',
      content: contentOfMime(mime),
      recipients,
      origin: { caller: user, doing: kind === 'person' ? 'person' : 'api', through: null },
    });
  }
}
