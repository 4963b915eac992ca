import { resolveSrv } from 'node:dns/promises';
import { parseXmlBytes, XmlFault } from '#formats/text/xml-read.ts';
import { xmlBody } from '#formats/text/xml-write.ts';
import type { Clock } from '#kit/clock.ts';
import { describeFault, type FatalCode, type Fault, FaultError } from '#kit/fault.ts';
import type { HttpRequest, HttpResponse, TlsPolicy, Transport } from '#kit/transport.ts';
import type { Context } from '../../contract.ts';
import { deadline } from '../../http/deadline.ts';
import { hostRule } from '../../http/host-rule.ts';
import { requireEncryption, type SignIn } from '../../sign-in/sign-in.ts';
import type { AutodiscoverAnswer, AutodiscoverSettings } from './answer.ts';
import { poxRequest, readPox } from './pox.ts';
import { readSoap, soapRequest } from './soap.ts';

export interface AutodiscoverOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly tls: TlsPolicy;
  readonly signIn: SignIn;
  /** A domain to ask instead of the mailbox's own, or the address of the service itself. */
  readonly server?: string;
  /** Hosts besides those of the domain asked to which we may be sent: `host` or `*.domain`. */
  readonly redirectHosts?: readonly string[];
  readonly allowPlain?: boolean;
  /** DNS SRV; default the system's resolver. */
  readonly resolveSrv?: (name: string) => Promise<readonly SrvRecord[]>;
  /** Time for one address; a firewall that swallows packets must not use up all of it. */
  readonly stepMaxMs?: number;
}

export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** One address that was tried, and what came of it, in words. */
export interface Step {
  readonly url: string;
  readonly outcome: string;
}

export interface Discovered extends AutodiscoverSettings {
  /** Under which the mailbox was found; another than asked for after a redirect. */
  readonly address: string;
  /** All that was tried, the last one with success. */
  readonly steps: readonly Step[];
}

/** EWSDOC how-to-use-autodiscover…: more redirects than this are a loop. */
const redirectMax = 10;
/** Hosts that may refuse us: a wrong password tried everywhere locks the account. */
const refusalMax = 2;
const answerMaxBytes = 1024 * 1024;
const stepMaxMs = 20_000;

/**
 * Finds the EWS address of a mailbox, in the documented order (EWSDOC autodiscover-for-exchange): the domain, its host
 * `autodiscover`, where that host redirects to over http, the SRV record. The service connection point in Active Directory, which
 * a client inside the domain asks first, is left out: it needs LDAP, and the project file can name the address.
 *
 * No address gets credentials before it has asked for them (HTTP 401) over a verified connection, and none that is not of the
 * domain or allowed by the project file. Throws FaultError, whose detail lists every address and why it did not do.
 */
export async function autodiscover(
  address: string,
  options: AutodiscoverOptions,
  context: Context,
): Promise<Discovered> {
  return new Discovery(options, context).find(address);
}

/** Why an address did not do. `fault` keeps what a fault said; null for what is no fault of ours. */
interface Miss {
  readonly step: Step;
  readonly fault: Fault | null;
}

type Next =
  | { readonly kind: 'found'; readonly settings: AutodiscoverSettings }
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'miss' };

class Discovery {
  readonly #options: AutodiscoverOptions;
  readonly #context: Context;
  readonly #misses: Miss[] = [];
  readonly #asked = new Set<string>();
  #redirects = 0;
  /** Hosts that took no credentials of ours. */
  readonly #refusing = new Set<string>();
  #allowed: (host: string) => boolean = () => false;

  constructor(options: AutodiscoverOptions, context: Context) {
    this.#options = options;
    this.#context = context;
  }

