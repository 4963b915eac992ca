import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { ItemContent } from '../world/item.ts';
import { readIcs, type SampleOwner } from './read-ics.ts';
import { readMsg } from './read-msg.ts';

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

/**
 * All `.eml`, `.ics` and `.msg` files below a folder, in the order of their paths. Left out are calendars without an event that has a
 * start, and message files that are no appointments or cannot be read.
 */
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
      case '.msg': {
        const bytes = readFileSync(name);
        calendars.push(...calendarOf(name, (owner) => readMsg(bytes, owner)));
        break;
      }
    }
  }
  return { mails, calendars };
}
