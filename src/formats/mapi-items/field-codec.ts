import type { Body, Reminder } from '#model/appointment.ts';
import { commonRows } from '#model/common-rows.ts';
import { eventProperties } from '#model/event-properties.ts';
import type { Instant } from '#model/mail.ts';
import type { MapiProperty } from '#model/property-row.ts';
import { type Day, dayOfWall, wallOfDay } from '#model/wall-time.ts';
import { decodeText } from '../mapi/code-page.ts';
import type { MapiPropertyValue } from '../mapi/mapi-message.ts';
import { bodyOfRtf, type RtfBody } from '../rtf/body-of-rtf.ts';
import { decompressRtf } from '../rtf/decompress-rtf.ts';
import { shownBody } from '../shown-body.ts';
import { type Get, isNumber, isText } from './property-values.ts';

/** A field in one message: what it takes to write it, and what it shows. */
export interface FieldCodec<T> {
  /** The properties as they are to be; null: not there. */
  write(value: T): readonly MapiPropertyValue[];
  /** Undefined: the message does not say. */
  read(get: Get): T | undefined;
}

export const text = (property: MapiProperty): FieldCodec<string> => ({
  write: (value) => [{ property, value }],
  read: (get) => {
    const value = get(property);
    return isText(value) ? value : undefined;
  },
});
/** '' is no property: of contacts and tasks most texts are empty. */
export const textOrNone = (property: MapiProperty): FieldCodec<string> => ({
  ...text(property),
  write: (value) => [{ property, value: value === '' ? null : value }],
});
export const flag = (property: MapiProperty): FieldCodec<boolean> => ({
  write: (value) => [{ property, value }],
  read: (get) => {
    const value = get(property);
    return typeof value === 'boolean' ? value : undefined;
  },
});
export const number = (property: MapiProperty): FieldCodec<number> => ({
  write: (value) => [{ property, value }],
  read: (get) => {
    const value = get(property);
    return isNumber(value) ? value : undefined;
  },
});
/** A word by its place among those of the property. */
export const word = <T extends string>(property: MapiProperty, words: readonly T[]): FieldCodec<T> => ({
  write: (value) => [{ property, value: words.indexOf(value) }],
  read: (get) => {
    const value = get(property);
    return isNumber(value) ? words[value] : undefined;
  },
});
export const time = (property: MapiProperty): FieldCodec<Instant | null> => ({
  write: (value) => [{ property, value }],
  read: (get) => {
    const value = get(property);
    return isNumber(value) ? value : undefined;
  },
});
/** An empty list is no property. */
export const texts = (property: MapiProperty): FieldCodec<readonly string[]> => ({
  write: (value) => [{ property, value: value.length === 0 ? null : value }],
  read: (get) => {
    const value = get(property);
    // A server may show a list of one as the one.
    if (isText(value)) return [value];
    return Array.isArray(value) ? value.filter(isText) : undefined;
  },
});
export const not = ({ write, read }: FieldCodec<boolean>): FieldCodec<boolean> => ({
  write: (value) => write(!value),
  read: (get) => {
    const value = read(get);
    return value === undefined ? undefined : !value;
  },
});
const [textBody, htmlBody] = commonRows.body.mapi;
/** PidTagInternetCodepage: that of PidTagHtml. [MS-OXCMSG] 2.2.1.56.6 */
export const internetCodePage = { tag: 0x3fde, type: 'integer' } as const satisfies MapiProperty;
/** PidTagNativeBody: 1 text, 2 RTF, 3 HTML. [MS-OXCMSG] 2.2.1.56.2 */
export const nativeBody = { tag: 0x1016, type: 'integer' } as const satisfies MapiProperty;
/** PidTagRtfCompressed: the native body of what old clients wrote. [MS-OXCMSG] 2.2.1.56.4 */
export const rtfBody = { tag: 0x1009, type: 'binary' } as const satisfies MapiProperty;
const utf8CodePage = 65001;

export const body: FieldCodec<Body> = {
  write: (value) =>
    value.type === 'html'
      ? [
          { property: textBody, value: null },
          { property: htmlBody, value: Buffer.from(value.text, 'utf8') },
          { property: internetCodePage, value: utf8CodePage },
          { property: nativeBody, value: 3 },
        ]
      : [
          { property: htmlBody, value: null },
          { property: textBody, value: value.text },
          { property: nativeBody, value: 1 },
        ],
  read(get) {
    const read = readForm(get);
    return read === undefined ? undefined : shownBody(read.type, read.text);
  },
};

/** The best form of the body that is there. */
function readForm(get: Get): Body | undefined {
  const [html, plain, page] = [get(htmlBody), get(textBody), get(internetCodePage)];
  if (Buffer.isBuffer(html)) return { type: 'html', text: decodeText(html, isNumber(page) ? page : utf8CodePage) };
  if (isText(html)) return { type: 'html', text: html };
  const rtf = readRtf(get(rtfBody));
  // What a server made of HTML has all of it, which the text has not.
  if (rtf?.body.type === 'html') return rtf.body;
  return isText(plain) ? { type: 'text', text: plain } : rtf?.body;
}

/** @returns null for a value that is no compressed RTF */
export function readRtf(value: unknown): RtfBody | null {
  const source = Buffer.isBuffer(value) ? decompressRtf(value) : null;
  return source === null ? null : bodyOfRtf(source);
}

const [reminderIsSet, reminderMinutes] = eventProperties.reminder.mapi;
export const reminder: FieldCodec<Reminder> = {
  write: (value) => [
    { property: reminderIsSet, value: value.isSet },
    { property: reminderMinutes, value: value.minutesBefore },
  ],
  read: (get) => {
    const [isSet, minutes] = [get(reminderIsSet), get(reminderMinutes)];
    if (typeof isSet !== 'boolean' && !isNumber(minutes)) return undefined;
    return { isSet: isSet === true, minutesBefore: isNumber(minutes) ? minutes : 0 };
  },
};

export const sensitivity = word(commonRows.sensitivity.mapi[0], ['normal', 'personal', 'private', 'confidential']);
export const importance = word(commonRows.importance.mapi[0], ['low', 'normal', 'high']);
export const categories = texts(commonRows.categories.mapi[0]);

const dayMs = 86_400_000;
/** Outlook’s way to say that there is no date: 4501-01-01. [MS-OXOCAL] 2.2.1.44.1, [MS-OXOTASK] 2.2.2.2.4 */
const none: Instant = Date.UTC(4500, 11, 31);

/**
 * The day that a point in time stands for: writers take midnight of their own zone, midnight or noon in UTC. The nearest midnight of UTC
 * is right for zones from 12 hours west to 12 hours east.
 */
const nearestDay = (instant: Instant): Day => dayOfWall(Math.floor((instant + dayMs / 2) / dayMs) * dayMs);

/** A property that may stand for a day; null: it says that there is none. */
export function readDay(get: Get, property: MapiProperty): Day | null | undefined {
  const value = get(property);
  if (!isNumber(value)) return undefined;
  return value >= none ? null : nearestDay(value);
}

export const midnightOf = (day: Day): Instant => wallOfDay(day);
/** What days are in UTC by the newer of Exchange's own clients: the same day almost everywhere. [MS-OXOCNTC] 2.2.1.5.1 */
export const noonOf = (day: Day): Instant => wallOfDay(day) + 11 * 3_600_000 + 59 * 60_000;
