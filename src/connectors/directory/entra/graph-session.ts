import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { Context } from '../../contract.ts';
import type { GraphAnswer, GraphHttp } from '../../graph/graph-http.ts';
import { isObject, type Json, type JsonObject, numberAt, objectAt, objectsAt, textAt } from '../../graph/json.ts';
import { retryAfterMs } from '../../http/retry-after.ts';

/** One request about objects of a tenant, by itself or in a batch. */
export interface EntraRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** Below the version, or what stands after it in a link that the service handed out. */
  readonly path: string;
  readonly body?: Json;
  /** An advanced query: answered from an index that may lag behind (GDOC `aad-advanced-queries`). */
  readonly isAdvanced?: true;
}

/** An answer that is no success, for one request. */
export interface EntraRefusal {
  readonly kind: 'refused';
  readonly status: number;
  readonly code: string;
  readonly message: string;
}
export type EntraOutcome = { readonly kind: 'ok'; readonly body: JsonObject } | EntraRefusal;

export interface GraphSessionOptions {
  readonly http: GraphHttp;
  readonly clock: Clock;
  /** `https://graph.microsoft.com`. */
  readonly endpoint: string;
}

/** Requests of a batch (GDOC `json-batching`). */
const batchMax = 20;
const answerBytesMax = 64 * 1024 * 1024;
const version = '/v1.0';
/** Wait after a refusal that names none, doubled with each in a row. */
const unnamedWaitMs = 1_000;
const longestWaitMs = 60_000;
/** Pages of one listing; a service that never comes to an end is stopped here. */
const pagesMax = 10_000;

/**
 * Graph as a directory is read and written by it: batches of 20, waits when the tenant is throttled, for as long as the caller's deadline
 * lets it. What is refused is told for each request; what concerns all of them is a FaultError.
 */
export class GraphSession {
  readonly #options: GraphSessionOptions;
  readonly #root: URL;
  readonly #base: string;
  /** HTTP requests so far that were answered. */
  requests = 0;

  constructor(options: GraphSessionOptions) {
    this.#options = options;
    this.#root = new URL(options.endpoint);
    this.#base = this.#root.pathname.replace(/\/$/, '') + version;
  }

