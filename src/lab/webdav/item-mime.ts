import { digest } from '../world/account.ts';
import type { CalendarPart } from '../world/calendar-part.ts';
import { composeMime, encodeWords, writeDate } from '../world/compose-mime.ts';
import { exportMime } from '../world/export-mime.ts';
import { icalendarOf } from '../world/icalendar.ts';
import type { Item } from '../world/item.ts';
import { key } from '../world/property.ts';
import { bodyOfItem, contentClassOf, isMail } from './item-values.ts';

/** An item as RFC 822 bytes. Appointments are messages around a calendar; what has no such form has only its text in it. */
export async function itemMime(item: Item): Promise<Buffer> {
  const { content } = item;
  if (isMail(item.itemClass)) return exportMime(item, item.folder.mailbox.organization.world.rebuildMime);
  if (content.calendar !== undefined) return appointmentMime(item, content.calendar);
  return Buffer.concat([
    Buffer.from(`Content-Class: ${contentClassOf(item.itemClass)}\r\n`),
    content.mime ?? composeMime({ ...content, attachments: [] }),
  ]);
}

/** The same without waiting: bytes as they were given, or put together once. */
export function internetContent(item: Item): Buffer {
  const { content } = item;
  if (!isMail(item.itemClass) && content.calendar !== undefined) return appointmentMime(item, content.calendar);
  return content.mime ?? composeMime(content);
}

function appointmentMime(item: Item, calendar: CalendarPart): Buffer {
  const { content } = item;
  const text = icalendarOf(item, calendar)
    .toString()
    .replace(/^PRODID:.*$/m, 'PRODID:Microsoft CDO for Microsoft Exchange');
  const [, method = 'PUBLISH'] = /^METHOD:(.*?)\r?$/m.exec(text) ?? [];
  const body = bodyOfItem(item);
  const boundary = `----_=_NextPart_${digest('part', item.folder.mailbox.guid, item.no, item.cn).toString('hex').slice(0, 16)}`;
  const address = ({ name, address }: { readonly name: string; readonly address: string }): string =>
    `${encodeWords(name === '' ? address : name)} <${address}>`;
  const people = calendar.attendees.filter(({ role }) => role !== 'resource');
  const lines = [
    `Content-class: ${contentClassOf(item.itemClass)}`,
    ...(content.from === null ? [] : [`From: ${address(content.from)}`]),
    ...(people.length === 0 ? [] : [`To: ${people.map(address).join(',\r\n ')}`]),
    `Subject: ${encodeWords(item.text(key.subject) ?? '')}`,
    `Date: ${writeDate(item.modifiedAtMs)}`,
    'MIME-Version: 1.0',
    `Content-Type: multipart/alternative;\r\n\tboundary="${boundary}"`,
    '',
    'This is a multi-part message in MIME format.',
    '',
    `--${boundary}`,
    `Content-Type: text/${body.type === 'HTML' ? 'html' : 'plain'};\r\n\tcharset="utf-8"`,
    'Content-Transfer-Encoding: 8bit',
    '',
    body.text.replace(/\r?\n/g, '\r\n'),
    `--${boundary}`,
    'Content-class: urn:content-classes:appointment',
    `Content-Type: text/calendar;\r\n\tmethod=${method};\r\n\tname="meeting.ics";\r\n\tcharset="utf-8"`,
    'Content-Transfer-Encoding: 8bit',
    '',
    text,
    `--${boundary}--`,
    '',
  ];
  return Buffer.from(lines.join('\r\n'));
}
