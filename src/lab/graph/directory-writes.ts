import { DirectoryRefusal } from '../world/directory/refusal.ts';
import { attributeRow, isOutOfRange, type Value } from '../world/directory/schema.ts';
import type { Organization } from '../world/organization.ts';
import type { Context } from './context.ts';
import { type DirectoryShape, shapeOf, textProperties } from './directory-shape.ts';
import { entraOf } from './entra-state.ts';
import { GraphError } from './graph-error.ts';

// learn.microsoft.com/graph/api/user-update, group-update, group-post-members, group-delete-members

const requestRefused = (message: string): GraphError => new GraphError(400, 'Request_BadRequest', message);
export const noResource = (id: string): GraphError =>
  new GraphError(
    404,
    'Request_ResourceNotFound',
    `Resource '${id.slice(0, 100)}' does not exist or one of its queried reference-property objects are not present.`,
  );

const readOnly: Readonly<Record<'user' | 'group', readonly string[]>> = {
  user: [
    'id',
    'mail',
    'proxyAddresses',
    'onPremisesSyncEnabled',
    'onPremisesSamAccountName',
    'onPremisesSecurityIdentifier',
    'userType',
  ],
  group: [
    'id',
    'mail',
    'proxyAddresses',
    'onPremisesSyncEnabled',
    'mailEnabled',
    'onPremisesSamAccountName',
    'groupTypes',
  ],
};

/** Objects that are written elsewhere: by Entra Connect, or by Exchange. The texts are those that reports quote. */
function refuseMaster(shape: DirectoryShape): void {
  if (shape.isSynced)
    throw requestRefused(
      'Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.',
    );
  if (shape.kind === 'group' && shape.isMailEnabled)
    throw requestRefused('Cannot Update a mail-enabled security groups and or distribution list.');
}

/** PATCH of a user or a group: all of it or nothing. @throws GraphError */
export function patchObject(context: Context, shape: DirectoryShape): void {
  const { kind, entry } = shape;
  if (kind === 'contact') throw new GraphError(405, 'Request_BadRequest', 'Organizational contacts are read-only.');
  refuseMaster(shape);
  const { first } = context.organization.forest;
  const values: Record<string, readonly Value[]> = {};
  const put = (property: string, attribute: string, value: unknown): void => {
    if (value !== null && typeof value !== 'string') throw invalid(property, kind);
    const row = attributeRow(attribute);
    if (value === '' || (value !== null && row !== null && isOutOfRange(row, value))) throw invalid(property, kind);
    values[attribute] = value === null ? [] : [value];
  };
  for (const [property, value] of Object.entries(context.json())) {
    if (property.startsWith('@')) continue;
    const attribute = textProperties[kind][property];
    if (readOnly[kind].includes(property))
      throw requestRefused(`Property '${property}' is read-only and cannot be set.`);
    if (property === 'displayName' && value === null) throw invalid(property, kind);
    if (attribute !== undefined) put(property, attribute, value);
    else if (kind === 'user' && property === 'businessPhones') {
      // One number only. (user-update)
      const phones = value as readonly unknown[];
      if (!Array.isArray(phones) || phones.length > 1) throw invalid(property, kind);
      put(property, 'telephoneNumber', phones[0] ?? null);
    } else if (kind === 'user' && property === 'accountEnabled') {
      const flags = Number(shape.text('userAccountControl') ?? 512);
      values['userAccountControl'] = [String(value === true ? flags & ~2 : flags | 2)];
    } else if (kind === 'user' && property === 'onPremisesExtensionAttributes') {
      for (const [name, one] of Object.entries((value ?? {}) as Readonly<Record<string, unknown>>))
        if (/^extensionAttribute(?:[1-9]|1[0-5])$/.test(name)) put(name, name, one);
    } else if (kind === 'user' && property === 'onPremisesImmutableId')
      values['mS-DS-ConsistencyGuid'] = value === null ? [] : [Buffer.from(String(value), 'base64')];
    else
      throw requestRefused(
        `A value without a type name was found and no expected type is available: '${property}' is no property of ${kind}.`,
      );
  }
  refuseTaken(context.organization, shape, values);
  first.put(entry, values);
}

