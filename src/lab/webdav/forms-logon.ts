import type { Caller } from '../seams.ts';
import type { DavAnswer } from './dav-call.ts';
import { logonPage } from './owa-pages.ts';

// Forms logon: a filter in front of the store that knows its sessions by cookies. (evolution-exchange docs/reference/features/fba.xml)

interface Session {
  readonly caller: Caller;
  readonly id: string;
  /** How long it lives without being used. */
  readonly idleMs: number;
  usedAtMs: number;
}

/** A private computer, and one that others use, too. */
const idleMs = { private: 24 * 3_600_000, public: 15 * 60_000 } as const;
const sessionsMax = 10_000;

/** Whose user name and password these are; null: refused. */
export type CheckPassword = (user: string, password: string) => Caller | null;

/** A request as the filter sees it. */
export interface FormsRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly origin: string;
  readonly nowMs: number;
}

const cookieOf = (headers: FormsRequest['headers'], name: string): string | null =>
  new RegExp(`(?:^|;)\\s*${name}="?([^";]+)"?`, 'i').exec(headers['cookie'] ?? '')?.[1] ?? null;

export class FormsLogon {
  readonly #sessions = new Map<string, Session>();
  readonly #randomHex: (bytes: number) => string;
  /** @param randomHex so many random bytes, in hex. */
  constructor(randomHex: (bytes: number) => string) {
    this.#randomHex = randomHex;
  }

  /** Ends all sessions, as the restart of the server does. */
  expire(): void {
    this.#sessions.clear();
  }

  /** Who a session belongs to; null: there is none, or not any more. */
  callerOf({ headers, nowMs }: FormsRequest): Caller | null {
    const cadata = cookieOf(headers, 'cadata');
    const id = cookieOf(headers, 'sessionid')?.split(',', 1)[0];
    const session = cadata === null ? undefined : this.#sessions.get(cadata);
    if (cadata === null || session === undefined || session.id !== id) return null;
    if (nowMs - session.usedAtMs > session.idleMs) {
      this.#sessions.delete(cadata);
      return null;
    }
    session.usedAtMs = nowMs;
    return session.caller;
  }

  /** What somebody without a session gets: the form, or 440 where it would not be read. */
  challenge({ method, path, headers, origin }: FormsRequest): DavAnswer {
    const isPage = (method === 'GET' || method === 'HEAD') && !/^\s*f/i.test(headers['translate'] ?? '');
    if (isPage)
      return {
        status: 302,
        headers: { location: `${origin}/exchweb/bin/auth/owalogon.asp?url=${origin}${path}&reason=0` },
      };
    // Cookies that were sent and are worth nothing any more are taken back.
    const gone = [
      'sessionid=; path=/; expires=Thu, 01-Jan-1970 00:00:00 GMT',
      'cadata=; path=/; expires=Thu, 01-Jan-1970 00:00:00 GMT',
    ];
    return {
      status: 440,
      headers: { 'content-type': 'text/html', ...(headers['cookie'] === undefined ? {} : { 'set-cookie': gone }) },
      body: '<html><head><title>440 Login Timeout</title></head><body>440 Login Timeout</body></html>',
    };
  }

  /** What is below `/exchweb/bin/auth/`; null: nothing. */
  answer(request: FormsRequest, body: Buffer, check: CheckPassword): DavAnswer | null {
    const [, name] = /^\/exchweb\/bin\/auth\/([^/?]+)/i.exec(request.path) ?? [];
    switch (name?.toLowerCase()) {
      case 'owalogon.asp':
        return this.#form(request);
      case 'owaauth.dll':
        return request.method === 'POST' ? this.#logOn(request, body, check) : { status: 405 };
      default:
        return null;
    }
  }

  #form({ path, headers, origin }: FormsRequest): DavAnswer {
    if (/^\s*f/i.test(headers['translate'] ?? '')) return { status: 403 };
    const [, url = `${origin}/exchange/`] = /[?&]url=([^&]*)/.exec(path) ?? [];
    return logonPage(decoded(url), /[?&]reason=[1-9]/.test(path));
  }

  #logOn({ origin, nowMs }: FormsRequest, body: Buffer, check: CheckPassword): DavAnswer {
    const form = new URLSearchParams(body.toString('latin1'));
    const destination = ownAddress(form.get('destination') ?? '', origin);
    const caller = check(form.get('username') ?? '', form.get('password') ?? '');
    if (caller === null)
      return {
        status: 302,
        headers: {
          location: `${origin}/exchweb/bin/auth/owalogon.asp?url=${encodeURIComponent(destination)}&reason=2`,
        },
      };
    const isPrivate = ((Number(form.get('flags')) | Number(form.get('trusted'))) & 4) !== 0;
    const hex = this.#randomHex(16);
    const id = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
    const cadata = `2,${Buffer.from(this.#randomHex(24), 'hex').toString('base64')}`;
    if (this.#sessions.size >= sessionsMax) {
      const [oldest] = this.#sessions.keys();
      if (oldest !== undefined) this.#sessions.delete(oldest);
    }
    this.#sessions.set(cadata, { caller, id, idleMs: isPrivate ? idleMs.private : idleMs.public, usedAtMs: nowMs });
    const secure = origin.startsWith('https:') ? '; secure' : '';
    return {
      status: 302,
      headers: {
        location: destination,
        'set-cookie': [`sessionid=${id},0x409; path=/`, `cadata="${cadata}"; HttpOnly${secure}; path=/`],
      },
    };
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Nobody is sent to another server with a session. */
function ownAddress(destination: string, origin: string): string {
  const url = URL.canParse(destination, origin) ? new URL(destination, origin) : null;
  return url === null ? `${origin}/exchange/` : `${origin}${url.pathname}${url.search}`;
}
