import { type ItemWay, type ItemWays, waysOf } from '#model/item-ways.ts';

/** Import and export exist in the worldwide cloud only (GDOC `api-reference/v1.0/api/mailbox-createimportsession.md`). */
const noImport: ItemWay = {
  as: 'fts',
  not: 'this national cloud of Microsoft 365 has neither import nor export of items',
};

const mailAsMime: ItemWay = {
  as: 'mime',
  because: 'the value of a message is its MIME; its state comes as properties',
};
const exported: ItemWay = {
  as: 'fts',
  because: 'exportItems hands out every property, also those that no field of Graph shows',
};

const imported = (because: string): ItemWay => ({ as: 'fts', because });
const noMime: ItemWay = { as: 'mime', not: 'POST of MIME always makes a draft, and no later request takes that back' };
const noEvents: ItemWay = {
  as: 'typed',
  not: 'POST, PATCH and DELETE of an event with attendees mail every one of them',
};
const noFields = (why: string): ItemWay => ({ as: 'typed', not: why });

export const graphReads = (hasImport: boolean): ItemWays => waysOf([mailAsMime], [hasImport ? exported : noImport]);

export function graphWrites(hasImport: boolean): ItemWays {
  const way = (because: string): ItemWay => (hasImport ? imported(because) : noImport);
  return {
    mail: [way('importItem keeps headers, times and flags, and makes no draft'), noMime],
    appointment: [
      way('importItem keeps every property and every exception in one request'),
      noFields('events of Graph lack properties, and a series would lose its exceptions’ own'),
    ],
    meeting: [way('importItem keeps the true organizer and who answered what, and sends nothing'), noEvents],
    contact: [way('importItem keeps every property'), noFields('contacts of Graph lack most properties of Outlook')],
    task: [way('importItem keeps every property'), noFields('To Do lacks most properties of tasks of Outlook')],
    note: [way('importItem keeps every property'), noFields('Graph has no interface for notes')],
  };
}
