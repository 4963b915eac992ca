import type { HttpResponse } from '#kit/transport.ts';

/** Longer than any server means it; a broken clock must not stop a migration for a year. */
const longestMs = 60 * 60 * 1000;

/** `Sun, 06 Nov 1994 08:49:37 GMT` and its obsolete forms; what else Date.parse takes is not meant as a date. */
const datePattern = /^[A-Z][a-z]{2,8},? /;

/** Milliseconds of a Retry-After header, seconds (fractions were seen) or a date (RFC 9110 section 10.2.3); null without one. */
export function retryAfterMs(header: HttpResponse['headers'][string] | undefined, nowMs: number): number | null {
  const text = (typeof header === 'string' ? header : header?.[0])?.trim();
  if (text === undefined || text === '') return null;
  const ms = /^\d{1,9}(?:\.\d{1,9})?$/.test(text)
    ? Number(text) * 1000
    : datePattern.test(text)
      ? Date.parse(text) - nowMs
      : Number.NaN;
  return Number.isNaN(ms) ? null : Math.ceil(Math.min(Math.max(ms, 0), longestMs));
}
