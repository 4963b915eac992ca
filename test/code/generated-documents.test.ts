import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { directoryRefusals } from '#connectors/directory/contract.ts';
import { losses } from '#connectors/ews/calendar/unkept.ts';
import { contactCodec } from '#connectors/ews/contacts/contact-codec.ts';
import { noteCodec } from '#connectors/ews/notes/note-codec.ts';
import { atLeast, type SchemaVersion } from '#connectors/ews/server-version.ts';
import { taskCodec } from '#connectors/ews/tasks/task-codec.ts';
import { withheld } from '#connectors/graph/withheld.ts';
import { davLosses, graphLosses, type TypedLoss } from '#connectors/typed-losses.ts';
import { routingProblems } from '#engine/directory/check-routing.ts';
import { directoryOutcomes } from '#engine/directory/outcomes.ts';
import { mapiPropertiesOf } from '#formats/mapi-items/typed-message.ts';
import { storeBehaviours } from '#lab/behaviours.ts';
import { edgeBehaviours } from '#lab/edge/behaviours.ts';
import { graphBehaviours } from '#lab/graph/behaviours.ts';
import { davBehaviours } from '#lab/webdav/behaviours.ts';
import { classRows } from '#model/class-properties.ts';
import { eventFields, eventProperties } from '#model/event-properties.ts';
import { folderRoles } from '#model/folder.ts';
import { mailProperties } from '#model/mail-properties.ts';
import {
  type Carriage,
  type MapiProperty,
  type PropertyRow,
  propertySets,
  type TypedRow,
} from '#model/property-row.ts';
import { type TypedKind, typedKinds } from '#model/typed-item.ts';
import { typedRows } from '#model/typed-properties.ts';
import { root } from './source-files.ts';

/** Documents that are made from tables of the code. `UPDATE_GENERATED=1 npx vitest run test/code/generated` writes them. */
function expectFresh(path: string, text: string): void {
  const file = join(root, path);
  if (process.env['UPDATE_GENERATED'] === '1') writeFileSync(file, text);
  expect(readFileSync(file, 'utf8'), `${path} is stale: UPDATE_GENERATED=1 npx vitest run test/code/generated`).toBe(
    text,
  );
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const row = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |\n`;
const made = '<!-- Made from the code by test/code/generated-documents.test.ts. Do not edit. -->\n';

const hex = (number: number) => `0x${number.toString(16).toUpperCase().padStart(4, '0')}`;

function mapiName(property: MapiProperty): string {
  if ('tag' in property) return hex(property.tag);
  return `${'lid' in property ? hex(property.lid) : property.name} of {${property.set}}`;
}

const carriages: readonly (readonly [Carriage, string, string])[] = [
  [
    'state',
    'Copied, and kept in step afterwards',
    'Compared by `verify`. When both sides changed one, the policy decides and the loser goes to the journal.',
  ],
  [
    'fact',
    'Copied once',
    'Never changes in the life of an item; written in the request that creates the copy, compared by `verify`.',
  ],
  ['server', 'Not written', 'Belongs to the server that keeps the item, or travels inside the message itself.'],
  ['reported', 'Not carried over, but reported', 'Would mean something else in another organization.'],
];

function carried(): string {
  const rows: readonly (readonly [string, PropertyRow<unknown>])[] = Object.entries(mailProperties);
  const tables = carriages.map(([carriage, title, meaning]) => {
    const fields = rows.filter(([, property]) => property.carriage === carriage);
    const lines = fields.map(([name, { mapi, source, note }]) => row([name, mapiName(mapi), source, note ?? '']));
    return `## ${title}\n\n${meaning}\n\n${row(['field', 'MAPI property', 'defined in', 'note'])}${row(['---', '---', '---', '---'])}${lines.join('')}`;
  });
  return `# What is carried over, and what is not

${made}
The message itself, with headers, texts and attachments, is moved byte for byte as the source hands it out; it is not rebuilt. Around it the
properties below are read, compared and written.

${tables.join('\n')}
## Messages that are more than mail

MIME says of some messages less than a server knows. These are asked for by the properties of their class as well, which are written in the request
that creates the copy and compared by \`verify\`: over WebDAV by PROPFIND and PROPPATCH, over EWS as extended properties, over Graph inside the stream.
A copy is no delivery: nothing answers it, nobody is told, and what the person has not dealt with yet (\`processed\`) stays so.

${row(['messages', 'classes', 'defined in', 'note'])}${row(['---', '---', '---', '---'])}${classRows
  .map(({ title, classes, source, note }) => row([title, classes.join(', '), source, note ?? '']))
  .join('')}
${classRows.map(({ title, properties }) => `- ${title}: ${properties.map(({ name, property }) => `${name} (${shortName(property)})`).join(', ')}.\n`).join('')}
To Exchange Online the iCalendar of a message about a meeting goes as the property that Exchange keeps such parts in (0x827A of the set appointment),
and Exchange makes a new one of the other properties for whoever asks for MIME. Signed and encrypted messages (IPM.Note.SMIME) are the bytes that they
were. Columns of recipients (what a report says of each of them) and of other classes (invitations to share a folder, forms of an organization’s own)
what MIME does not say stays behind.

## Left out on purpose

\`verify\` finds these and names them as explained.

${row(['field', 'where', 'why'])}${row(['---', '---', '---'])}${Object.entries(withheld)
  .map(([field, why]) => row([field, 'Online (Graph)', why]))
  .join('')}
## Folders

Names, nesting, container class, and the roles of well-known folders whatever their language (${folderRoles.filter((role) => role !== 'msgfolderroot').join(', ')}).
Permissions, views, rules and associated items of folders are not carried over by this version.

## Not carried over by this version

Journal entries and contact lists; archive mailboxes and public folders; rules, permissions, delegates, out-of-office
texts; search folders, sync issues, conversation settings, the outbox and Recoverable Items. \`causeway discover\` shows the item classes of a mailbox.
Named properties that are not in these tables stay behind; those that a message keeps in its MIME headers travel with it.
`;
}

