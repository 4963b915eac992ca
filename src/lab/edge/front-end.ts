/**
 * One organization's web front: every request comes through here, from a socket or in-process. Order of business: where does it
 * go, who is it, what strikes, may it now, carry it out, what strikes after.
 */
import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import {
  type Endpoint,
  type EndpointAnswer,
  ewsVersionOf,
  type FaultOccasion,
  type FaultPoint,
  type Faults,
  type LabVersion,
} from '../seams.ts';
import { guidOf } from '../world/account.ts';
import { versionFacts } from '../world/versions.ts';
import { type AutodiscoverService, createAutodiscover } from './autodiscover.ts';
import type { Directory } from './directory.ts';
import {
  type AnswerHeaders,
  answerOf,
  drain,
  type EdgeAnswer,
  type EdgeConnection,
  type EdgeRequest,
  type PlainAnswer,
} from './exchange.ts';
import type { TokenService } from './oauth.ts';
import {
  type AccountState,
  type SignedIn,
  type SignInOutcome,
  type SignInRefusal,
  type SignInSettings,
  signIn,
} from './sign-in.ts';
import type { Site, SiteOccasion } from './site.ts';
import { errorMessage, hasSingleMessage, type MessageValues, peek, soapFault } from './soap.ts';
import type { Throttle } from './throttling.ts';
import type { Traffic } from './traffic.ts';

/** How the front behaves as a whole: the troubles of real organizations that no SOAP ever explains. */
export type FrontMode =
  | { readonly kind: 'normal' }
  /** A reverse proxy or forms logon answers 200 with a page for people. */
  | { readonly kind: 'login-page' }
  | { readonly kind: 'redirect'; readonly status: 301 | 302 | 307 | 451; readonly location: string }
  /** EWS switched off for the organization: 403. */
  | { readonly kind: 'ews-off' };

export interface FrontSettings extends SignInSettings {
  readonly mode: FrontMode;
  readonly requestMaxBytes: number;
  /** `mixed`: busy answers of operations with a single response message alternate between a fault and a message with status 200. */
  readonly busyForms: 'fault' | 'mixed';
}

export interface FrontParts {
  readonly name: string;
  readonly version: LabVersion;
  readonly domain: string;
  readonly directory: Directory;
  readonly ews: Endpoint;
  /** Asked in their order who a request is for, before EWS is. */
  readonly sites: readonly Site[];
  readonly tokens: TokenService;
  readonly throttle: Throttle;
  readonly faults: Faults;
  readonly traffic: Traffic;
  readonly clock: Clock;
  readonly random: Random;
  /** Address of the organization's HTTPS front as somebody who came by `origin` should be told. */
  readonly secureOrigin: (origin: string) => string;
}

const busyText = 'The server cannot service this request right now. Try again later.';
const drainBytesMax = 1024 * 1024;

export class FrontEnd {
  readonly host: string;
  readonly states = new Map<string, AccountState>();
  readonly autodiscover: AutodiscoverService;
  readonly #parts: FrontParts;
  readonly #backEnds: readonly string[];
  #settings: Omit<FrontSettings, 'states'>;
  #busyTurn = 0;

  constructor(parts: FrontParts, settings: Omit<FrontSettings, 'states'>) {
    this.#parts = parts;
    this.#settings = settings;
    this.host = `mail.${parts.domain}`;
    const stem = parts.name.toUpperCase().slice(0, 8);
    this.#backEnds = [`${stem}-MBX01`, `${stem}-MBX02`];
    this.autodiscover = createAutodiscover({ ...parts, version: ewsVersionOf(parts.version) });
  }

