import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FolderPlace, matchesFolder, readPath, writePath } from './folder-pattern.ts';

const place = (
  path: readonly string[],
  role: FolderPlace['role'] = null,
  topRole: FolderPlace['role'] = role,
): FolderPlace => ({ segments: path, role, topRole });

describe('a folder pattern', () => {
  test.each([
    ['Projects', ['Projects'], true],
    ['projects', ['PROJECTS'], true],
    ['Projects', ['Projects', '2024'], true],
    ['Projects/2024', ['Projects'], false],
    ['Projects/*', ['Projects', '2024'], true],
    ['Projects/*', ['Projects'], false],
    ['Pro*', ['Projects'], true],
    ['Pro*', ['My Projects'], false],
    ['**/Old', ['a', 'b', 'Old'], true],
    ['**/Old', ['a', 'b', 'Older'], false],
    ['**', ['anything'], true],
    ['A%2FB', ['A/B'], true],
    ['100%25', ['100%'], true],
    ['a.c', ['abc'], false],
    ['(x)[y]', ['(x)[y]'], true],
  ])('%s on %j is %s', (pattern, path, expected) => {
    expect(matchesFolder(pattern, place(path))).toBe(expected);
  });

  test('by role, whatever the language', () => {
    expect(matchesFolder('@inbox', place(['Posteingang'], 'inbox'))).toBe(true);
    expect(matchesFolder('@inbox', place(['Posteingang', 'Sub'], null, 'inbox'))).toBe(true);
    expect(matchesFolder('@inbox/Sub', place(['Posteingang', 'Sub'], null, 'inbox'))).toBe(true);
    expect(matchesFolder('@inbox', place(['Inbox'], null, null))).toBe(false);
  });

  test('a written path is read back, and matches its own folder', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ minLength: 1 }).filter((s) => !s.includes('*') && !s.startsWith('@')),
          { minLength: 1, maxLength: 4 },
        ),
        (path) => {
          expect(readPath(writePath(path))).toEqual(path);
          expect(matchesFolder(writePath(path), place(path))).toBe(true);
        },
      ),
    );
  });
});
