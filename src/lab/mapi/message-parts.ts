import type { Address, Attachment, Body } from '../world/item.ts';
import { key, type Property, type PropertyKey } from '../world/property.ts';
import type { MapiAttachment } from './message.ts';
import { attachMethods, inBodyFlag, itemXmlKey, tag } from './tags.ts';

/** Properties being put together. */
export class Bag extends Map<PropertyKey, Property> {
  put(at: PropertyKey, type: string, value: Property['value'] | null): this {
    if (value !== null) this.set(at, { type, value });
    return this;
  }
}

const addressType = (address: string): string => (/^\/o=/i.test(address) ? 'EX' : 'SMTP');

/** A row of the recipient table. @param type PidTagRecipientType: 1 to or required, 2 cc or optional, 3 bcc or resource. */
export function personRow(person: Address, type: number, flags: number): Bag {
  const bag = new Bag()
    .put(tag.recipientType, 'Integer', type)
    .put(tag.name, 'String', person.name)
    .put(tag.shownName, 'String', person.name)
    .put(tag.recipientFlags, 'Integer', flags);
  if (person.address === '') return bag;
  const kind = addressType(person.address);
  return bag
    .put(tag.addressType, 'String', kind)
    .put(tag.address, 'String', person.address)
    .put(tag.smtp, 'String', kind === 'SMTP' ? person.address : null);
}

/** @param at its place among the attachments. */
export function fileOf(attachment: Attachment, at: number): MapiAttachment {
  const { name, contentType, contentId, isInline, content, itemXml } = attachment;
  const properties = new Bag()
    .put(tag.attachNumber, 'Integer', at)
    .put(tag.name, 'String', name)
    .put(tag.attachName, 'String', name)
    .put(tag.attachType, 'String', contentType)
    .put(tag.attachContentId, 'String', contentId)
    .put(tag.attachFlags, 'Integer', isInline ? inBodyFlag : 0)
    .put(tag.attachHidden, 'Boolean', isInline)
    .put(tag.attachMethod, 'Integer', itemXml === null ? attachMethods.byValue : attachMethods.embedded);
  if (itemXml === null)
    return { properties: properties.put(tag.attachData, 'Binary', content.toString('base64')), message: null };
  const inside = new Bag()
    .put(key.itemClass, 'String', 'IPM.Note')
    .put(key.subject, 'String', name)
    .put(itemXmlKey, 'String', itemXml);
  return { properties, message: { properties: inside, recipients: [], attachments: [] } };
}

export function putBody(bag: Bag, body: Body | null): Bag {
  if (body === null) return bag;
  if (body.type === 'Text') return bag.put(tag.body, 'String', body.text);
  return bag.put(tag.html, 'Binary', Buffer.from(body.text).toString('base64')).put(tag.codePage, 'Integer', 65001);
}