const invalid = (property: string, kind: string): GraphError =>
  requestRefused(
    `Invalid value specified for property '${property}' of resource '${kind === 'user' ? 'User' : 'Group'}'.`,
  );

function refuseTaken(
  { forest }: Organization,
  { entry }: DirectoryShape,
  values: Readonly<Record<string, readonly Value[]>>,
): void {
  const [name] = values['userPrincipalName'] ?? [];
  if (name !== undefined && forest.first.having('userPrincipalName', name).some((other) => other !== entry))
    throw requestRefused('Another object with the same value for property userPrincipalName already exists.');
}

/** A security group; groups that are mail's are made by Exchange. */
export function makeGroup(context: Context): DirectoryShape {
  const {
    displayName,
    mailNickname,
    mailEnabled,
    securityEnabled,
    description = null,
    groupTypes = [],
  } = context.json();
  if (typeof displayName !== 'string' || displayName === '' || typeof mailNickname !== 'string' || mailNickname === '')
    throw requestRefused('A value is required for property displayName and mailNickname of resource Group.');
  if (mailEnabled !== false || securityEnabled !== true || (Array.isArray(groupTypes) && groupTypes.length > 0))
    throw requestRefused(
      'The service does not currently support writes of mail-enabled groups. Please ensure that the mail-enablement property is unset and the security-enablement property is set.',
    );
  const { forest } = context.organization;
  const { first } = forest;
  // Names need not be one of a kind in a tenant; below the surface of the lab they must be.
  const name = `${mailNickname.replace(/[,\\+"<>;=#/]/g, '')} ${first.usn}`;
  const bytes = (text: string): readonly Buffer[] => [Buffer.from(text)];
  const entry = first.add(
    forest.system,
    `CN=${name},CN=Users,${forest.domainDn}`,
    new Map([
      ['objectClass', bytes('group')],
      ['groupType', bytes('-2147483640')],
      ['displayName', bytes(displayName)],
      ...(typeof description === 'string' ? [['description', bytes(description)] as const] : []),
    ]),
  );
  return must(context, entry.guid);
}

function must(context: Context, guid: string): DirectoryShape {
  const shape = shapeOf(context.organization, guid);
  if (shape === null) throw noResource(guid);
  return shape;
}

/** Users go to a bin, groups that are nothing to mail do not. (directory deletedItems: users, Microsoft 365 groups) */
export function removeObject(context: Context, shape: DirectoryShape): void {
  if (shape.kind === 'contact')
    throw new GraphError(405, 'Request_BadRequest', 'Organizational contacts are read-only.');
  refuseMaster(shape);
  const { forest } = context.organization;
  if (shape.kind === 'group') entraOf(context.organization).purge(shape.entry.guid);
  try {
    forest.first.remove(forest.system, forest.first.dnOf(shape.entry));
  } catch (error) {
    if (error instanceof DirectoryRefusal) throw requestRefused(error.message);
    throw error;
  }
}

/** The object that a body of `$ref` names. */
export function referenced(context: Context): DirectoryShape {
  const id = /\/([0-9a-f-]{36})'?\)?$/i.exec(String(context.json()['@odata.id'] ?? ''))?.[1] ?? '';
  return must(context, id);
}

export function setManager(context: Context, shape: DirectoryShape, manager: DirectoryShape | null): void {
  refuseMaster(shape);
  if (manager === null && shape.references('manager').length === 0) throw noResource('manager');
  context.organization.forest.first.put(shape.entry, { manager: manager === null ? [] : [manager.entry.guid] });
}

export function addMember(context: Context, group: DirectoryShape, member: DirectoryShape): void {
  refuseMaster(group);
  const now = group.references('member');
  if (now.includes(member.entry.guid))
    throw requestRefused(
      "One or more added object references already exist for the following modified properties: 'members'.",
    );
  context.organization.forest.first.put(group.entry, { member: [...now, member.entry.guid] });
}

export function removeMember(context: Context, group: DirectoryShape, id: string): void {
  refuseMaster(group);
  const now = group.references('member');
  if (!now.includes(id.toLowerCase())) throw noResource(id);
  context.organization.forest.first.put(group.entry, { member: now.filter((one) => one !== id.toLowerCase()) });
}
