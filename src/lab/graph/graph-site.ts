import { must } from '#kit/assert.ts';
import { collect, type EdgeConnection, type EdgeRequest } from '../edge/exchange.ts';
import type { Site, SiteAnswer, SiteOccasion } from '../edge/site.ts';
import type { SiteSurroundings } from '../lab.ts';
import { guidOf } from '../world/account.ts';
import type { Mailbox } from '../world/mailbox.ts';
import type { Organization } from '../world/organization.ts';
import { messageHolders, runSession } from './attachments.ts';
import { type BatchPart, readBatch, runBatch } from './batch.ts';
import { Context } from './context.ts';
import { eventHolder } from './events.ts';
import { badRequest, GraphError, graphErrorOf, noSegment } from './graph-error.ts';
import { type GraphState, graphStateOf } from './graph-state.ts';
import { importItem, importSessionOf, mailboxOfId } from './mailbox-transfer.ts';
import { readQuery } from './odata-query.ts';
import { type GraphCaller, require, requireOfDirectory } from './permissions.ts';
import type { Parameters, Reply, Route } from './route.ts';
import { matchRoute } from './routes.ts';
import { userOf } from './users.ts';

type Surroundings = Pick<SiteSurroundings, 'clock' | 'random' | 'tokens' | 'traffic' | 'applications' | 'options'>;

const versions = ['v1.0', 'beta'] as const;
type Version = (typeof versions)[number];

/** A path taken apart. */
interface Target {
  readonly version: Version;
  readonly segments: readonly string[];
  /** Below the version, as sent. */
  readonly path: string;
  readonly rawQuery: string;
}

/** `users('x')` is `users/x`, and `messages('y')` in the same way; a function keeps its brackets. */
function targetOf(full: string): Target | null {
  const mark = full.indexOf('?');
  const path = mark < 0 ? full : full.slice(0, mark);
  const [, version = '', rest = ''] = /^\/(v1\.0|beta)(\/.*)?$/i.exec(path) ?? [];
  const known = versions.find((one) => one === version.toLowerCase());
  if (known === undefined) return null;
  const segments: string[] = [];
  for (const raw of rest.split('/')) {
    if (raw === '') continue;
    let segment: string;
    try {
      segment = decodeURIComponent(raw);
    } catch {
      throw badRequest('The path of the request is not encoded as it must be.');
    }
    const [, name = '', id = ''] = /^(\w+)\('([^']*)'\)$/.exec(segment) ?? [];
    if (name === '') segments.push(segment);
    else segments.push(name, id);
  }
  return { version: known, segments, path: rest, rawQuery: mark < 0 ? '' : full.slice(mark + 1) };
}

/** Requests to the other host, which a URL with a token of its own lets in. */
interface Preauthenticated {
  readonly kind: 'import' | 'upload';
  readonly version: Version;
  /** Mailbox id of an import, address of an upload. */
  readonly mailbox: string;
  readonly session: string;
  readonly token: string | null;
}

function preauthenticatedOf(full: string): Preauthenticated | null {
  const mark = full.indexOf('?');
  const path = mark < 0 ? full : full.slice(0, mark);
  const decoded = path.replaceAll('%27', "'");
  const token = new URLSearchParams(mark < 0 ? '' : full.slice(mark + 1)).get('authtoken');
  const [, importVersion, importMailbox = ''] =
    /^\/api\/g(v1\.0|beta)\/Mailboxes\('([^']*)'\)\/importItem$/i.exec(decoded) ?? [];
  const plain = (text: string): string => {
    try {
      return decodeURIComponent(text);
    } catch {
      throw badRequest('The path of the request is not encoded as it must be.');
    }
  };
  if (importVersion !== undefined)
    return {
      kind: 'import',
      version: importVersion === 'beta' ? 'beta' : 'v1.0',
      mailbox: plain(importMailbox),
      session: '',
      token,
    };
  const [, uploadVersion, uploadMailbox = '', session = ''] =
    /^\/api\/(v1\.0|beta|v2\.0)\/Users\('([^']*)'\)\/AttachmentSessions\('([^']*)'\)$/i.exec(decoded) ?? [];
  return uploadVersion === undefined
    ? null
    : {
        kind: 'upload',
        version: uploadVersion === 'beta' ? 'beta' : 'v1.0',
        mailbox: plain(uploadMailbox),
        session,
        token,
      };
}

/** `graph.x` → `outlook.x`; without names there is one host for all. */
const outlookOriginOf = (origin: string): string => origin.replace('://graph.', '://outlook.');

const uploads: ReadonlySet<string> = new Set(['POST', 'PATCH', 'PUT']);
const holders = new Map([
  ['message', must(messageHolders[0], 'messages have attachments')],
  ['event', eventHolder],
]);

