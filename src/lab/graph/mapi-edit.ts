import { itemOfMessage } from '../mapi/item-of-message.ts';
import type { MapiMessage } from '../mapi/message.ts';
import { messageOfItem } from '../mapi/message-of-item.ts';
import { Bag } from '../mapi/message-parts.ts';
import { tag } from '../mapi/tags.ts';
import type { Body, Item, ItemContent } from '../world/item.ts';
import type { Mailbox } from '../world/mailbox.ts';
import { key, type Property, type PropertyKey, serverOwned } from '../world/property.ts';
import { readExtendedProperties } from './extended-json.ts';
import type { Json } from './route.ts';

/** A contact or task being written, as the properties that it is. */
export class MapiEdit {
  readonly bag: Bag;
  readonly #message: MapiMessage;

  /** @param item what is changed; null: something new of that class. */
  constructor(item: Item | null, itemClass: string) {
    this.#message =
      item === null
        ? { properties: new Bag().put(key.itemClass, 'String', itemClass), recipients: [], attachments: [] }
        : messageOfItem(item);
    this.bag = new Bag(this.#message.properties);
  }

  /** Null or an empty text: it is no longer there. */
  set(at: PropertyKey, type: string, value: Property['value'] | null): void {
    if (value === null || value === '' || (Array.isArray(value) && value.length === 0)) this.bag.delete(at);
    else this.bag.put(at, type, value);
  }

  setBody(body: Body): void {
    this.bag.delete(tag.html);
    this.bag.delete(tag.codePage);
    this.bag.put(tag.body, 'String', body.type === 'Text' ? body.text : null);
    if (body.type === 'HTML') {
      this.bag.delete(tag.body);
      this.bag.put(tag.html, 'Binary', Buffer.from(body.text).toString('base64')).put(tag.codePage, 'Integer', 65001);
    }
  }

  setExtended(json: Json): void {
    for (const [at, property] of readExtendedProperties(json))
      if (!serverOwned.has(at) && at !== key.messageFlags) this.bag.set(at, property);
  }

  content(mailbox: Mailbox): ItemContent {
    return itemOfMessage(
      { ...this.#message, properties: this.bag },
      { idFor: [mailbox.guid, mailbox.lastCn, mailbox.nowMs], strict: false },
    ).content;
  }
}