  async find(given: string): Promise<Discovered> {
    let address = given;
    const addresses = new Set<string>();
    for (;;) {
      if (addresses.has(address.toLowerCase()))
        throw this.#failure(given, 'redirect', `${address} redirects in a circle`);
      addresses.add(address.toLowerCase());
      const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
      if (address.lastIndexOf('@') < 1 || !/^[a-z0-9.-]+$/.test(domain))
        throw this.#failure(given, 'config', `${address} is no mail address`);
      const next = await this.#byDomain(address, domain, addresses.size === 1);
      if (next.kind === 'found') {
        const found = this.#misses.map(({ step }) => step);
        return { ...next.settings, address, steps: found };
      }
      if (next.kind === 'miss') throw this.#failure(given, null, null);
      if (++this.#redirects > redirectMax) throw this.#failure(given, 'redirect', `more than ${redirectMax} redirects`);
      address = next.address;
    }
  }

  async #byDomain(address: string, domain: string, first: boolean): Promise<Next> {
    const { server, redirectHosts = [] } = this.#options;
    const fixed = server !== undefined && URL.canParse(server) ? new URL(server) : null;
    const asked = fixed || server === undefined || !first ? domain : server.toLowerCase();
    // After a redirect to another address its domain is as foreign as any other host.
    const own = first ? [asked, `*.${asked}`, ...(fixed ? [fixed.hostname] : [])] : [];
    this.#allowed = hostRule([...own, ...redirectHosts, ...(fixed && !first ? [fixed.hostname] : [])]);
    if (fixed && first) {
      const urls = /\.(?:svc|xml)$/i.test(fixed.pathname) ? [fixed] : dialects(fixed);
      return this.#inTurn(address, urls);
    }
    const derived = [`https://${asked}`, `https://autodiscover.${asked}`].flatMap((base) => dialects(new URL(base)));
    const next = await this.#inTurn(address, derived);
    if (next.kind !== 'miss') return next;
    const plain = await this.#plainRedirect(`http://autodiscover.${asked}/autodiscover/autodiscover.xml`);
    const redirected = plain ? await this.#inTurn(address, dialects(plain)) : next;
    if (redirected.kind !== 'miss') return redirected;
    return this.#inTurn(address, await this.#bySrv(asked));
  }

  async #inTurn(address: string, urls: readonly URL[]): Promise<Next> {
    for (const url of urls) {
      if (this.#asked.has(url.href) || this.#refusing.has(url.hostname) || this.#refusing.size >= refusalMax) continue;
      const next = await this.#ask(address, url);
      if (next.kind !== 'miss') return next;
    }
    return { kind: 'miss' };
  }

  /** One address, redirects followed. */
  async #ask(address: string, start: URL): Promise<Next> {
    let url = start;
    for (;;) {
      this.#asked.add(url.href);
      let answer: AutodiscoverAnswer | null;
      try {
        requireEncryption(url, this.#options.allowPlain ?? false);
        if (!this.#allowed(url.hostname)) {
          return this.#miss(url, {
            kind: 'fatal',
            code: 'redirect',
            detail: `not asked: ${url.hostname} is no host of the domain. If it belongs to the organization, add it to redirectHosts`,
          });
        }
        answer = await this.#exchange(address, url);
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        if (this.#context.signal.aborted) throw error;
        if (error.fault.kind === 'fatal' && error.fault.code === 'auth') this.#refusing.add(url.hostname);
        return this.#miss(url, error.fault);
      }
      if (answer === null) return this.#miss(url, null, 'what answers is not Autodiscover');
      switch (answer.kind) {
        case 'redirect-address':
          this.#note(url, `sends us to the address ${answer.address}`);
          return { kind: 'address', address: answer.address };
        case 'redirect-url': {
          const to = URL.canParse(answer.url, url.href) ? new URL(answer.url, url.href) : null;
          if (to === null) return this.#miss(url, null, 'sends us to something that is no address');
          this.#note(url, `sends us to ${to.href}`);
          if (++this.#redirects > redirectMax || this.#asked.has(to.href))
            return this.#miss(to, null, 'redirects in a circle');
          url = to;
          continue;
        }
        case 'error':
          return this.#miss(
            url,
            answer.mailboxUnknown ? { kind: 'fatal', code: 'mailbox-gone', detail: answer.message } : null,
            `error ${answer.code}${answer.message === '' ? '' : `: ${answer.message}`}`,
          );
        case 'settings': {
          const usable = answer.settings.ewsUrls.filter((text) => this.#usable(text, url));
          if (usable.length === 0) return this.#miss(url, null, 'names no EWS address that can be used');
          this.#note(url, 'answered');
          return { kind: 'found', settings: { ...answer.settings, ewsUrls: usable } };
        }
      }
    }
  }