  get settings(): FrontSettings {
    return { ...this.#settings, states: this.states };
  }

  /** Who sends a request, by one of the organization's schemes. */
  signIn(request: EdgeRequest, connection: EdgeConnection): SignInOutcome {
    return signIn({ ...this.#parts, host: this.host }, this.settings, request, connection);
  }

  /** Changes how the front behaves, from the next request on. */
  configure(change: Partial<Omit<FrontSettings, 'states'>>): void {
    this.#settings = { ...this.#settings, ...change };
  }

  async handle(request: EdgeRequest, connection: EdgeConnection): Promise<EdgeAnswer> {
    const path = (request.path.split('?', 1)[0] ?? '').toLowerCase();
    const { mode } = this.#settings;
    const isEws = path === '/ews/exchange.asmx';
    const isAutodiscover = path.startsWith('/autodiscover/autodiscover.');
    if (this.#parts.tokens.owns(path)) return answerOf(await this.#parts.tokens.handle(request, connection));
    for (const site of this.#parts.sites) {
      const occasion = site.occasion(request, connection);
      if (occasion !== null) return this.#site(site, occasion, request, connection);
    }
    const hasEws = this.#parts.version !== '2003';
    if (!hasEws || !(isEws || isAutodiscover)) return this.#plain(request, notFound);
    switch (mode.kind) {
      case 'login-page':
        return this.#plain(request, loginPage(this.host));
      case 'redirect':
        return this.#plain(request, redirectAnswer(mode.status, mode.location));
      case 'ews-off':
        if (isEws) return this.#plain(request, forbidden);
        break;
      case 'normal':
    }
    if (isAutodiscover) {
      const open = this.autodiscover.anonymous(request, connection);
      if (open) return this.#plain(request, open);
    }

    const outcome = this.signIn(request, connection);
    if (outcome.kind === 'challenge') {
      this.#parts.traffic.refused(outcome.why);
      return this.#unauthorized(request, outcome.offers, outcome.why, outcome.diagnostics);
    }
    this.#parts.traffic.signedIn(outcome.who.scheme);
    if (isAutodiscover) {
      const answer = await this.autodiscover.handle(request, connection);
      return answerOf({
        ...answer,
        headers: { ...this.#headers(request, null), ...outcome.headers, ...answer.headers },
      });
    }
    if (request.method !== 'POST') {
      return this.#plain(
        request,
        request.method === 'GET' || request.method === 'HEAD' ? servicePage : methodNotAllowed,
        outcome.headers,
      );
    }
    const counted = count(request.body, this.#settings.requestMaxBytes);
    if (Number(request.headers['content-length'] ?? 0) > this.#settings.requestMaxBytes) {
      return this.#final({ ...tooLarge, ending: 'close' }, request, outcome.headers, null);
    }
    try {
      return await this.#ews(request, connection, outcome.who, outcome.headers, counted);
    } catch (error) {
      if (error instanceof BodyTooLarge)
        return this.#final({ ...tooLarge, ending: 'close' }, request, outcome.headers, null);
      throw error;
    }
  }

  async #site(
    site: Site,
    { operation, mailbox }: SiteOccasion,
    request: EdgeRequest,
    connection: EdgeConnection,
  ): Promise<EdgeAnswer> {
    const { faults, traffic, clock, name: organization } = this.#parts;
    const strike = (point: FaultPoint) => faults.strike(point, { organization, mailbox, operation });
    if (strike('forbidden')) return this.#plain(request, forbidden);
    if (strike('drop-before')) return this.#plain(request, { status: 0, ending: 'drop' });
    const slow = strike('slow');
    if (slow) await clock.sleep(slow.ms ?? 1000, request.signal);
    const full = strike('http-503');
    if (full) return this.#plain(request, unavailable(full.ms ?? 1000));
    const { caller, ...answer } = await site.handle(request, connection);
    const drained = await drain(request.body, drainBytesMax).catch(() => false);
    if (caller === null) return answerOf(drained ? answer : { ...answer, ending: 'close' });
    const after = strike('drop-after') ? 'drop' : strike('reset-mid') ? 'cut' : drained ? 'keep' : 'close';
    const carried = traffic.carriedOut({
      atMs: clock.nowMs(),
      organization,
      operation,
      mailbox,
      caller,
      status: answer.status,
    });
    return answerOf({ ...answer, ending: answer.ending ?? after }, (delivered) =>
      carried(delivered && (after === 'keep' || after === 'close')),
    );
  }

  async #ews(
    request: EdgeRequest,
    connection: EdgeConnection,
    who: SignedIn,
    signedInHeaders: AnswerHeaders,
    counted: CountedBody,
  ): Promise<EdgeAnswer> {
    const { faults, throttle, traffic, clock, name } = this.#parts;
    const { requestMaxBytes } = this.#settings;
    const { seen, body } = await peek(counted.body);
    const { operation } = seen;
    const mailbox =
      seen.impersonated ?? anchorOf(request) ?? (who.caller.kind === 'application' ? null : who.caller.user);
    const occasion: FaultOccasion = { organization: name, mailbox, operation };
    const strike = (point: FaultPoint) => faults.strike(point, occasion);
    const dropped: PlainAnswer = { status: 0, ending: 'drop' };
    /** An answer without the endpoint having been asked. */
    const instead = async (answer: PlainAnswer) => {
      const whole = await drain(body, requestMaxBytes).catch(() => false);
      return this.#final(
        whole ? answer : { ...answer, ending: answer.ending === 'drop' ? 'drop' : 'close' },
        request,
        signedInHeaders,
        mailbox,
      );
    };

    if (who.caller.kind === 'application' && !seen.hasImpersonation) {
      return instead(
        soapAnswer(
          500,
          soapFault(
            'ErrorImpersonationRequired',
            'ExchangeImpersonation SOAP header must be present for this type of OAuth token.',
          ),
        ),
      );
    }
    if (strike('forbidden')) return instead(forbidden);
    if (strike('drop-before')) return instead(dropped);
    const slow = strike('slow');
    if (slow) await clock.sleep(slow.ms ?? 1000, request.signal);
    const full = strike('http-503');
    if (full) return instead(unavailable(full.ms ?? 1000));
    const busy = strike('server-busy');
    if (busy) return instead(this.#busy(operation, 'EWSPercentTimeInCAS', '90', busy.ms ?? 500));

    const payer = throttle.policy.chargesImpersonated && seen.impersonated ? seen.impersonated : who.caller.user;
    const admission = throttle.admit(payer, operation);
    if (admission.kind === 'busy')
      return instead(this.#busy(operation, admission.part, admission.limit, admission.backOffMs));
    if (admission.kind === 'connections') {
      const text =
        'You have exceeded the available concurrent connections for your account. Try again once your other requests have completed.';
      return instead(
        soapAnswer(
          500,
          soapFault('ErrorExceededConnectionCount', text, [
            ['Policy', 'HangingConnectionLimit'],
            ['HangingConnectionLimitLimit', String(admission.limit)],
          ]),
        ),
      );
    }
    const { ticket, delayMs } = admission;
    let answer: EndpointAnswer;
    try {
      if (delayMs > 0) await clock.sleep(delayMs, request.signal);
      answer = await this.#parts.ews.handle({
        caller: who.caller,
        method: request.method,
        path: request.path,
        headers: request.headers,
        body,
        connectionId: connection.id,
        signal: request.signal,
      });
    } catch (error) {
      ticket.end(counted.bytes());
      throw error;
    }
    const drained = await drain(body, drainBytesMax).catch(() => false);

    const after = strike('drop-after') ? 'drop' : strike('reset-mid') ? 'cut' : drained ? 'keep' : 'close';
    const carried = traffic.carriedOut({
      atMs: clock.nowMs(),
      organization: name,
      operation,
      mailbox,
      caller: who.caller.user,
      status: answer.status,
    });
    let sent = 0;
    const finished = (delivered: boolean) => {
      ticket.end(counted.bytes() + sent);
      carried(delivered && (after === 'keep' || after === 'close'));
    };
    if (answer.body instanceof Uint8Array) sent = answer.body.length;
    const stream = answer.body instanceof Uint8Array ? null : answer.body;
    const outBody =
      stream === null
        ? answer.body
        : (async function* () {
            for await (const chunk of stream) {
              if (operation === 'GetStreamingEvents' && strike('stream-drop')) throw new StreamDropped();
              sent += chunk.length;
              yield chunk;
            }
          })();
    const headers = { ...this.#headers(request, mailbox), ...signedInHeaders, ...lowerNames(answer.headers) };
    return answerOf({ status: answer.status, headers, body: outBody, ending: after }, finished);
  }

  #busy(operation: string | null, part: string, limit: string, backOffMs: number): PlainAnswer {
    const suggestion = `This operation exceeds the throttling budget for policy part '${part}', policy value '${limit}',  Budget type: 'Ews'.  Suggested backoff time ${backOffMs} ms.`;
    const values: MessageValues = [
      ['Policy', part],
      [`${part}Limit`, limit],
      ['ErrorMessage', suggestion],
      ...(backOffMs > 0 ? ([['BackOffMilliseconds', String(backOffMs)]] as const) : []),
    ];
    if (this.#settings.busyForms === 'mixed' && hasSingleMessage(operation) && this.#busyTurn++ % 2 === 1) {
      const facts = versionFacts[this.#parts.version];
      return soapAnswer(
        200,
        errorMessage(
          operation,
          facts,
          'ErrorServerBusy',
          `${busyText}, ${suggestion}`,
          backOffMs > 0 ? [['BackOffMilliseconds', String(backOffMs)]] : [],
        ),
      );
    }
    return soapAnswer(500, soapFault('ErrorServerBusy', busyText, values));
  }

  async #unauthorized(
    request: EdgeRequest,
    offers: readonly string[],
    why: SignInRefusal | null,
    diagnostics?: string,
  ) {
    // A valid token without the permission is no failed sign-in: 403, and no challenge that would ask for another try.
    const denied = why === 'bearer-role';
    return this.#plain(request, {
      status: denied ? 403 : 401,
      headers: {
        'content-type': 'text/html',
        ...(denied ? {} : { 'www-authenticate': offers }),
        ...(diagnostics ? { 'x-ms-diagnostics': diagnostics } : {}),
      },
      body: denied
        ? page('403 - Forbidden', 'Access is denied.')
        : page(
            '401 - Unauthorized: Access is denied due to invalid credentials.',
            'You do not have permission to view this directory or page using the credentials that you supplied.',
          ),
    });
  }

