import { SteppingClock } from '#kit/stepping-clock.ts';
import type { Context } from '../contract.ts';
import { serviceLimits } from './allowance.ts';
import { type GraphClient, graphClient } from './graph-client.ts';
import type { GraphAnswer, GraphHttp, GraphPost } from './graph-http.ts';
import type { Json, JsonObject } from './json.ts';

/** One answer of a composed dialogue. */
export interface Composed {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Json;
}

/** Passes as soon as somebody sleeps, and lets whatever else waits have its turn. */
class TurningClock extends SteppingClock {
  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    await super.sleep(ms, signal);
  }
}

/** A service of composed answers: what it was sent, and what it says to each request. */
export class ComposedService implements GraphHttp {
  readonly sent: { readonly method: string; readonly url: string; readonly post: GraphPost; readonly body: Json }[] =
    [];
  readonly clock = new TurningClock(1_700_000_000_000);
  readonly client: GraphClient;
  readonly #answer: (method: string, path: string, body: Json) => Composed;

  /** @param answer to each request, also to each inside of a batch; `path` as it was written, after the version. */
  constructor(answer: (method: string, path: string, body: Json) => Composed) {
    this.#answer = answer;
    this.client = graphClient({
      http: this,
      clock: this.clock,
      endpoint: 'https://graph.microsoft.com',
      limits: serviceLimits,
    });
  }

  get context(): Context {
    return { signal: new AbortController().signal, deadlineMs: this.clock.monotonicMs() + 60_000 };
  }

  async send(post: GraphPost): Promise<GraphAnswer> {
    const body = (post.body === null ? null : JSON.parse(Buffer.from(post.body).toString('utf8'))) as Json;
    const url = post.url.href.replace('https://graph.microsoft.com/v1.0', '');
    this.sent.push({ method: post.method, url, post, body });
    const said = url === '/$batch' ? this.#batch(body as JsonObject) : this.#answer(post.method, url, body);
    const { status = 200, headers = {}, body: answer } = said;
    return { status, headers, body: Buffer.from(answer === undefined ? '' : JSON.stringify(answer)) };
  }

  /** Answers in the reverse order: nobody promised another. */
  #batch({ requests }: JsonObject): Composed {
    const failed = new Set<string>();
    const responses = (requests as unknown as readonly JsonObject[]).map((one) => {
      const id = String(one['id']);
      const before = (one['dependsOn'] ?? []) as readonly string[];
      const said = before.some((other) => failed.has(other))
        ? { status: 424 }
        : this.#answer(String(one['method']), String(one['url']), one['body'] ?? null);
      const { status = 200, headers = {}, body = null } = said;
      if (status > 299) failed.add(id);
      return { id, status, headers, body };
    });
    return { body: { responses: responses.reverse() } };
  }

  close(): void {}
}

/** A refusal as the Graph words it. */
export const refusal = (status: number, code: string, message = 'composed'): Composed => ({
  status,
  body: { error: { code, message, innerError: { 'request-id': '0000' } } },
});
