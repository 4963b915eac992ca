import type { Entry } from '../world/directory/entry.ts';
import type { Value } from '../world/directory/schema.ts';
import type { Organization } from '../world/organization.ts';
import { subjectOf, texts } from './collection.ts';
import { type EntraKind, entraOf } from './entra-state.ts';
import type { FilterSubject } from './odata-filter.ts';
import type { Json } from './route.ts';

// learn.microsoft.com/graph/api/resources/user, group, orgcontact

/** Text properties of a kind, by the attribute that the organization's forest keeps them in. */
export const textProperties: Readonly<Record<EntraKind, Readonly<Record<string, string>>>> = {
  user: {
    displayName: 'displayName',
    givenName: 'givenName',
    surname: 'sn',
    jobTitle: 'title',
    department: 'department',
    companyName: 'company',
    officeLocation: 'physicalDeliveryOfficeName',
    streetAddress: 'streetAddress',
    city: 'l',
    state: 'st',
    postalCode: 'postalCode',
    country: 'co',
    mobilePhone: 'mobile',
    faxNumber: 'facsimileTelephoneNumber',
    employeeId: 'employeeID',
    employeeType: 'employeeType',
    preferredLanguage: 'preferredLanguage',
    mail: 'mail',
    mailNickname: 'mailNickname',
    userPrincipalName: 'userPrincipalName',
    onPremisesSamAccountName: 'sAMAccountName',
  },
  group: {
    displayName: 'displayName',
    description: 'description',
    mail: 'mail',
    mailNickname: 'mailNickname',
    onPremisesSamAccountName: 'sAMAccountName',
  },
  contact: {
    displayName: 'displayName',
    givenName: 'givenName',
    surname: 'sn',
    jobTitle: 'title',
    department: 'department',
    companyName: 'company',
    mail: 'mail',
    mailNickname: 'mailNickname',
  },
};

/** The other properties, behind the attributes that they are made of. */
const moreProperties: Readonly<Record<EntraKind, readonly (readonly [attribute: string, property: string])[]>> = {
  user: [
    ['proxyAddresses', 'proxyAddresses'],
    ['telephoneNumber', 'businessPhones'],
    ['userAccountControl', 'accountEnabled'],
    ['mS-DS-ConsistencyGuid', 'onPremisesImmutableId'],
    ...Array.from({ length: 15 }, (_, at) => [`extensionAttribute${at + 1}`, 'onPremisesExtensionAttributes'] as const),
  ],
  group: [
    ['proxyAddresses', 'proxyAddresses'],
    ['proxyAddresses', 'mailEnabled'],
    ['groupType', 'securityEnabled'],
  ],
  contact: [
    ['proxyAddresses', 'proxyAddresses'],
    ...['telephoneNumber', 'mobile', 'facsimileTelephoneNumber'].map((name) => [name, 'phones'] as const),
    ...['l', 'co', 'physicalDeliveryOfficeName', 'postalCode', 'st', 'streetAddress'].map(
      (name) => [name, 'addresses'] as const,
    ),
  ],
};

export const typeOf = (kind: EntraKind): string => `#microsoft.graph.${kind === 'contact' ? 'orgContact' : kind}`;

const sidText = (sid: Buffer): string => {
  const parts = Array.from({ length: sid[1] ?? 0 }, (_, at) => sid.readUInt32LE(8 + at * 4));
  return ['S', sid[0], sid.readUIntBE(2, 6), ...parts].join('-');
};

/** An object of the tenant as Graph shows it. */
export class DirectoryShape {
  readonly #organization: Organization;
  readonly entry: Entry;
  readonly kind: EntraKind;

  constructor(organization: Organization, entry: Entry, kind: EntraKind) {
    this.#organization = organization;
    this.entry = entry;
    this.kind = kind;
  }