/** Microsoft Graph of one organization: v1.0 and what is needed of beta, and the URLs that it gives out on another host. */
class GraphSite implements Site {
  readonly #organization: Organization;
  readonly #surroundings: Surroundings;
  readonly state: GraphState;

  constructor(organization: Organization, surroundings: Surroundings) {
    this.#organization = organization;
    this.#surroundings = surroundings;
    const { graph = {}, throttling } = surroundings.options;
    // Nobody can lift the limits of the service, only the lab can.
    this.state = graphStateOf(organization, throttling === 'off' ? { throttling: null, ...graph } : graph);
  }

  occasion(request: EdgeRequest): SiteOccasion | null {
    try {
      const other = preauthenticatedOf(request.path);
      if (other !== null)
        return {
          operation: other.kind === 'import' ? 'POST importItem' : `${request.method} AttachmentSessions`,
          mailbox:
            other.kind === 'import'
              ? mailboxOfId(this.#organization, other.mailbox).address
              : (this.#organization.entry(other.mailbox)?.address ?? null),
        };
      const target = targetOf(request.path);
      if (target === null) return null;
      const match = matchRoute(request.method, target.segments);
      if (match.kind !== 'found') return { operation: isBatch(target) ? 'POST $batch' : request.method, mailbox: null };
      return {
        operation: operationOf(match.route),
        mailbox: match.route.isDirectory === true ? null : this.#addressOf(match.parameters),
      };
    } catch (error) {
      if (graphErrorOf(error) === null) throw error;
      return { operation: request.method, mailbox: null };
    }
  }

  #addressOf(parameters: Parameters): string | null {
    const { user, mailbox } = parameters;
    if (user !== undefined) return userOf({ organization: this.#organization }, user).address;
    return mailbox === undefined ? null : mailboxOfId(this.#organization, mailbox).address;
  }

  async handle(request: EdgeRequest, connection: EdgeConnection): Promise<SiteAnswer> {
    const requestId = guidOf('request', this.#surroundings.random.bytes(8).toString('hex'));
    const headers: Record<string, string> = {
      'request-id': requestId,
      'client-request-id': request.headers['client-request-id'] ?? requestId,
      'cache-control': 'private',
      'strict-transport-security': 'max-age=31536000',
      date: new Date(this.#surroundings.clock.nowMs()).toUTCString(),
    };
    let caller: string | null = null;
    try {
      const { reply, clientId } = await this.#answer(request, connection, (id) => {
        caller = id;
      });
      return answer(reply, headers, clientId);
    } catch (thrown) {
      const refusal = graphErrorOf(thrown);
      if (refusal === null) throw thrown;
      return answer(this.#errorReply(refusal, requestId, request), headers, caller);
    }
  }

  #errorReply(
    { status, code, message, headers }: GraphError,
    requestId: string,
    request: Pick<EdgeRequest, 'headers'>,
  ): Reply {
    const innerError = {
      date: new Date(this.#surroundings.clock.nowMs()).toISOString().slice(0, 19),
      'request-id': requestId,
      'client-request-id': request.headers['client-request-id'] ?? requestId,
    };
    return { status, json: { error: { code, message, innerError } }, headers };
  }

  async #answer(
    request: EdgeRequest,
    { origin }: EdgeConnection,
    signedIn: (clientId: string) => void,
  ): Promise<{ readonly reply: Reply; readonly clientId: string }> {
    const other = preauthenticatedOf(request.path);
    if (other !== null) return this.#preauthenticated(request, origin, other, signedIn);
    const target = must(targetOf(request.path), 'the request is for this site');
    const caller = this.#signIn(request, origin);
    signedIn(caller.clientId);
    const body = (): Promise<Buffer> => this.#body(request, this.state.settings.requestMaxBytes);
    if (isBatch(target)) {
      if (request.method !== 'POST') throw new GraphError(405, 'BadRequest', 'A batch is posted.');
      const reply = await this.#batch(request, origin, target.version, caller, await body());
      return { reply, clientId: caller.clientId };
    }
    const bytes = Number(request.headers['content-length'] ?? 0);
    const reply = await this.#one(request.method, target, request.headers, { bytes, read: body }, caller, origin);
    return { reply, clientId: caller.clientId };
  }

  /** @throws GraphError 401 */
  #signIn(request: EdgeRequest, origin: string): GraphCaller {
    const { tokens, traffic, applications } = this.#surroundings;
    const offer = {
      'www-authenticate': `Bearer realm="", authorization_uri="${origin}/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"`,
    };
    const [, bearer = ''] = /^\s*Bearer\s+(\S+)\s*$/i.exec(request.headers['authorization'] ?? '') ?? [];
    if (bearer === '') {
      traffic.refused('none-sent');
      throw new GraphError(401, 'InvalidAuthenticationToken', 'Access token is empty.', offer);
    }
    const outcome = tokens.verifyForGraph(bearer, origin);
    if (!outcome.ok) {
      traffic.refused(outcome.why);
      throw new GraphError(
        401,
        'InvalidAuthenticationToken',
        bearerMessages[outcome.why] ?? 'Access token validation failure.',
        offer,
      );
    }
    if (this.state.isRevoked(outcome.clientId, outcome.issuedAtSeconds)) {
      traffic.refused('bearer-revoked');
      throw new GraphError(401, 'InvalidAuthenticationToken', revokedMessage, {
        'www-authenticate': `${offer['www-authenticate']}, error="insufficient_claims", claims="${revokedClaims(this.#surroundings.clock.nowMs())}"`,
      });
    }
    traffic.signedIn('bearer');
    const application = applications.find(({ clientId }) => clientId === outcome.clientId);
    return { clientId: outcome.clientId, roles: outcome.roles, scoped: application?.scoped ?? null };
  }

  async #body(request: Pick<EdgeRequest, 'body' | 'headers'>, max: number): Promise<Buffer> {
    const tooLarge = (): GraphError =>
      new GraphError(413, 'RequestEntityTooLarge', `The maximum request size of ${max} bytes was exceeded.`);
    if (Number(request.headers['content-length'] ?? 0) > max) throw tooLarge();
    const body = await collect(request.body, max);
    if (body === null) throw tooLarge();
    return body;
  }

  async #batch(
    request: EdgeRequest,
    origin: string,
    version: Version,
    caller: GraphCaller,
    body: Buffer,
  ): Promise<Reply> {
    let json: unknown;
    try {
      json = JSON.parse(body.toString('utf8'));
    } catch {
      throw badRequest('Invalid batch payload format.');
    }
    const parts = readBatch((json ?? {}) as Parameters & object);
    const run = async (part: BatchPart): Promise<Reply> => {
      const requestId = guidOf('request', this.#surroundings.random.bytes(8).toString('hex'));
      try {
        const target = targetOf(`/${version}${part.url}`);
        if (target === null || isBatch(target)) throw noSegment(part.url.slice(0, 60));
        return await this.#one(part.method, target, part.headers, wholeBody(part.body), caller, origin);
      } catch (thrown) {
        const refusal = graphErrorOf(thrown);
        if (refusal === null) throw thrown;
        return this.#errorReply(refusal, requestId, request);
      }
    };
    return { status: 200, json: { responses: await runBatch(parts, run) } };
  }

  /** One operation, alone or in a batch. */
  async #one(
    method: string,
    target: Target,
    headers: Readonly<Record<string, string>>,
    body: PendingBody,
    caller: GraphCaller,
    origin: string,
  ): Promise<Reply> {
    if (target.segments[0]?.toLowerCase() === 'me')
      throw badRequest('/me request is only valid with delegated authentication flow.');
    const match = matchRoute(method, target.segments);
    if (match.kind === 'none') throw noSegment(match.segment.slice(0, 60));
    if (match.kind === 'method')
      throw new GraphError(405, 'BadRequest', 'Specified HTTP method is not allowed for the request target.', {
        allow: match.allowed.join(', '),
      });
    const { route, parameters } = match;
    const address = route.isDirectory === true ? null : this.#addressOf(parameters);
    if (route.isDirectory === true) requireOfDirectory(caller, route.needs);
    else require(caller, route.needs, address);
    const mailbox = address === null ? null : this.#open(address);
    return this.#metered(method, caller.clientId, mailbox, body.bytes, async () =>
      route.run(
        this.#context({
          caller,
          version: target.version,
          origin,
          path: target.path,
          query: readQuery(target.rawQuery),
          headers,
          body: await body.read(),
          operation: operationOf(route),
          mailbox,
        }),
        parameters,
      ),
    );
  }

  #context(init: Omit<ConstructorParameters<typeof Context>[0], 'organization' | 'state' | 'outlookOrigin'>): Context {
    return new Context({
      ...init,
      organization: this.#organization,
      state: this.state,
      outlookOrigin: outlookOriginOf(init.origin),
    });
  }

  async #metered(
    method: string,
    clientId: string,
    mailbox: Mailbox | null,
    bytes: number,
    run: () => Promise<Reply>,
  ): Promise<Reply> {
    if (mailbox === null) return run();
    const done = this.state.throttle.admit(
      this.state.settings.throttling,
      clientId,
      mailbox.address,
      uploads.has(method) ? bytes : 0,
    );
    const { serviceMs } = this.state.settings;
    try {
      if (serviceMs > 0) await this.#surroundings.clock.sleep(serviceMs);
      return await run();
    } finally {
      done();
    }
  }

  #open(address: string): Mailbox {
    const mailbox = this.state.settings.notEnabled.has(address) ? null : this.#organization.mailbox(address);
    // On premises, without a licence, or being moved. (FACTS §4)
    if (mailbox === null)
      throw new GraphError(
        404,
        'MailboxNotEnabledForRESTAPI',
        'The mailbox is either inactive, soft-deleted, or is hosted on-premise.',
      );
    return mailbox;
  }

  /** A URL that carries its own token: no Authorization header is looked at. */
  async #preauthenticated(
    request: EdgeRequest,
    origin: string,
    other: Preauthenticated,
    signedIn: (clientId: string) => void,
  ): Promise<{ readonly reply: Reply; readonly clientId: string }> {
    const { clock } = this.#surroundings;
    const { settings } = this.state;
    const isImport = other.kind === 'import';
    if (isImport && request.method !== 'POST')
      throw new GraphError(405, 'BadRequest', 'Specified HTTP method is not allowed for the request target.');
    const upload = this.state.uploads.get(other.session);
    const { mailbox, clientId } = isImport
      ? importSessionOf(this.#organization, this.state, clock.nowMs(), other.mailbox, other.token)
      : { mailbox: this.#open(upload?.mailbox ?? other.mailbox.toLowerCase()), clientId: upload?.clientId ?? '' };
    signedIn(clientId);
    const bytes = Number(request.headers['content-length'] ?? 0);
    const reply = await this.#metered(request.method, clientId, mailbox, bytes, async () => {
      const body = await this.#body(request, isImport ? settings.importMaxBytes : settings.requestMaxBytes);
      const context = this.#context({
        caller: { clientId, roles: [], scoped: null },
        version: other.version,
        origin,
        path: '',
        query: readQuery(''),
        headers: request.headers,
        body,
        operation: isImport ? 'POST importItem' : `${request.method} AttachmentSessions`,
        mailbox,
      });
      return isImport ? importItem(context) : runSession(context, request.method, other.session, other.token, holders);
    });
    return { reply, clientId };
  }
}

