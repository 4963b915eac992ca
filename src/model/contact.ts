import type { AttachmentHead, Body } from './appointment.ts';
import type { Day } from './wall-time.ts';

export interface PostalAddress {
  readonly street: string;
  readonly city: string;
  readonly state: string;
  readonly postalCode: string;
  readonly country: string;
}

/** [MS-OXOCNTC]. Each field has a row in `contactProperties`. Lists by key keep the places of Outlook's form. */
export interface ContactFields {
  readonly displayName: string;
  readonly fileAs: string;
  readonly title: string;
  readonly givenName: string;
  readonly middleName: string;
  readonly surname: string;
  readonly generation: string;
  readonly initials: string;
  readonly nickname: string;
  readonly company: string;
  readonly department: string;
  readonly jobTitle: string;
  readonly officeLocation: string;
  readonly profession: string;
  readonly manager: string;
  readonly assistant: string;
  readonly spouse: string;
  readonly children: readonly string[];
  readonly birthday: Day | null;
  readonly anniversary: Day | null;
  readonly webPage: string;
  /** EmailAddress1 to 3, by number from 1; display name and address. */
  readonly emails: Readonly<Record<string, { readonly name: string; readonly address: string }>>;
  /** By EWS PhoneNumberKeyType. */
  readonly phones: Readonly<Record<string, string>>;
  readonly addresses: Readonly<Partial<Record<'business' | 'home' | 'other', PostalAddress>>>;
  readonly mailingAddress: 'business' | 'home' | 'other' | null;
  /** ImAddress1 to 3, by number from 1. */
  readonly imAddresses: Readonly<Record<string, string>>;
  readonly categories: readonly string[];
  readonly sensitivity: 'normal' | 'personal' | 'private' | 'confidential';
  readonly importance: 'low' | 'normal' | 'high';
  readonly body: Body;
  readonly attachments: readonly AttachmentHead[];
  /** PidLidContactUserField1 to 4. */
  readonly userFields: Readonly<Record<string, string>>;
}
