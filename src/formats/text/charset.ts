import { isAscii, isUtf8 } from 'node:buffer';
import iconv from 'iconv-lite';

/** Names that mean another table than iconv-lite takes them for, or that only mail programs use. */
const aliases: Readonly<Record<string, string>> = {
  // What says Latin-1 is Windows-1252 in practice; where they differ Latin-1 has control characters.
  'iso-8859-1': 'windows-1252',
  latin1: 'windows-1252',
  'iso-8859-8-i': 'iso-8859-8',
  gb2312: 'gb18030',
  gbk: 'gb18030',
  'ks_c_5601-1987': 'cp949',
  'euc-kr': 'cp949',
  'x-sjis': 'shift_jis',
  'windows-31j': 'shift_jis',
  'unicode-1-1-utf-7': 'utf-7',
  'x-mac-roman': 'macroman',
};

/** Text of 8-bit bytes nobody named a charset for: UTF-8 when it is that, otherwise Windows-1252. */
export function decodeUnnamed(bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString('latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : iconv.decode(bytes, 'windows-1252');
}

/**
 * Text of bytes in a charset as mail names it. Never fails: what cannot be read becomes U+FFFD, and a charset that does not
 * exist is read as if none had been named. A byte order mark is dropped.
 */
export function decodeCharset(bytes: Buffer, charset: string): string {
  const asked = charset
    .trim()
    .replace(/^["']|["']$/g, '')
    .toLowerCase();
  const name = aliases[asked] ?? asked;
  if (name === 'utf-8' || name === 'utf8') return bytes.toString('utf8').replace(/^\uFEFF/, '');
  if (name === '' || name === 'us-ascii' || name === 'ascii') return decodeUnnamed(bytes);
  // iconv-lite has no stateful Japanese; Node's decoder for it is right (that for windows-1252 is not, in Node 20).
  if (name.startsWith('iso-2022-jp')) return new TextDecoder('iso-2022-jp').decode(bytes);
  return iconv.encodingExists(name) ? iconv.decode(bytes, name) : decodeUnnamed(bytes);
}
