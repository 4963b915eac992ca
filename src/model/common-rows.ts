import type { AttachmentHead, Body, OccurrenceFields } from './appointment.ts';
import { propertySets, type TypedRow } from './property-row.ts';

/** Rows of fields that items of several kinds have alike. A kind that differs says in what. */
export const commonRows = {
  body: {
    carriage: 'state',
    ews: ['item:Body'],
    mapi: [
      { tag: 0x1000, type: 'string' },
      { tag: 0x1013, type: 'binary' },
    ],
    graph: 'body',
    dav: ['urn:schemas:httpmail:htmldescription', 'urn:schemas:httpmail:textdescription'],
    ical: 'DESCRIPTION',
    merge: 'scalar',
    large: true,
    codec: 'body',
    source: '[MS-OXCMSG] 2.2.1.56',
    sample: [
      { type: 'text', text: '' },
      { type: 'text', text: 'Agenda' },
      { type: 'html', text: '<html><body><p>Agenda&nbsp;1</p></body></html>' },
    ],
  },
  sensitivity: {
    carriage: 'state',
    ews: ['item:Sensitivity'],
    mapi: [{ tag: 0x0036, type: 'integer' }],
    graph: 'sensitivity',
    dav: ['http://schemas.microsoft.com/exchange/sensitivity'],
    ical: 'CLASS',
    merge: 'scalar',
    source: '[MS-OXCMSG] 2.2.1.13',
    sample: ['normal', 'personal', 'private', 'confidential'],
  },
  importance: {
    carriage: 'state',
    ews: ['item:Importance'],
    mapi: [{ tag: 0x0017, type: 'integer' }],
    graph: 'importance',
    dav: ['urn:schemas:httpmail:importance'],
    ical: 'PRIORITY',
    merge: 'scalar',
    source: '[MS-OXCMSG] 2.2.1.11',
    sample: ['low', 'normal', 'high'],
  },
  categories: {
    carriage: 'state',
    ews: ['item:Categories'],
    mapi: [{ set: propertySets.publicStrings, name: 'Keywords', type: 'strings' }],
    graph: 'categories',
    dav: ['http://schemas.microsoft.com/exchange/keywords-utf8'],
    ical: 'CATEGORIES',
    merge: 'set',
    source: '[MS-OXCMSG] 2.2.1.17',
    sample: [[], ['Red category'], ['Projekt Ä', 'b; c']],
  },
  attachments: {
    carriage: 'state',
    ews: ['item:Attachments'],
    mapi: [],
    graph: 'attachments',
    dav: [],
    ical: 'ATTACH',
    merge: 'attachments',
    codec: 'attachments',
    source: '[MS-OXCMSG] 2.2.2',
    sample: [[]],
  },
} as const satisfies {
  readonly body: TypedRow<Body>;
  readonly sensitivity: TypedRow<OccurrenceFields['sensitivity']>;
  readonly importance: TypedRow<OccurrenceFields['importance']>;
  readonly categories: TypedRow<readonly string[]>;
  readonly attachments: TypedRow<readonly AttachmentHead[]>;
};
