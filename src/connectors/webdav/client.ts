import { SpoolMemory } from '#formats/text/spool-memory.ts';
import { type XmlElement, XmlFault } from '#formats/text/xml-read.ts';
import type { Clock } from '#kit/clock.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import type { Payload } from '#kit/payload.ts';
import type { Context } from '../contract.ts';
import { headerIn } from '../http/headers.ts';
import { spooledBytes } from '../http/spooled-bytes.ts';
import type { DavAnswer, DavHttp, DavRequest } from './dav-http.ts';
import { answerFault, type Subject } from './faults.ts';
import { type DavResponse, readMultistatus } from './multistatus.ts';
import { productOf } from './server-version.ts';

export interface DavClientOptions {
  readonly http: DavHttp;
  readonly clock: Clock;
  /** Where messages are spooled that find no room in memory: a private folder, made when it is needed. */
  readonly spoolDir: string;
  /** How much of larger messages is held in memory, in bytes; without it none. */
  readonly spoolMemoryBytes?: number;
}

export interface DavCall {
  readonly method: DavRequest['method'];
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: DavRequest['body'];
  readonly mailbox: string;
  readonly subject: Subject;
  /** What a status means here and nowhere else. */
  readonly faults?: Readonly<Record<number, Fault>>;
  readonly context: Context;
}

/** What is read off every answer. */
export interface DavReceipt {
  readonly status: number;
  readonly headers: DavAnswer['headers'];
  readonly oddities: Readonly<Record<string, number>>;
  /** Milliseconds since 1970 by the server's clock (`Date`). */
  readonly serverTimeMs: number | null;
}

/** Every method throws FaultError when the request failed as a whole. */
export interface DavClient {
  /** What the server said it is; empty before the first answer. */
  readonly product: string;
  /** An answer of several, each handed to `take` as it ends. `root` is told what stands beside them. */
  several(call: DavCall, take: (response: DavResponse) => void): Promise<DavReceipt & { readonly root: XmlElement }>;
  /** An answer whose content nobody needs; of one of several, the first status that is a fault counts. */
  plain(call: DavCall): Promise<DavReceipt>;
  /** An answer that is the content. The caller disposes of it. */
  content(call: DavCall): Promise<DavReceipt & { readonly bytes: Payload }>;
}

export function davClient({ http, clock, spoolDir, spoolMemoryBytes = 0 }: DavClientOptions): DavClient {
  const spool = { directory: spoolDir, memory: new SpoolMemory(spoolMemoryBytes) };
  let product = '';

  const send = async ({ method, path, headers = {}, body = null, mailbox, subject, faults, context }: DavCall) => {
    const request = { method, path, headers, body, mailbox, writes: subject.writes, context };
    const answer = await http.send(request);
    const storage = headerIn(answer.headers, 'ms-webstorage');
    if (storage !== null && product === '') product = productOf(storage);
    const fault = faults?.[answer.status] ?? answerFault(answer, subject, clock.nowMs());
    if (fault === null) return answer;
    await leave(answer);
    throw new FaultError(fault);
  };

  const read = async (answer: DavAnswer, subject: Subject, take: (response: DavResponse) => void) => {
    try {
      return await readMultistatus(answer.body, take);
    } catch (error) {
      await answer.body.return?.();
      throw faultOfXml(error, subject);
    }
  };

  return {
    get product() {
      return product;
    },
    async several(call, take) {
      const answer = await send(call);
      const { root, oddities } = await read(answer, call.subject, take);
      return { ...receiptOf(answer), oddities, root };
    },
    async plain(call) {
      const answer = await send(call);
      if (answer.status !== 207) {
        await leave(answer);
        return receiptOf(answer);
      }
      let fault: Fault | null = null;
      const { oddities } = await read(answer, call.subject, ({ status }) => {
        fault ??= status === null ? null : answerFault({ ...answer, status }, call.subject, clock.nowMs());
      });
      if (fault !== null) throw new FaultError(fault);
      return { ...receiptOf(answer), oddities };
    },
    async content(call) {
      const answer = await send(call);
      const bytes = await spooledBytes(answer.body, spool);
      if (bytes === null)
        throw new FaultError({
          kind: 'poison',
          reason: 'too-large',
          detail: `${call.method}: more bytes than are read`,
        });
      return { ...receiptOf(answer), bytes };
    },
  };
}

const receiptOf = ({ status, headers }: DavAnswer): DavReceipt => {
  const ms = Date.parse(headerIn(headers, 'date') ?? '');
  return { status, headers, oddities: {}, serverTimeMs: Number.isNaN(ms) ? null : ms };
};

/** Longest answer that is read only to keep the connection. */
const leftMax = 64 * 1024;

async function leave({ body }: DavAnswer): Promise<void> {
  let read = 0;
  try {
    for await (const chunk of body) {
      read += chunk.length;
      if (read > leftMax) return;
    }
  } catch {
    // It broke off: the same as not reading it.
  }
}

function faultOfXml(error: unknown, { operation, writes }: Subject): unknown {
  if (!(error instanceof XmlFault)) return error;
  if (error.reason === 'truncated')
    return new FaultError({
      kind: 'transient',
      detail: `the answer to ${operation} was cut off`,
      mayHaveHappened: writes,
      cause: error,
    });
  const advice =
    error.reason === 'not-xml' || error.reason === 'doctype'
      ? '. That is a page for people: give the address that leads straight to the WebDAV of Exchange, https://HOST/exchange/'
      : '';
  return new FaultError({
    kind: 'fatal',
    code: 'protocol',
    detail: `the answer to ${operation} cannot be read: ${error.message}${advice}`,
    cause: error,
  });
}
