import type { MapiType } from '#model/property-row.ts';
import { readTime, writeTime } from './ews-time.ts';

/** How one value is written as text. */
export interface Form {
  /** Undefined: cannot be read. */
  readonly read: (text: string) => unknown;
  readonly write: (value: never) => string;
}

export const integer: Form = {
  read: (text) => (/^\s*[+-]?\d{1,10}\s*$/.test(text) ? Number(text) : undefined),
  write: (value: number) => String(value),
};
export const boolean: Form = {
  read: (text) => {
    const word = text.trim();
    return word === 'true' || word === '1' ? true : word === 'false' || word === '0' ? false : undefined;
  },
  write: (value: boolean) => String(value),
};
const text: Form = { read: (value) => value, write: (value: string) => value };
const time: Form = { read: readTime, write: writeTime };
const canonicalBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const base64: Form = {
  read: (value) => {
    const trimmed = value.trim();
    return canonicalBase64.test(trimmed) ? trimmed : undefined;
  },
  write: (value: string) => value,
};
export const hex: Form = {
  read: (value) => {
    const encoded = base64.read(value);
    return typeof encoded === 'string' ? Buffer.from(encoded, 'base64').toString('hex') : undefined;
  },
  write: (value: string) => Buffer.from(value, 'hex').toString('base64'),
};
/** SensitivityChoicesType and ImportanceChoicesType: our words with a capital. */
export const choice = (...words: readonly string[]): Form => ({
  read: (value) => {
    const word = value.trim().toLowerCase();
    return words.includes(word) ? word : undefined;
  },
  write: (value: string) => `${value.charAt(0).toUpperCase()}${value.slice(1)}`,
});
const forms: Readonly<Record<MapiType, Form>> = {
  integer,
  boolean,
  string: text,
  time,
  binary: base64,
  strings: text,
  long: integer,
  double: text,
  guid: text,
};

/** How a value of a MAPI type is written; of a list, one of its values. */
export const formOf = (type: MapiType): Form => forms[type];
