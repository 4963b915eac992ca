import { hash } from 'node:crypto';
import { SpoolMemory } from '#formats/text/spool-memory.ts';
import { SpoolingHandler, type SpoolOptions } from '#formats/text/spool-scan.ts';
import {
  child,
  readXml,
  type XmlAttributes,
  type XmlElement,
  XmlFault,
  type XmlInput,
  type XmlName,
  XmlTreeBuilder,
} from '#formats/text/xml-read.ts';
import { type XmlBody, type XmlFragment, xml, xmlBody } from '#formats/text/xml-write.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import type { Context } from '../contract.ts';
import type { EwsAnswer, EwsHttp } from './ews-http.ts';
import { faultOfMessage, faultOfSoapFault, soapFaultIn } from './faults.ts';
import { messagesNamespace, soapNamespace, typesNamespace } from './namespaces.ts';
import type { AnswerReader, Operation } from './operation.ts';
import { atLeast, oldestSchema, productOf, readServerBuild, type SchemaVersion, schemaOf } from './server-version.ts';

export interface EwsClientOptions {
  readonly http: EwsHttp;
  /** Act as the mailbox's owner (ExchangeImpersonation); otherwise as whoever signs in. */
  readonly impersonate: boolean;
  /** Where messages are spooled that find no room in memory: a private folder, made when it is needed. */
  readonly spoolDir: string;
  /** How much base64 text of larger messages is held in memory, in bytes; without it none. */
  readonly spoolMemoryBytes?: number;
  /** The schema version to begin with, before an answer shows the server's own; without it the oldest. */
  readonly version?: SchemaVersion;
}

/** Answers in the order of what was asked for, each in its place: what was read, or why not. */
export interface Answers<Answer> {
  readonly answers: readonly (Answer | Fault)[];
  /** Characters that XML forbids and the server sent nevertheless. */
  readonly repairs: number;
  /** Milliseconds since 1970 by the server's clock (`Date`), for `check`. */
  readonly serverTimeMs: number | null;
}

export interface EwsClient {
  /** What the server said it is; empty before the first answer. */
  readonly product: string;
  readonly version: SchemaVersion;
  /** Whether `version` is known from an answer or by configuration, rather than the oldest that works everywhere. */
  readonly versionKnown: boolean;
  /** Throws FaultError when the request failed as a whole. The caller disposes of payloads in the answers. */
  call<Request, Answer>(
    operation: Operation<Request, Answer>,
    request: Request,
    mailbox: string,
    context: Context,
    /** Whose server is asked, when it is not the mailbox's own: the first of a group of watched mailboxes. */
    anchor?: string,
  ): Promise<Answers<Answer>>;
  /**
   * As `call`, but an answer that is the one before to the letter is not read.
   *
   * @param before `digest` of the answer before.
   * @returns `digest`: of the request and its answer; null when that is too large to be held.
   */
  callUnlessSame<Request, Answer>(
    operation: Operation<Request, Answer>,
    request: Request,
    mailbox: string,
    before: string | null,
    context: Context,
  ): Promise<(Answers<Answer> & { readonly digest: string | null }) | 'same'>;
  /** Sends a request whose answer never ends, for streaming notifications. The caller reads `body`, envelope after envelope. */
  open<Request, Answer>(
    operation: Operation<Request, Answer>,
    request: Request,
    mailbox: string,
    anchor: string,
    context: Context,
  ): Promise<EwsAnswer>;
}

/** Answers are read up to this many bytes, texts that are put aside not counted. */
const answerLimits = { bytesMax: 128 * 1024 * 1024, depthMax: 64, elementsMax: 2_000_000 } as const;

/** Answers up to this many bytes are compared with those before. */
const smallAnswerMax = 64 * 1024;

