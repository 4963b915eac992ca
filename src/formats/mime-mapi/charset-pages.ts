import { isAscii, isUtf8 } from 'node:buffer';
import { decodeCharset } from '../text/charset.ts';

/** Code pages of the charsets whose text is kept as it is; of others it becomes UTF-8. */
const pages: Readonly<Record<string, number>> = {
  'utf-8': 65001,
  utf8: 65001,
  'iso-8859-1': 28591,
  latin1: 28591,
  'iso-8859-2': 28592,
  'iso-8859-5': 28595,
  'iso-8859-7': 28597,
  'iso-8859-9': 28599,
  'iso-8859-15': 28605,
  'koi8-r': 20866,
  'koi8-u': 21866,
  shift_jis: 932,
  big5: 950,
  'ks_c_5601-1987': 949,
  'windows-1250': 1250,
  'windows-1251': 1251,
  'windows-1252': 1252,
  'windows-1253': 1253,
  'windows-1254': 1254,
  'windows-1255': 1255,
  'windows-1256': 1256,
  'windows-1257': 1257,
  'windows-1258': 1258,
};
const asciiPage = 20127;
export const utf8Page = 65001;
const names: ReadonlyMap<number, string> = new Map([
  ...Object.entries(pages)
    .reverse()
    .map(([name, page]) => [page, name] as const),
  [asciiPage, 'us-ascii'],
]);

/** What mail calls a code page; null: it has no name here. */
export const charsetOfPage = (page: number): string | null => names.get(page) ?? null;

const metaCharset = /(<meta\b[^>]{0,400}?\bcharset\s*=\s*["']?)([\w.:-]+)/i;

export interface HtmlBytes {
  readonly bytes: Buffer;
  /** PidTagInternetCodepage ([MS-OXCMSG] 2.2.1.56.6). */
  readonly page: number;
}

/** HTML as it came where its charset has a code page, otherwise as UTF-8 with the charset that it names changed to it. */
export function htmlInPage(bytes: Buffer, parameter: string): HtmlBytes {
  const asked = parameter === '' ? (metaCharset.exec(bytes.toString('latin1', 0, 1024))?.[2] ?? '') : parameter;
  const charset = asked.trim().toLowerCase();
  if (isAscii(bytes) && !isStateful(charset)) return { bytes, page: asciiPage };
  const page = pages[charset];
  if (page !== undefined) return { bytes, page };
  if (isUnnamed(charset)) return { bytes, page: isUtf8(bytes) ? utf8Page : 1252 };
  const text = decodeCharset(bytes, charset).replace(metaCharset, '$1utf-8');
  return { bytes: Buffer.from(text, 'utf8'), page: utf8Page };
}

/** Charsets whose text is not what its ASCII bytes say. */
const isStateful = (charset: string): boolean =>
  /^(?:iso-2022-|hz-|utf-7|unicode-1-1-utf-7|utf-16|utf-32)/.test(charset);
const isUnnamed = (charset: string): boolean => ['', 'us-ascii', 'ascii'].includes(charset);
