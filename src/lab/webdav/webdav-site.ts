import { gzipSync } from 'node:zlib';
import { collect, type EdgeConnection, type EdgeRequest } from '../edge/exchange.ts';
import type { Site, SiteAnswer, SiteOccasion } from '../edge/site.ts';
import type { SiteSurroundings } from '../lab.ts';
import type { Caller } from '../seams.ts';
import type { Organization } from '../world/organization.ts';
import { DavContext } from './context.ts';
import type { DavAnswer } from './dav-call.ts';
import { statusLine } from './dav-error.ts';
import { type CheckPassword, FormsLogon, type FormsRequest } from './forms-logon.ts';
import { esc } from './multistatus.ts';
import { asDavError } from './refusal-status.ts';
import { carryOut, isMethod } from './store.ts';
import { newDavStore } from './store-state.ts';
import { decodeStep } from './url-names.ts';

export interface WebdavOptions {
  /** Forms logon for those who send no credentials; without it they get 401. Default: on. */
  readonly forms?: boolean;
  /** Element names that begin with a digit are written as they are, as real servers do. Default: on. */
  readonly rawNames?: boolean;
}

/** What such a site needs of the front it belongs to. */
export type WebdavSurroundings = Pick<SiteSurroundings, 'clock' | 'random' | 'signIn' | 'traffic'>;

export interface WebdavSite extends Site {
  /** Ends the sessions of forms logon. */
  expireSessions(): void;
}

/** Smaller answers are not worth it. */
const compressedFrom = 1024;

/** Bytes of GET are compressed for those who take that, with forms logon or without. (Exchange 2003: data compression support) */
function compressed(answer: DavAnswer, accepted: string | undefined): DavAnswer {
  const { body } = answer;
  if (!(body instanceof Uint8Array) || body.length < compressedFrom || !/\bgzip\b/i.test(accepted ?? '')) return answer;
  return { ...answer, headers: { ...answer.headers, 'content-encoding': 'gzip' }, body: gzipSync(body) };
}

const pathOf = (path: string): string => path.split('?', 1)[0] ?? '';
const isStorePath = (path: string): boolean => /^\/(?:exchange|public)(?:\/|$)/i.test(path);
const isLogonPath = (path: string): boolean => /^\/exchweb\//i.test(path);

/** Exchange 2003 as its clients of HTTP see it: `/exchange`, `/public` and the logon in `/exchweb`. */
export function webdavSite(
  organization: Organization,
  surroundings: WebdavSurroundings,
  options: WebdavOptions = {},
): WebdavSite {
  const { forms = true, rawNames = true } = options;
  const { clock, random, traffic } = surroundings;
  const store = newDavStore();
  /** An attempt with a user name and a password, as Basic has it, so that what is told of an account counts here, too. */
  const check =
    (request: EdgeRequest, connection: EdgeConnection): CheckPassword =>
    (user, password) => {
      const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
      const outcome = surroundings.signIn({ ...request, headers: { authorization } }, { ...connection });
      if (outcome.kind === 'in') return outcome.who.caller;
      return outcome.why === 'scheme-off' ? organization.authenticate(user, password) : null;
    };
  const logon = new FormsLogon((bytes) => random.bytes(bytes).toString('hex'));
  const { build } = organization.facts;
  const common = {
    server: 'Microsoft-IIS/6.0',
    'x-powered-by': 'ASP.NET',
    'ms-webstorage': `${build[0]}.${build[1]}.${build[2]}`,
  };
  const final = (answer: DavAnswer, caller: Caller | null): SiteAnswer => ({
    ...answer,
    headers: { ...common, ...answer.headers },
    caller: caller?.user ?? null,
  });
  const refusal = (status: number, message: string): DavAnswer => ({
    status,
    headers: { 'content-type': 'text/html' },
    body: `<html><head><title>${statusLine(status).slice(9)}</title></head><body><h1>${statusLine(status).slice(9)}</h1><p>${esc(message)}</p></body></html>`,
  });

  async function handle(request: EdgeRequest, connection: EdgeConnection): Promise<SiteAnswer> {
    const { origin } = connection;
    const method = request.method.toUpperCase();
    const formsRequest: FormsRequest = {
      method,
      path: request.path,
      headers: request.headers,
      origin,
      nowMs: clock.nowMs(),
    };
    const bodyMax = organization.requestMaxBytes;
    if (isLogonPath(pathOf(request.path))) {
      const body = await collect(request.body, 64 * 1024);
      if (body === null) return final(refusal(413, 'the form is too long'), null);
      const answer = forms ? logon.answer(formsRequest, body, check(request, connection)) : null;
      if (answer !== null && /reason=2/.test(String(answer.headers?.['location'] ?? '')))
        traffic.refused('wrong-password');
      return final(answer ?? refusal(404, 'there is no such file'), null);
    }

    let caller: Caller | null = forms ? logon.callerOf(formsRequest) : null;
    let signedInHeaders: Readonly<Record<string, string>> = {};
    const hasCredentials = request.headers['authorization'] !== undefined || connection.signedIn !== null;
    if (caller === null && !hasCredentials && forms) return final(logon.challenge(formsRequest), null);
    if (caller === null || hasCredentials) {
      const outcome = surroundings.signIn(request, connection);
      if (outcome.kind === 'challenge') {
        traffic.refused(outcome.why);
        const answer = refusal(401, 'the credentials are not accepted');
        return final({ ...answer, headers: { ...answer.headers, 'www-authenticate': outcome.offers } }, null);
      }
      traffic.signedIn(outcome.who.scheme);
      caller = outcome.who.caller;
      signedInHeaders = outcome.headers;
    }
    const body = await collect(request.body, bodyMax);
    if (body === null) return final({ ...refusal(413, 'the request is too large'), ending: 'close' }, caller);
    try {
      const answer = await carryOut({
        context: new DavContext({ organization, caller, origin }),
        method,
        path: request.path,
        headers: request.headers,
        body,
        store,
        terms: { rawNames },
      });
      const sent = method === 'GET' ? compressed(answer, request.headers['accept-encoding']) : answer;
      return final({ ...sent, headers: { ...signedInHeaders, ...sent.headers } }, caller);
    } catch (thrown) {
      const error = asDavError(thrown);
      if (error === null) throw thrown;
      return final(refusal(error.status, error.message), caller);
    }
  }

  return {
    occasion(request): SiteOccasion | null {
      const path = pathOf(request.path);
      if (!isStorePath(path) && !isLogonPath(path)) return null;
      const method = request.method.toUpperCase();
      const [, name = ''] = /^\/exchange\/([^/]+)/i.exec(path) ?? [];
      const mailbox = decodeStep(name) ?? '';
      return {
        operation: isMethod(method) ? method : 'unknown method',
        mailbox: mailbox === '' ? null : mailbox.includes('@') ? mailbox : `${mailbox}@${organization.domain}`,
      };
    },
    handle,
    expireSessions: () => logon.expire(),
  };
}