export function ewsClient({
  http,
  impersonate,
  spoolDir,
  spoolMemoryBytes = 0,
  version: configured,
}: EwsClientOptions): EwsClient {
  const spool = { directory: spoolDir, memory: new SpoolMemory(spoolMemoryBytes) };
  let version = configured ?? oldestSchema;
  let product = '';

  /** Servers of one organization may differ while it is being upgraded, so the lowest version seen is spoken. */
  const learn = (info: XmlElement | null): void => {
    const build = info === null ? null : readServerBuild(info);
    if (build === null) return;
    const seen = schemaOf(build);
    if (seen === null)
      throw new FaultError({
        kind: 'fatal',
        code: 'unsupported',
        detail: `the server is ${productOf(build)}; Exchange 2007 SP1 is the oldest supported`,
      });
    if (product !== '' && atLeast(seen, version)) return;
    product = productOf(build);
    version = seen;
  };

  const post = (operation: string, body: XmlBody, anchor: string, context: Context): Promise<EwsAnswer> => {
    const stream = { [Symbol.asyncIterator]: () => body.chunks()[Symbol.asyncIterator]() };
    return http.post({
      body: body.whole ?? { stream, sizeBytes: body.contentLength },
      anchorMailbox: anchor,
      operation,
      context,
    });
  };

  const bodyOf = <Request, Answer>(operation: Operation<Request, Answer>, request: Request, mailbox: string): XmlBody =>
    xmlBody(
      envelopeOf(operation.write(request, version), version, impersonate && operation.asSelf !== true ? mailbox : null),
    );

  /** @param spoken the version that the request was written for. */
  const read = async <Request, Answer>(
    answer: EwsAnswer,
    operation: Operation<Request, Answer>,
    request: Request,
    spoken: SchemaVersion,
  ): Promise<Answers<Answer>> => {
    const reader = operation.reader(request);
    const { root, repairs, messages, payloads, dispose } = await readAnswer(answer.body, operation, reader, spool);
    try {
      const header = child(root, soapNamespace, 'Header');
      learn(header === null ? null : child(header, typesNamespace, 'ServerVersionInfo'));
      const body = child(root, soapNamespace, 'Body');
      const soapFault = body === null ? null : soapFaultIn(body);
      if (soapFault !== null) {
        const fault = faultOfSoapFault(soapFault, operation.subject);
        if (fault.kind === 'fatal' && fault.code === 'unsupported' && spoken !== oldestSchema) {
          // A mailbox on an older server than the one that answered before: speak its language from now on.
          version = oldestSchema;
          throw new FaultError({ kind: 'transient', detail: fault.detail, mayHaveHappened: false });
        }
        throw new FaultError(fault);
      }
      const response = body === null ? null : child(body, messagesNamespace, `${operation.name}Response`);
      if (response === null)
        throw protocolFault(`HTTP ${answer.status} with XML that is no answer to ${operation.name}`);
      if (operation.whole !== undefined) messages.push(response);
      const asked = operation.answers(request);
      const only = messages.length === 1 && asked > 1 ? messages[0] : undefined;
      const faultOf = (message: XmlElement) => faultOfMessage(responseIn(message, operation), operation.subject);
      const common = only === undefined ? null : faultOf(only);
      if (common !== null)
        return { answers: new Array<Fault>(asked).fill(common), repairs, serverTimeMs: serverTimeIn(answer) };
      if (messages.length !== asked)
        throw protocolFault(`${operation.name} was asked for ${asked} answers and got ${messages.length}`);
      const answers = messages.map((message) => faultOf(message) ?? reader.read(message, { payloads }));
      return { answers, repairs, serverTimeMs: serverTimeIn(answer) };
    } catch (error) {
      await dispose();
      throw faultOfXml(error, operation);
    }
  };

  return {
    get product() {
      return product;
    },
    get version() {
      return version;
    },
    get versionKnown() {
      return product !== '' || configured !== undefined;
    },
    async call(operation, request, mailbox, context, anchor = mailbox) {
      const spoken = version;
      const answer = await post(operation.name, bodyOf(operation, request, mailbox), anchor, context);
      return read(answer, operation, request, spoken);
    },
    async callUnlessSame(operation, request, mailbox, before, context) {
      const spoken = version;
      const body = bodyOf(operation, request, mailbox);
      const answer = await post(operation.name, body, mailbox, context);
      const { start, rest } = await startOf(answer.body, smallAnswerMax);
      const digest = rest === null && body.whole !== null ? digestOf(body.whole, start) : null;
      if (digest !== null && digest === before) return 'same';
      const whole = { ...answer, body: joined(start, rest) };
      return { ...(await read(whole, operation, request, spoken)), digest };
    },
    open(operation, request, mailbox, anchor, context) {
      return post(operation.name, bodyOf(operation, request, mailbox), anchor, context);
    },
  };
}

/** The chunks of a body up to so many bytes, and what comes after them; null: that was all. */
async function startOf(body: AsyncIterable<Uint8Array>, bytesMax: number) {
  const start: Uint8Array[] = [];
  const rest = body[Symbol.asyncIterator]();
  for (let bytes = 0; bytes <= bytesMax; ) {
    const { done, value } = await rest.next();
    if (done) return { start, rest: null };
    start.push(value);
    bytes += value.length;
  }
  return { start, rest };
}

