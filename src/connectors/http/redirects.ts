import { FaultError } from '#kit/fault.ts';
import type { HttpResponse } from '#kit/transport.ts';
import { requireEncryption } from '../sign-in/sign-in.ts';
import { headerIn } from './headers.ts';
import { hostRule } from './host-rule.ts';

export interface RedirectRules {
  readonly home: URL;
  /** Hosts besides that of `home` to which a front end may send us: `host` or `*.domain`. */
  readonly hosts: readonly string[];
  readonly allowPlain: boolean;
  /** Says what is wrong with an answer whatever hosts are allowed, `to` being where it leads; null: nothing. */
  readonly refusal: (response: HttpResponse, to: URL | null) => string | null;
}

/**
 * Where an answer sends a request, with whatever signs it in. Throws FaultError, fatal: `redirect` where that is not allowed, `protocol`
 * where it is no redirect of Exchange's, `config` where it is not encrypted.
 */
export function redirectRule({
  home,
  hosts,
  allowPlain,
  refusal,
}: RedirectRules): (from: URL, response: HttpResponse) => URL {
  const allowed = hostRule([home.hostname, ...hosts]);
  return (from, response) => {
    const location = headerIn(response.headers, 'location') ?? headerIn(response.headers, 'x-ms-location');
    const to = location !== null && URL.canParse(location, from.href) ? new URL(location, from.href) : null;
    const refuse = (code: 'redirect' | 'protocol', detail: string) =>
      new FaultError({
        kind: 'fatal',
        code,
        detail: `${from.host} answers HTTP ${response.status}${to ? ` to ${to.origin}${to.pathname}` : ''}: ${detail}`,
      });
    const why = refusal(response, to);
    if (why !== null) throw refuse('protocol', why);
    if (to === null)
      throw refuse(
        'protocol',
        'a redirect without a place to go; that is not Exchange, look at what stands in front of it',
      );
    if (!allowed(to.hostname))
      throw refuse(
        'redirect',
        `sign-in is not sent to a host that the project file does not name. If ${to.hostname} belongs to the organization, add it to redirectHosts`,
      );
    if (to.protocol !== 'https:' && from.protocol === 'https:')
      throw refuse('redirect', 'it leads from https to http, which is never followed');
    requireEncryption(to, allowPlain);
    return to;
  };
}
