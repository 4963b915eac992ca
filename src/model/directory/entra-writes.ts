import { attributeRow } from './attribute-rows.ts';
import type { DirectoryObject } from './directory-object.ts';
import { recipientType } from './recipient-type.ts';

/**
 * Whether Graph writes an attribute of an object that is mastered in the cloud. Contacts and groups that receive mail are Exchange's, and so are all
 * addresses; what a group has besides its name, its description and its members is Exchange's as well.
 */
export function graphWrites(attribute: string, object: Pick<DirectoryObject, 'kind' | 'attributes'>): boolean {
  const row = attributeRow(attribute);
  if (row?.entra?.writes !== true) return false;
  if (object.kind === 'user') return attribute !== 'description';
  if (object.kind !== 'group' || recipientType(object) !== 'none') return false;
  return ['displayName', 'description', 'member'].includes(attribute);
}
