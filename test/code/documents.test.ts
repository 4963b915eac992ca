import { describe, expect, test } from 'vitest';
import { mergeOutcomes } from '#engine/merge-outcomes.ts';
import { fatalCodes, poisonReasons } from '#kit/fault.ts';
import { projectFiles } from './source-files.ts';

const documents = new Map(
  projectFiles()
    .filter(({ path }) => path.endsWith('.md'))
    .map(({ path, text }) => [path, text]),
);
const below = (folder: string): readonly (readonly [string, string])[] =>
  [...documents]
    .filter(([path]) => path.startsWith(folder))
    .map(([path, text]) => [path.slice(folder.length), text] as const)
    .sort();

/** Second-level headings of a document that have at least one paragraph of text below them. */
function sections(path: string): readonly string[] {
  const text = documents.get(path);
  expect(text, `${path} is missing`).toBeDefined();
  return (text ?? '')
    .split(/^## /m)
    .slice(1)
    .filter((section) => /\n\s*[^\s#][^\n]{40,}/.test(section))
    .map((section) => section.split('\n')[0]?.replaceAll('`', '').trim() ?? '');
}

describe('what an operator may meet is in the manual', () => {
  test.each([
    ['quarantine reason', 'docs/operating/quarantine.md', Object.keys(poisonReasons)],
    ['fault', 'docs/operating/faults.md', Object.keys(fatalCodes)],
    ['outcome of a merge', 'docs/operating/calendars.md', Object.keys(mergeOutcomes)],
  ])('every %s has a section in %s', (_what, path, codes) => {
    const described = sections(path);
    expect(codes.filter((code) => !described.includes(code))).toEqual([]);
  });
});

describe('decisions and changes', () => {
  test('decisions are numbered without gaps, titled and dated', () => {
    const decisions = below('docs/adr/').filter(([name]) => name !== 'README.md');
    expect(decisions.length).toBeGreaterThan(0);
    for (const [index, [name, text]] of decisions.entries()) {
      expect(name).toMatch(/^\d{4}-[a-z0-9-]+\.md$/);
      expect(Number(name.slice(0, 4))).toBe(index + 1);
      expect(text).toMatch(/^# .*\S/);
      expect(text.split('\n').slice(0, 8).join('\n'), `${name} has no date near its top`).toMatch(
        /\b20\d\d-\d\d-\d\d\b/,
      );
    }
  });

  test('each user-visible change has a title and says in a paragraph what is different', () => {
    const changes = below('changes/').filter(([name]) => name !== 'README.md');
    expect(changes.length).toBeGreaterThan(0);
    for (const [name, text] of changes) {
      expect(name).toMatch(/^\d{3}\.md$/);
      expect(text, name).toMatch(/^# \S[^\n]+\n\n[^#\s]/);
    }
  });

  test('links between documents lead somewhere', () => {
    const files = new Set(projectFiles().map(({ path }) => path));
    const folders = new Set(
      [...files].flatMap((path) => path.split('/').map((_, at, parts) => parts.slice(0, at).join('/'))),
    );
    const broken = [...documents].flatMap(([path, text]) =>
      [...text.matchAll(/\]\((?!https?:|mailto:|#)([^)\s#]+)/g)].flatMap(([, target = '']) => {
        const resolved = new URL(target, `file:///${path}`).pathname.slice(1).replace(/\/$/, '');
        return files.has(resolved) || folders.has(resolved) ? [] : [`${path} → ${target}`];
      }),
    );
    expect(broken).toEqual([]);
  });
});
