import { type ItemWay, type ItemWays, waysOf } from '#model/item-ways.ts';
import type { StreamHabits } from './calendar/upload-events.ts';
import { atLeast, type SchemaVersion } from './server-version.ts';

const noExport: ItemWay = {
  as: 'fts',
  not: 'ExportItems hands out no MIME, which is what both sides can be compared by',
};

export const ewsReads: ItemWays = waysOf(
  [{ as: 'mime', because: 'GetItem hands out the MIME of a message, and its properties beside it' }, noExport],
  [{ as: 'typed', because: 'GetItem hands out every field, and as extended properties those without one' }],
);

const fields: readonly ItemWay[] = [
  { as: 'typed', because: 'CreateItem writes every field, and sends nothing when told so' },
];
const meetingFields: ItemWay = {
  as: 'typed',
  because: 'CreateItem writes what a meeting is, but takes the owner of the mailbox for its organizer',
};

/** Why streams of ours are not uploaded; null: they are. */
function uploadRefused(version: SchemaVersion, { refused }: StreamHabits): string | null {
  if (!atLeast(version, 'Exchange2010_SP1')) return 'UploadItems begins with Exchange 2010 SP1';
  return refused ? 'these servers refuse streams that no Exchange made, or make something else of them' : null;
}

/** @param version the server's own, as far as it is known: before the first answer the oldest */
export function ewsWrites(version: SchemaVersion, streams: StreamHabits): ItemWays {
  const refused = uploadRefused(version, streams);
  const stream: ItemWay =
    refused === null
      ? {
          as: 'fts',
          because:
            'only a stream says who organizes and who answered what; meetings of the owner nobody answered go field by field',
        }
      : { as: 'fts', not: refused };
  const mail: readonly ItemWay[] = [
    { as: 'mime', because: 'CreateItem takes the MIME as it is, with the state beside it, and makes no draft of it' },
  ];
  return { ...waysOf(mail, fields), meeting: [stream, meetingFields] };
}