  get #at() {
    return this.#organization.forest.first;
  }
  text(attribute: string): string | null {
    return this.#at.text(this.entry, attribute);
  }
  #first(attribute: string): Value | undefined {
    return this.#at.read(this.entry, attribute.toLowerCase())[0];
  }
  references(attribute: string): readonly string[] {
    return this.#at.read(this.entry, attribute.toLowerCase()).map(String);
  }

  get isSynced(): boolean {
    return entraOf(this.#organization).isSynced(this.entry.guid);
  }
  get isMailEnabled(): boolean {
    return this.#at.texts(this.entry, 'proxyAddresses').length > 0;
  }
  get isSecurity(): boolean {
    return Number(this.text('groupType') ?? 0) < 0;
  }

  /** Every property, whether it is selected or not; those without a value are null. */
  json(): Json {
    const named = Object.fromEntries(
      Object.entries(textProperties[this.kind]).map(([property, attribute]) => [property, this.text(attribute)]),
    );
    const common = {
      id: this.entry.guid,
      ...named,
      proxyAddresses: this.#at.texts(this.entry, 'proxyAddresses'),
      onPremisesSyncEnabled: this.isSynced ? true : null,
    };
    switch (this.kind) {
      case 'user':
        return { ...common, ...this.#user() };
      case 'group':
        return {
          ...common,
          // A group that is none of mail's has an alias all the same. (group resource: required)
          mailNickname: this.text('mailNickname') ?? this.text('sAMAccountName'),
          onPremisesSamAccountName: this.isSynced ? this.text('sAMAccountName') : null,
          groupTypes: [],
          createdDateTime: new Date(this.entry.createdAtMs).toISOString(),
          mailEnabled: this.isMailEnabled,
          securityEnabled: this.isSecurity,
        };
      case 'contact':
        return { ...common, ...this.#contact() };
    }
  }

  /** Properties that show one of these attributes, by lower case. */
  propertiesOf(attributes: ReadonlySet<string>): ReadonlySet<string> {
    const shown = [
      ...Object.entries(textProperties[this.kind]).map(([property, attribute]) => [attribute, property] as const),
      ...moreProperties[this.kind],
    ];
    return new Set(
      shown.flatMap(([attribute, property]) => (attributes.has(attribute.toLowerCase()) ? [property] : [])),
    );
  }

  #user(): Json {
    const anchor = this.#first('mS-DS-ConsistencyGuid');
    const sid = this.#first('objectSid');
    const phone = this.text('telephoneNumber');
    return {
      businessPhones: phone === null ? [] : [phone],
      accountEnabled: (Number(this.text('userAccountControl') ?? 0) & 2) === 0,
      userType: 'Member',
      // Only of accounts that come from on-premises.
      onPremisesSamAccountName: this.isSynced ? this.text('sAMAccountName') : null,
      onPremisesSecurityIdentifier: this.isSynced && sid instanceof Buffer ? sidText(sid) : null,
      onPremisesImmutableId: anchor instanceof Buffer ? anchor.toString('base64') : null,
      onPremisesExtensionAttributes: Object.fromEntries(
        Array.from({ length: 15 }, (_, at) => `extensionAttribute${at + 1}`).map((name) => [name, this.text(name)]),
      ),
    };
  }

  #contact(): Json {
    const phones = [
      ['business', 'telephoneNumber'],
      ['mobile', 'mobile'],
      ['businessFax', 'facsimileTelephoneNumber'],
    ] as const;
    const address = {
      city: this.text('l'),
      countryOrRegion: this.text('co'),
      officeLocation: this.text('physicalDeliveryOfficeName'),
      postalCode: this.text('postalCode'),
      state: this.text('st'),
      street: this.text('streetAddress'),
    };
    return {
      phones: phones.flatMap(([type, attribute]) => {
        const number = this.text(attribute);
        return number === null ? [] : [{ type, number }];
      }),
      addresses: Object.values(address).every((one) => one === null) ? [] : [address],
    };
  }

  /** What may stand in a `$filter`. */
  subject(): FilterSubject {
    const json = this.json();
    const scalars = Object.entries(json).flatMap(([name, value]) =>
      value === null || typeof value === 'string' || typeof value === 'boolean' ? [[name, () => value] as const] : [],
    );
    return subjectOf(Object.fromEntries(scalars), {
      proxyAddresses: () => texts(this.#at.texts(this.entry, 'proxyAddresses')),
      businessPhones: () => texts((json['businessPhones'] ?? []) as readonly string[]),
    });
  }
}

/** Everything of a kind that is there, in an order that stays. */
export function* shapesOf(organization: Organization, kind: EntraKind): Generator<DirectoryShape> {
  const entra = entraOf(organization);
  const { first } = organization.forest;
  for (const entry of first.entries())
    if (!entry.isDeleted && entry.root === first.domain && entra.kindOf(entry) === kind)
      yield new DirectoryShape(organization, entry, kind);
}

/** The object with this id, of whatever kind; null: there is none. */
export function shapeOf(organization: Organization, id: string): DirectoryShape | null {
  const entry = organization.forest.first.byGuid(id.toLowerCase());
  if (entry === null || entry.isDeleted || entry.root !== organization.forest.first.domain) return null;
  const kind = entraOf(organization).kindOf(entry);
  return kind === null ? null : new DirectoryShape(organization, entry, kind);
}
