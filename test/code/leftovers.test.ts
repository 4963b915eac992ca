import { homedir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { projectFiles, root } from './source-files.ts';

const files = projectFiles().filter(
  ({ path }) => path !== 'package-lock.json' && path !== 'test/code/leftovers.test.ts',
);
const code = files.filter(({ path }) => /\.(ts|mjs|js|sh|py)$/.test(path));

/** `path:line: text` of every line that matches. */
function lines(among: typeof files, pattern: RegExp): readonly string[] {
  return among.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}: ${line.trim().slice(0, 120)}`] : [])),
  );
}

describe('nothing is left over', () => {
  test('no test is switched off or on its own', () => {
    expect(lines(code, /\b(?:describe|it|test|suite)\.(?:only|todo|fails)\b|\b(?:describe|it|test)\.skip\(/)).toEqual(
      [],
    );
  });

  test('nothing waits to be done', () => {
    expect(lines(code, /\b(?:TODO|FIXME|XXX|HACK)\b|\b(?:todo|fixme):|[Nn]ot (?:yet )?[Ii]mplemented/)).toEqual([]);
  });

  test('the type checker is not silenced', () => {
    expect(lines(code, /@ts-(?:ignore|nocheck)/)).toEqual([]);
  });

  test('every silenced lint says why', () => {
    expect(lines(code, /biome-ignore(?!-(?:start|end))(?![^:]*: \S+ \S+)/)).toEqual([]);
  });

  test('no paths of one machine, no download addresses', () => {
    const personal = /(?:^|[\s"'`=(])\/(?:home|Users|work|farm)\/[\w.-]+/;
    expect(lines(files, personal)).toEqual([]);
    expect(lines(files, /registry\.npmjs|deb\.debian\.org/)).toEqual([]);
    for (const place of [root, homedir()].filter((path) => path.split('/').length > 2))
      expect(files.filter(({ text }) => text.includes(place)).map(({ path }) => path)).toEqual([]);
  });
});

describe('time and chance are injected', () => {
  test('only kit reads the clock and the dice', () => {
    const production = code.filter(
      ({ path }) => path.startsWith('src/') && !path.startsWith('src/kit/') && !/\.(?:test|fixture)\.ts$/.test(path),
    );
    expect(lines(production, /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bperformance\.now\(/)).toEqual([]);
  });
});
