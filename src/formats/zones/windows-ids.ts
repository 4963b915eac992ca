import { findIana, findWindows, type IanaName, WINDOWS_TO_IANA_MAP, type WindowsZoneName } from 'windows-iana';

/** Ids that Exchange still hands out and the table of Unicode has dropped. */
const retired: ReadonlyMap<string, string> = new Map([
  ['kamchatka standard time', 'Asia/Kamchatka'],
  ['mid-atlantic standard time', 'Atlantic/South_Georgia'],
  ['armenian standard time', 'Asia/Yerevan'],
  ['mexico standard time', 'America/Mexico_City'],
  ['mexico standard time 2', 'America/Chihuahua'],
]);
/** Names that stand for UTC in what Exchange, Graph and Outlook write. */
const universal = new Set([
  'utc',
  'gmt',
  'tzone://microsoft/utc',
  'coordinated universal time',
  '(utc) coordinated universal time',
]);

const windowsByLowerCase = new Map<string, WindowsZoneName>(
  WINDOWS_TO_IANA_MAP.map(({ windowsName }) => [windowsName.toLowerCase(), windowsName]),
);

/** The name under which this Node knows an IANA zone, whatever alias it is given by; null: it does not know it. */
function canonicalIana(name: string): string | null {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}

/** @returns the IANA zone that a Windows id, an IANA name or one of the names of UTC stands for; null: nobody knows it. */
export function ianaOf(id: string): string | null {
  const name = id.trim();
  const key = name.toLowerCase();
  if (universal.has(key)) return 'UTC';
  const windows = windowsByLowerCase.get(key);
  if (windows !== undefined) return canonicalIana(findIana(windows)[0] ?? '');
  const former = retired.get(key);
  if (former !== undefined) return former;
  // A place, or one of the few names without one; not the offsets that Intl takes as well, nor what it makes of any three letters.
  return /^[a-z]+(?:[_-][a-z]+)*\/[a-z0-9_+/-]+$/i.test(name) ? canonicalIana(name) : null;
}

let windowsByCanonical: ReadonlyMap<string, string> | null = null;

/** @returns the Windows id of an IANA name, however new or old its alias (`Europe/Kyiv`); null: there is none. */
function windowsIdOfIana(name: string): string | null {
  const direct = findWindows(name as IanaName)[0];
  if (direct !== undefined) return direct;
  const canonical = canonicalIana(name);
  if (canonical === null) return null;
  windowsByCanonical ??= new Map(
    WINDOWS_TO_IANA_MAP.flatMap(({ windowsName, iana }) =>
      iana.map((one) => [canonicalIana(one) ?? one, windowsName] as const),
    ).reverse(),
  );
  return windowsByCanonical.get(canonical) ?? null;
}

/** @returns the Windows id as Windows writes it, for any name of the zone; null: unknown. */
export function windowsIdOf(id: string): string | null {
  const key = id.trim().toLowerCase();
  const iana = windowsByLowerCase.has(key) ? null : ianaOf(id);
  return windowsByLowerCase.get(key) ?? (iana === null ? null : windowsIdOfIana(iana));
}
