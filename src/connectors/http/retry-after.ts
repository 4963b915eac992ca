import type { HttpResponse } from '#kit/transport.ts';

/** Longer than any server means it; a broken clock must not stop a migration for a year. */
const longestMs = 60 * 60 * 1000;

/** Milliseconds of a Retry-After header, seconds (fractions were seen) or a date (RFC 9110 section 10.2.3); null without one. */
export function retryAfterMs(header: HttpResponse['headers'][string] | undefined, nowMs: number): number | null {
  const text = (typeof header === 'string' ? header : header?.[0])?.trim();
  if (text === undefined || text === '') return null;
  const ms = /^\d{1,9}(?:\.\d{1,9})?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? null : Math.ceil(Math.min(Math.max(ms, 0), longestMs));
}
