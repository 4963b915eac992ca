/**
 * A PowerShell string: single quotes, in which nothing is expanded and only the quote itself is doubled. PowerShell takes the typographic
 * quotes U+2018 to U+201B for single quotes too, so they are doubled as well. Line breaks and other control characters could break a line
 * of the script in two where somebody pastes it, and are written as [char].
 */
export function quoted(text: string): string {
  const pieces = text.split(/([\p{Cc}\u2028\u2029]+)/u);
  if (pieces.length === 1) return `'${doubled(text)}'`;
  return `(${pieces
    .flatMap((piece, at) => {
      if (piece === '') return [];
      if (at % 2 === 0) return [`'${doubled(piece)}'`];
      return [...piece].map((char) => `[string][char]${char.codePointAt(0)}`);
    })
    .join('+')})`;
}

const doubled = (text: string): string => text.replaceAll(/['\u2018\u2019\u201a\u201b]/g, '$&$&');

export const quotedList = (values: readonly string[]): string => `@(${values.map(quoted).join(',')})`;
