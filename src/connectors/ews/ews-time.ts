/** FILETIME zero: the first instant that Exchange can hold, and what it shows for "no date" in some places. */
const firstMs = Date.UTC(1601, 0, 1);
/** The last one that xs:dateTime of four digits can hold; "no date" of Outlook (4501-01-01) is below it. */
const lastMs = Date.UTC(10_000, 0, 1) - 1;

const form = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?$/;

/**
 * xs:dateTime to UTC milliseconds; undefined when it is none, or before 1601. Without a zone it is UTC: EWS says so for
 * requests without TimeZoneContext. Ticks below a millisecond are cut off.
 */
export function readTime(text: string): number | undefined {
  const match = form.exec(text.trim());
  if (match === null) return undefined;
  const [, seconds = '', fraction = '', zone = 'Z'] = match;
  const ms = Date.parse(`${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}${zone}`);
  return Number.isNaN(ms) || ms < firstMs || ms > lastMs ? undefined : ms;
}

/** UTC milliseconds to xs:dateTime, with a fraction only when there is one. */
export function writeTime(ms: number): string {
  const text = new Date(ms).toISOString();
  return text.endsWith('.000Z') ? `${text.slice(0, -5)}Z` : text;
}
