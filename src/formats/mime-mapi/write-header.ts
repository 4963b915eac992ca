import type { MailAddress } from '../text/mime-header.ts';

/** Nothing but printable ASCII and spaces. */
const isPlain = (text: string): boolean => /^[ -~]*$/.test(text);
/** Bytes of UTF-8 in one encoded word: 45 make 60 characters of base64, and the word must not grow beyond 75 (RFC 2047 §2). */
const wordBytesMax = 45;

/** A text as encoded words, none of which cuts a character. */
function encodedWords(text: string): string {
  const words: string[] = [];
  let word = '';
  const flush = () => {
    if (word !== '') words.push(`=?utf-8?B?${Buffer.from(word, 'utf8').toString('base64')}?=`);
    word = '';
  };
  for (const character of text) {
    if (Buffer.byteLength(word + character, 'utf8') > wordBytesMax) flush();
    word += character;
  }
  flush();
  return words.join('\r\n ');
}

/** A header whose value is text (RFC 5322 §2.2.1). */
export const textHeader = (name: string, text: string): string =>
  `${name}: ${isPlain(text) && !text.includes('=?') ? folded(text, name.length + 2) : encodedWords(text)}\r\n`;

/** Folded before words, so that no line grows beyond 78 characters where that can be helped. */
function folded(text: string, used: number): string {
  let width = used;
  return text
    .split(/(?<=\S)(?= +\S)/)
    .map((word, n) => {
      if (n === 0 || width + word.length <= 78) {
        width += word.length;
        return word;
      }
      width = word.length;
      return `\r\n${word}`;
    })
    .join('');
}

function addressText({ name, address }: MailAddress): string {
  const clean = address.replace(/[\0-\x20<>\x7f]/g, '');
  if (name === '') return clean === '' ? '' : `<${clean}>`;
  const phrase = isPlain(name) && !name.includes('=?') ? `"${name.replace(/["\\]/g, '\\$&')}"` : encodedWords(name);
  // Someone without an address is a group without members, which is how mail can name him (RFC 5322 §3.4).
  return clean === '' ? phrase : `${phrase} <${clean}>`;
}

/** A header whose value is a list of people; '' for nobody. */
export const addressHeader = (name: string, people: readonly MailAddress[]): string =>
  people.length === 0 ? '' : `${name}: ${people.map(addressText).join(',\r\n ')}\r\n`;

export const dateHeader = (name: string, instant: number): string =>
  `${name}: ${new Date(instant).toUTCString().replace('GMT', '+0000')}\r\n`;

const unreserved = new Set(Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~'));

/** `; name="value"`, in the form of RFC 2231 when it is not plain. */
function parameterText(name: string, value: string): string {
  if (!/^[\w*'%!#$&+^`{|}~.-]+$/.test(name)) return '';
  if (isPlain(value) && !value.includes('=?') && value.length < 800)
    return `;\r\n ${name}="${value.replace(/["\\]/g, '\\$&')}"`;
  const text = [...Buffer.from(value, 'utf8')]
    .map((byte) => (unreserved.has(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`))
    .join('');
  const pieces = text.match(/(?:%..|[^%]){1,60}/g) ?? [''];
  if (pieces.length === 1) return `;\r\n ${name}*=utf-8''${text}`;
  return pieces.map((piece, n) => `;\r\n ${name}*${n}*=${n === 0 ? "utf-8''" : ''}${piece}`).join('');
}

/** A header whose value has parameters. @param value a token, or two with a slash between; whoever calls has made sure of that */
export const parameterHeader = (name: string, value: string, parameters: Iterable<readonly [string, string]>): string =>
  `${name}: ${value}${[...parameters].map(([one, text]) => parameterText(one, text)).join('')}\r\n`;