  #usable(text: string, from: URL): boolean {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null) return false;
    if (this.#allowed(url.hostname) && (url.protocol === 'https:' || (this.#options.allowPlain ?? false))) return true;
    this.#miss(from, {
      kind: 'fatal',
      code: 'redirect',
      detail: `it names ${url.origin} for EWS, which is no https address of the domain. If it belongs to the organization, add ${url.hostname} to redirectHosts`,
    });
    return false;
  }

  /** Asks without credentials first: a web server of the company is no place to leave a password. */
  async #exchange(address: string, url: URL): Promise<AutodiscoverAnswer | null> {
    const { clock, transport, tls, signIn } = this.#options;
    const untilMs = Math.min(this.#context.deadlineMs, clock.monotonicMs() + (this.#options.stepMaxMs ?? stepMaxMs));
    const call = deadline(clock, this.#context.signal, untilMs);
    const soap = url.pathname.toLowerCase().endsWith('.svc');
    const body = xmlBody(soap ? soapRequest(address, url) : poxRequest(address)).whole;
    if (body === null)
      throw new FaultError({ kind: 'fatal', code: 'config', detail: `${address} is too long for an address` });
    const request: HttpRequest = {
      method: 'POST',
      path: url.pathname + url.search,
      headers: {
        host: url.host,
        'content-type': 'text/xml; charset=utf-8',
        'content-length': String(body.length),
        'user-agent': 'Causeway',
        'x-anchormailbox': address,
        ...(soap
          ? { soapaction: '"http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings"' }
          : {}),
      },
      body,
    };
    const origin = `${url.protocol}//${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`;
    try {
      const first = await transport.connect(origin, tls, call.signal);
      try {
        const probe = await first.request(
          { ...request, headers: { ...request.headers, 'content-length': '0' }, body: null },
          call.signal,
        );
        const redirect = redirectOf(probe, url);
        if (redirect) return redirect;
        await bounded(probe);
        if (probe.status !== 401) throw new FaultError(unexpected(probe));
      } finally {
        first.close();
      }
      const connection = await transport.connect(origin, tls, call.signal);
      try {
        const response = await signIn.send(connection, url, request, call.signal);
        const redirect = redirectOf(response, url);
        if (redirect) return redirect;
        const bytes = await bounded(response);
        if (response.status !== 200 && response.status !== 500) throw new FaultError(unexpected(response));
        const { root } = parseXmlBytes(bytes, { bytesMax: answerMaxBytes, depthMax: 64 });
        return soap ? readSoap(root) : readPox(root);
      } finally {
        connection.close();
      }
    } catch (error) {
      if (error instanceof XmlFault) return null;
      throw error;
    } finally {
      call.release();
    }
  }

  /** A question without credentials over http, whose only useful answer is where to go instead (EWSDOC, step 3). */
  async #plainRedirect(text: string): Promise<URL | null> {
    const { clock, transport, tls } = this.#options;
    const url = new URL(text);
    if (this.#refusing.size >= refusalMax) return null;
    const call = deadline(
      clock,
      this.#context.signal,
      Math.min(this.#context.deadlineMs, clock.monotonicMs() + (this.#options.stepMaxMs ?? stepMaxMs)),
    );
    try {
      const connection = await transport.connect(`http://${url.hostname}:80`, tls, call.signal);
      try {
        const response = await connection.request(
          { method: 'GET', path: url.pathname, headers: { host: url.host, 'user-agent': 'Causeway' }, body: null },
          call.signal,
        );
        const redirect = redirectOf(response, url);
        if (redirect?.kind !== 'redirect-url') {
          this.#miss(url, null, `HTTP ${response.status}, no redirect`);
          return null;
        }
        const to = new URL(redirect.url);
        this.#note(url, `sends us to ${to.href}`);
        if (to.protocol === 'https:') return to;
        this.#miss(to, null, 'not asked: it is not https');
        return null;
      } finally {
        connection.close();
      }
    } catch (error) {
      if (!(error instanceof FaultError) || this.#context.signal.aborted) throw error;
      this.#miss(url, error.fault);
      return null;
    } finally {
      call.release();
    }
  }

  /** `_autodiscover._tcp` (EWSDOC, step 4). The lowest priority first, then the highest weight. */
  async #bySrv(domain: string): Promise<readonly URL[]> {
    const name = `_autodiscover._tcp.${domain}`;
    let records: readonly SrvRecord[];
    try {
      records = await (this.#options.resolveSrv ?? resolveSrv)(name);
    } catch (error) {
      const { code } = error as { code?: unknown };
      this.#misses.push({
        step: { url: `DNS SRV ${name}`, outcome: `no record${typeof code === 'string' ? ` (${code})` : ''}` },
        fault: null,
      });
      return [];
    }
    const sorted = [...records]
      .filter((record) => /^[a-z0-9.-]{1,253}$/i.test(record.name))
      .sort((a, b) => a.priority - b.priority || b.weight - a.weight);
    if (sorted.length === 0) this.#misses.push({ step: { url: `DNS SRV ${name}`, outcome: 'no record' }, fault: null });
    return sorted
      .slice(0, 4)
      .flatMap((record) => dialects(new URL(`https://${record.name.replace(/\.$/, '')}:${record.port}`)));
  }

  #note(url: URL, outcome: string): void {
    this.#misses.push({ step: { url: url.href, outcome }, fault: null });
  }

  #miss(url: URL, fault: Fault | null, words?: string): { readonly kind: 'miss' } {
    this.#misses.push({ step: { url: url.href, outcome: words ?? (fault ? describeFault(fault) : '') }, fault });
    return { kind: 'miss' };
  }

  /** All of it, so that an administrator sees each address and why it did not do. */
  #failure(address: string, code: FatalCode | null, why: string | null): FaultError {
    const tried = this.#misses.map(({ step }, index) => `${index + 1}) ${step.url}: ${step.outcome}`).join('; ');
    const detail = `Autodiscover found no EWS address for ${address}${why ? ` (${why})` : ''}. Tried: ${tried || 'nothing'}. Not tried: the service connection point in Active Directory. Give endpoint in the project file to do without`;
    const codes = new Set(this.#misses.flatMap(({ fault }) => (fault?.kind === 'fatal' ? [fault.code] : [])));
    const known =
      code ?? (['auth', 'redirect', 'mailbox-gone', 'config'] as const).find((candidate) => codes.has(candidate));
    if (known) return new FaultError({ kind: 'fatal', code: known, detail });
    // A name that does not exist will not exist the next time either; a server that is silent may answer.
    const passing = this.#misses.some(
      ({ fault }) =>
        fault?.kind === 'throttled' || (fault?.kind === 'transient' && !/not in DNS|no address/.test(fault.detail)),
    );
    if (passing) return new FaultError({ kind: 'transient', detail, mayHaveHappened: false });
    return new FaultError({ kind: 'fatal', code: codes.has('tls') ? 'tls' : 'protocol', detail });
  }
}

