import type { EwsVersion } from '../seams.ts';

/** A folder that every mailbox of a version has from its first day. */
export interface DefaultFolder {
  /** Name under which other rows call it their parent; the role where it has one. */
  readonly id: string;
  readonly parent: string | null;
  readonly name: string;
  /** Other languages: [German, French]. */
  readonly local?: readonly [string, string];
  readonly containerClass: string | null;
  /** `DistinguishedFolderIdNameType`; null: EWS has no name for it in any version. */
  readonly role: string | null;
  readonly kind?: 'search';
  readonly hidden?: true;
  /** First version that has it. */
  readonly since?: Exclude<EwsVersion, '2007'>;
}

export const languages = ['en', 'de', 'fr'] as const;

const note = 'IPF.Note';

/** Parents before children. */
export const defaultFolders: readonly DefaultFolder[] = [
  { id: 'root', parent: null, name: '', containerClass: null, role: 'root' },
  {
    id: 'msgfolderroot',
    parent: 'root',
    name: 'Top of Information Store',
    local: ['Oberste Ebene des Informationsspeichers', 'Racine de la banque d’informations'],
    containerClass: null,
    role: 'msgfolderroot',
  },
  { id: 'searchfolders', parent: 'root', name: 'Finder', containerClass: null, role: 'searchfolders' },
  { id: 'commonviews', parent: 'root', name: 'Common Views', containerClass: null, role: null },
  { id: 'deferred', parent: 'root', name: 'Deferred Action', containerClass: null, role: null },
  { id: 'spooler', parent: 'root', name: 'Spooler Queue', containerClass: null, role: null },
  { id: 'freebusy', parent: 'root', name: 'Freebusy Data', containerClass: null, role: null },
  {
    id: 'recoverableitemsroot',
    parent: 'root',
    name: 'Recoverable Items',
    containerClass: null,
    role: 'recoverableitemsroot',
    since: '2010',
  },
  {
    id: 'recoverableitemsdeletions',
    parent: 'recoverableitemsroot',
    name: 'Deletions',
    containerClass: null,
    role: 'recoverableitemsdeletions',
    since: '2010',
  },
  {
    id: 'recoverableitemsversions',
    parent: 'recoverableitemsroot',
    name: 'Versions',
    containerClass: null,
    role: 'recoverableitemsversions',
    since: '2010',
  },
  {
    id: 'recoverableitemspurges',
    parent: 'recoverableitemsroot',
    name: 'Purges',
    containerClass: null,
    role: 'recoverableitemspurges',
    since: '2010',
  },
  { id: 'allitems', parent: 'root', name: 'AllItems', containerClass: note, role: null, kind: 'search', since: '2010' },
  {
    id: 'inbox',
    parent: 'msgfolderroot',
    name: 'Inbox',
    local: ['Posteingang', 'Boîte de réception'],
    containerClass: note,
    role: 'inbox',
  },
  {
    id: 'drafts',
    parent: 'msgfolderroot',
    name: 'Drafts',
    local: ['Entwürfe', 'Brouillons'],
    containerClass: note,
    role: 'drafts',
  },
  {
    id: 'sentitems',
    parent: 'msgfolderroot',
    name: 'Sent Items',
    local: ['Gesendete Elemente', 'Éléments envoyés'],
    containerClass: note,
    role: 'sentitems',
  },
  {
    id: 'deleteditems',
    parent: 'msgfolderroot',
    name: 'Deleted Items',
    local: ['Gelöschte Elemente', 'Éléments supprimés'],
    containerClass: note,
    role: 'deleteditems',
  },
  {
    id: 'outbox',
    parent: 'msgfolderroot',
    name: 'Outbox',
    local: ['Postausgang', 'Boîte d’envoi'],
    containerClass: note,
    role: 'outbox',
  },
  {
    id: 'junkemail',
    parent: 'msgfolderroot',
    name: 'Junk E-Mail',
    local: ['Junk-E-Mail', 'Courrier indésirable'],
    containerClass: note,
    role: 'junkemail',
  },
  {
    id: 'calendar',
    parent: 'msgfolderroot',
    name: 'Calendar',
    local: ['Kalender', 'Calendrier'],
    containerClass: 'IPF.Appointment',
    role: 'calendar',
  },
  {
    id: 'contacts',
    parent: 'msgfolderroot',
    name: 'Contacts',
    local: ['Kontakte', 'Contacts'],
    containerClass: 'IPF.Contact',
    role: 'contacts',
  },
  {
    id: 'tasks',
    parent: 'msgfolderroot',
    name: 'Tasks',
    local: ['Aufgaben', 'Tâches'],
    containerClass: 'IPF.Task',
    role: 'tasks',
  },
  {
    id: 'notes',
    parent: 'msgfolderroot',
    name: 'Notes',
    local: ['Notizen', 'Notes'],
    containerClass: 'IPF.StickyNote',
    role: 'notes',
  },
  {
    id: 'journal',
    parent: 'msgfolderroot',
    name: 'Journal',
    local: ['Journal', 'Journal'],
    containerClass: 'IPF.Journal',
    role: 'journal',
  },
  {
    id: 'syncissues',
    parent: 'msgfolderroot',
    name: 'Sync Issues',
    local: ['Synchronisierungsprobleme', 'Problèmes de synchronisation'],
    containerClass: note,
    role: 'syncissues',
  },
  {
    id: 'conflicts',
    parent: 'syncissues',
    name: 'Conflicts',
    local: ['Konflikte', 'Conflits'],
    containerClass: note,
    role: 'conflicts',
  },
  {
    id: 'localfailures',
    parent: 'syncissues',
    name: 'Local Failures',
    local: ['Lokale Fehler', 'Défaillances locales'],
    containerClass: note,
    role: 'localfailures',
  },
  {
    id: 'serverfailures',
    parent: 'syncissues',
    name: 'Server Failures',
    local: ['Serverfehler', 'Défaillances du serveur'],
    containerClass: note,
    role: 'serverfailures',
  },
  {
    id: 'rss',
    parent: 'msgfolderroot',
    name: 'RSS Feeds',
    local: ['RSS-Feeds', 'Flux RSS'],
    containerClass: 'IPF.Note.OutlookHomepage',
    role: null,
  },
  {
    id: 'conversationactions',
    parent: 'msgfolderroot',
    name: 'Conversation Action Settings',
    local: ['Einstellungen für QuickSteps-Unterhaltungen', 'Paramètres de conversation'],
    containerClass: 'IPF.Configuration',
    role: null,
    hidden: true,
    since: '2010',
  },
  {
    id: 'quicksteps',
    parent: 'msgfolderroot',
    name: 'Quick Step Settings',
    local: ['QuickStep-Einstellungen', 'Paramètres d’étape rapide'],
    containerClass: 'IPF.Configuration',
    role: null,
    hidden: true,
    since: '2010',
  },
  {
    id: 'suggested',
    parent: 'msgfolderroot',
    name: 'Suggested Contacts',
    local: ['Vorgeschlagene Kontakte', 'Contacts suggérés'],
    containerClass: 'IPF.Contact',
    role: null,
    since: '2010',
  },
];

