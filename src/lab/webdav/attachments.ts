import { bytesOf, type MapiAttachment, numberOf, textOf } from '../mapi/message.ts';
import { organizerFlag, tag } from '../mapi/tags.ts';
import type { Item } from '../world/item.ts';
import { key, type Property, type PropertyKey, tagKey } from '../world/property.ts';
import { addressList, messageOf } from './item-values.ts';
import { stepOfName } from './url-names.ts';

/** An attachment by the name that its address ends in. */
export interface NamedAttachment {
  readonly name: string;
  readonly attachment: MapiAttachment;
}

function ownName({ properties, message }: MapiAttachment): string {
  const name =
    textOf(properties, tag.attachName) ||
    textOf(properties, tag.attachShortName) ||
    textOf(properties, tag.name) ||
    (message === null ? 'attachment' : textOf(message.properties, key.subject) || 'Untitled');
  return message !== null && !/\.eml$/i.test(name) ? `${name}.EML` : name;
}

/** Attachments of an item; those of the same name get numbers as items of a folder do. */
export const attachmentsOf = (item: Item): readonly NamedAttachment[] => named(messageOf(item).attachments);

/** Those of an attached message. */
export const innerAttachmentsOf = ({ message }: MapiAttachment): readonly NamedAttachment[] =>
  named(message?.attachments ?? []);

function named(attachments: readonly MapiAttachment[]): readonly NamedAttachment[] {
  const taken = new Set<string>();
  return attachments.map((attachment) => {
    // A dot alone is no step of an address: it would be the item itself. (RFC 3986 5.2.4)
    const own = ownName(attachment);
    const wanted = /^[.\s]*$/.test(own) ? 'attachment' : own;
    const [, stem = wanted, extension = ''] = /^(.*?)(\.[^.]*)?$/s.exec(wanted) ?? [];
    let name = wanted;
    for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${stem}-${n}${extension}`;
    taken.add(name.toLowerCase());
    return { name, attachment };
  });
}

const among = (all: readonly NamedAttachment[], step: string): NamedAttachment | null =>
  all.find(({ name }) => stepOfName(name).toLowerCase() === step.toLowerCase()) ?? null;

/** @param inner name of one inside of it; null: itself. */
export function attachmentNamed(item: Item, step: string, inner: string | null): NamedAttachment | null {
  const found = among(attachmentsOf(item), step);
  return found === null || inner === null ? found : among(innerAttachmentsOf(found.attachment), inner);
}

const integer = (value: number): Property => ({ type: 'Integer', value });

/** A property of an attachment: its own, or of the message that it is. */
export function attachmentProperty({ name, attachment }: NamedAttachment, at: PropertyKey): Property | null {
  const { properties, message } = attachment;
  switch (at) {
    case tag.attachShortName:
      return properties.get(at) ?? { type: 'String', value: name };
    case tagKey(0x3703): {
      const [extension] = /\.[^.]*$/.exec(name) ?? [];
      return properties.get(at) ?? (extension === undefined ? null : { type: 'String', value: extension });
    }
    case tagKey(0x370b):
      return properties.get(at) ?? integer(-1);
    case key.hasAttachments:
      return message === null ? null : { type: 'Boolean', value: message.attachments.length > 0 };
    case key.size:
      return integer(bytesOf(properties, tag.attachData)?.length ?? 0);
  }
  return properties.get(at) ?? message?.properties.get(at) ?? null;
}

/** People that an attached message is for, by the header field that names them; null: no such field, or nobody. */
export function attachmentPeople({ attachment }: NamedAttachment, header: string): Property | null {
  const type = { to: 1, cc: 2, bcc: 3 }[header.toLowerCase()];
  if (type === undefined || attachment.message === null) return null;
  const people = attachment.message.recipients
    .filter(
      (row) =>
        ((numberOf(row, tag.recipientType) ?? 1) & 0xf) === type &&
        ((numberOf(row, tag.recipientFlags) ?? 0) & organizerFlag) === 0,
    )
    .map((row) => ({
      name: textOf(row, tag.name) ?? '',
      address: textOf(row, tag.smtp) ?? textOf(row, tag.address) ?? '',
    }));
  return addressList(people);
}