/** A body on its way: what is metered is metered from the beginning. */
interface PendingBody {
  readonly bytes: number;
  read(): Promise<Buffer>;
}
const wholeBody = (body: Buffer): PendingBody => ({ bytes: body.length, read: () => Promise.resolve(body) });

const isBatch = ({ segments }: Target): boolean => segments.length === 1 && segments[0]?.toLowerCase() === '$batch';

/** `GET messages`, `POST importItem`: the method and the last word of the path. */
function operationOf({ method, path }: Route): string {
  const words = path.split('/').filter((word) => !word.startsWith('{'));
  const last = words[words.length - 1] ?? '';
  const isOne = path.endsWith('}');
  const before = words[words.length - 2];
  return `${method} ${last === 'delta' || last === '$value' || last === 'move' || last === 'copy' ? `${before} ${last}` : last}${isOne ? ' one' : ''}`;
}

// learn.microsoft.com/entra/identity-platform/app-resilience-continuous-access-evaluation, claims-challenge
const revokedMessage =
  'Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp';
const revokedClaims = (nowMs: number): string =>
  Buffer.from(
    JSON.stringify({ access_token: { nbf: { essential: true, value: String(Math.floor(nowMs / 1000)) } } }),
  ).toString('base64');

const bearerMessages: Readonly<Record<string, string>> = {
  'bearer-malformed': 'CompactToken parsing failed with error code: 80049217',
  'bearer-signature': 'Access token validation failure. Invalid signature.',
  'bearer-expired': 'Lifetime validation failed, the token is expired.',
  'bearer-audience': 'Access token validation failure. Invalid audience.',
};

function answer(reply: Reply, headers: Readonly<Record<string, string>>, caller: string | null): SiteAnswer {
  const body = reply.bytes ?? (reply.json === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(reply.json)));
  const type =
    reply.json === undefined
      ? {}
      : {
          'content-type':
            'application/json; odata.metadata=minimal; odata.streaming=true; IEEE754Compatible=false; charset=utf-8',
        };
  return {
    status: reply.status,
    headers: { ...headers, ...type, ...(reply.headers ?? {}), 'content-length': String(body.length) },
    body,
    caller,
  };
}

/** Graph of an organization, among the sites of its web front. */
export const graphSite = (organization: Organization, surroundings: Surroundings): GraphSite =>
  new GraphSite(organization, surroundings);
