/** One request and its answer, as the edge sees them: the same for a socket and for the in-process transport. */
import type { NtlmChallenge } from './ntlm.ts';
import type { SignedIn } from './sign-in.ts';

/** A client's connection. NTLM authenticates connections, so what was proven is kept here. */
export interface EdgeConnection {
  readonly id: number;
  /** `https://127.0.0.1:8443`: how the client reached us; addresses in answers are built from it. */
  readonly origin: string;
  /** RFC 5929 `tls-server-end-point` of the certificate it was shown; null without TLS and in-process. */
  readonly endPoint: Buffer | null;
  /** The challenge that waits for its answer. */
  challenge: NtlmChallenge | null;
  /** Who this connection is, after NTLM. */
  signedIn: SignedIn | null;
}

export interface EdgeRequest {
  readonly method: string;
  /** Path with query, as sent. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
}

export type AnswerHeaders = Readonly<Record<string, string | readonly string[]>>;

/** What the client gets: an answer, an answer that breaks off, or nothing. */
export interface EdgeAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
  /** `close`: after the answer. `cut`: reset in the middle of it. `drop`: reset instead of it. */
  readonly ending: 'keep' | 'close' | 'cut' | 'drop';
  /** Called once, when the last byte was handed over or could not be. */
  done(delivered: boolean): void;
}

export interface PlainAnswer {
  readonly status: number;
  readonly headers?: AnswerHeaders;
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  readonly ending?: EdgeAnswer['ending'];
}

export function answerOf(plain: PlainAnswer, done: (delivered: boolean) => void = () => {}): EdgeAnswer {
  const { body = '' } = plain;
  let settled = false;
  return {
    status: plain.status,
    headers: plain.headers ?? {},
    body: typeof body === 'string' ? Buffer.from(body) : body,
    ending: plain.ending ?? 'keep',
    done(delivered) {
      if (settled) return;
      settled = true;
      done(delivered);
    },
  };
}

/** Reads a body that nobody wants, so that the connection can be used again. @returns false when it is over `bytesMax`. */
export async function drain(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<boolean> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytesMax) return false;
  }
  return true;
}

/** A whole small body; null when it is over `bytesMax`. */
export async function collect(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Buffer | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
