import type { HttpResponse } from '#kit/transport.ts';

/** One way to sign in that a server offers in `WWW-Authenticate`. */
export interface Offer {
  /** Lower case: `ntlm`, `negotiate`, `basic`, `bearer`, … */
  readonly scheme: string;
  /** What follows the scheme when it is one token (NTLM, Negotiate); otherwise null. */
  readonly token: string | null;
  /** Parameters by lower-case name (Basic, Bearer, Digest). */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Longest header that is read; a challenge of NTLM takes less than 2 kB. */
const headerMax = 16 * 1024;

/** The offers of an answer, in the server's order (RFC 9110 section 11.6.1). Never throws: what cannot be read is left out. */
export function offersOf(headers: HttpResponse['headers']): readonly Offer[] {
  const value = headers['www-authenticate'];
  const lines = value === undefined ? [] : typeof value === 'string' ? [value] : value;
  return lines.flatMap((line) => (line.length > headerMax ? [] : [...offersIn(line)]));
}

/** Scheme, `name=value` or `name="quoted"`, or a token68; separated by spaces and commas. */
const piece =
  /\s*(?:,\s*)*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?|\s*([A-Za-z0-9._~+/-]+=*)/y;

function* offersIn(line: string): Generator<Offer> {
  let open: { scheme: string; token: string | null; parameters: Map<string, string> } | null = null;
  let at = 0;
  while (at < line.length) {
    const rest = line.slice(at);
    // After a scheme and a space, up to the next comma or end: a token68.
    const token: RegExpExecArray | null =
      open && open.token === null && open.parameters.size === 0
        ? /^ +([A-Za-z0-9._~+/-]+=*)\s*(?=,|$)/.exec(rest)
        : null;
    if (open && token) {
      open.token = token[1] ?? null;
      at += token[0].length;
      continue;
    }
    piece.lastIndex = at;
    const found = piece.exec(line);
    if (found === null || found[0] === '') return;
    at = piece.lastIndex;
    const [, name, quoted, plain] = found;
    if (name === undefined) return;
    if (quoted !== undefined || plain !== undefined)
      open?.parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '');
    else {
      if (open) yield open;
      open = { scheme: name.toLowerCase(), token: null, parameters: new Map() };
    }
  }
  if (open) yield open;
}

/** `NTLM, Basic`, for a person. */
export function describeOffers(offers: readonly Offer[]): string {
  const names = [...new Set(offers.map((offer) => offer.scheme))];
  return names.length === 0 ? 'nothing' : names.map((name) => properNames[name] ?? name).join(', ');
}

const properNames: Readonly<Record<string, string>> = {
  ntlm: 'NTLM',
  negotiate: 'Negotiate',
  basic: 'Basic',
  bearer: 'Bearer',
  digest: 'Digest',
  kerberos: 'Kerberos',
};