/** First version that knows a distinguished id which EWS names for a folder above; the rest are known in all. */
export const roleSince: Readonly<Record<string, Exclude<EwsVersion, '2007'>>> = {
  recoverableitemsroot: '2010',
  recoverableitemsdeletions: '2010',
  recoverableitemsversions: '2010',
  recoverableitemspurges: '2010',
  syncissues: '2013',
  conflicts: '2013',
  localfailures: '2013',
  serverfailures: '2013',
};

/** A folder a person made: path below the root of the visible tree, in the places where people put them. */
export interface PersonalFolder {
  readonly parent: string;
  readonly id: string;
  readonly name: string;
}

/** What the lab's people call their folders: with slashes, emoji, the same name twice, spaces that look wrong. */
export const personalFolders: readonly PersonalFolder[] = [
  { id: 'projects', parent: 'msgfolderroot', name: 'Projects' },
  { id: 'alpha', parent: 'projects', name: 'Alpha' },
  { id: 'beta', parent: 'projects', name: 'Beta / 2025' },
  { id: 'archive', parent: 'alpha', name: 'Archive' },
  { id: 'archive2', parent: 'msgfolderroot', name: 'Archive' },
  { id: 'travel', parent: 'inbox', name: 'Reisen & Spesen ✈' },
  { id: 'clients', parent: 'inbox', name: 'Kunden\\Ost' },
  { id: 'rocket', parent: 'clients', name: '🚀 Launch' },
  { id: 'old', parent: 'archive2', name: '2019' },
  { id: 'empty', parent: 'archive2', name: 'leer' },
];
