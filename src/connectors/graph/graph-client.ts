import type { Clock } from '#kit/clock.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import type { HttpRequest } from '#kit/transport.ts';
import type { Context } from '../contract.ts';
import {
  type MailboxAllowance,
  type MailboxLimitsOfService,
  allowances as newAllowances,
  type ShareUse,
} from './allowance.ts';
import { faultOf, isOfFrontEnd, type Subject } from './faults.ts';
import type { GraphAnswer, GraphHttp } from './graph-http.ts';
import { isObject, type Json, type JsonObject, numberAt, objectAt, objectsAt, textAt } from './json.ts';

/** `lasting` survive a move within the mailbox, and stay good for what was deleted; `placed` are of one item in one folder. */
export type IdKind = 'lasting' | 'placed';

/** One request to the Graph: by itself or in a batch. */
export interface GraphRequest {
  readonly method: Extract<HttpRequest['method'], 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'PUT'>;
  /** Below the version: `/users/…`. Of a link that the service handed out, what stands after the version, untouched. */
  readonly path: string;
  /** For words and counters: `messages/delta`. No id, no address, no content. */
  readonly name: string;
  readonly subject: Subject;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Json;
  /** Ids in the answer: those that survive moves, unless it says otherwise. */
  readonly ids?: IdKind;
  /** In a batch: only after this one of the same batch, which stands before it, and not at all when that fails (424). */
  readonly after?: GraphRequest;
}

export interface GraphClientOptions {
  readonly http: GraphHttp;
  readonly clock: Clock;
  /** `https://graph.microsoft.com`. */
  readonly endpoint: string;
  readonly limits: MailboxLimitsOfService;
  /** Where processes agree about the limits of a mailbox; null: this one is alone. */
  readonly shared?: ShareUse | null;
}

export interface GraphClient {
  /** Empty before the first answer. */
  readonly product: string;
  /** Throws FaultError. An answer without a body is an empty object. */
  call(request: GraphRequest, mailbox: string, context: Context): Promise<JsonObject>;
  /** The same with the bytes as they came, and when the service says it was. */
  fetch(request: GraphRequest, mailbox: string, context: Context): Promise<FetchedAnswer>;
  /**
   * Requests by 20, answers in their order, each with its own fault. Writes go one batch after the other, and a batch that fails as a whole
   * after another was carried out has its fault in the place of each of its requests.
   */
  batch(requests: readonly GraphRequest[], mailbox: string, context: Context): Promise<readonly (JsonObject | Fault)[]>;
  /** To an address that carries its own authorization. Its query is a secret: it stands in no word of a fault. */
  sendPreauthorized(request: PreauthorizedRequest, mailbox: string, context: Context): Promise<FetchedAnswer>;
  /** A link of the service as a path for a request; null: it leads somewhere else, or is no link. */
  pathOfLink(link: string): string | null;
}

export interface FetchedAnswer {
  readonly status: number;
  readonly body: Buffer;
  readonly serverTimeMs: number | null;
}

export interface PreauthorizedRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: URL;
  readonly name: string;
  readonly subject: Subject;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
}

/** Requests of a batch (GDOC `concepts/json-batching.md`). */
export const batchRequestsMax = 20;
/** A request may have 4 MB; the frame of a batch needs some of it. */
const batchBytesMax = 3_500_000;
/** Of a JSON answer: 20 exported items with their attachments are the largest. */
const answerBytesMax = 256 * 1024 * 1024;
const version = '/v1.0';
/** Ids that survive moves (GDOC `concepts/outlook-immutable-id.md`). */
export const immutableIds = 'IdType="ImmutableId"';

