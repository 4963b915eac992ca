import { badRequest, GraphError } from './graph-error.ts';
import type { Json, Reply } from './route.ts';

// learn.microsoft.com/graph/json-batching

const requestsMax = 20;
/** Of one mailbox the Outlook service runs so many at a time. (FACTS §4) */
const atATime = 4;

export interface BatchPart {
  readonly id: string;
  readonly method: string;
  /** Below the version: `/users/x/messages?$top=5`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly dependsOn: readonly string[];
}

function readPart(value: unknown): BatchPart {
  const one = value as Json | null;
  const { id, method, url, headers = {}, body, dependsOn = [] } = one ?? {};
  if (typeof id !== 'string' || typeof method !== 'string' || typeof url !== 'string')
    throw badRequest('Each request of a batch needs an id, a method and a url.');
  if (/^https?:/i.test(url)) throw badRequest('The url of a request in a batch is relative.');
  if (typeof headers !== 'object' || headers === null) throw badRequest('Headers are an object.');
  if (!Array.isArray(dependsOn)) throw badRequest('dependsOn is a list of ids.');
  const lower = Object.fromEntries(
    Object.entries(headers as Json).map(([name, header]) => [name.toLowerCase(), String(header)]),
  );
  const hasBody = body !== undefined && body !== null;
  if (hasBody && lower['content-type'] === undefined)
    throw badRequest('A request of a batch that has a body needs a Content-Type.');
  const isJson = /^\s*application\/json\b/i.test(lower['content-type'] ?? '');
  // What is no JSON comes as base64, which for MIME is what a single request has, too.
  const bytes = !hasBody ? '' : isJson ? JSON.stringify(body) : String(body);
  return {
    id,
    method: method.toUpperCase(),
    url: url.startsWith('/') ? url : `/${url}`,
    headers: lower,
    body: Buffer.from(bytes),
    dependsOn: dependsOn.map(String),
  };
}

/** @throws GraphError */
export function readBatch(json: Json): readonly BatchPart[] {
  const { requests } = json;
  if (!Array.isArray(requests)) throw badRequest('A batch has requests.');
  if (requests.length === 0 || requests.length > requestsMax)
    throw new GraphError(
      400,
      'BadRequest',
      `Number of batch request steps exceeds the maximum value of ${requestsMax}.`,
    );
  const parts = requests.map(readPart);
  const known = new Set<string>();
  for (const { id, dependsOn } of parts) {
    if (known.has(id.toLowerCase())) throw badRequest(`The id '${id}' is not unique in the batch.`);
    // Whom a request waits for stands before it.
    if (dependsOn.some((one) => !known.has(one.toLowerCase())))
      throw badRequest(`The request '${id}' depends on one that does not stand before it.`);
    known.add(id.toLowerCase());
  }
  return parts;
}

const failedDependency: Reply = {
  status: 424,
  json: { error: { code: 'FailedDependency', message: 'Failed Dependency' } },
};

/** Carries a batch out: what depends on others after them, of the rest a few at a time. Answers come as they are done. */
export async function runBatch(
  parts: readonly BatchPart[],
  run: (part: BatchPart) => Promise<Reply>,
): Promise<readonly Json[]> {
  const done = new Map<string, Promise<Reply>>();
  const answers: Json[] = [];
  let running = 0;
  const waiting: (() => void)[] = [];
  const turn = async (): Promise<void> => {
    if (running < atATime) running++;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const over = (): void => {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  };
  for (const part of parts) {
    const before = part.dependsOn.map((id) => done.get(id.toLowerCase()));
    const answer = (async (): Promise<Reply> => {
      const replies = await Promise.all(before);
      if (replies.some((reply) => reply === undefined || reply.status >= 400)) return failedDependency;
      await turn();
      try {
        return await run(part);
      } finally {
        over();
      }
    })();
    done.set(part.id.toLowerCase(), answer);
    void answer.then(
      (reply) => answers.push(answerOf(part.id, reply)),
      () => undefined,
    );
  }
  await Promise.all(done.values());
  return answers;
}

function answerOf(id: string, { status, json, bytes, headers = {} }: Reply): Json {
  const named = Object.fromEntries(
    Object.entries({ ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...headers }).map(
      ([name, value]) => [name.replace(/(^|-)[a-z]/g, (c) => c.toUpperCase()), value],
    ),
  );
  // Bytes go as base64. (json-batching: response bodies)
  const body = bytes === undefined ? json : bytes.toString('base64');
  return { id, status, headers: named, ...(body === undefined ? {} : { body }) };
}
