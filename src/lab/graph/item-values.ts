import { propertyOf } from '../ews/item-property.ts';
import { messageOfItem } from '../mapi/message-of-item.ts';
import type { Address, Attachment, Body, Item } from '../world/item.ts';
import type { Property, PropertyKey } from '../world/property.ts';
import { attachmentsOf, bodyOf } from '../world/read-message.ts';

/** A property of an item, also one that the store keeps as a field, a person or a text. */
export function propertyOfItem(item: Item, at: PropertyKey): Property | null {
  return propertyOf(item, at) ?? messageOfItem(item).properties.get(at) ?? null;
}

/** `2026-11-22T09:30:00Z` */
export const isoTime = (ms: number): string =>
  new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');

export const recipientJson = ({ name, address }: Address): unknown => ({
  emailAddress: { name: name || address, address },
});

/** The text between the tags. */
export const plainText = (html: string): string =>
  html
    .replace(/<(style|script|head)\b[\s\S]*?<\/\1>/gi, '')
    .replace(/<br\s*\/?>|<\/p>|<\/div>/gi, '\r\n')
    .replace(/<[^>]*>/g, '')
    .replaceAll('&nbsp;', ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** The body in the form that is preferred. Without a preference it is HTML. (outlookItem: body) */
export function bodyFor(item: Item, wanted: 'text' | 'html' | null): Body {
  const { body: kept, mime } = item.content;
  const body =
    kept ?? (mime === null ? { type: 'Text' as const, text: '' } : bodyOf(mime, wanted === 'text' ? 'text' : 'best'));
  if (wanted === 'text' && body.type === 'HTML') return { type: 'Text', text: plainText(body.text) };
  if (wanted === 'html' && body.type === 'Text')
    return {
      type: 'HTML',
      text: `<html><body><pre>${body.text.replace(/[&<>]/g, (c) => escapes[c] ?? c)}</pre></body></html>`,
    };
  return body;
}

export const bodyJson = (body: Body): unknown => ({
  contentType: body.type === 'HTML' ? 'html' : 'text',
  content: body.text,
});

/** The first 255 letters of the text. (message: bodyPreview) */
export const previewOf = (item: Item): string => {
  const body = bodyFor(item, 'text');
  return body.text.replace(/\s+/g, ' ').trim().slice(0, 255);
};

export const attachmentsOfItem = ({ content }: Item): readonly Attachment[] =>
  content.attachments ?? (content.mime === null ? [] : attachmentsOf(content.mime));

export const textsOf = (item: Item, at: PropertyKey): readonly string[] => {
  const value = item.content.properties.get(at)?.value;
  return Array.isArray(value) ? value.map(String) : [];
};
export const flagOf = (item: Item, at: PropertyKey): boolean => item.content.properties.get(at)?.value === true;

/** `W/"…"`, which `If-Match` of a PATCH may name. */
export const changeKeyOf = (item: Item): string =>
  item.folder.mailbox.ids.change(item.cn).replaceAll('/', '-').replaceAll('+', '_');
export const etagOf = (item: Item): string => `W/"${changeKeyOf(item)}"`;
