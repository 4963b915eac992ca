import type { Attachment, Body } from '../world/item.ts';
import { key, type Property, type PropertyKey, serverOwned } from '../world/property.ts';
import { bytesOf, type MapiAttachment, type MapiMessage, numberOf, type PropertyBag, textOf } from './message.ts';
import { exceptionFlag, inBodyFlag, itemXmlKey, madeKey, tag, typedNameOf } from './tags.ts';

/** Properties of a message which the store keeps in another form, or not at all. */
export const inOtherForm: ReadonlySet<PropertyKey> = new Set([
  ...serverOwned,
  ...Object.values(tag),
  itemXmlKey,
  madeKey,
]);

/** What is kept as a property. */
export function kept(properties: PropertyBag, elsewhere: ReadonlySet<PropertyKey>): Map<PropertyKey, Property> {
  const bag = new Map<PropertyKey, Property>();
  for (const [at, property] of properties) if (!elsewhere.has(at) && typedNameOf(at) === null) bag.set(at, property);
  return bag;
}

/** Fields that only EWS has a name for. */
export function typedOf(properties: PropertyBag): Map<string, string> {
  const typed = new Map<string, string>();
  for (const [at, { value }] of properties) {
    const name = typedNameOf(at);
    if (name !== null && typeof value === 'string') typed.set(name, value);
  }
  return typed;
}

/** The body a reader sees: HTML when there is one. */
export function bodyOf({ properties }: MapiMessage): Body | null {
  const html = bytesOf(properties, tag.html);
  if (html !== null) return { type: 'HTML', text: html.toString() };
  const text = textOf(properties, tag.body);
  return text === null ? null : { type: 'Text', text };
}

/** The attachment is a changed occurrence. */
export const isException = ({ properties }: MapiAttachment): boolean =>
  ((numberOf(properties, tag.attachmentFlags) ?? 0) & exceptionFlag) !== 0;

const escaped = (text: string): string =>
  text.replace(/[<>&]/g, (c) => (c === '<' ? '&lt;' : c === '>' ? '&gt;' : '&amp;'));

/** The element of an attached message, as far as EWS would show it. */
function xmlOf({ properties }: MapiMessage): string {
  const kept = textOf(properties, itemXmlKey);
  if (kept !== null) return kept;
  const body = textOf(properties, tag.body);
  return `<t:Message><t:Subject>${escaped(textOf(properties, key.subject) ?? '')}</t:Subject>${body === null ? '' : `<t:Body BodyType="Text">${escaped(body)}</t:Body>`}</t:Message>`;
}

/** Files and attached messages; links and OLE objects are left out. */
export function attachmentsOf(attachments: readonly MapiAttachment[]): readonly Attachment[] {
  const files: Attachment[] = [];
  for (const attachment of attachments) {
    const { properties, message } = attachment;
    if (isException(attachment)) continue;
    const content = bytesOf(properties, tag.attachData);
    if (content === null && message === null) continue;
    const inBody = ((numberOf(properties, tag.attachFlags) ?? 0) & inBodyFlag) !== 0;
    files.push({
      no: files.length + 1,
      name:
        textOf(properties, tag.attachName) ??
        textOf(properties, tag.attachShortName) ??
        textOf(properties, tag.name) ??
        '',
      contentType:
        textOf(properties, tag.attachType) ?? (message === null ? 'application/octet-stream' : 'message/rfc822'),
      contentId: textOf(properties, tag.attachContentId),
      isInline: inBody || properties.get(tag.attachHidden)?.value === true,
      content: content ?? Buffer.alloc(0),
      itemXml: message === null ? null : xmlOf(message),
    });
  }
  return files;
}