/** SOAP first, POX where that is not there (2007). */
function dialects(base: URL): readonly URL[] {
  const exact = /^(.*\/autodiscover)\.(?:xml|svc)$/i.exec(base.pathname)?.[1] ?? '/autodiscover/autodiscover';
  return ['svc', 'xml'].map((extension) => new URL(`${exact}.${extension}`, base));
}

function redirectOf(response: HttpResponse, from: URL): AutodiscoverAnswer | null {
  if (![301, 302, 303, 307, 308, 451].includes(response.status)) return null;
  const header = response.headers['location'];
  const location = typeof header === 'string' ? header : header?.[0];
  return location !== undefined && URL.canParse(location, from.href)
    ? { kind: 'redirect-url', url: new URL(location, from.href).href }
    : null;
}

function unexpected(response: HttpResponse): Fault {
  if (response.status >= 500) return { kind: 'transient', detail: `HTTP ${response.status}`, mayHaveHappened: false };
  const type = response.headers['content-type'];
  const words =
    response.status === 200 && typeof type === 'string' && type.includes('html')
      ? 'a web page, not Autodiscover'
      : `HTTP ${response.status} where it should ask for credentials`;
  return { kind: 'fatal', code: 'protocol', detail: words };
}

async function bounded(response: HttpResponse): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let read = 0;
  for await (const chunk of response.body) {
    read += chunk.length;
    if (read > answerMaxBytes)
      throw new FaultError({
        kind: 'fatal',
        code: 'protocol',
        detail: `an answer of more than ${answerMaxBytes} bytes`,
      });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
