import type { HttpResponse } from '#kit/transport.ts';

/** First value of a header. */
export function headerIn(headers: HttpResponse['headers'], name: string): string | null {
  const value = headers[name];
  return value === undefined ? null : typeof value === 'string' ? value : (value[0] ?? null);
}
