import { child, children, childText, type XmlElement } from '#formats/text/xml-read.ts';
import { rawXml, type XmlFragment, xml } from '#formats/text/xml-write.ts';
import type { FolderId } from '#model/ids.ts';
import type { FolderPermission } from '#model/mailbox-settings.ts';
import { typesNamespace } from '../namespaces.ts';
import { aboutItems, type Operation } from '../operation.ts';
import { folderRef, onlyFolder } from '../operations/ids.ts';

const actions = { None: 'none', Owned: 'owned', All: 'all' } as const;
const reads = {
  None: 'none',
  TimeOnly: 'time-only',
  TimeAndSubjectAndLocation: 'time-and-subject',
  FullDetails: 'full',
} as const;
const nameIn = <Word extends string>(words: Readonly<Record<string, Word>>, word: Word): string =>
  Object.keys(words).find((name) => words[name] === word) ?? '';

/** What levels stand for: create items, create subfolders, owner, visible, edit, delete, read. (EWS doc: permissionlevel) */
const levels = {
  None: [false, false, false, false, 'none', 'none', 'none'],
  FreeBusyTimeOnly: [false, false, false, false, 'none', 'none', 'time-only'],
  FreeBusyTimeAndSubjectAndLocation: [false, false, false, false, 'none', 'none', 'time-and-subject'],
  Contributor: [true, false, false, true, 'none', 'none', 'none'],
  Reviewer: [false, false, false, true, 'none', 'none', 'full'],
  NoneditingAuthor: [true, false, false, true, 'none', 'owned', 'full'],
  Author: [true, false, false, true, 'owned', 'owned', 'full'],
  PublishingAuthor: [true, true, false, true, 'owned', 'owned', 'full'],
  Editor: [true, false, false, true, 'all', 'all', 'full'],
  PublishingEditor: [true, true, false, true, 'all', 'all', 'full'],
  Owner: [true, true, true, true, 'all', 'all', 'full'],
} as const;

const partsOf = (p: FolderPermission) =>
  [p.canCreateItems, p.canCreateSubfolders, p.isOwner, p.isVisible, p.edit, p.remove, p.read] as const;

/** A level says all of it, or nothing of it does: `Custom`. */
function levelOf(permission: FolderPermission): string {
  const parts = partsOf(permission);
  const [level] = Object.entries(levels).find(([, of]) => of.every((part, n) => part === parts[n])) ?? [];
  // An owner is the folder's contact as well; others are not.
  return level === undefined || permission.isContact !== (level === 'Owner') ? 'Custom' : level;
}

export interface SeenPermissions {
  /** Local name of the folder's element: `Folder`, `CalendarFolder`, … */
  readonly element: string;
  readonly permissions: readonly FolderPermission[];
}

/** The permissions of one folder. https://learn.microsoft.com/exchange/client-developer/web-service-reference/permissionset-permissionsettype */
export const getPermissions: Operation<FolderId, SeenPermissions> = {
  name: 'GetFolder',
  subject: aboutItems(false),
  answers: () => 1,
  write: (folder) =>
    xml`<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="folder:PermissionSet"/></t:AdditionalProperties></m:FolderShape><m:FolderIds>${folderRef(folder)}</m:FolderIds></m:GetFolder>`,
  reader: () => ({
    read(message) {
      const folder = onlyFolder(message);
      const set = child(folder, typesNamespace, 'PermissionSet');
      const lists = ['Permissions', 'CalendarPermissions'].flatMap((name) => {
        const list = set === null ? null : child(set, typesNamespace, name);
        return list?.children ?? [];
      });
      const unknown = set === null ? null : child(set, typesNamespace, 'UnknownEntries');
      return {
        element: folder.name,
        permissions: [
          ...lists.map(readPermission),
          ...(unknown === null ? [] : children(unknown, typesNamespace, 'UnknownEntry')).map(({ text }) =>
            nobody(text),
          ),
        ],
      };
    },
  }),
};

