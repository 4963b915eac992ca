import { readCsv } from './csv.ts';

/** One line of what a script for Exchange Online found by its own check. */
export interface ReceiptEntry {
  /** Number of the journal entry. */
  readonly no: number;
  readonly what: string;
  readonly isThere: boolean;
  /** Why not, in the words of the shell. */
  readonly detail: string;
}

/** Reads the CSV that a script exports (Export-Csv: comma, everything quoted). @returns problem null: all of it could be read. */
export function readReceipt(content: string): {
  readonly lines: readonly ReceiptEntry[];
  readonly problem: string | null;
} {
  const { rows, problems } = readCsv(content);
  const [wrong] = problems;
  if (wrong !== undefined) return { lines: [], problem: `line ${wrong.line}: ${wrong.message}` };
  const [header = [], ...body] = rows;
  const names = header.map(({ text }) => text.toLowerCase());
  const missing = ['no', 'what', 'result'].filter((name) => !names.includes(name));
  if (missing.length > 0) return { lines: [], problem: `there is no column ${missing.join(', ')}: this is no receipt` };
  const lines: ReceiptEntry[] = [];
  for (const row of body) {
    const field = (name: string): string => row[names.indexOf(name)]?.text ?? '';
    const no = Number(field('no'));
    if (!Number.isSafeInteger(no) || no < 0 || !['ok', 'missing'].includes(field('result')))
      return { lines: [], problem: `line ${row[0]?.line ?? 0}: neither ok nor missing, or no number` };
    lines.push({ no, what: field('what'), isThere: field('result') === 'ok', detail: field('detail') });
  }
  return { lines, problem: null };
}