  /** An answer that needs nothing of the body, which is read away so that the connection lives on. */
  async #plain(request: EdgeRequest, answer: PlainAnswer, extra: AnswerHeaders = {}): Promise<EdgeAnswer> {
    const whole = await drain(request.body, drainBytesMax).catch(() => false);
    return this.#final(whole ? answer : { ...answer, ending: 'close' }, request, extra, null);
  }

  #final(answer: PlainAnswer, request: EdgeRequest, extra: AnswerHeaders, mailbox: string | null): EdgeAnswer {
    return answerOf({ ...answer, headers: { ...this.#headers(request, mailbox), ...extra, ...answer.headers } });
  }

  /** What IIS and the front end add, by generation (recordings of Garethp/php-ews for 2016 and later; older ones assumed). */
  #headers(request: EdgeRequest, mailbox: string | null): AnswerHeaders {
    const { version, random, clock } = this.#parts;
    const legacy = version === '2007' || version === '2010';
    const base = {
      'cache-control': 'private',
      server: `Microsoft-IIS/${legacy ? '7.5' : '10.0'}`,
      'x-powered-by': 'ASP.NET',
      'x-aspnet-version': legacy ? '2.0.50727' : '4.0.30319',
    };
    if (version === '2007') return base;
    const cookies: string[] = [];
    const sent = request.headers['cookie'] ?? '';
    if (!/\bexchangecookie=/i.test(sent))
      cookies.push(`exchangecookie=${random.bytes(16).toString('hex')}; path=/; HttpOnly`);
    if (legacy) return { ...base, ...(cookies.length > 0 ? { 'set-cookie': cookies } : {}) };
    const backEnd = this.#backEndOf(sent, anchorOf(request) ?? mailbox);
    const until = new Date(clock.nowMs() + 30 * 86_400_000).toUTCString();
    if (!/\bX-BackEndCookie=/i.test(sent)) {
      const value = Buffer.from(`${mailbox ?? 'anonymous'}~${backEnd}`).toString('base64');
      cookies.push(`X-BackEndCookie=${value}; expires=${until}; path=/EWS; secure; HttpOnly`);
    }
    if (request.headers['x-preferserveraffinity']?.toLowerCase() === 'true') {
      cookies.push(`X-BackEndOverrideCookie=${backEnd}.${this.#parts.domain}~1942062522; path=/; secure; HttpOnly`);
    }
    return {
      ...base,
      'request-id': guidOf('request', random.bytes(8).toString('hex')),
      'x-feserver': this.#backEnds[0] ?? '',
      'x-beserver': backEnd,
      'x-calculatedbetarget': `${backEnd.toLowerCase()}.${this.#parts.domain}`,
      'x-diaginfo': backEnd,
      ...(cookies.length > 0 ? { 'set-cookie': cookies } : {}),
    };
  }

  /** The override cookie wins; otherwise the anchor mailbox decides, the same way every time. */
  #backEndOf(cookies: string, anchor: string | null): string {
    const pinned = /\bX-BackEndOverrideCookie=([^.;~]+)/i.exec(cookies)?.[1];
    const known = this.#backEnds.find((one) => one === pinned);
    if (known) return known;
    let sum = 0;
    for (const character of anchor ?? '') sum = (sum * 31 + character.charCodeAt(0)) >>> 0;
    return this.#backEnds[sum % this.#backEnds.length] ?? '';
  }
}

