import { comparable } from './dn.ts';

/** How values of an attribute are written and compared. [MS-ADTS] 3.1.1.2.2.2 */
export type Syntax =
  | 'text'
  /** Case counts. */
  | 'exact'
  | 'integer'
  /** 64 bits. */
  | 'large'
  | 'boolean'
  | 'time'
  | 'octets'
  | 'sid'
  /** Name of an object, kept as its GUID so that it follows renames. */
  | 'dn'
  /** The same with eight bytes before it, which say nothing here. */
  | 'dn-binary'
  | 'oid';

export interface AttributeRow {
  /** lDAPDisplayName. */
  readonly name: string;
  readonly syntax: Syntax;
  readonly single: boolean;
  /** Longest value in characters or bytes, or greatest number; null: no limit. */
  readonly rangeUpper: number | null;
  /** linkID: even for forward links, the next odd number for their back links; null: no link. */
  readonly link: number | null;
  /** Written by the server alone. */
  readonly systemOnly: boolean;
  /** isMemberOfPartialAttributeSet: the global catalogue has it too. */
  readonly isInCatalogue: boolean;
  /** What it may stand on; empty: everything. */
  readonly on: readonly ClassGroup[];
}

/**
 * The partial attribute set: what the attributes' pages of the base schema mark with "In Global Catalog", and of Exchange's what clients of
 * an address list need.
 */
const inCatalogue: ReadonlySet<string> = new Set(
  `objectGUID name cn dc ou objectClass objectCategory distinguishedName whenCreated whenChanged uSNChanged uSNCreated instanceType
  systemFlags isDeleted nTSecurityDescriptor displayName description dnsRoot nETBIOSName nCName dNSHostName objectSid sIDHistory
  sAMAccountName sAMAccountType userPrincipalName userAccountControl primaryGroupID groupType member managedBy givenName sn initials title
  department company l st c co telephoneNumber mobile physicalDeliveryOfficeName postalCode streetAddress mail proxyAddresses
  legacyExchangeDN textEncodedORAddress proxiedObjectName
  mailNickname targetAddress homeMDB msExchHomeServerName msExchMailboxGuid msExchMasterAccountSid msExchRecipientTypeDetails
  msExchRecipientDisplayType msExchRemoteRecipientType msExchVersion msExchHideFromAddressLists msExchRequireAuthToSendTo showInAddressBook
  publicDelegates altRecipient deliverAndRedirect authOrig unauthOrig dLMemSubmitPerms dLMemRejectPerms
  ${Array.from({ length: 15 }, (_, at) => `extensionAttribute${at + 1}`).join(' ')}`
    .split(/\s+/)
    .map((name) => name.toLowerCase()),
);

/** Classes as attributes are given to them. */
type ClassGroup = 'account' | 'person' | 'group' | 'recipient';

const rows: AttributeRow[] = [];
function define(
  on: readonly ClassGroup[],
  syntax: Syntax,
  names: string,
  options: { readonly multi?: true; readonly systemOnly?: true } = {},
): void {
  for (const word of names.trim().split(/\s+/)) {
    const [name = '', upper = '', link = ''] = word.split(':');
    rows.push({
      name,
      syntax,
      single: options.multi !== true,
      rangeUpper: upper === '' ? null : Number(upper),
      link: link === '' ? null : Number(link),
      systemOnly: options.systemOnly ?? false,
      isInCatalogue: inCatalogue.has(name.toLowerCase()),
      on,
    });
  }
}

