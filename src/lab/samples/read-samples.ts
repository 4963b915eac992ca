import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { ItemContent } from '../world/item.ts';
import { readIcs, type SampleOwner } from './read-ics.ts';

/** A message as it is. */
export interface SampleMail {
  readonly name: string;
  readonly bytes: Buffer;
}

/** A file with calendar items. */
export interface SampleCalendar {
  readonly name: string;
  /** How many items it has, whoever owns them. */
  readonly count: number;
  contents(owner: SampleOwner): readonly ItemContent[];
}

export interface Samples {
  readonly mails: readonly SampleMail[];
  readonly calendars: readonly SampleCalendar[];
}

export const noSamples: Samples = { mails: [], calendars: [] };

const nobody: SampleOwner = { name: '', address: '', guid: '', nowMs: 0 };

function calendarOf(name: string, contents: (owner: SampleOwner) => readonly ItemContent[]): readonly SampleCalendar[] {
  const count = contents(nobody).length;
  return count === 0 ? [] : [{ name, count, contents }];
}

/** All `.eml` and `.ics` files below a folder, in the order of their paths. Calendars without an event that has a start are left out. */
export function readSamples(directory: string): Samples {
  const mails: SampleMail[] = [];
  const calendars: SampleCalendar[] = [];
  const paths = readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  for (const name of paths.sort()) {
    switch (extname(name).toLowerCase()) {
      case '.eml':
        mails.push({ name, bytes: readFileSync(name) });
        break;
      case '.ics': {
        const text = readFileSync(name, 'utf8');
        calendars.push(...calendarOf(name, (owner) => readIcs(text, owner)));
        break;
      }
    }
  }
  return { mails, calendars };
}
