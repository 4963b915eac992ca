import { entryPoints } from './scripts/build.mjs';

/** Unused files, exports and dependencies, seen from the same entry points that are built. */
export default {
  entry: [...Object.values(entryPoints), 'bench/*.ts', 'bin/*.mjs', 'scripts/*.mjs', 'test/programs/*.ts', 'test/no-mail/planted.fixture.ts'],
  project: ['src/**/*.ts', 'test/**/*.{ts,mjs}', 'bench/**/*.ts', 'bin/*.mjs', 'scripts/*.mjs'],
  // A type that appears only in its own file's signatures is part of that file's public shape.
  ignoreExportsUsedInFile: { interface: true, type: true },
};
