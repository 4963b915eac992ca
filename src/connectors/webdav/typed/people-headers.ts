import type { Attendee } from '#model/appointment.ts';
import { type DavName, mailheaderNamespace } from '../dav-names.ts';
import type { DavValue } from '../value-forms.ts';
import { headersOfAttendees } from './attendee-lines.ts';

/** Header fields that say who is asked to come. */
export const peopleNames: Readonly<Record<'to' | 'cc' | 'bcc', DavName>> = {
  to: { ns: mailheaderNamespace, name: 'to' },
  cc: { ns: mailheaderNamespace, name: 'cc' },
  bcc: { ns: mailheaderNamespace, name: 'bcc' },
};

/** What makes people attendees; none of it sends anything. */
export function peopleWrites(attendees: readonly Attendee[]): {
  readonly set: readonly DavValue[];
  readonly remove: readonly DavName[];
} {
  const headers = headersOfAttendees(attendees);
  const given = (Object.entries(headers) as readonly (readonly ['to' | 'cc' | 'bcc', string])[]).map(
    ([field, text]) => ({ name: peopleNames[field], type: 'string' as const, texts: [text] }),
  );
  return {
    set: given.filter(({ texts }) => texts[0] !== ''),
    remove: given.filter(({ texts }) => texts[0] === '').map(({ name }) => name),
  };
}
