import type { ItemContent } from './item.ts';

/** Content of an item that the server makes by itself: nothing but what is named. */
export function plainContent(some: Pick<ItemContent, 'properties'> & Partial<ItemContent>): ItemContent {
  return { mime: null, from: null, to: [], cc: [], bcc: [], body: null, attachments: [], typed: new Map(), ...some };
}