// Names, lengths and links are those of the base schema and of Exchange's; `name:rangeUpper:linkID`.
define([], 'octets', 'objectGUID:16 parentGUID:16', { systemOnly: true });
define([], 'text', 'name:255 msDS-LastKnownRDN:255 lDAPDisplayName:256', { systemOnly: true });
define(
  [],
  'text',
  'cn:64 dc:64 ou:64 adminDescription:1024 adminDisplayName:256 displayName:256 serialNumber:64 networkAddress:256',
);
define([], 'text', 'description:1024', { multi: true });
define([], 'oid', 'objectClass', { multi: true });
define([], 'dn', 'distinguishedName lastKnownParent objectCategory', { systemOnly: true });
define([], 'time', 'whenCreated whenChanged', { systemOnly: true });
define([], 'large', 'uSNChanged uSNCreated', { systemOnly: true });
define([], 'integer', 'instanceType systemFlags', { systemOnly: true });
define([], 'boolean', 'isDeleted', { systemOnly: true });
define([], 'octets', 'nTSecurityDescriptor');
define([], 'text', 'attributeSyntax dnsRoot nETBIOSName', { systemOnly: true });
define([], 'boolean', 'isSingleValued isMemberOfPartialAttributeSet Enabled', { systemOnly: true });
define([], 'integer', 'oMSyntax rangeUpper linkID', { systemOnly: true });
define([], 'dn', 'nCName trustParent rootTrust', { systemOnly: true });
define([], 'dn-binary', 'proxiedObjectName', { systemOnly: true });
define([], 'dn', 'hasMasterNCs msDS-hasMasterNCs hasPartialReplicaNCs', { multi: true, systemOnly: true });
define([], 'octets', 'invocationId:16 replUpToDateVector', { systemOnly: true });
define([], 'text', 'dNSHostName:2048', { systemOnly: true });
define([], 'integer', 'options', { systemOnly: true });
define([], 'text', 'msExchRecipientFilter:4096 msExchProductId:64 gatewayProxy:1123', { multi: true });
define([], 'integer', 'msExchServerRole');
define([], 'sid', 'objectSid:28', { systemOnly: true });
define(['account', 'group'], 'sid', 'sIDHistory:28', { multi: true, systemOnly: true });
define(['account', 'group'], 'text', 'sAMAccountName:256');
define(['account', 'group'], 'integer', 'sAMAccountType', { systemOnly: true });
define(
  ['account'],
  'text',
  'userPrincipalName:1024 msExchHomeServerName msExchExternalDirectoryObjectId employeeID:16 employeeNumber:512 employeeType:256',
);
define(['account'], 'integer', 'userAccountControl primaryGroupID');
define(['account'], 'large', 'accountExpires pwdLastSet lockoutTime');
define(['account'], 'octets', 'unicodePwd msExchMailboxGuid:16 msExchArchiveGUID:16 msExchPreviousMailboxGuid:16');
define(['account'], 'octets', 'mS-DS-ConsistencyGuid');
define(['account'], 'dn', 'homeMDB::32 homeMTA');
define(['account'], 'dn', 'msExchDelegateListLink::2220', { multi: true });
define(['account'], 'dn', 'msExchDelegateListBL::2221', { multi: true, systemOnly: true });
define(['account'], 'boolean', 'mDBUseDefaults');
define(['account'], 'integer', 'msExchUserAccountControl msExchResourceCapacity:2147483647 msExchMobileMailboxFlags');
define(['account'], 'large', 'msExchRemoteRecipientType');
define(['account'], 'sid', 'msExchMasterAccountSid:28');
define(['account'], 'text', 'msExchResourceDisplay msExchArchiveAddress msExchUserCulture');
define(['account'], 'text', 'msExchResourceMetaData msExchResourceSearchProperties', { multi: true });
define(['account'], 'time', 'msExchWhenMailboxCreated');
define(['group'], 'integer', 'groupType');
define(['group'], 'dn', 'member::2', { multi: true });
define(['account', 'person', 'group'], 'dn', 'memberOf::3', { multi: true, systemOnly: true });
define(['group', 'account', 'person'], 'dn', 'managedBy::72');
define(
  ['account', 'person'],
  'text',
  'givenName:64 sn:64 initials:6 personalTitle:64 title:128 department:64 company:64 division:256 physicalDeliveryOfficeName:128 streetAddress:1024 l:128 st:128 postalCode:40 c:3 co:128 mobile:64 homePhone:64 facsimileTelephoneNumber:64 pager:64 wWWHomePage:2048 msExchAssistantName:256 telephoneAssistant:64 generationQualifier:3 preferredLanguage',
);
define(['account', 'person'], 'integer', 'countryCode:65535');
define(['account', 'person'], 'text', 'otherTelephone:64 otherMobile:64 otherHomePhone:64 postOfficeBox:40', {
  multi: true,
});
define(['account', 'person'], 'dn', 'manager::42 assistant');
define(['account', 'person'], 'dn', 'directReports::43', { multi: true, systemOnly: true });
define(['account', 'person'], 'octets', 'thumbnailPhoto:102400');
define(['recipient'], 'octets', 'jpegPhoto userSMIMECertificate userCertificate:32768', { multi: true });
define(
  ['recipient'],
  'text',
  'mail:256 mailNickname:64 targetAddress:1123 telephoneNumber:64 info:1024 textEncodedORAddress:1024 msExchGenericForwardingAddress forwardingAddress:256 displayNamePrintable:256',
);
define([], 'text', 'legacyExchangeDN:1024');
define(
  ['recipient'],
  'text',
  'proxyAddresses:1123 msExchShadowProxyAddresses msExchPoliciesIncluded msExchPoliciesExcluded msExchOriginatingForest msExchExtensionCustomAttribute1 msExchExtensionCustomAttribute2 msExchExtensionCustomAttribute3 msExchExtensionCustomAttribute4 msExchExtensionCustomAttribute5 protocolSettings:256 msExchUMDtmfMap',
  { multi: true },
);
define(
  ['recipient'],
  'text',
  Array.from({ length: 15 }, (_, at) => `extensionAttribute${at + 1}:${at < 10 ? 1024 : 2048}`).join(' '),
);
define(['recipient'], 'large', 'msExchRecipientTypeDetails msExchVersion msExchPreviousRecipientTypeDetails');
define(
  ['recipient'],
  'integer',
  'msExchRecipientDisplayType internetEncoding msExchModerationFlags msExchTransportRecipientSettingsFlags msExchAddressBookFlags msExchProvisioningFlags submissionContLength delivContLength msExchRecipLimit',
);
define(
  ['recipient'],
  'boolean',
  'mAPIRecipient deliverAndRedirect msExchHideFromAddressLists msExchRequireAuthToSendTo msExchEnableModeration hideDLMembership oOFReplyToOriginator reportToOriginator reportToOwner',
);
define(['recipient'], 'dn', 'altRecipient::12');
define(['recipient'], 'dn', 'showInAddressBook', { multi: true });
define(
  ['recipient'],
  'dn',
  'publicDelegates::14 authOrig::110 unauthOrig::114 dLMemSubmitPerms::112 dLMemRejectPerms::116 msExchModeratedByLink::2178',
  {
    multi: true,
  },
);
define(
  [],
  'dn',
  'homeMDBBL::33 altRecipientBL::13 publicDelegatesBL::15 authOrigBL::111 unauthOrigBL::115 dLMemSubmitPermsBL::113 dLMemRejectPermsBL::117 managedObjects::73',
  { multi: true, systemOnly: true },
);
define(['recipient'], 'text', 'msExchDynamicDLFilter');
define(['recipient'], 'dn', 'msExchDynamicDLBaseDN');

