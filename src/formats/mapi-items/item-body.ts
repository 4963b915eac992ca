import { commonRows } from '#model/common-rows.ts';
import type { RawProperty } from '#model/mail.ts';
import type { TypedItem } from '#model/typed-item.ts';
import { isSameProperty, type MapiPropertyValue } from '../mapi/mapi-message.ts';
import { body, nativeBody, readRtf, rtfBody } from './field-codec.ts';
import type { Get } from './property-values.ts';

const [textBody, htmlBody] = commonRows.body.mapi;

/** Whether the message has RTF that says more than the body that is read of it: its formatting is in no other form. */
export function hasOwnRtf(get: Get): boolean {
  const rtf = get(rtfBody);
  return rtf !== undefined && get(htmlBody) === undefined && readRtf(rtf)?.isWhole !== true;
}

const isRtf = ({ property }: RawProperty): boolean => isSameProperty(property, rtfBody);
const words = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

/** Whether the RTF that came along still says what the body says. */
function keepsRtf({ fields, extras }: TypedItem): boolean {
  const rtf = extras.find(isRtf);
  if (rtf === undefined || fields.body.type === 'html') return false;
  const read = readRtf(Buffer.from(rtf.values[0] ?? '', 'base64'));
  return words(read?.body.text ?? '') === words(fields.body.text);
}

/** The body of an item; its formatting goes along where it came as RTF and the text has not been changed. */
export function writeBody(item: TypedItem): readonly MapiPropertyValue[] {
  const { fields } = item;
  if (!keepsRtf(item)) return body.write(fields.body);
  const text = fields.body.text === '' ? [] : [{ property: textBody, value: fields.body.text }];
  return [...text, { property: nativeBody, value: 2 }];
}

/** What is written of the extras: RTF that says something else than the body is none of it. */
export const extrasToWrite = (item: TypedItem): readonly RawProperty[] =>
  keepsRtf(item) ? item.extras : item.extras.filter((extra) => !isRtf(extra));
