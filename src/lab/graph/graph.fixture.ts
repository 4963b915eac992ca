import { must } from '#kit/assert.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { graphProblems, haveGraphSchema } from '#test/suites/graph-schema.ts';
import { createLab, type Lab, type LabOptions, type LabOrganizationOptions } from '../lab.ts';
import type { Mailbox } from '../world/mailbox.ts';
import type { Organization } from '../world/organization.ts';
import { type GraphState, graphStateOf } from './graph-state.ts';

export type JsonObject = Record<string, unknown>;

/** What came back for a request. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly bytes: Buffer;
  /** Of an answer without JSON: `{}`. */
  readonly json: JsonObject;
  /** Of a collection. */
  readonly value: readonly JsonObject[];
  /** `error.code`, of refusals. */
  readonly code: string | null;
}

export interface CallOptions {
  readonly json?: unknown;
  readonly text?: string;
  readonly bytes?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Null: none is sent. */
  readonly token?: string | null;
}

const haveSchema = haveGraphSchema();

/** A lab with an organization in the cloud, called without a network; all that is said is checked against the OpenAPI files. */
export class GraphBench {
  readonly lab: Lab;
  readonly clock = new SteppingClock(Date.UTC(2026, 2, 2, 9));
  readonly organization: Organization;
  readonly state: GraphState;
  readonly address: string;
  readonly mailbox: Mailbox;
  readonly origin: string;
  #token: string | null = null;

  constructor(options: Partial<LabOrganizationOptions> = {}, lab: Partial<LabOptions> = {}) {
    this.lab = createLab({
      organizations: [{ name: 'target', version: 'online', ...options }],
      mailboxes: 3,
      items: 0,
      seed: 'graph bench',
      clock: this.clock,
      ...lab,
    });
    this.organization = this.lab.organization('target').world;
    this.state = graphStateOf(this.organization);
    this.address = must(this.organization.mailboxes[0], 'a mailbox').address;
    this.mailbox = must(this.organization.mailbox(this.address), 'the mailbox');
    this.origin = `https://graph.${this.organization.domain}`;
  }

  /** Path of the first mailbox. */
  get user(): string {
    return `/v1.0/users/${this.address}`;
  }

  async #send(
    url: string,
    method: string,
    headers: Readonly<Record<string, string>>,
    body: Buffer | null,
  ): Promise<Reply> {
    const { origin, pathname, search } = new URL(url);
    const signal = AbortSignal.timeout(20_000);
    const connection = await this.lab.transport().connect(origin, { ca: [], min: '1.2' }, signal);
    const response = await connection.request(
      { method: method as 'GET', path: `${pathname}${search}`, headers, body },
      signal,
    );
    const chunks: Uint8Array[] = [];
    for await (const chunk of response.body) chunks.push(chunk);
    connection.close();
    const bytes = Buffer.concat(chunks);
    const isJson = String(response.headers['content-type'] ?? '').startsWith('application/json');
    const json = isJson ? (JSON.parse(bytes.toString()) as JsonObject) : {};
    const error = json['error'] as { readonly code?: string } | string | undefined;
    return {
      status: response.status,
      headers: response.headers,
      bytes,
      json,
      value: (json['value'] ?? []) as readonly JsonObject[],
      code: typeof error === 'object' ? (error.code ?? null) : null,
    };
  }

  /** A token for Graph by a secret. */
  async token(application?: { readonly clientId: string; readonly secret: string }): Promise<string> {
    const { domain, admin } = this.organization;
    const first = must(this.lab.organization('target').applications[0], 'an application');
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: application?.clientId ?? first.clientId,
      client_secret: application?.secret ?? admin.password,
      scope: 'https://graph.microsoft.com/.default',
    });
    const reply = await this.#send(
      `https://login.${domain}/${domain}/oauth2/v2.0/token`,
      'POST',
      { 'content-type': 'application/x-www-form-urlencoded' },
      Buffer.from(form.toString()),
    );
    if (reply.status !== 200) throw new Error(reply.bytes.toString());
    return String(reply.json['access_token']);
  }

  /** @param path below the origin, or a whole URL as answers give them. */
  async call(method: string, path: string, options: CallOptions = {}): Promise<Reply> {
    const url = /^https?:/.test(path) ? path : `${this.origin}${path}`;
    const isGraph = url.startsWith(this.origin);
    const token = options.token === undefined ? (this.#token ??= await this.token()) : options.token;
    const body =
      options.bytes ??
      (options.json !== undefined
        ? Buffer.from(JSON.stringify(options.json))
        : options.text === undefined
          ? null
          : Buffer.from(options.text));
    const headers = {
      ...(isGraph && token !== null ? { authorization: `Bearer ${token}` } : {}),
      ...(options.json === undefined ? {} : { 'content-type': 'application/json' }),
      ...(body === null ? {} : { 'content-length': String(body.length) }),
      ...(options.headers ?? {}),
    };
    const reply = await this.#send(url, method, headers, body);
    if (haveSchema && !url.toLowerCase().includes('/ews/')) {
      const answer = Object.keys(reply.json).length === 0 ? undefined : reply.json;
      const found = graphProblems({ method, url, request: options.json, status: reply.status, answer });
      if (found.length > 0) throw new Error(`${method} ${path} is not as described:\n${found.join('\n')}`);
    }
    return reply;
  }

  /** A call that must succeed. */
  async ok(method: string, path: string, options: CallOptions = {}): Promise<Reply> {
    const reply = await this.call(method, path, options);
    if (reply.status >= 300)
      throw new Error(`${method} ${path}: ${reply.status} ${reply.bytes.toString().slice(0, 1500)}`);
    return reply;
  }

  /** All entries of a collection, page by page; with the link for what comes later. */
  async all(
    path: string,
    options: CallOptions = {},
  ): Promise<{ readonly entries: readonly JsonObject[]; readonly delta: string | null; readonly pages: number }> {
    const entries: JsonObject[] = [];
    let next: string | null = path;
    let pages = 0;
    while (next !== null) {
      const reply: Reply = await this.ok('GET', next, options);
      entries.push(...reply.value);
      pages++;
      const delta = reply.json['@odata.deltaLink'];
      if (typeof delta === 'string') return { entries, delta, pages };
      next = typeof reply.json['@odata.nextLink'] === 'string' ? reply.json['@odata.nextLink'] : null;
    }
    return { entries, delta: null, pages };
  }
}