const byName = new Map<string, AttributeRow>();
for (const row of rows) byName.set(row.name.toLowerCase(), row);

export const attributeRows: readonly AttributeRow[] = [...byName.values()];
/** @param name in any case, without options; null: the schema has none. */
export const attributeRow = (name: string): AttributeRow | null => byName.get(name.toLowerCase()) ?? null;

/** The back link of each forward link, and the other way round, by lower-case name. */
const links = new Map(attributeRows.flatMap((row) => (row.link === null ? [] : [[row.link, row] as const])));
/** The other end of a link; null: it is none, or nobody looks at it from there. */
export const otherEnd = (row: AttributeRow): AttributeRow | null =>
  row.link === null ? null : (links.get(row.link ^ 1) ?? null);
export const isBackLink = (row: AttributeRow): boolean => row.link !== null && row.link % 2 === 1;

export interface ClassRow {
  /** Most derived last. */
  readonly chain: readonly string[];
  /** Attribute that names objects of it. */
  readonly rdn: 'cn' | 'ou' | 'dc';
  /** Common name of its category in the schema. */
  readonly category: string;
  readonly groups: readonly ClassGroup[];
  /** Clients may make objects of it. */
  readonly creatable: boolean;
}

const person = ['top', 'person', 'organizationalPerson'];
const classes: Readonly<Record<string, ClassRow>> = {
  user: {
    chain: [...person, 'user'],
    rdn: 'cn',
    category: 'Person',
    groups: ['account', 'person', 'recipient'],
    creatable: true,
  },
  inetorgperson: {
    chain: [...person, 'user', 'inetOrgPerson'],
    rdn: 'cn',
    category: 'Person',
    groups: ['account', 'person', 'recipient'],
    creatable: true,
  },
  contact: {
    chain: [...person, 'contact'],
    rdn: 'cn',
    category: 'Person',
    groups: ['person', 'recipient'],
    creatable: true,
  },
  group: { chain: ['top', 'group'], rdn: 'cn', category: 'Group', groups: ['group', 'recipient'], creatable: true },
  msexchdynamicdistributionlist: {
    chain: ['top', 'msExchDynamicDistributionList'],
    rdn: 'cn',
    category: 'ms-Exch-Dynamic-Distribution-List',
    groups: ['recipient'],
    creatable: true,
  },
  organizationalunit: {
    chain: ['top', 'organizationalUnit'],
    rdn: 'ou',
    category: 'Organizational-Unit',
    groups: [],
    creatable: true,
  },
  container: { chain: ['top', 'container'], rdn: 'cn', category: 'Container', groups: [], creatable: true },
};

