/** A piece of RTF source (RTF 1.9.1, "RTF Syntax"). */
export type RtfToken =
  | { readonly kind: 'open' }
  | { readonly kind: 'close' }
  /** A word with its number: `\fs20`. A symbol is a word of one character: `\~`. */
  | { readonly kind: 'word'; readonly word: string; readonly number: number | null }
  /** Text in the code page that holds there; line ends of the source are none. */
  | { readonly kind: 'bytes'; readonly bytes: Buffer };

const [backslash, openBrace, closeBrace, cr, lf, space, minus, quote] = [
  0x5c, 0x7b, 0x7d, 0x0d, 0x0a, 0x20, 0x2d, 0x27,
];
const isLetter = (byte: number): boolean => (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a);
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const isSpecial = (byte: number): boolean =>
  byte === backslash || byte === openBrace || byte === closeBrace || byte === cr || byte === lf;

/** Longest word, and most digits of its number. */
const wordMax = 32;
const digitsMax = 10;

/** Every token in order; what is no RTF comes as text. */
export function* rtfTokens(source: Buffer): Generator<RtfToken> {
  for (let at = 0; at < source.length; ) {
    const byte = source.readUInt8(at);
    if (byte === openBrace || byte === closeBrace) {
      at++;
      yield { kind: byte === openBrace ? 'open' : 'close' };
    } else if (byte === cr || byte === lf) at++;
    else if (byte === backslash) {
      const { token, end } = readControl(source, at + 1);
      at = end;
      yield token;
      // Bytes behind \bin are no RTF.
      if (token.kind === 'word' && token.word === 'bin')
        at = Math.min(source.length, at + Math.max(0, token.number ?? 0));
    } else {
      let end = at + 1;
      while (end < source.length && !isSpecial(source.readUInt8(end))) end++;
      yield { kind: 'bytes', bytes: source.subarray(at, end) };
      at = end;
    }
  }
}

/** @param at behind the backslash */
function readControl(source: Buffer, at: number): { readonly token: RtfToken; readonly end: number } {
  if (at >= source.length) return { token: { kind: 'word', word: '', number: null }, end: at };
  const first = source.readUInt8(at);
  if (first === quote) {
    const value = Number.parseInt(source.toString('latin1', at + 1, at + 3), 16);
    const bytes = Number.isNaN(value) ? Buffer.alloc(0) : Buffer.of(value);
    return { token: { kind: 'bytes', bytes }, end: Math.min(source.length, at + 3) };
  }
  if (!isLetter(first)) {
    const word = first === cr || first === lf ? 'par' : String.fromCharCode(first);
    return { token: { kind: 'word', word, number: null }, end: at + 1 };
  }
  let end = at;
  while (end < source.length && end - at < wordMax && isLetter(source.readUInt8(end))) end++;
  const word = source.toString('latin1', at, end);
  const from = end;
  if (end < source.length && source.readUInt8(end) === minus) end++;
  const digits = end;
  while (end < source.length && end - digits < digitsMax && isDigit(source.readUInt8(end))) end++;
  const hasNumber = end > digits;
  if (!hasNumber) end = from;
  const number = hasNumber ? Number(source.toString('latin1', from, end)) : null;
  if (end < source.length && source.readUInt8(end) === space) end++;
  return { token: { kind: 'word', word, number }, end };
}