/** The fault `stream-drop` struck: the connection ends as if a cable was cut. */
class StreamDropped extends Error {
  override readonly name = 'StreamDropped';
}

class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
}

interface CountedBody {
  /** Throws BodyTooLarge. */
  readonly body: AsyncIterable<Uint8Array>;
  bytes(): number;
}

function count(body: AsyncIterable<Uint8Array>, bytesMax: number): CountedBody {
  let bytes = 0;
  async function* counting(): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > bytesMax) throw new BodyTooLarge();
      yield chunk;
    }
  }
  return { body: counting(), bytes: () => bytes };
}

const anchorOf = (request: EdgeRequest): string | null => {
  const anchor = request.headers['x-anchormailbox']?.trim().toLowerCase();
  return anchor?.includes('@') ? anchor : null;
};

function lowerNames(headers: AnswerHeaders): AnswerHeaders {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function page(title: string, text: string): string {
  return `<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">\r\n<html xmlns="http://www.w3.org/1999/xhtml"><head><title>${title}</title></head><body><h1>Server Error</h1><h2>${title}</h2><h3>${text}</h3></body></html>`;
}

const html = { 'content-type': 'text/html' };
const notFound: PlainAnswer = {
  status: 404,
  headers: html,
  body: page(
    '404 - File or directory not found.',
    'The resource you are looking for might have been removed, had its name changed, or is temporarily unavailable.',
  ),
};
const forbidden: PlainAnswer = {
  status: 403,
  headers: html,
  body: page(
    '403 - Forbidden: Access is denied.',
    'You do not have permission to view this directory or page using the credentials that you supplied.',
  ),
};
const methodNotAllowed: PlainAnswer = {
  status: 405,
  headers: { ...html, allow: 'GET, HEAD, POST' },
  body: page('405 - HTTP verb used to access this page is not allowed.', ''),
};
const tooLarge: PlainAnswer = { status: 413, headers: html, body: page('413 - Request entity too large.', '') };
const servicePage: PlainAnswer = {
  status: 200,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: '<html><head><title>Service</title></head><body><h1>Service</h1><p>You have created a service.</p></body></html>',
};
const unavailable = (retryAfterMs: number): PlainAnswer => ({
  status: 503,
  headers: { ...html, 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) },
  body: page('503 - Service Unavailable', 'The service is unavailable.'),
});
const soapAnswer = (status: number, body: Buffer): PlainAnswer => ({
  status,
  headers: { 'content-type': 'text/xml; charset=utf-8' },
  body,
});
const redirectAnswer = (status: number, location: string): PlainAnswer => ({
  status,
  headers: status === 451 ? { ...html, 'x-ms-location': location } : { ...html, location },
  body: '',
});
const loginPage = (host: string): PlainAnswer => ({
  status: 200,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: `<!DOCTYPE html><html><head><title>Sign in</title></head><body><form action="https://${host}/owa/auth.owa" method="POST"><input name="username"><input name="password" type="password"></form></body></html>`,
});
