import { accessDenied, GraphError } from './graph-error.ts';

/** What a call needs. Any one of the roles will do. (learn.microsoft.com/graph/permissions-reference) */
export const permissions = {
  mailRead: ['Mail.Read', 'Mail.ReadWrite'],
  mailWrite: ['Mail.ReadWrite'],
  mailSend: ['Mail.Send'],
  calendarRead: ['Calendars.Read', 'Calendars.ReadWrite'],
  calendarWrite: ['Calendars.ReadWrite'],
  contactsRead: ['Contacts.Read', 'Contacts.ReadWrite'],
  contactsWrite: ['Contacts.ReadWrite'],
  tasksRead: ['Tasks.Read.All', 'Tasks.ReadWrite.All'],
  tasksWrite: ['Tasks.ReadWrite.All'],
  settingsRead: ['MailboxSettings.Read', 'MailboxSettings.ReadWrite'],
  settingsWrite: ['MailboxSettings.ReadWrite'],
  usersRead: ['User.ReadBasic.All', 'User.Read.All', 'User.ReadWrite.All', 'Directory.Read.All'],
  usersWrite: ['User.ReadWrite.All', 'Directory.ReadWrite.All'],
  groupsRead: ['Group.Read.All', 'Group.ReadWrite.All', 'Directory.Read.All', 'Directory.ReadWrite.All'],
  groupsWrite: ['Group.ReadWrite.All', 'Directory.ReadWrite.All'],
  membersWrite: ['GroupMember.ReadWrite.All', 'Group.ReadWrite.All', 'Directory.ReadWrite.All'],
  orgContactsRead: ['OrgContact.Read.All', 'Directory.Read.All', 'Directory.ReadWrite.All'],
  organizationRead: ['Organization.Read.All', 'Directory.Read.All'],
  folderRead: ['MailboxFolder.Read.All', 'MailboxFolder.ReadWrite.All'],
  folderWrite: ['MailboxFolder.ReadWrite.All'],
  itemRead: ['MailboxItem.Read.All', 'MailboxItem.ImportExport.All'],
  itemExport: ['MailboxItem.Export.All', 'MailboxItem.ImportExport.All'],
  itemImport: ['MailboxItem.ImportExport.All'],
  none: [],
} as const satisfies Record<string, readonly string[]>;
export type Permission = keyof typeof permissions;

/** Application permissions with which a migration can do all that it does. */
export const migrationRoles: readonly string[] = [
  'Mail.ReadWrite',
  'Calendars.ReadWrite',
  'Contacts.ReadWrite',
  'Tasks.ReadWrite.All',
  'MailboxSettings.Read',
  'User.Read.All',
  'Organization.Read.All',
  'MailboxFolder.ReadWrite.All',
  'MailboxItem.ImportExport.All',
  'User.ReadWrite.All',
  'Group.ReadWrite.All',
  'OrgContact.Read.All',
];

/**
 * Roles of RBAC for Applications: management roles of Exchange, assigned with a scope of mailboxes. None is known for import and
 * export. (learn.microsoft.com/exchange/permissions-exo/application-rbac; FIELD-NOTES §3)
 */
const scopable: ReadonlySet<string> = new Set([
  'Mail.Read',
  'Mail.ReadWrite',
  'Mail.Send',
  'MailboxSettings.Read',
  'MailboxSettings.ReadWrite',
  'Calendars.Read',
  'Calendars.ReadWrite',
  'Contacts.Read',
  'Contacts.ReadWrite',
]);

/** Who calls: an application with what it was consented to. */
export interface GraphCaller {
  readonly clientId: string;
  /** By consent in Entra: for every mailbox of the tenant. */
  readonly roles: readonly string[];
  /** By RBAC for Applications; what Entra grants besides adds up. */
  readonly scoped: { readonly roles: readonly string[]; readonly mailboxes: readonly string[] } | null;
}

export function mayDo(caller: GraphCaller, permission: Permission, mailbox: string | null): boolean {
  const wanted: readonly string[] = permissions[permission];
  if (wanted.length === 0 || wanted.some((role) => caller.roles.includes(role))) return true;
  const { scoped } = caller;
  if (scoped === null || mailbox === null) return false;
  const reaches = scoped.mailboxes.some((address) => address.toLowerCase() === mailbox.toLowerCase());
  return reaches && wanted.some((role) => scopable.has(role) && scoped.roles.includes(role));
}

/** @throws GraphError 403 */
export function require(caller: GraphCaller, permission: Permission, mailbox: string | null): void {
  if (!mayDo(caller, permission, mailbox)) throw accessDenied();
}

/** The same of the directory, which has words of its own. @throws GraphError 403 */
export function requireOfDirectory(caller: GraphCaller, permission: Permission): void {
  if (!mayDo(caller, permission, null))
    throw new GraphError(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
}