const servers = [
  ['2007', 'Exchange2007_SP1'],
  ['2010', 'Exchange2010_SP2'],
  ['2013', 'Exchange2013_SP1'],
  ['2016 and later', 'Exchange2016'],
] as const satisfies readonly (readonly [string, SchemaVersion])[];

/** Ways that are no version of EWS. */
const otherWays: readonly (readonly [title: string, losses: readonly TypedLoss[]])[] = [
  ['2000, 2003 (WebDAV)', davLosses],
  ['Online (Graph)', graphLosses],
];
const otherCells = (notes: Notes, kind: TypedKind, field: string): readonly string[] =>
  otherWays.map(([, losses]) =>
    notes.numbered(losses.filter((loss) => loss.kind === kind && loss.field === field).map(({ what }) => what)),
  );
const ways = [...servers.map(([name]) => `${name} (EWS)`), ...otherWays.map(([name]) => name)];

/** Notes below a table, numbered as they come up. */
class Notes {
  readonly #texts: string[] = [];

  numbered(texts: readonly string[]): string {
    if (texts.length === 0) return 'kept';
    const numbers = texts.map((text) => {
      const at = this.#texts.indexOf(text);
      return (at < 0 ? this.#texts.push(text) - 1 : at) + 1;
    });
    return `but for ${numbers.join(', ')}`;
  }
  list(): string {
    return this.#texts.map((text, at) => `${at + 1}. ${text.charAt(0).toUpperCase()}${text.slice(1)}.\n`).join('');
  }
}

const plainKinds = [
  ['Contacts', contactCodec],
  ['Tasks', taskCodec],
  ['Notes', noteCodec],
] as const;

function carriedContacts(): string {
  const notes = new Notes();
  const heads = ['field', ...ways, 'defined in', 'note'];
  const sections = plainKinds.map(([title, { kind, losses: known }]) => {
    const lines = Object.entries(typedRows(kind)).map(([field, { source, note }]) => {
      const own = known.filter((loss) => loss.field === field);
      const kept = servers.map(([, version]) =>
        notes.numbered(
          own.filter(({ keptFrom }) => keptFrom === null || !atLeast(version, keptFrom)).map(({ what }) => what),
        ),
      );
      return row([field, ...kept, ...otherCells(notes, kind, field), source, note ?? '']);
    });
    return `## ${title}\n\n${row(heads)}${row(heads.map(() => '---'))}${lines.join('')}`;
  });
  return `# What of contacts, tasks and notes a server keeps

${made}
These items are read and written field by field. The tables say what arrives when an item is written to a server of each version: over EWS in the
words of EWS, over WebDAV by its MAPI properties, over Graph as a whole message by the import API ([where each field stands](carried-as-mapi.md)). What
a server does not keep is named in the report of the run, for every item that it concerns.

${sections.join('\n')}
${notes.list()}
## Days

Birthdays, anniversaries and the dates of tasks are days, though on the wire they are points in time: the day is the one whose midnight in UTC is
nearest, or the one of Outlook’s own property for the local day where that agrees with it.

## Items of other kinds

Distribution lists among contacts, assignments of tasks among tasks, and whatever else lies in these folders, are not carried over by this version.
Each is set aside as \`class-refused\` and named in the report.
`;
}

function carriedCalendars(): string {
  const heads = ['field', ...ways, 'own per occurrence', 'defined in', 'note'];
  const notes = new Notes();
  const lines = eventFields.map((field) => {
    const { occurrence, source, note }: TypedRow<unknown> = eventProperties[field];
    const own = losses.filter((loss) => loss.field === field);
    const kept = servers.map(([, version]) =>
      notes.numbered(
        own.filter(({ keptFrom }) => keptFrom === null || !atLeast(version, keptFrom)).map(({ what }) => what),
      ),
    );
    return row([field, ...kept, ...otherCells(notes, 'calendar', field), occurrence ? 'yes' : '', source, note ?? '']);
  });
  return `# What of an event a server keeps

${made}
Events are read and written field by field, with the modified and deleted occurrences of a series. The table says what arrives when an event is
written to a server of each version: over EWS in the words of EWS, over WebDAV by its MAPI properties, over Graph as a whole message by the import
API ([where each field stands](carried-as-mapi.md)). What a server does not keep is named in the report of the run, for every event that it concerns.

${row(heads)}${row(heads.map(() => '---'))}${lines.join('')}
${notes.list()}
## Meetings that somebody else organizes

From Exchange 2010 SP1 on they are first written as a stream (UploadItems), which alone can name the true organizer and what attendees answered.
What became of it is read back and compared; where a server refuses streams that no Exchange made, or makes something else of them, it is taken
away again, recoverably, and these meetings are written field by field from then on, with the losses of the table.

## Series

- Days that were deleted or changed and that the pattern does not have are left out and counted: no server has a place for them.
- Occurrences are told apart by the day on which the pattern has them, in the time zone of the series.
- A change of the pattern, or of the time of a series, makes the server drop every exception; those that are to be there are written again in
  the same call, and so are all of them when a deleted occurrence comes back.

## Attachments

Files and attached items are compared by their content. Servers write an attached item anew for everybody who reads it, so of it what a person
sees is compared, not its bytes.
`;
}

const kindTitles: Readonly<Record<TypedKind, string>> = {
  calendar: 'Events',
  contacts: 'Contacts',
  tasks: 'Tasks',
  notes: 'Notes',
};

const setNames: ReadonlyMap<string, string> = new Map(Object.entries(propertySets).map(([name, set]) => [set, name]));
/** With the name of the set in place of its number, where it has one. */
const shortName = (property: MapiProperty): string => {
  const name = mapiName(property);
  return 'tag' in property ? name : name.replace(/ of \{(.*)\}$/, (_, set: string) => ` (${setNames.get(set) ?? set})`);
};

function carriedAsMapi(): string {
  const sections = typedKinds.map((kind) => {
    const rows = Object.entries(typedRows(kind));
    const lines = rows.map(([field, { mapi }]) =>
      row([field, mapi.map(shortName).join(', ') || (field === 'attachments' ? 'the table of attachments' : '')]),
    );
    const named = new Set(rows.flatMap(([, { mapi }]) => mapi.map(shortName)));
    const beside = mapiPropertiesOf(kind)
      .map(shortName)
      .filter((name) => !named.has(name));
    return `## ${kindTitles[kind]}\n\n${row(['field', 'MAPI properties'])}${row(['---', '---'])}${lines.join('')}
Read beside them: ${beside.join(', ')}.\n`;
  });
  return `# Where each field stands in a message of Exchange

${made}
Over WebDAV and Graph, events, contacts, tasks and notes are read from messages of Exchange and written as such: properties, a table of recipients, a
table of attachments. WebDAV asks for each property by name, so what it does not ask for it does not see; Graph exports and imports the message
whole.

- Attendees stand in the table of recipients, with their answers. Modified occurrences of a series are messages among its attachments; the days
  themselves, with subject, place, times, reminder and status of each, stand in one property of the series, which is written whole.
- Named properties that no field stands for are carried along when an item is created, over Graph all of them, over WebDAV those that are named here;
  of a contact so are the tags from 0x3A00 to 0x3AFF. What the server itself keeps about an item is not. EWS shows what it is asked for by name, so of
  its items none of these are read.
- A value that is not understood is kept as it came and named in the report.
- A body that a client wrote as RTF is compared and kept in step as text, or as the HTML that the RTF was made of; its formatting goes along when an
  item is created, as long as the text is the same.
- Before a meeting is removed over Graph, the same event is imported over it as an appointment of the owner's own, since deleting a meeting sends
  cancellations.
- Sets of named properties: ${Object.entries(propertySets)
    .map(([name, set]) => `${name} {${set}}`)
    .join(', ')}.

${sections.join('\n')}`;
}

function namedOutcomes(): string {
  const tableOf = (named: Readonly<Record<string, string>>) =>
    row(['name', 'means']) +
    row(['---', '---']) +
    Object.entries(named)
      .map(([name, meaning]) => row([`\`${name}\``, `${meaning.charAt(0).toUpperCase()}${meaning.slice(1)}.`]))
      .join('');
  return `# What a directory sync says, by name

${made}
## Why an object waits, or something of it was left out

\`causeway directory status\` lists who waits, \`directory journal list\` what was left out. Nothing of an object that waits was written; it is looked
at again when anything changes, and every hour.

${tableOf(directoryOutcomes)}
## Why a write was refused

The object waits under the name; everything else of the pass went on.

${tableOf(directoryRefusals)}
## What \`check --routing\` finds

${tableOf(routingProblems)}`;
}

describe('documents that are made from tables of the code are fresh', () => {
  test('docs/carried.md', () => {
    expectFresh('docs/carried.md', carried());
  });

  test('docs/carried-calendars.md', () => {
    expectFresh('docs/carried-calendars.md', carriedCalendars());
  });

  test('docs/carried-as-mapi.md', () => {
    expectFresh('docs/carried-as-mapi.md', carriedAsMapi());
  });

  test('docs/carried-contacts.md', () => {
    expectFresh('docs/carried-contacts.md', carriedContacts());
  });

  test('docs/operating/directory-outcomes.md', () => {
    expectFresh('docs/operating/directory-outcomes.md', namedOutcomes());
  });

  test('docs/protocol-assumptions.md', () => {
    const tables: readonly (readonly [string, readonly Shown[]])[] = [
      ['mailboxes and EWS', storeBehaviours.map(({ what, ...rest }) => ({ name: what, ...rest }))],
      ['Graph', graphBehaviours.map(({ what, ...rest }) => ({ name: what, versions: ['online'], ...rest }))],
      ['WebDAV', davBehaviours.map(({ what, ...rest }) => ({ name: what, versions: ['2003'], ...rest }))],
      ['the edge: sign-in, HTTP, Autodiscover, throttling', edgeBehaviours],
    ];
    const marks = ['assumed', 'documented', 'recorded'] as const;
    const sections = marks.flatMap((mark) =>
      tables.map(([title, behaviours]) => {
        const head = ['behaviour', 'versions', mark === 'assumed' ? 'why we assume it' : 'source'];
        const rows = behaviours.filter((behaviour) => behaviour.mark === mark);
        const lines = rows.map(({ name, versions, source }) => row([name, versions?.join(', ') ?? 'all', source]));
        const first = `${mark.charAt(0).toUpperCase()}${mark.slice(1)}`;
        return `## ${first}: ${title}\n\n${row(head)}${row(['---', '---', '---'])}${lines.join('')}`;
      }),
    );
    expectFresh(
      'docs/protocol-assumptions.md',
      `# What the lab imitates, and how we know\n\n${made}
Every behaviour of the lab is *recorded* (a recording or a published sample shows it), *documented* (a page or a specification says it) or *assumed*
(experience, or a guess). A promise that rests on an assumed behaviour is as good as the assumption; \`causeway probe\` tries
those that matter on a real organization.\n\n${sections.join('\n')}`,
    );
  });
});

interface Shown {
  readonly name: string;
  readonly versions?: readonly string[];
  readonly mark: 'recorded' | 'documented' | 'assumed';
  readonly source: string;
}
