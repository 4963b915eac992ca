import { type ItemWays, waysOf } from '#model/item-ways.ts';

const noStreams = { as: 'fts', not: 'WebDAV has no streams of items' } as const;

export const davReads: ItemWays = waysOf(
  [{ as: 'mime', because: 'GET with Translate: f hands out the message, PROPFIND its properties' }, noStreams],
  [{ as: 'typed', because: 'PROPFIND hands out every property of MAPI' }, noStreams],
);

export const davWrites: ItemWays = waysOf(
  [{ as: 'mime', because: 'PUT takes the message as it is, PROPPATCH its state' }, noStreams],
  [{ as: 'typed', because: 'PROPPATCH writes every property of MAPI and sends nothing' }, noStreams],
);
