import type { Clock } from '#kit/clock.ts';
import type { HttpResponse } from '#kit/transport.ts';

/**
 * Cookies by which Exchange and its front ends route a caller to the same mailbox server. Nothing else is kept: a session of
 * somebody's login page must not follow us.
 */
const kept: ReadonlySet<string> = new Set(['x-backendoverridecookie', 'x-backendcookie', 'exchangecookie']);

const valueMax = 4096;
const keysMax = 5_000;
/** Visible ASCII without quotes, comma, semicolon and backslash (RFC 6265 section 4.1.1). */
const valuePattern = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;

export interface AffinityJar {
  /** Value of the Cookie header for a host and a group of requests; null for none. */
  header(host: string, key: string): string | null;
  store(host: string, key: string, setCookie: HttpResponse['headers'][string] | undefined): void;
}

interface Cookie {
  /** As the server writes it. */
  readonly name: string;
  readonly value: string;
  readonly untilMs: number;
}

/** One jar per organization; forgets the groups that were used least recently. */
export function affinityJar(clock: Clock): AffinityJar {
  const groups = new Map<string, Map<string, Cookie>>();
  return {
    header(host, key) {
      const group = groups.get(`${host} ${key}`);
      if (!group) return null;
      const nowMs = clock.nowMs();
      const live = [...group.values()].filter((cookie) => cookie.untilMs > nowMs);
      return live.length === 0 ? null : live.map((cookie) => `${cookie.name}=${cookie.value}`).join('; ');
    },
    store(host, key, setCookie) {
      if (setCookie === undefined) return;
      const groupKey = `${host} ${key}`;
      const group = groups.get(groupKey) ?? new Map<string, Cookie>();
      for (const line of typeof setCookie === 'string' ? [setCookie] : setCookie) {
        const cookie = parse(line, clock.nowMs());
        if (cookie === null) continue;
        if (cookie.untilMs <= clock.nowMs()) group.delete(cookie.name.toLowerCase());
        else group.set(cookie.name.toLowerCase(), cookie);
      }
      groups.delete(groupKey);
      if (group.size > 0) groups.set(groupKey, group);
      for (const oldest of groups.keys()) {
        if (groups.size <= keysMax) break;
        groups.delete(oldest);
      }
    },
  };
}

function parse(line: string, nowMs: number): Cookie | null {
  const [pair = '', ...attributes] = line.split(';');
  const at = pair.indexOf('=');
  const name = pair.slice(0, at).trim();
  const value = pair.slice(at + 1).trim();
  if (at < 1 || !kept.has(name.toLowerCase()) || value.length > valueMax || !valuePattern.test(value)) return null;
  let untilMs = Number.POSITIVE_INFINITY;
  for (const attribute of attributes) {
    const [key = '', text = ''] = attribute.split(/=(.*)/s).map((part) => part.trim());
    if (/^max-age$/i.test(key) && /^-?\d{1,10}$/.test(text))
      return { name, value, untilMs: nowMs + Number(text) * 1000 };
    if (/^expires$/i.test(key)) {
      const expires = Date.parse(text);
      if (!Number.isNaN(expires)) untilMs = expires;
    }
  }
  return { name, value, untilMs };
}
