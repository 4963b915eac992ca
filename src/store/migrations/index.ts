import { begin } from './0001-begin.ts';
import { typedItems } from './0002-typed-items.ts';
import { directoryAndSwitch } from './0003-directory-and-switch.ts';
import { wantedWork } from './0004-wanted-work.ts';
import { outlivedStamps } from './0005-outlived-stamps.ts';
import { knownSince } from './0006-known-since.ts';
import type { Migration } from './migration.ts';

/** Every step there ever was, oldest first. A step that was released is never edited: a new one follows it. */
export const migrations: readonly Migration[] = [
  begin,
  typedItems,
  directoryAndSwitch,
  wantedWork,
  outlivedStamps,
  knownSince,
];
