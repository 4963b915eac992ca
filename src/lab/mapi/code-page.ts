import { decodeCharset } from '#formats/text/charset.ts';

/** Names of code pages as mail writes them. [MS-UCODEREF] 2.2.1 */
const names: Readonly<Record<number, string>> = {
  932: 'shift_jis',
  936: 'gb2312',
  949: 'euc-kr',
  950: 'big5',
  20127: 'us-ascii',
  20866: 'koi8-r',
  21866: 'koi8-u',
  50220: 'iso-2022-jp',
  51932: 'euc-jp',
  54936: 'gb18030',
  65001: 'utf-8',
};

const nameOf = (codePage: number): string =>
  names[codePage] ??
  (codePage >= 1250 && codePage <= 1258
    ? `windows-${codePage}`
    : codePage > 28590 && codePage <= 28605
      ? `iso-8859-${codePage - 28590}`
      : 'utf-8');

/** Text of bytes in a code page by its number; null: nobody said which. */
export const decodeCodePage = (bytes: Buffer, codePage: number | null): string =>
  decodeCharset(bytes, codePage === null ? '' : nameOf(codePage));
