import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCsv } from './csv.ts';

const texts = (content: string) => readCsv(content).rows.map((row) => row.map(({ text }) => text));

describe('readCsv', () => {
  test.each([
    [
      'commas',
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'semicolons',
      'a;b\n1,5;2',
      [
        ['a', 'b'],
        ['1,5', '2'],
      ],
    ],
    [
      'tabs',
      'a\tb\n1\t\n',
      [
        ['a', 'b'],
        ['1', ''],
      ],
    ],
    [
      'a byte-order mark and CRLF',
      '\uFEFFa,b\r\n1,2\r\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'quotes',
      '"a","b ""c"""\n"x,y" ,"two\nlines"',
      [
        ['a', 'b "c"'],
        ['x,y', 'two\nlines'],
      ],
    ],
    [
      'empty lines and comments',
      '# people\n\na,b\n   \n#x\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['white space around fields', ' a , b\n', [['a', 'b']]],
    ['nothing', '', []],
  ])('%s', (_what, content, rows) => {
    expect(texts(content)).toEqual(rows);
  });

  test('places are those of the file, also after line breaks in quotes', () => {
    const { rows } = readCsv('a,b\n"1\n2",x\n\n3, y\n');
    expect(rows.at(-1)).toEqual([
      { text: '3', line: 5, column: 1 },
      { text: 'y', line: 5, column: 4 },
    ]);
  });

  test('problems', () => {
    expect(readCsv('a,"b').problems).toEqual([{ line: 1, column: 3, message: 'this quoted field is never closed' }]);
    expect(readCsv('a\n"b"c,d').problems).toEqual([
      { line: 2, column: 4, message: 'something follows the closing quote' },
    ]);
  });

  test('what is written with quotes is read back', () => {
    const field = fc.string().map((text) => text.trim());
    fc.assert(
      fc.property(fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { minLength: 1 }), (rows) => {
        const content = rows.map((row) => row.map((text) => `"${text.replaceAll('"', '""')}"`).join(',')).join('\r\n');
        expect(texts(content)).toEqual(rows);
      }),
    );
  });

  test('any text ends, and every row lies in it', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', '"', ',', ';', '\n', '\r', '\t', ' ', '#', '\uFEFF') }),
        (content) => {
          const lines = content.split(/\r\n?|\n/).length;
          for (const { line } of readCsv(content).rows.flat()) expect(line).toBeLessThanOrEqual(lines);
        },
      ),
    );
  });
});