async function* joined(
  start: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array> | null,
): AsyncGenerator<Uint8Array> {
  yield* start;
  if (rest !== null) yield* { [Symbol.asyncIterator]: () => rest };
}

const digestOf = (request: Buffer, answer: readonly Uint8Array[]): string =>
  hash('sha256', Buffer.concat([request, ...answer]), 'base64');

/** A whole envelope; `owner` is the mailbox to act as. */
export function envelopeOf(body: XmlFragment, version: SchemaVersion, owner: string | null): XmlFragment {
  // The SmtpAddress form came with 2010; it also finds mailboxes by a secondary address.
  const sid = atLeast(version, 'Exchange2010')
    ? xml`<t:SmtpAddress>${owner}</t:SmtpAddress>`
    : xml`<t:PrimarySmtpAddress>${owner}</t:PrimarySmtpAddress>`;
  const impersonation =
    owner === null
      ? null
      : xml`<t:ExchangeImpersonation><t:ConnectingSID>${sid}</t:ConnectingSID></t:ExchangeImpersonation>`;
  return xml`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><s:Header><t:RequestServerVersion Version="${version}"/>${impersonation}</s:Header><s:Body>${body}</s:Body></s:Envelope>`;
}

/** The part of an answer that says how it went: nearly always the answer itself. */
export function responseIn<Request, Answer>(
  message: XmlElement,
  { messages, whole }: Operation<Request, Answer>,
): XmlElement {
  const name = messages?.response ?? (typeof whole === 'object' ? whole.response : null);
  return (name === null ? null : child(message, messagesNamespace, name)) ?? message;
}

/** Reads an envelope; response messages and what the reader takes are not kept in the tree. Throws FaultError. */
export async function readAnswer<Request, Answer>(
  input: XmlInput,
  operation: Operation<Request, Answer>,
  reader: AnswerReader<Answer>,
  where: Pick<SpoolOptions, 'directory' | 'memory'>,
) {
  const messages: XmlElement[] = [];
  const messageName = operation.messages?.name ?? `${operation.name}ResponseMessage`;
  const builder = new AnswerBuilder((element, depth) => {
    // Envelope 0, Body 1, Response 2, ResponseMessages 3, ResponseMessage 4.
    if (depth < 4) return false;
    if (depth > 4) return reader.take?.(element, depth - 4) ?? false;
    if (element.name !== messageName || element.ns !== messagesNamespace) return false;
    messages.push(element);
    return true;
  });
  const spool =
    operation.spooled === undefined
      ? null
      : new SpoolingHandler(builder, { ns: typesNamespace, names: operation.spooled, ...where });
  const dispose = async (): Promise<void> => spool?.dispose();
  try {
    const repairs = await readXml(input, spool ?? builder, answerLimits);
    return { root: builder.root, repairs, messages, payloads: spool?.payloads ?? [], dispose };
  } catch (error) {
    await dispose();
    throw faultOfXml(error, operation);
  }
}

/** A tree whose `take` is also told how many elements are still open around the one that ended. */
class AnswerBuilder extends XmlTreeBuilder {
  #depth = 0;
  constructor(take: (element: XmlElement, depth: number) => boolean) {
    super((element) => take(element, this.#depth));
  }
  override open(name: XmlName, attributes: XmlAttributes): void {
    this.#depth++;
    super.open(name, attributes);
  }
  override close(name: XmlName): void {
    this.#depth--;
    super.close(name);
  }
}

function faultOfXml<Request, Answer>(error: unknown, operation: Operation<Request, Answer>): unknown {
  if (!(error instanceof XmlFault)) return error;
  if (error.reason === 'truncated') {
    return new FaultError({
      kind: 'transient',
      detail: `the answer to ${operation.name} was cut off`,
      mayHaveHappened: operation.subject.writes,
      cause: error,
    });
  }
  return new FaultError({
    kind: 'fatal',
    code: 'protocol',
    detail: `the answer to ${operation.name} cannot be read: ${error.message}`,
    cause: error,
  });
}

const protocolFault = (detail: string): FaultError => new FaultError({ kind: 'fatal', code: 'protocol', detail });

function serverTimeIn(answer: EwsAnswer): number | null {
  const date = answer.headers['date'];
  const ms = typeof date === 'string' ? Date.parse(date) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}