  /** A link of the service as a path for a request. Throws FaultError `protocol` when it leads somewhere else. */
  pathOf(link: string): string {
    if (URL.canParse(link)) {
      const url = new URL(link);
      const path = link.slice(link.indexOf(url.host) + url.host.length);
      if (url.origin === this.#root.origin && path.startsWith(`${this.#base}/`)) return path.slice(this.#base.length);
    }
    throw new FaultError({
      kind: 'fatal',
      code: 'protocol',
      detail: `${this.#root.host} hands out a link that leads somewhere else`,
    });
  }

  /** Address of an object, as bodies of `$ref` name it. */
  reference(id: string): string {
    return `${this.#root.origin}${this.#base}/directoryObjects/${id}`;
  }

  /** Answers in the order of the requests. Throws FaultError. */
  async all(requests: readonly EntraRequest[], context: Context): Promise<readonly EntraOutcome[]> {
    const outcomes: EntraOutcome[] = [];
    for (let at = 0; at < requests.length; at += batchMax)
      outcomes.push(...(await this.#some(requests.slice(at, at + batchMax), context)));
    return outcomes;
  }

  /** One that must succeed. Throws FaultError for a refusal too. */
  async get(path: string, context: Context): Promise<JsonObject> {
    const [outcome] = await this.all([{ method: 'GET', path }], context);
    if (outcome?.kind === 'ok') return outcome.body;
    throw new FaultError(faultOf(outcome, this.#root.host, path));
  }

  /** What is on the pages after the first one. */
  async rest(first: JsonObject, context: Context): Promise<readonly JsonObject[]> {
    const entries: JsonObject[] = [];
    let next = textAt(first, '@odata.nextLink');
    for (let pages = 0; next !== null; pages++) {
      if (pages >= pagesMax)
        throw new FaultError({ kind: 'fatal', code: 'protocol', detail: `${this.#root.host}: a list has no end` });
      const page = await this.get(this.pathOf(next), context);
      entries.push(...objectsAt(page, 'value'));
      next = textAt(page, '@odata.nextLink');
    }
    return entries;
  }

  async #some(requests: readonly EntraRequest[], context: Context): Promise<readonly EntraOutcome[]> {
    const outcomes = new Map<number, EntraOutcome>();
    let waitMs = unnamedWaitMs;
    for (let open = requests.map((_, at) => at); open.length > 0; ) {
      const { answered, pauseMs } = await this.#round(
        open.map((at) => requests[at] as EntraRequest),
        context,
      );
      for (const [n, outcome] of answered) outcomes.set(open[n] as number, outcome);
      open = open.filter((at) => !outcomes.has(at));
      if (open.length === 0) break;
      await this.#pause(pauseMs ?? waitMs, context);
      waitMs = Math.min(waitMs * 2, longestWaitMs);
    }
    return requests.map((_, at) => outcomes.get(at) as EntraOutcome);
  }

  async #pause(ms: number, { signal, deadlineMs }: Context): Promise<void> {
    const { clock } = this.#options;
    if (clock.monotonicMs() + ms >= deadlineMs)
      throw new FaultError({ kind: 'throttled', retryAfterMs: ms, limit: 'the directory of the tenant' });
    await clock.sleep(ms, signal);
  }

  /** Sends once. What was throttled is missing among the answers, with how long to wait if the service said so. */
  async #round(
    requests: readonly EntraRequest[],
    context: Context,
  ): Promise<{ readonly answered: ReadonlyMap<number, EntraOutcome>; readonly pauseMs: number | null }> {
    const [only] = requests;
    const writes = requests.some(({ method }) => method !== 'GET');
    if (only !== undefined && requests.length === 1) {
      const answer = await this.#send(only, context);
      const parts = [{ status: answer.status, headers: answer.headers, body: parsed(answer.body) }];
      return this.#sorted(parts, writes);
    }
    const body = {
      requests: requests.map((one, at) => ({
        id: String(at),
        method: one.method,
        url: one.path,
        headers: headersOf(one),
        ...(one.body === undefined ? {} : { body: one.body }),
      })),
    };
    const answer = await this.#send({ method: 'POST', path: '/$batch', body }, context, writes);
    if (answer.status < 200 || answer.status > 299) {
      const whole = this.#sorted([{ ...answer, body: parsed(answer.body) }], writes);
      const [refused] = whole.answered.values();
      if (refused?.kind === 'refused') throw new FaultError(faultOf(refused, this.#root.host, '$batch'));
      return { answered: new Map(), pauseMs: whole.pauseMs };
    }
    const responses = new Map(
      objectsAt(objectOf(parsed(answer.body)), 'responses').map((one) => [textAt(one, 'id'), one]),
    );
    return this.#sorted(
      requests.map((_, at) => {
        const response = responses.get(String(at));
        return response === undefined
          ? null
          : {
              status: numberAt(response, 'status') ?? 0,
              headers: Object.fromEntries(
                Object.entries(objectAt(response, 'headers') ?? {}).map(([name, value]) => [
                  name.toLowerCase(),
                  String(value),
                ]),
              ),
              body: response['body'],
            };
      }),
      writes,
    );
  }

  #sorted(
    answers: readonly ({
      readonly status: number;
      readonly headers: GraphAnswer['headers'];
      readonly body: Json | undefined;
    } | null)[],
    writes: boolean,
  ): { readonly answered: ReadonlyMap<number, EntraOutcome>; readonly pauseMs: number | null } {
    const answered = new Map<number, EntraOutcome>();
    let pauseMs: number | null = null;
    for (const [at, answer] of answers.entries()) {
      if (answer === null)
        throw new FaultError({ kind: 'transient', detail: '$batch left out an answer', mayHaveHappened: writes });
      const { status, headers, body } = answer;
      if (status >= 200 && status <= 299) {
        answered.set(at, { kind: 'ok', body: isObject(body) ? body : {} });
        continue;
      }
      const refusal = refusalOf(status, body);
      // 503 and 504 are treated alike with 429 (GDOC `throttling`); a write that timed out may have been done.
      if (status === 429 || status === 503 || (status === 504 && !writes)) {
        const named = retryAfterMs(headers['retry-after'], this.#options.clock.nowMs());
        if (named !== null && named > 0) pauseMs = Math.max(pauseMs ?? 0, named);
      } else if (status >= 500)
        throw new FaultError({
          kind: 'transient',
          detail: `${this.#root.host}: HTTP ${status} ${refusal.code}`,
          mayHaveHappened: writes,
        });
      else if (status === 401) throw new FaultError(faultOf(refusal, this.#root.host, ''));
      else answered.set(at, refusal);
    }
    return { answered, pauseMs };
  }

  async #send(request: EntraRequest, context: Context, writes = request.method !== 'GET'): Promise<GraphAnswer> {
    const body = request.body === undefined ? null : Buffer.from(JSON.stringify(request.body));
    this.requests++;
    try {
      return await this.#options.http.send({
        method: request.method,
        url: new URL(this.#base + request.path, this.#root),
        signedIn: true,
        headers: headersOf(request),
        body,
        anchorMailbox: null,
        writes,
        answerMaxBytes: answerBytesMax,
        context,
      });
    } catch (error) {
      if (error instanceof FaultError || !context.signal.aborted) throw error;
      throw new FaultError({
        kind: 'transient',
        detail: `${this.#root.host}: the work was stopped`,
        mayHaveHappened: writes,
        cause: error,
      });
    }
  }
}

const headersOf = ({ body, isAdvanced }: EntraRequest): Readonly<Record<string, string>> => ({
  ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  ...(isAdvanced === true ? { consistencylevel: 'eventual' } : {}),
});

function parsed(body: Buffer): Json | undefined {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString('utf8')) as Json;
  } catch {
    return undefined;
  }
}

