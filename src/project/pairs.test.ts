import { describe, expect, test } from 'vitest';
import { type AddressRule, parseAddressRule, readPairsCsv } from './pairs.ts';
import { describeProblem } from './problem.ts';

const rule = (text: string): AddressRule => {
  const made = parseAddressRule(text);
  if (typeof made === 'string') throw new Error(made);
  return made;
};

describe('address rules', () => {
  test.each([
    ['*@old.example -> *@new.example', 'ana@old.example', 'ana@new.example'],
    ['*@Old.Example → *@new.example', 'ana@old.example', 'ana@new.example'],
    ['*@old.example->x-*@new.example', 'ana@old.example', 'x-ana@new.example'],
    ['old.*@a.example -> *@b.example', 'old.ana@a.example', 'ana@b.example'],
    ['ana@*.old.example -> ana@*.new.example', 'ana@eu.old.example', 'ana@eu.new.example'],
    ['*@old.example -> *@new.example', 'ana@else.example', null],
    ['*@old.example -> *@new.example', '@old.example', null],
    ['$&*@old.example -> $&*@new.example', '$&a@old.example', '$&a@new.example'],
  ])('%s makes of %s: %s', (text, source, target) => {
    expect(rule(text)(source)).toBe(target);
  });
});

describe('pairs from CSV', () => {
  const read = (content: string, text?: string) =>
    readPairsCsv(content, 'p.csv', text === undefined ? null : rule(text));
  const problems = (content: string, text?: string) => read(content, text).problems.map(describeProblem);

  test('columns in any order, others left alone, addresses in lower case', () => {
    const { pairs } = read('Name;TARGET;Source\n"Ana, A.";Ana@New.example;ANA@old.example\n');
    expect(pairs).toEqual([
      {
        source: 'ana@old.example',
        target: 'ana@new.example',
        active: null,
        at: { file: 'p.csv', line: 2, column: 27 },
      },
    ]);
  });

  test('a column says where each person works', () => {
    const text = 'source,target,active\na@o.example,a@n.example,Target\nb@o.example,b@n.example,\n';
    expect(read(text).pairs.map(({ active }) => active)).toEqual(['right', null]);
    expect(problems(text.replace('Target', 'tagret'))).toEqual([
      'p.csv:2:1: active must be source or target; did you mean target?',
    ]);
  });

  test('the rule fills what is empty, and what is written wins', () => {
    const { pairs } = read(
      'source,target\na@old.example,\nb@old.example,c@new.example\n',
      '*@old.example -> *@new.example',
    );
    expect(pairs.map(({ target }) => target)).toEqual(['a@new.example', 'c@new.example']);
    expect(read('source\na@old.example\n', '*@old.example -> *@new.example').pairs).toHaveLength(1);
  });

  test.each([
    ['nothing', '', ['p.csv: is empty; it needs a header line "source,target"']],
    ['no header', 'a@old.example,a@new.example\n', ['p.csv:1:1: the header line names no column source']],
    [
      'a misspelt header',
      'sorce,target\n',
      ['p.csv:1:1: the header line names no column source; did you mean source?'],
    ],
    ['a column twice', 'source,target,source\n', ['p.csv:1:15: the column source occurs twice']],
    ['an empty source', 'source,target\n,b@new.example\n', ['p.csv:2:1: the source address is missing']],
    ['a short row', 'x,source,target\n1\n', ['p.csv:2:1: the source address is missing']],
    [
      'a long row',
      'source,target\na@o.example,b@n.example,c\n',
      ['p.csv:2:1: 3 fields, but the header names 2 columns'],
    ],
    ['no address', 'source,target\nana,b@new.example\n', ['p.csv:2:1: "ana" is no e-mail address']],
    [
      'a display name',
      'source,target\nAna <a@o.example>,b@n.example\n',
      ['p.csv:2:1: "ana <a@o.example>" is no e-mail address'],
    ],
  ])('%s', (_what, content, expected) => {
    expect(problems(content)).toEqual(expected);
  });
});
