import { FaultError } from '#kit/fault.ts';
import type { Connection, HttpRequest, HttpResponse } from '#kit/transport.ts';
import { headerIn } from '../http/headers.ts';
import { requireEncryption, type Secret, type SignIn } from '../sign-in/sign-in.ts';
import { drain, handshakeStep } from '../sign-in/sign-in-refused.ts';
import { logonFormIn } from './logon-form.ts';

export interface FormsSettings {
  readonly user: string;
  readonly password: Secret;
}

/** A session with one server. */
interface Session {
  /** Value of the Cookie header. */
  readonly cookies: string;
}

/** A log-on page is small; whatever is larger is none. */
const pageMax = 256 * 1024;
const hopsMax = 5;
const cookiesMax = 16;
const cookieBytesMax = 4096;
/** Where Exchange 2003 takes the form when its page cannot be read. */
const usualAction = '/exchweb/bin/auth/owaauth.dll';
/** Private computer: the session lasts 24 hours rather than 15 minutes. */
const privateComputer = '4';

/**
 * Forms-based log-on of Exchange 2003 and later: a page with a form, cookies for a session, and `440 Login Timeout` when it has ended,
 * which may be in the middle of anything. The filter that answers 440 stands in front of the store, so nothing of such a request was
 * carried out and it is sent again under a new session.
 */
export function formsSignIn(settings: FormsSettings, options: { readonly allowPlain?: boolean } = {}): SignIn {
  const sessions = new Map<string, Session>();
  const logons = new Map<string, Promise<Session>>();

  const logOn = async (connection: Connection, peer: URL, signal: AbortSignal): Promise<Session> => {
    const page = await openPage(connection, peer, signal);
    const form = logonFormIn(page.html);
    const action = new URL(form?.action ?? usualAction, page.url);
    if (action.host !== peer.host)
      throw refuse(
        'redirect',
        `${peer.host} wants the password sent to ${action.host}: give the endpoint of the server that logs on itself`,
      );
    const fields = new URLSearchParams(form?.hidden ?? { destination: new URL('/exchange/', peer).href });
    fields.set('flags', privateComputer);
    fields.set('trusted', privateComputer);
    fields.set('username', settings.user);
    fields.set('password', await settings.password());
    const body = Buffer.from(fields.toString());
    const response = await handshakeStep(() =>
      connection.request(
        {
          method: 'POST',
          path: action.pathname + action.search,
          headers: {
            host: peer.host,
            'content-type': 'application/x-www-form-urlencoded',
            'content-length': String(body.length),
            // Without it later versions take the form for one that somebody went back to.
            cookie: 'PBack=0',
          },
          body,
        },
        signal,
      ),
    );
    await drain(response);
    const reason = /[?&]reason=([24])\b/.exec(headerIn(response.headers, 'location') ?? '')?.[1];
    const cookies = cookiesOf(response);
    const redirected = response.status >= 300 && response.status < 400;
    if (!redirected || reason !== undefined || !/(?:^|; )(?:sessionid|cadata\w*|usercontext)=/i.test(cookies))
      throw refuse(
        'auth',
        `${peer.host} refused ${settings.user} by forms log-on (HTTP ${response.status}${reason === undefined ? '' : `, reason ${reason}`}). Look at user and password; the account may be locked or its password expired, and names may need the form DOMAIN\\user.`,
      );
    return { cookies };
  };

  /** One log-on at a time for each server; whoever comes meanwhile waits for it. */
  const renewed = (connection: Connection, peer: URL, old: Session | null, signal: AbortSignal): Promise<Session> => {
    const current = sessions.get(peer.host) ?? null;
    if (current !== null && current !== old) return Promise.resolve(current);
    const begun = logons.get(peer.host);
    if (begun !== undefined) return begun;
    const logon = logOn(connection, peer, signal).then(
      (session) => {
        sessions.set(peer.host, session);
        logons.delete(peer.host);
        return session;
      },
      (error: unknown) => {
        logons.delete(peer.host);
        throw error;
      },
    );
    logons.set(peer.host, logon);
    return logon;
  };

  return {
    method: 'forms',
    async send(connection, peer, request, signal) {
      requireEncryption(peer, options.allowPlain ?? false);
      let session = sessions.get(peer.host) ?? null;
      for (let attempt = 1; ; attempt++) {
        session = await renewed(connection, peer, attempt === 1 ? null : session, signal);
        const response = await connection.request(withCookies(request, session.cookies), signal);
        if (!wantsLogon(response)) return response;
        await drain(response);
        if (attempt === 3)
          throw refuse(
            'auth',
            `${peer.host} asks for a log-on again right after one (HTTP ${response.status}). A load balancer may send requests to servers that do not share sessions: give the address of one server`,
          );
      }
    },
  };
}

/** Whether what answered is the filter of forms log-on, and not the store. */
export function wantsLogon({ status, headers }: HttpResponse): boolean {
  if (status === 440) return true;
  if (status !== 302 && status !== 303 && status !== 307) return false;
  return /\/(?:exchweb\/bin\/auth|owa\/auth|cookieauth\.dll)\b/i.test(headerIn(headers, 'location') ?? '');
}

function withCookies(request: HttpRequest, cookies: string): HttpRequest {
  const { cookie } = request.headers;
  return { ...request, headers: { ...request.headers, cookie: cookie ? `${cookie}; ${cookies}` : cookies } };
}

/** The log-on page, wherever on this server it is. */
async function openPage(
  connection: Connection,
  peer: URL,
  signal: AbortSignal,
): Promise<{ readonly url: URL; readonly html: string }> {
  let url = new URL('/exchange/', peer);
  for (let hop = 0; hop < hopsMax; hop++) {
    const response = await handshakeStep(() =>
      connection.request(
        {
          method: 'GET',
          path: url.pathname + url.search,
          headers: { host: peer.host, accept: 'text/html' },
          body: null,
        },
        signal,
      ),
    );
    if (response.status >= 300 && response.status < 400) {
      const location = headerIn(response.headers, 'location');
      await drain(response);
      if (location === null || !URL.canParse(location, url.href)) break;
      const to = new URL(location, url);
      if (to.host !== peer.host)
        throw refuse('redirect', `${peer.host} sends its log-on to ${to.host}: give that server as the endpoint`);
      url = to;
      continue;
    }
    if (response.status === 401) {
      await drain(response);
      throw refuse(
        'auth',
        `${peer.host} asks for HTTP authentication and has no log-on page: set signIn.method to ntlm or basic`,
      );
    }
    // 440 to a GET is a page all the same.
    if (response.status === 200 || response.status === 440) return { url, html: await textOf(response) };
    await drain(response);
    throw refuse('protocol', `${peer.host} answers HTTP ${response.status} where its log-on page should be`);
  }
  throw refuse('protocol', `${peer.host} redirects without end instead of showing a log-on page`);
}

async function textOf(response: HttpResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > pageMax) throw refuse('protocol', `the log-on page is longer than ${pageMax} bytes: that is none`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function cookiesOf({ headers }: HttpResponse): string {
  const lines = headers['set-cookie'];
  const all = lines === undefined ? [] : typeof lines === 'string' ? [lines] : lines;
  return all
    .slice(0, cookiesMax)
    .map((line) => line.slice(0, line.indexOf(';') < 0 ? undefined : line.indexOf(';')).trim())
    .filter((pair) => /^[\w.-]+=\S/.test(pair) && pair.length <= cookieBytesMax)
    .join('; ');
}

const refuse = (code: 'auth' | 'redirect' | 'protocol', detail: string): FaultError =>
  new FaultError({ kind: 'fatal', code, detail });