function objectOf(body: Json | undefined): JsonObject {
  if (isObject(body)) return body;
  throw new FaultError({
    kind: 'fatal',
    code: 'protocol',
    detail: 'the answer is no JSON: a proxy or a login page may stand between this machine and the Graph',
  });
}

function refusalOf(status: number, body: Json | undefined): EntraRefusal {
  const error = isObject(body) ? objectAt(body, 'error') : null;
  return {
    kind: 'refused',
    status,
    code: error === null ? '' : (textAt(error, 'code') ?? ''),
    message: error === null ? '' : (textAt(error, 'message') ?? ''),
  };
}

/** What the refusal of something that has to work means for all of the work. */
export function faultOf(refusal: EntraRefusal | undefined, host: string, path: string) {
  const { status = 0, code = '', message = '' } = refusal ?? {};
  const what = path.split(/[?(]/)[0]?.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, '…') ?? '';
  const detail = `${host}${what === '' ? '' : ` ${what}`}: HTTP ${status}${code === '' ? '' : ` ${code}`}${message === '' ? '' : `: ${message.slice(0, 300)}`}`;
  if (status === 401)
    return {
      kind: 'fatal',
      code: 'auth',
      detail: `${detail}. The sign-in was refused: look at signIn.tenant, signIn.clientId and the credential`,
    } as const;
  if (status === 403)
    return {
      kind: 'fatal',
      code: 'access-denied',
      detail: `${detail}. The application needs User.Read.All, Group.Read.All, OrgContact.Read.All, Organization.Read.All and MailboxSettings.Read with an administrator's consent; docs/operating/directory-rights.md lists what for`,
    } as const;
  if (status === 410) return { kind: 'cursor-lost' } as const;
  return { kind: 'fatal', code: 'protocol', detail } as const;
}
