import { bytesOf, type MapiAttachment, textOf } from '../mapi/message.ts';
import { tag } from '../mapi/tags.ts';
import type { Item } from '../world/item.ts';
import { key, type Property, type PropertyKey, tagKey } from '../world/property.ts';
import { messageOf } from './item-values.ts';
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
export function attachmentsOf(item: Item): readonly NamedAttachment[] {
  const taken = new Set<string>();
  return messageOf(item).attachments.map((attachment) => {
    const wanted = ownName(attachment);
    const [, stem = wanted, extension = ''] = /^(.*?)(\.[^.]*)?$/s.exec(wanted) ?? [];
    let name = wanted;
    for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${stem}-${n}${extension}`;
    taken.add(name.toLowerCase());
    return { name, attachment };
  });
}

export const attachmentNamed = (item: Item, step: string): NamedAttachment | null =>
  attachmentsOf(item).find(({ name }) => stepOfName(name).toLowerCase() === step.toLowerCase()) ?? null;

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
    case key.size:
      return integer(bytesOf(properties, tag.attachData)?.length ?? 0);
  }
  return properties.get(at) ?? message?.properties.get(at) ?? null;
}
