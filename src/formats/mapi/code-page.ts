import iconv from 'iconv-lite';

const utf16 = 1200;
/** Code pages whose name for iconv is not their number. */
const names: ReadonlyMap<number, string> = new Map([
  [65001, 'utf8'],
  [20127, 'latin1'],
  [28591, 'latin1'],
]);
const nameOf = (codePage: number): string => {
  const name = names.get(codePage) ?? `cp${codePage}`;
  return iconv.encodingExists(name) ? name : 'windows-1252';
};

/** Text in a code page by its Windows number; an unknown one is read as Western. */
export const decodeText = (bytes: Buffer, codePage: number): string =>
  codePage === utf16 ? bytes.toString('utf16le') : iconv.decode(bytes, nameOf(codePage));
