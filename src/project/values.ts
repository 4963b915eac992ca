/** Values as people write them in the project file. Each returns null for a text that is not of its form. */

/** `25 MB`, `1.5GB`, `900 kB`, `1024`: binary units, as Exchange counts them. */
export function parseSize(text: string): number | null {
  const [, number = '', unit = ''] = /^(\d{1,12}(?:\.\d{1,3})?)\s*([kKMGT]?)(?:i?B)?$/.exec(text.trim()) ?? [];
  if (number === '') return null;
  const bytes = Math.round(Number(number) * 1024 ** ' KMGT'.indexOf(unit.toUpperCase() || ' '));
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null;
}

/** `2024-02-29`, the first instant of that day in UTC. */
export function parseDay(text: string): number | null {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  if (year === undefined) return null;
  const at = Date.UTC(Number(year), Number(month) - 1, Number(day));
  return new Date(at).toISOString().startsWith(text) ? at : null;
}

/** `20%`, `0 %`, `100%` as a share of 1. */
export function parsePercent(text: string): number | null {
  const number = /^(\d{1,3}(?:\.\d{1,3})?)\s*%$/.exec(text.trim())?.[1];
  return number === undefined || Number(number) > 100 ? null : Number(number) / 100;
}

/** `500 ms`, `60 s`, `5 min`, `2 h` in milliseconds. */
export function parseDuration(text: string): number | null {
  const [, number = '', unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|min|h)$/.exec(text.trim()) ?? [];
  const ms = Math.round(Number(number) * ({ ms: 1, s: 1_000, min: 60_000, h: 3_600_000 }[unit] ?? Number.NaN));
  return ms > 0 ? ms : null;
}

/** `22:30` in minutes since midnight; `24:00` is the end of the day. */
export function parseTimeOfDay(text: string): number | null {
  const [, hours, minutes] = /^(\d{2}):(\d{2})$/.exec(text) ?? [];
  const at = Number(hours) * 60 + Number(minutes);
  return hours === undefined || Number(minutes) > 59 || at > 1440 ? null : at;
}

/** Loose on purpose, because the server decides: one @, no white space, no control characters, at most 320 characters. */
export function isAddress(text: string): boolean {
  return text.length <= 320 && /^[^\s@<>,;"\p{Cc}]+@[^\s@<>,;"\p{Cc}]+$/u.test(text);
}

/** A host as it stands in a URL, without port. */
export function isHost(text: string): boolean {
  return text.length <= 253 && /^(?!-)[A-Za-z0-9-]{1,63}(?:\.(?!-)[A-Za-z0-9-]{1,63})*$/.test(text);
}

/** An `https://` address without user and password; `http://` on this machine only. */
export function isServiceUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.username !== '' || url.password !== '' || url.hash !== '') return false;
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  return url.protocol === 'https:' || (url.protocol === 'http:' && loopback);
}
