/** A field of a CSV file and where it begins, 1-based. */
export interface CsvField {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

export interface CsvProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/**
 * Reads CSV (RFC 4180): quoted fields with doubled quotes and line breaks inside, a byte-order mark, LF or CRLF, and `,` or `;`
 * or tab between fields, whichever the first line uses. Lines that are empty or begin with `#` are left out.
 *
 * @returns one array of fields a row; reading goes on after a problem, so that all of them are found at once.
 */
export function readCsv(content: string): {
  readonly rows: readonly (readonly CsvField[])[];
  readonly problems: readonly CsvProblem[];
} {
  const text = content.replace(/^\uFEFF/, '');
  const firstLine = /^(?:[ \t]*(?:#[^\n]*)?\r?\n)*([^\r\n]*)/.exec(text)?.[1] ?? '';
  const separator = [',', ';', '\t'].find((candidate) => firstLine.includes(candidate)) ?? ',';
  const rows: CsvField[][] = [];
  const problems: CsvProblem[] = [];
  let at = 0;
  let line = 1;
  let lineStart = 0;
  const newLine = () => {
    line++;
    lineStart = at;
  };

  /** From an opening quote to after the closing one. */
  const quoted = (): string => {
    const [openLine, openColumn] = [line, at - lineStart + 1];
    let value = '';
    for (at++; at < text.length; at++) {
      const c = text[at];
      if (c === '"' && text[at + 1] === '"') value += text[at++];
      else if (c === '"') {
        at++;
        return value;
      } else {
        value += c;
        if (c === '\n') {
          line++;
          lineStart = at + 1;
        }
      }
    }
    problems.push({ line: openLine, column: openColumn, message: 'this quoted field is never closed' });
    return value;
  };

  while (at < text.length) {
    const comment = /[ \t]*(?:#[^\n]*)?(?:\r?\n|$)/y;
    comment.lastIndex = at;
    const skipped = comment.exec(text)?.[0];
    if (skipped !== undefined && skipped !== '') {
      at += skipped.length;
      newLine();
      continue;
    }
    const row: CsvField[] = [];
    for (;;) {
      while (text[at] === ' ' || (text[at] === '\t' && separator !== '\t')) at++;
      const field = { line, column: at - lineStart + 1 };
      let value: string;
      if (text[at] === '"') {
        value = quoted();
        const rest = until(text, at, separator);
        if (rest.trim() !== '')
          problems.push({ line, column: at - lineStart + 1, message: 'something follows the closing quote' });
        at += rest.length;
      } else {
        value = until(text, at, separator);
        at += value.length;
      }
      row.push({ ...field, text: value.trim() });
      if (text[at] !== separator) break;
      at++;
    }
    rows.push(row);
    if (text[at] === '\r') at++;
    if (text[at] === '\n') at++;
    newLine();
  }
  return { rows, problems };
}

/** Text from `at` to the next separator or line break, without it. */
function until(text: string, at: number, separator: string): string {
  let end = at;
  while (end < text.length && text[end] !== separator && text[end] !== '\n' && text[end] !== '\r') end++;
  return text.slice(at, end);
}