const plainClass = (rdn: 'cn' | 'dc', category: string, ...chain: readonly string[]): ClassRow => ({
  chain: ['top', ...chain],
  rdn,
  category,
  groups: [],
  creatable: false,
});
/** Classes of what is there from the beginning. */
const serverClasses: Readonly<Record<string, ClassRow>> = {
  domaindns: plainClass('dc', 'Domain-DNS', 'domain', 'domainDNS'),
  configuration: plainClass('cn', 'Configuration', 'configuration'),
  dmd: plainClass('cn', 'DMD', 'dMD'),
  attributeschema: plainClass('cn', 'Attribute-Schema', 'attributeSchema'),
  classschema: plainClass('cn', 'Class-Schema', 'classSchema'),
  lostandfound: plainClass('cn', 'Lost-And-Found', 'lostAndFound'),
  sitescontainer: plainClass('cn', 'Sites-Container', 'sitesContainer'),
  site: plainClass('cn', 'Site', 'site'),
  serverscontainer: plainClass('cn', 'Servers-Container', 'serversContainer'),
  server: plainClass('cn', 'Server', 'server'),
  ntdsdsa: plainClass('cn', 'NTDS-DSA', 'applicationSettings', 'nTDSDSA'),
  crossrefcontainer: plainClass('cn', 'Cross-Ref-Container', 'crossRefContainer'),
  crossref: plainClass('cn', 'Cross-Ref', 'crossRef'),
  infrastructureupdate: plainClass('cn', 'Infrastructure-Update', 'infrastructureUpdate'),
  msexchconfigurationcontainer: plainClass(
    'cn',
    'ms-Exch-Configuration-Container',
    'container',
    'msExchConfigurationContainer',
  ),
  msexchorganizationcontainer: plainClass(
    'cn',
    'ms-Exch-Organization-Container',
    'container',
    'msExchOrganizationContainer',
  ),
  msexchadmingroupcontainer: plainClass(
    'cn',
    'ms-Exch-Admin-Group-Container',
    'container',
    'msExchAdminGroupContainer',
  ),
  msexchadmingroup: plainClass('cn', 'ms-Exch-Admin-Group', 'msExchAdminGroup'),
  msexchserverscontainer: plainClass('cn', 'ms-Exch-Servers-Container', 'container', 'msExchServersContainer'),
  msexchexchangeserver: plainClass('cn', 'ms-Exch-Exchange-Server', 'server', 'msExchExchangeServer'),
  msexchinformationstore: plainClass('cn', 'ms-Exch-Information-Store', 'container', 'msExchInformationStore'),
  msexchstoragegroup: plainClass('cn', 'ms-Exch-Storage-Group', 'container', 'msExchStorageGroup'),
  msexchprivatemdb: plainClass('cn', 'ms-Exch-Private-MDB', 'msExchMDB', 'msExchPrivateMDB'),
  msexchsystemobjectscontainer: plainClass(
    'cn',
    'ms-Exch-System-Objects-Container',
    'container',
    'msExchSystemObjectsContainer',
  ),
  addressbookcontainer: plainClass('cn', 'Address-Book-Container', 'addressBookContainer'),
  msexchrecipientpolicy: plainClass('cn', 'ms-Exch-Recipient-Policy', 'msExchGenericPolicy', 'msExchRecipientPolicy'),
};

