import type { FolderRole } from '#model/folder.ts';
import { atLeast, type SchemaVersion } from './server-version.ts';

/**
 * The schema version from which a role is a DistinguishedFolderIdNameType; roles that never became one are missing. Every name
 * that a server does not know fails the whole request, so they are asked for by version.
 */
const since: Partial<Record<FolderRole, SchemaVersion>> = {
  msgfolderroot: 'Exchange2007_SP1',
  inbox: 'Exchange2007_SP1',
  drafts: 'Exchange2007_SP1',
  sentitems: 'Exchange2007_SP1',
  deleteditems: 'Exchange2007_SP1',
  outbox: 'Exchange2007_SP1',
  junkemail: 'Exchange2007_SP1',
  calendar: 'Exchange2007_SP1',
  contacts: 'Exchange2007_SP1',
  tasks: 'Exchange2007_SP1',
  notes: 'Exchange2007_SP1',
  journal: 'Exchange2007_SP1',
  syncissues: 'Exchange2013',
  conflicts: 'Exchange2013',
  localfailures: 'Exchange2013',
  serverfailures: 'Exchange2013',
  conversationhistory: 'Exchange2013',
  quickcontacts: 'Exchange2013',
};

export const distinguishedRoles = (version: SchemaVersion): readonly FolderRole[] =>
  (Object.entries(since) as [FolderRole, SchemaVersion][])
    .filter(([, first]) => atLeast(version, first))
    .map(([role]) => role);