export function graphClient({ http, clock, endpoint, limits, shared = null }: GraphClientOptions): GraphClient {
  const root = new URL(endpoint);
  const base = root.pathname.replace(/\/$/, '') + version;
  const allowanceOf = newAllowances(clock, limits, shared);
  let product = '';

  const headersOf = ({ headers = {}, body, ids }: GraphRequest): Readonly<Record<string, string>> => {
    const { prefer: own, ...others } = headers;
    const prefer = [...(ids === 'placed' ? [] : [immutableIds]), ...(own === undefined ? [] : [own])].join(', ');
    return {
      ...others,
      ...(prefer === '' ? {} : { prefer }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
  };

  /** What a refusal asks of us; one of this application in this mailbox is heeded by all that is to be sent there. */
  const refusal = (
    answer: { readonly status: number; readonly headers: GraphAnswer['headers']; readonly body: Json | undefined },
    name: string,
    subject: Subject,
    allowance: MailboxAllowance,
  ): Fault => {
    const what = `${root.host}: ${name}`;
    const fault = faultOf({ ...answer, what, nowMs: clock.nowMs() }, subject, () => allowance.refusedForMs());
    if (fault.kind === 'throttled' && !isOfFrontEnd(fault.limit)) allowance.pause(fault.retryAfterMs, fault.limit);
    return fault;
  };

  const settle = (answer: GraphAnswer, name: string, subject: Subject, allowance: MailboxAllowance): FetchedAnswer => {
    if (answer.status < 200 || answer.status > 299)
      throw new FaultError(refusal({ ...answer, body: parsed(answer.body) }, name, subject, allowance));
    product = 'Exchange Online (Microsoft Graph v1.0)';
    allowance.succeeded();
    return { status: answer.status, body: answer.body, serverTimeMs: serverTimeIn(answer) };
  };

  const fetch = async (request: GraphRequest, mailbox: string, context: Context): Promise<FetchedAnswer> => {
    const allowance = allowanceOf(mailbox);
    const body = request.body === undefined ? null : Buffer.from(JSON.stringify(request.body));
    const free = await allowance.take({ requests: 1, uploadBytes: body?.length ?? 0 }, context);
    try {
      const answer = await http.send({
        method: request.method,
        url: new URL(base + request.path, root),
        signedIn: true,
        headers: headersOf(request),
        body,
        anchorMailbox: mailbox,
        writes: request.subject.writes,
        answerMaxBytes: answerBytesMax,
        context,
      });
      return settle(answer, request.name, request.subject, allowance);
    } finally {
      free();
    }
  };

  const call = async (request: GraphRequest, mailbox: string, context: Context): Promise<JsonObject> =>
    objectOf((await fetch(request, mailbox, context)).body, request.name);

  /** One batch of at most 20. Throws when it was refused as a whole. */
  const batchOf = async (
    some: readonly GraphRequest[],
    mailbox: string,
    context: Context,
  ): Promise<readonly (JsonObject | Fault)[]> => {
    const [only] = some;
    if (only !== undefined && some.length === 1) return [await inPlace(() => call(only, mailbox, context))];
    const allowance = allowanceOf(mailbox);
    const writes = some.some(({ subject }) => subject.writes);
    const body = Buffer.from(JSON.stringify({ requests: some.map((one, at) => entryOf(one, at, some)) }));
    const free = await allowance.take({ requests: some.length, uploadBytes: writes ? body.length : 0 }, context);
    let answer: FetchedAnswer;
    try {
      const sent = await http.send({
        method: 'POST',
        url: new URL(`${base}/$batch`, root),
        signedIn: true,
        headers: { 'content-type': 'application/json' },
        body,
        anchorMailbox: mailbox,
        writes,
        answerMaxBytes: answerBytesMax,
        context,
      });
      answer = settle(sent, '$batch', { writes, about: 'mailbox' }, allowance);
    } finally {
      free();
    }
    const byId = new Map(
      objectsAt(objectOf(answer.body, '$batch'), 'responses').map((one) => [textAt(one, 'id'), one]),
    );
    return some.map((request, at) => {
      const response = byId.get(String(at));
      if (response === undefined)
        return { kind: 'transient', detail: '$batch left out an answer', mayHaveHappened: request.subject.writes };
      return answerIn(response, request, allowance);
    });
  };

  const entryOf = (request: GraphRequest, at: number, some: readonly GraphRequest[]): Json => {
    const before = request.after === undefined ? -1 : some.indexOf(request.after);
    return {
      id: String(at),
      method: request.method,
      url: request.path,
      headers: headersOf(request),
      ...(request.body === undefined ? {} : { body: request.body }),
      ...(before < 0 ? {} : { dependsOn: [String(before)] }),
    };
  };

  const answerIn = (
    response: JsonObject,
    { name, subject }: GraphRequest,
    allowance: MailboxAllowance,
  ): JsonObject | Fault => {
    const status = numberAt(response, 'status') ?? 0;
    const body = response['body'];
    if (status >= 200 && status <= 299) return isObject(body) ? body : {};
    const headers = Object.fromEntries(
      Object.entries(objectAt(response, 'headers') ?? {}).map(([key, value]) => [key.toLowerCase(), String(value)]),
    );
    return refusal({ status, headers, body }, name, subject, allowance);
  };

  return {
    get product() {
      return product;
    },
    call,
    fetch,
    async batch(requests, mailbox, context) {
      const groups = groupsOf(requests);
      const writes = requests.some(({ subject }) => subject.writes);
      if (!writes) return (await Promise.all(groups.map((some) => batchOf(some, mailbox, context)))).flat();
      const answers: (JsonObject | Fault)[] = [];
      for (const some of groups) {
        try {
          answers.push(...(await batchOf(some, mailbox, context)));
        } catch (error) {
          if (!(error instanceof FaultError) || answers.length === 0) throw error;
          answers.push(...some.map(() => error.fault));
        }
      }
      return answers;
    },
    async sendPreauthorized({ method, url, name, subject, headers, body }, mailbox, context) {
      const allowance = allowanceOf(mailbox);
      const free = await allowance.take({ requests: 1, uploadBytes: body?.length ?? 0 }, context);
      try {
        const answer = await http.send({
          method,
          url,
          signedIn: false,
          headers,
          body,
          anchorMailbox: null,
          writes: subject.writes,
          answerMaxBytes: answerBytesMax,
          context,
        });
        return settle(answer, name, subject, allowance);
      } finally {
        free();
      }
    },
    pathOfLink(link) {
      if (!URL.canParse(link)) return null;
      const url = new URL(link);
      const path = link.slice(link.indexOf(url.host) + url.host.length);
      return url.origin === root.origin && path.startsWith(`${base}/`) ? path.slice(base.length) : null;
    },
  };
}

/** By 20 and by size, what follows another in the same batch with it. */
function groupsOf(requests: readonly GraphRequest[]): readonly (readonly GraphRequest[])[] {
  const groups: GraphRequest[][] = [];
  let size = 0;
  for (const [at, request] of requests.entries()) {
    const group = groups.at(-1);
    const bytes = request.path.length + (request.body === undefined ? 0 : JSON.stringify(request.body).length) + 256;
    const stays = request.after !== undefined && group?.includes(request.after) === true;
    const hasFollower = requests[at + 1]?.after === request;
    const room = batchRequestsMax - (hasFollower ? 1 : 0);
    if (
      group !== undefined &&
      group.length < batchRequestsMax &&
      (stays || (group.length < room && size + bytes <= batchBytesMax))
    ) {
      group.push(request);
      size += bytes;
    } else {
      groups.push([request]);
      size = bytes;
    }
  }
  return groups;
}

async function inPlace<T>(work: () => Promise<T>): Promise<T | Fault> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FaultError) || !isOfItem(error.fault)) throw error;
    return error.fault;
  }
}

/** What a batch would have had in its place. The rest concerns more than one item. */
const isOfItem = ({ kind }: Fault): boolean => kind === 'gone' || kind === 'stale' || kind === 'poison';

function parsed(body: Buffer): Json | undefined {
  try {
    return JSON.parse(body.toString('utf8')) as Json;
  } catch {
    return undefined;
  }
}

/** Throws FaultError `protocol` for what is no JSON object; nothing at all is an empty one. */
export function objectOf(body: Buffer, name: string): JsonObject {
  if (body.length === 0) return {};
  const json = parsed(body);
  if (isObject(json)) return json;
  throw new FaultError({
    kind: 'fatal',
    code: 'protocol',
    detail: `the answer to ${name} is no JSON: a proxy or a login page may stand between this machine and the Graph`,
  });
}

function serverTimeIn({ headers }: GraphAnswer): number | null {
  const date = headers['date'];
  const ms = typeof date === 'string' ? Date.parse(date) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}