/** Common names of the categories in the schema. */
export const categories: readonly string[] = [
  ...new Set([...Object.values(classes), ...Object.values(serverClasses)].map(({ category }) => category)),
];

/** The class of an object by the last name of its chain. */
export const classRow = (name: string): ClassRow | null =>
  classes[name.toLowerCase()] ?? serverClasses[name.toLowerCase()] ?? null;

/** One value: text for all syntaxes but octets and SIDs. A name is the GUID of what it names. */
export type Value = string | Buffer;

/** The same for the same value, by the rules of its syntax. */
export function valueKey(row: AttributeRow, value: Value): string {
  if (typeof value !== 'string') return value.toString('latin1');
  return row.syntax === 'text' || row.syntax === 'oid' ? comparable(value) : value;
}

const int32 = 2_147_483_647;
/** Reads a value off the wire. Null: it does not follow the syntax. Names are left as text. */
export function readValue(row: AttributeRow, bytes: Buffer): Value | null {
  if (row.syntax === 'octets' || row.syntax === 'sid') return Buffer.from(bytes);
  const text = bytes.toString('utf8');
  switch (row.syntax) {
    case 'integer':
      return /^(?:0|-?[1-9]\d{0,9})$/.test(text) && Number(text) <= int32 && Number(text) >= -int32 - 1 ? text : null;
    case 'large':
      return /^(?:0|-?[1-9]\d{0,18})$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text) ? text : null;
    case 'boolean':
      return text === 'TRUE' || text === 'FALSE' ? text : null;
    case 'time':
      return /^\d{14}\.0Z$/.test(text) ? text : null;
    default:
      // Text of no letters is no value, and bytes that are no UTF-8 are no text.
      return text === '' || text.includes('\ufffd') ? null : text;
  }
}

/** Whether a value is longer, or greater, than the attribute takes. */
export function isOutOfRange(row: AttributeRow, value: Value): boolean {
  if (row.rangeUpper === null) return false;
  return (row.syntax === 'integer' || row.syntax === 'large' ? Number(value) : value.length) > row.rangeUpper;
}

/** Time as LDAP writes it. */
export const generalizedTime = (atMs: number): string =>
  `${new Date(atMs).toISOString().slice(0, 19).replace(/[-:T]/g, '')}.0Z`;
