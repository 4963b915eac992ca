import { type ItemWays, waysOf } from '#model/item-ways.ts';

/** Items are plain data here and go as what they are. */
export const memoryWays: ItemWays = waysOf(
  [{ as: 'mime', because: 'messages are kept as their MIME' }],
  [{ as: 'typed', because: 'items are kept as their fields' }],
);