const nobody = (name: string): FolderPermission => ({
  who: { kind: 'unknown', name: name.trim() },
  canCreateItems: false,
  canCreateSubfolders: false,
  isOwner: false,
  isVisible: false,
  isContact: false,
  edit: 'none',
  remove: 'none',
  read: 'none',
});

function readPermission(element: XmlElement): FolderPermission {
  const text = (name: string): string => childText(element, typesNamespace, name)?.trim() ?? '';
  const user = child(element, typesNamespace, 'UserId');
  const of = (name: string): string => (user && childText(user, typesNamespace, name)?.trim()) ?? '';
  const distinguished = of('DistinguishedUser');
  const address = of('PrimarySmtpAddress');
  const who: FolderPermission['who'] =
    distinguished !== ''
      ? { kind: distinguished === 'Anonymous' ? 'anonymous' : 'default' }
      : address !== ''
        ? { kind: 'person', address, name: of('DisplayName') }
        : { kind: 'unknown', name: of('DisplayName') || of('SID') };
  return {
    who,
    canCreateItems: text('CanCreateItems') === 'true',
    canCreateSubfolders: text('CanCreateSubFolders') === 'true',
    isOwner: text('IsFolderOwner') === 'true',
    isVisible: text('IsFolderVisible') === 'true',
    isContact: text('IsFolderContact') === 'true',
    edit: actions[text('EditItems') as keyof typeof actions] ?? 'none',
    remove: actions[text('DeleteItems') as keyof typeof actions] ?? 'none',
    read: reads[text('ReadItems') as keyof typeof reads] ?? 'none',
  };
}

/** Replaces all of them. https://learn.microsoft.com/exchange/client-developer/web-service-reference/updatefolder-operation */
export const setPermissions: Operation<SeenPermissions & { readonly folder: FolderId }, null> = {
  name: 'UpdateFolder',
  subject: aboutItems(true),
  answers: () => 1,
  write: ({ folder, element, permissions }) => {
    const prefix = element === 'CalendarFolder' ? 'Calendar' : '';
    const list = permissions.filter(({ who }) => who.kind !== 'unknown').map((one) => writePermission(one, prefix));
    const open = rawXml(`<t:${element}><t:PermissionSet><t:${prefix}Permissions>`);
    const close = rawXml(`</t:${prefix}Permissions></t:PermissionSet></t:${element}>`);
    return xml`<m:UpdateFolder><m:FolderChanges><t:FolderChange>${folderRef(folder)}<t:Updates><t:SetFolderField><t:FieldURI FieldURI="folder:PermissionSet"/>${open}${list}${close}</t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>`;
  },
  reader: () => ({ read: () => null }),
};

/** The single rights are given with `Custom` only: beside a level they are refused. */
function writePermission(permission: FolderPermission, prefix: string): XmlFragment {
  const { who } = permission;
  const user =
    who.kind === 'person'
      ? xml`<t:PrimarySmtpAddress>${who.address}</t:PrimarySmtpAddress>`
      : xml`<t:DistinguishedUser>${who.kind === 'anonymous' ? 'Anonymous' : 'Default'}</t:DistinguishedUser>`;
  const level = levelOf(permission);
  const parts =
    level === 'Custom'
      ? xml`<t:CanCreateItems>${permission.canCreateItems}</t:CanCreateItems><t:CanCreateSubFolders>${permission.canCreateSubfolders}</t:CanCreateSubFolders><t:IsFolderOwner>${permission.isOwner}</t:IsFolderOwner><t:IsFolderVisible>${permission.isVisible}</t:IsFolderVisible><t:IsFolderContact>${permission.isContact}</t:IsFolderContact><t:EditItems>${nameIn(actions, permission.edit)}</t:EditItems><t:DeleteItems>${nameIn(actions, permission.remove)}</t:DeleteItems><t:ReadItems>${nameIn(reads, permission.read)}</t:ReadItems>`
      : null;
  return xml`${rawXml(`<t:${prefix}Permission>`)}<t:UserId>${user}</t:UserId>${parts}${rawXml(`<t:${prefix}PermissionLevel>`)}${level}${rawXml(`</t:${prefix}PermissionLevel></t:${prefix}Permission>`)}`;
}
