/**
 * What a mail system takes an object for, read from three attributes that mean something together only, and written as a whole. Values:
 * RecipientTypeDetails, RecipientDisplayType and ExchangeObjectVersion of Exchange's management tools.
 */
import type { Attributes, DirectoryKind, DirectoryObject, RecipientType } from './directory-object.ts';

/** What says who a recipient is, by which addresses it is known, and where its mail goes. */
export const recipientAttributes = [
  'displayName',
  'mail',
  'mailNickname',
  'proxyAddresses',
  'legacyExchangeDN',
  'targetAddress',
  'homeMDB',
  'msExchMailboxGuid',
  'msExchHomeServerName',
  'msExchRecipientTypeDetails',
  'groupType',
] as const;

/** msExchRecipientTypeDetails, one bit each. Those that are missing are system objects, and never touched. */
const byDetails: Readonly<Record<string, RecipientType>> = {
  '1': 'user-mailbox',
  '2': 'linked-mailbox',
  '4': 'shared-mailbox',
  // A mailbox whose server has no word for its type: Exchange 2003 seen by later tools.
  '8': 'user-mailbox',
  '16': 'room-mailbox',
  '32': 'equipment-mailbox',
  '64': 'mail-contact',
  '128': 'mail-user',
  '256': 'distribution-group',
  '512': 'distribution-group',
  '1024': 'security-group',
  '2048': 'dynamic-group',
  '4096': 'public-folder',
  // Contact of another forest.
  '32768': 'mail-contact',
  '65536': 'none',
  '131072': 'none',
  '262144': 'none',
  '524288': 'none',
  '1048576': 'none',
  '2097152': 'none',
  '33554432': 'none',
  // Room list.
  '268435456': 'distribution-group',
  '2147483648': 'remote-mailbox',
  '8589934592': 'remote-mailbox',
  '17179869184': 'remote-mailbox',
  '34359738368': 'remote-mailbox',
};

/** Bit of groupType: the group is a security principal ([MS-ADTS] 2.2.12). */
const securityEnabled = 0x80000000;

export function recipientType({ kind, attributes }: Pick<DirectoryObject, 'kind' | 'attributes'>): RecipientType {
  const has = (name: string) => (attributes[name]?.length ?? 0) > 0;
  const details = attributes['msExchRecipientTypeDetails']?.[0];
  if (details !== undefined && details !== '0') return byDetails[details] ?? 'other';
  if (kind === 'container') return 'none';
  if (kind === 'user') {
    if (has('homeMDB') || has('msExchMailboxGuid') || has('msExchHomeServerName')) return 'user-mailbox';
    return has('targetAddress') ? 'mail-user' : 'none';
  }
  const isMailed = has('proxyAddresses') || has('mailNickname') || has('targetAddress');
  if (!isMailed) return 'none';
  if (kind === 'contact') return 'mail-contact';
  return isSecurityGroup(attributes) ? 'security-group' : 'distribution-group';
}

export function isSecurityGroup(attributes: Attributes): boolean {
  const type = Number(attributes['groupType']?.[0] ?? 0);
  return (type & securityEnabled) !== 0;
}

/** Whether mail is kept there, rather than sent on. */
export function isMailbox(type: RecipientType): boolean {
  return (
    type === 'user-mailbox' ||
    type === 'shared-mailbox' ||
    type === 'room-mailbox' ||
    type === 'equipment-mailbox' ||
    type === 'linked-mailbox'
  );
}

/**
 * Whether somebody's mail could go with the object when it is removed: it has a mailbox, here or in the tenant that the account is synced to, or
 * is of a type that nobody knows. A mailbox that Exchange 2003 made of a mail user is told by its store only: the type stays.
 */
export function mayKeepMail(object: Pick<DirectoryObject, 'kind' | 'attributes'>): boolean {
  const type = recipientType(object);
  if (isMailbox(type) || type === 'remote-mailbox' || type === 'other') return true;
  return mailboxAttributes.some((name) => (object.attributes[name]?.length ?? 0) > 0);
}

/** Only a mailbox has them. The GUID of one is no such sign: mail users bear it while their mailbox is moved here. */
const mailboxAttributes = ['homeMDB', 'msExchHomeServerName'] as const;

/** What `mayKeepMail` judges by. */
export const mailboxSigns = [...mailboxAttributes, 'msExchMailboxGuid', 'msExchRecipientTypeDetails', 'targetAddress'];

/** What stands for somebody on the other side. */
export type ShadowType = 'mail-user' | 'mail-contact' | 'distribution-group' | 'security-group';

export function kindOfShadow(type: ShadowType): DirectoryKind {
  if (type === 'mail-user') return 'user';
  return type === 'mail-contact' ? 'contact' : 'group';
}

/**
 * msExchVersion 0.10 (14.0.100.0): what Exchange 2010 and later write on everything that is no mailbox. A higher one locks out older tools, none
 * locks out all of them.
 */
const recipientVersion = '44220983382016';

/** Synced display types: what the room picker of the other organization takes for a room. */
const displayTypeOfRoom = '-2147481850';
const displayTypeOfEquipment = '-2147481594';

/** The attributes that belong together, for an object of ours that stands for `original`. */
export function typeAttributes(type: ShadowType, original: RecipientType): Attributes {
  const version = { msExchVersion: [recipientVersion] };
  switch (type) {
    case 'mail-user': {
      const display =
        original === 'room-mailbox'
          ? displayTypeOfRoom
          : original === 'equipment-mailbox'
            ? displayTypeOfEquipment
            : '6';
      return { ...version, msExchRecipientTypeDetails: ['128'], msExchRecipientDisplayType: [display] };
    }
    case 'mail-contact':
      return { ...version, msExchRecipientTypeDetails: ['64'], msExchRecipientDisplayType: ['6'] };
    // Groups have no details: Exchange reads their type from groupType.
    case 'distribution-group':
      return { ...version, msExchRecipientDisplayType: ['1'] };
    case 'security-group':
      return { ...version, msExchRecipientDisplayType: ['1073741833'] };
  }
}

/** groupType of universal groups ([MS-ADTS] 2.2.12): the only scope that takes members of every domain and that Exchange mails. */
export const universalDistribution = '8';
export const universalSecurity = '-2147483640';

/** Excludes an object from every address policy: they would rewrite its addresses ({26491cfc-…} is the policy "none"). */
export const noAddressPolicy = '{26491cfc-9e50-4857-861b-0cb8df22b5d7}';

/** userAccountControl of a normal account that is disabled. */
export const disabledAccount = '514';

/** ACCOUNTDISABLE of userAccountControl ([MS-ADTS] 2.2.16). */
export function isDisabled(attributes: Attributes): boolean {
  return (Number(attributes['userAccountControl']?.[0] ?? 0) & 2) !== 0;
}
