import type { ContactFields } from '#model/contact.ts';
import { contactProperties as rows } from '#model/contact-properties.ts';
import { plainFields } from '#model/plain-fields.ts';
import { type MapiProperty, propertySets } from '#model/property-row.ts';
import { isUntyped, typeIsGuessed } from '../../typed-losses.ts';
import { extendedText, typedBody, typedDay, typedStrings, typedText, typedValue } from '../typed/field-codec.ts';
import type { KindCodec } from '../typed/kind-codec.ts';
import { choice, type Form } from '../value-forms.ts';
import { addresses, emails, imAddresses, phones, userFields } from './indexed-fields.ts';

/** PidLidBirthdayLocal and PidLidWeddingAnniversaryLocal: the day itself, at 0:00. [MS-OXOCNTC] 2.2.1.5.2, 2.2.1.5.4 */
const birthdayLocal: MapiProperty = { set: propertySets.address, lid: 0x80de, type: 'time' };
const anniversaryLocal: MapiProperty = { set: propertySets.address, lid: 0x80df, type: 'time' };
/** What the days are in UTC by the newer of Exchange's own clients: the same day almost everywhere. [MS-OXOCNTC] 2.2.1.5.1 */
const noon = '11:59:00';

type Mailing = ContactFields['mailingAddress'];
/** PhysicalAddressIndexType; None: no address is that for mail. */
const mailing: Form = {
  read: (text) => {
    const word = text.trim().toLowerCase();
    return word === 'none' ? null : ['business', 'home', 'other'].includes(word) ? word : undefined;
  },
  write: (value: Exclude<Mailing, null>) => `${value.charAt(0).toUpperCase()}${value.slice(1)}`,
};

/** Contacts, [MS-OXOCNTC]. https://learn.microsoft.com/exchange/client-developer/web-service-reference/contact */
export const contactCodec: KindCodec<'contacts'> = {
  kind: 'contacts',
  element: { create: 'Contact', update: 'Contact' },
  itemClass: 'ipm.contact',
  alwaysClass: false,
  order: [
    'ItemClass',
    'Sensitivity',
    'Body',
    'Categories',
    'Importance',
    'ExtendedProperty',
    'FileAs',
    'DisplayName',
    'GivenName',
    'Initials',
    'MiddleName',
    'Nickname',
    'CompanyName',
    'EmailAddresses',
    'PhysicalAddresses',
    'PhoneNumbers',
    'AssistantName',
    'Birthday',
    'Children',
    'Department',
    'Generation',
    'ImAddresses',
    'JobTitle',
    'Manager',
    'OfficeLocation',
    'PostalAddressIndex',
    'Profession',
    'SpouseName',
    'Surname',
    'WeddingAnniversary',
  ],
  fields: {
    displayName: typedText(rows.displayName),
    fileAs: typedText(rows.fileAs),
    title: extendedText(rows.title),
    givenName: typedText(rows.givenName),
    middleName: typedText(rows.middleName),
    surname: typedText(rows.surname),
    generation: typedText(rows.generation),
    initials: typedText(rows.initials),
    nickname: typedText(rows.nickname),
    company: typedText(rows.company),
    department: typedText(rows.department),
    jobTitle: typedText(rows.jobTitle),
    officeLocation: typedText(rows.officeLocation),
    profession: typedText(rows.profession),
    manager: typedText(rows.manager),
    assistant: typedText(rows.assistant),
    spouse: typedText(rows.spouse),
    children: typedStrings(rows.children),
    birthday: typedDay(rows.birthday, noon, birthdayLocal),
    anniversary: typedDay(rows.anniversary, noon, anniversaryLocal),
    webPage: extendedText(rows.webPage),
    emails,
    phones,
    addresses,
    mailingAddress: typedValue<Mailing>(rows.mailingAddress, mailing, null),
    imAddresses,
    categories: typedStrings(rows.categories),
    sensitivity: typedValue(rows.sensitivity, choice('normal', 'personal', 'private', 'confidential'), 'normal'),
    importance: typedValue(rows.importance, choice('low', 'normal', 'high'), 'normal'),
    body: typedBody(rows.body),
    userFields,
  },
  unread: plainFields.contacts,
  indispensable: [],
  always: [],
  losses: [
    {
      field: 'body',
      keptFrom: null,
      what: 'HTML gets a head that names its character set',
      concerns: ({ body }) => body?.type === 'html' && !/<meta[^>]+http-equiv/i.test(body.text),
    },
    {
      field: 'attachments',
      keptFrom: 'Exchange2010',
      what: 'a picture becomes an attachment like any other, and whether one is shown inside the text is lost',
      concerns: ({ attachments }) => attachments?.some(({ name, isInline }) => isInline || isPicture(name)) ?? false,
    },
    {
      field: 'attachments',
      keptFrom: null,
      what: typeIsGuessed,
      concerns: ({ attachments }) => attachments?.some(isUntyped) ?? false,
    },
  ],
  canonical: (fields) => fields,
  settled: (set) => set,
  isPicture,
};

/** The name that Outlook and Exchange give to the picture of a contact. [MS-OXOCNTC] 2.2.1.8 */
function isPicture(name: string): boolean {
  return name.toLowerCase() === 'contactpicture.jpg';
}
