import type { XmlElement } from '#formats/text/xml-read.ts';
import type { Folder } from '../world/folder.ts';
import {
  type FolderPermission,
  type FolderRights,
  isCalendar,
  levelOf,
  permissionLevels,
  permissionsOf,
} from '../world/folder-permissions.ts';
import { EwsError } from './ews-error.ts';
import { child, childText, kids } from './request.ts';
import { esc, t } from './xml-out.ts';

/** `t:PermissionSet` of a folder. (EWS doc: permissionset-permissionsettype, permissionset-calendarpermissionsettype) */
export function writePermissionSet(folder: Folder): string {
  const prefix = isCalendar(folder) ? 'Calendar' : '';
  const entries = permissionsOf(folder).map(({ who, rights }) => {
    const name = folder.mailbox.organization.entry(who)?.displayName;
    const user =
      who === 'Default' || who === 'Anonymous'
        ? t('DistinguishedUser', who)
        : `${t('PrimarySmtpAddress', who)}${name === undefined ? '' : t('DisplayName', name)}`;
    const parts = rightNames.map((right) => t(right, rights[right])).join('');
    return `<t:${prefix}Permission><t:UserId>${user}</t:UserId>${parts}${t(`${prefix}PermissionLevel`, levelOf(rights))}</t:${prefix}Permission>`;
  });
  return `<t:PermissionSet><t:${prefix}Permissions>${entries.join('')}</t:${prefix}Permissions></t:PermissionSet>`;
}

const rightNames = [
  'CanCreateItems',
  'CanCreateSubFolders',
  'IsFolderOwner',
  'IsFolderVisible',
  'IsFolderContact',
  'EditItems',
  'DeleteItems',
  'ReadItems',
] as const satisfies readonly (keyof FolderRights)[];

/** Reads a set that replaces what a folder has. Throws what Exchange refuses. */
export function readPermissionSet(element: XmlElement, folder: Folder): readonly FolderPermission[] {
  const prefix = isCalendar(folder) ? 'Calendar' : '';
  const list = child(element, `${prefix}Permissions`);
  if (list === null) throw new EwsError('ErrorInvalidPermissionSettings', 'The set is not that of such a folder.');
  const entries = kids(list).map((entry): FolderPermission => {
    const user = child(entry, 'UserId');
    const who = user === null ? '' : whoIs(user, folder);
    const level = childText(entry, `${prefix}PermissionLevel`)?.trim() ?? '';
    const given = rightNames.filter((right) => child(entry, right) !== null);
    if (level !== 'Custom') {
      // (EWS doc: permissionlevel: single rights are for Custom)
      if (given.length > 0)
        throw new EwsError('ErrorInvalidPermissionSettings', 'Single rights are given with the level Custom only.');
      const rights = permissionLevels[level];
      if (rights === undefined) throw new EwsError('ErrorInvalidPermissionSettings');
      return { who, rights };
    }
    if (given.length < rightNames.length)
      throw new EwsError('ErrorInvalidPermissionSettings', 'The level Custom needs every right.');
    const text = (right: string): string => childText(entry, right)?.trim() ?? '';
    return {
      who,
      rights: Object.fromEntries(
        rightNames.map((right) => [
          right,
          text(right) === 'true' ||
            text(right) === '1' ||
            (/^(true|false|[01])$/.test(text(right)) ? false : text(right)),
        ]),
      ) as unknown as FolderRights,
    };
  });
  if (new Set(entries.map(({ who }) => who)).size !== entries.length)
    throw new EwsError('ErrorDuplicateUserIdsSpecified', 'A user is named twice.');
  return entries;
}

function whoIs(user: XmlElement, folder: Folder): string {
  const distinguished = childText(user, 'DistinguishedUser');
  if (distinguished !== null) return distinguished;
  const address = (childText(user, 'PrimarySmtpAddress') ?? '').trim();
  const found = folder.mailbox.organization.entry(address);
  if (found === null) throw new EwsError('ErrorInvalidUserInfo', `No user of the organization: ${esc(address)}`);
  return found.address;
}
