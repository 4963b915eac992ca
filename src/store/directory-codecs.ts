import type { Selectable } from 'kysely';
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { ObjectGuid } from '#model/directory/directory-object.ts';
import type { Side } from '#model/ids.ts';
import type { DirectoryJournalRow } from './directory-records.ts';
import type { SwitchRow, SwitchStepRow } from './switch-records.ts';
import type { Tables } from './tables.ts';

type Row<Name extends keyof Tables> = Selectable<Tables[Name]>;

export const sideNumber = (side: Side): number => (side === 'left' ? 0 : 1);
export const sideOf = (no: number): Side => (no === 0 ? 'left' : 'right');

/** What has no column of its own. As JSON, because values may hold any character. */
export function writeDirectoryLink({ left, right, ...rest }: DirectoryLink): string {
  return JSON.stringify(rest);
}

export const readDirectoryLink = (row: Row<'directory_link'>): DirectoryLink => ({
  left: row.left_guid as ObjectGuid,
  right: row.right_guid as ObjectGuid,
  ...(JSON.parse(row.row) as Omit<DirectoryLink, 'left' | 'right'>),
});

export const readDirectoryEntry = (row: Row<'directory_journal'>): DirectoryJournalRow => ({
  no: row.no,
  sync: row.sync,
  pass: row.pass,
  atMs: row.at_ms,
  side: sideOf(row.side),
  action: row.action as DirectoryJournalRow['action'],
  guid: row.guid as ObjectGuid | null,
  dn: row.dn as DirectoryJournalRow['dn'],
  ...(JSON.parse(row.sides) as Pick<DirectoryJournalRow, 'before' | 'after'>),
  reason: row.reason,
  outcome: row.outcome as DirectoryJournalRow['outcome'],
  detail: row.detail,
});

export const readSwitch = (row: Row<'switching'>): SwitchRow => ({
  pair: row.pair as SwitchRow['pair'],
  state: row.state as SwitchRow['state'],
  active: sideOf(row.active),
  run: row.run,
  at: row.at === null ? null : (JSON.parse(row.at) as SwitchRow['at']),
  changedAtMs: row.changed_at_ms,
  because: row.because,
});

export const readSwitchStep = (row: Row<'switch_step'>): SwitchStepRow => ({
  pair: row.pair as SwitchStepRow['pair'],
  run: row.run,
  step: row.step,
  direction: row.direction as SwitchStepRow['direction'],
  state: row.state as SwitchStepRow['state'],
  beganAtMs: row.began_at_ms,
  endedAtMs: row.ended_at_ms,
  before: JSON.parse(row.before) as unknown,
  detail: row.detail,
  attempts: row.attempts,
});
