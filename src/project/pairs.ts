import type { Side } from '#model/ids.ts';
import { readCsv } from './csv.ts';
import type { Problem } from './problem.ts';
import { didYouMean } from './suggest.ts';
import { isAddress } from './values.ts';

/** Addresses of a pair as they were written, lower case, and where. */
export interface AddressPair {
  readonly source: string;
  readonly target: string;
  /** Where the person works; null: nothing is said, so where the collection does. */
  readonly active: Side | null;
  readonly at: { readonly file: string; readonly line: number; readonly column: number };
}

export interface PairsRead {
  readonly pairs: readonly AddressPair[];
  readonly problems: readonly Problem[];
}

/** Makes the target address of a source address; null when the rule does not fit it. */
export type AddressRule = (source: string) => string | null;

const arrow = /\s*(?:->|→)\s*/;

/**
 * `*@old.example -> *@new.example`; the star stands for the same text on both sides. It may be a part of the name only, as in
 * `*@old.example -> old-*@new.example`.
 *
 * @returns what is wrong with it, when it is no rule.
 */
export function parseAddressRule(text: string): AddressRule | string {
  const [from = '', to = '', ...more] = text.trim().toLowerCase().split(arrow);
  const stars = (side: string) => side.split('*').length - 1;
  if (more.length > 0 || stars(from) !== 1 || stars(to) !== 1)
    return 'an address rule has one * on each side: "*@old.example -> *@new.example"';
  if (!isAddress(from.replace('*', 'x')) || !isAddress(to.replace('*', 'x')))
    return 'both sides of an address rule are addresses: "*@old.example -> *@new.example"';
  const [before = '', after = ''] = from.split('*');
  return (source) => {
    const fits = source.length > before.length + after.length && source.startsWith(before) && source.endsWith(after);
    return fits ? to.replace('*', () => source.slice(before.length, source.length - after.length)) : null;
  };
}

/** One entry of the list in the project file: `source -> target`, or a source address for the rule. */
export function readPairEntry(
  text: string,
  active: string | undefined,
  rule: AddressRule | null,
  at: AddressPair['at'],
): AddressPair | Problem {
  const [source = '', target, ...more] = text.trim().split(arrow);
  if (more.length > 0) return { ...at, message: 'one pair on a line: "source -> target"' };
  return pairOf(source, target ?? '', active ?? '', rule, at);
}

const columns = ['source', 'target', 'active'];

/**
 * Reads pairs from CSV. The header names the columns `source` and `target` in any order; other columns but `active` are left alone,
 * so that a list that is used elsewhere as well can be taken as it is. `target` may be empty or absent where a rule fits, `active`
 * where the person works where the others of the collection do.
 */
export function readPairsCsv(content: string, file: string, rule: AddressRule | null): PairsRead {
  const { rows, problems: syntax } = readCsv(content);
  const problems: Problem[] = syntax.map((problem) => ({ file, ...problem }));
  const [header, ...body] = rows;
  if (header === undefined)
    return {
      pairs: [],
      problems: [{ file, line: 0, column: 0, message: 'is empty; it needs a header line "source,target"' }],
    };

  const names = header.map(({ text }) => text.toLowerCase());
  for (const name of columns)
    for (const doubled of header.filter((_, at) => names[at] === name).slice(1))
      problems.push({ file, ...place(doubled), message: `the column ${name} occurs twice` });
  const sourceAt = names.indexOf('source');
  const targetAt = names.indexOf('target');
  const activeAt = names.indexOf('active');
  if (sourceAt < 0) {
    const near = header.map(({ text }) => didYouMean(text, columns)).find((hint) => hint.includes('source')) ?? '';
    const first = header[0] ?? { line: 1, column: 1 };
    problems.push({ file, ...place(first), message: `the header line names no column source${near}` });
    return { pairs: [], problems };
  }
  const pairs: AddressPair[] = [];
  for (const row of body) {
    const source = row[sourceAt];
    const at = { file, ...place(source ?? row[0] ?? { line: 0, column: 0 }) };
    if (row.length > header.length) {
      problems.push({ ...at, message: `${row.length} fields, but the header names ${header.length} columns` });
      continue;
    }
    const pair = pairOf(source?.text ?? '', row[targetAt]?.text ?? '', row[activeAt]?.text ?? '', rule, at);
    if ('message' in pair) problems.push(pair);
    else pairs.push(pair);
  }
  return { pairs, problems };
}

const place = ({ line, column }: { readonly line: number; readonly column: number }) => ({ line, column });

const sides: ReadonlyMap<string, Side | null> = new Map([
  ['', null],
  ['source', 'left'],
  ['target', 'right'],
]);

function pairOf(
  sourceText: string,
  targetText: string,
  activeText: string,
  rule: AddressRule | null,
  at: AddressPair['at'],
): AddressPair | Problem {
  const active = sides.get(activeText.trim().toLowerCase());
  if (active === undefined)
    return { ...at, message: `active must be source or target${didYouMean(activeText, ['source', 'target'])}` };
  const source = sourceText.trim().toLowerCase();
  const target = targetText.trim().toLowerCase();
  if (source === '') return { ...at, message: 'the source address is missing' };
  if (!isAddress(source)) return { ...at, message: `${JSON.stringify(source)} is no e-mail address` };
  if (target !== '') {
    if (isAddress(target)) return { source, target, active, at };
    return { ...at, message: `${JSON.stringify(target)} is no e-mail address` };
  }
  if (rule === null) return { ...at, message: `no target for ${source}; write "${source} -> TARGET", or give a rule` };
  const made = rule(source);
  return made === null
    ? { ...at, message: `the rule does not fit ${source}; write its target beside it` }
    : { source, target: made, active, at };
}
