import { execFileSync } from 'node:child_process';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { projectFiles, root } from './source-files.ts';

/** Names that a file takes from packages at run time, as `package name`. */
function namesFromPackages(path: string, text: string): readonly string[] {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2023).statements.flatMap((statement) => {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) return [];
    const from = statement.moduleSpecifier.text;
    const clause = statement.importClause;
    if (/^[.#]/.test(from) || !clause || clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return [];
    const named = clause.namedBindings && ts.isNamedImports(clause.namedBindings) ? clause.namedBindings.elements : [];
    const names = named.filter((name) => !name.isTypeOnly).map((name) => (name.propertyName ?? name.name).text);
    return [...(clause.name ? ['default'] : []), ...names].map((name) => `${from} ${name}`);
  });
}

// The test runner is kinder than Node to CommonJS packages: what it lets us import by name may not be there in production.
test('every name imported from a package is one that Node itself finds there', () => {
  const bundled = projectFiles().filter(
    ({ path }) => /^(?:src|bench|test)\/.*\.ts$/.test(path) && !/\.(?:test|fixture|d)\.ts$/.test(path),
  );
  const wanted = [...new Set(bundled.flatMap(({ path, text }) => namesFromPackages(path, text)))].filter(
    (name) => !name.startsWith('vitest'),
  );
  expect(wanted.length).toBeGreaterThan(10);
  const program = `
    const missing = [];
    for (const wanted of ${JSON.stringify(wanted)}) {
      const [from, name] = wanted.split(' ');
      if (!(name in (await import(from)))) missing.push(wanted);
    }
    process.stdout.write(JSON.stringify(missing));`;
  const missing = execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd: root });
  expect(JSON.parse(missing.toString('utf8'))).toEqual([]);
});
