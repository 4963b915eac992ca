import { calendarLevels, calendarRightsOf } from './calendar-rights.ts';
import type { Folder } from './folder.ts';

/** Rights of an entry, by the names of EWS. */
export interface FolderRights {
  readonly CanCreateItems: boolean;
  readonly CanCreateSubFolders: boolean;
  readonly IsFolderOwner: boolean;
  readonly IsFolderVisible: boolean;
  readonly IsFolderContact: boolean;
  readonly EditItems: 'None' | 'Owned' | 'All';
  readonly DeleteItems: 'None' | 'Owned' | 'All';
  readonly ReadItems: 'None' | 'TimeOnly' | 'TimeAndSubjectAndLocation' | 'FullDetails';
}

/** `who`: an address in lower case, `Default` or `Anonymous`. */
export interface FolderPermission {
  readonly who: string;
  readonly rights: FolderRights;
}

const none: FolderRights = {
  CanCreateItems: false,
  CanCreateSubFolders: false,
  IsFolderOwner: false,
  IsFolderVisible: false,
  IsFolderContact: false,
  EditItems: 'None',
  DeleteItems: 'None',
  ReadItems: 'None',
};
const visible: FolderRights = { ...none, IsFolderVisible: true };
const reviewer: FolderRights = { ...visible, ReadItems: 'FullDetails' };
const author: FolderRights = { ...reviewer, CanCreateItems: true, EditItems: 'Owned', DeleteItems: 'Owned' };
const editor: FolderRights = { ...author, EditItems: 'All', DeleteItems: 'All' };

/** What a level stands for. (EWS doc: permissionlevel, calendarpermissionlevel) */
export const permissionLevels: Readonly<Record<string, FolderRights>> = {
  None: none,
  Owner: { ...editor, CanCreateSubFolders: true, IsFolderOwner: true, IsFolderContact: true },
  PublishingEditor: { ...editor, CanCreateSubFolders: true },
  Editor: editor,
  PublishingAuthor: { ...author, CanCreateSubFolders: true },
  Author: author,
  NoneditingAuthor: { ...author, EditItems: 'None' },
  Reviewer: reviewer,
  Contributor: { ...visible, CanCreateItems: true },
  FreeBusyTimeOnly: { ...none, ReadItems: 'TimeOnly' },
  FreeBusyTimeAndSubjectAndLocation: { ...none, ReadItems: 'TimeAndSubjectAndLocation' },
};

/** The name of a set of rights; one that has none is `Custom`. */
export function levelOf(rights: FolderRights): string {
  const same = (of: FolderRights): boolean =>
    (Object.keys(of) as (keyof FolderRights)[]).every((name) => of[name] === rights[name]);
  return Object.keys(permissionLevels).find((level) => same(permissionLevels[level] ?? none)) ?? 'Custom';
}

export const isCalendar = (folder: Folder): boolean =>
  (folder.containerClass ?? '').toLowerCase().startsWith('ipf.appointment');

const written = new WeakMap<Folder, readonly FolderPermission[]>();

/** Entries of a folder: those that were written, or as shipped; delegates have one in the calendar. */
export function permissionsOf(folder: Folder): readonly FolderPermission[] {
  const { mailbox } = folder;
  const everybody =
    folder.role === 'calendar' ? calendarRightsOf(mailbox.organization).levelFor(mailbox.address, null) : 'None';
  const entries = written.get(folder) ?? [
    { who: 'Default', rights: permissionLevels[everybody] ?? none },
    { who: 'Anonymous', rights: none },
  ];
  if (folder.role !== 'calendar') return entries;
  const delegates = calendarRightsOf(mailbox.organization)
    .of(mailbox.address)
    .filter(({ address }) => entries.every(({ who }) => who !== address));
  return [
    ...entries,
    ...delegates.map(({ address, level }) => ({ who: address, rights: permissionLevels[level] ?? none })),
  ];
}

/** Replaces all entries. Those for everybody and nobody in particular are always there. */
export function setPermissions(folder: Folder, entries: readonly FolderPermission[]): void {
  const missing = ['Default', 'Anonymous'].filter((who) => entries.every((entry) => entry.who !== who));
  const all = [...entries, ...missing.map((who) => ({ who, rights: none }))];
  written.set(folder, all);
  folder.mailbox.markDirty();
  if (folder.role !== 'calendar') return;
  const rights = calendarRightsOf(folder.mailbox.organization);
  const calendarLevel = (of: FolderRights) =>
    calendarLevels.findLast((level) => permits(of, permissionLevels[level] ?? none)) ?? 'None';
  for (const { who, rights: of } of all) {
    if (who === 'Default') rights.setDefault(folder.mailbox.address, calendarLevel(of));
    else if (who !== 'Anonymous') rights.setViewer(folder.mailbox.address, who, calendarLevel(of));
  }
}

const reads = ['None', 'TimeOnly', 'TimeAndSubjectAndLocation', 'FullDetails'];
const actions = ['None', 'Owned', 'All'];
const permits = (given: FolderRights, wanted: FolderRights): boolean =>
  reads.indexOf(given.ReadItems) >= reads.indexOf(wanted.ReadItems) &&
  actions.indexOf(given.EditItems) >= actions.indexOf(wanted.EditItems) &&
  (given.IsFolderOwner || !wanted.IsFolderOwner);
