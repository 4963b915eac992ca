/**
 * Text with numbered places, rendered ahead: what differs between one canned answer and the next are only the digits of a mailbox
 * (`@@@@`) and of an item (`########`), which are written over a copy of the rest.
 */
export interface Template {
  readonly bytes: Buffer;
  readonly mailboxPlaces: readonly number[];
  readonly itemPlaces: readonly number[];
}

const mailboxDigits = 4;
const itemDigits = 8;

export function template(text: string): Template {
  const bytes = Buffer.from(text, 'utf8');
  return { bytes, mailboxPlaces: placesOf(bytes, '@@@@'), itemPlaces: placesOf(bytes, '########') };
}

function placesOf(bytes: Buffer, mark: string): readonly number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + mark.length)) places.push(at);
  return places;
}

/** Writes the template to `into` at `offset`, with its digits. @returns the offset behind it. */
function renderTo(into: Buffer, offset: number, made: Template, mailbox: number, item: number): number {
  made.bytes.copy(into, offset);
  for (const place of made.mailboxPlaces) writeDigits(into, offset + place, mailbox, mailboxDigits);
  for (const place of made.itemPlaces) writeDigits(into, offset + place, item, itemDigits);
  return offset + made.bytes.length;
}

/** The template once for each item, one after the other. */
export function renderAll(made: Template, mailbox: number, items: readonly number[]): Buffer {
  const whole = Buffer.allocUnsafe(made.bytes.length * items.length);
  let at = 0;
  for (const item of items) at = renderTo(whole, at, made, mailbox, item);
  return whole;
}

function writeDigits(into: Buffer, offset: number, value: number, digits: number): void {
  let rest = value;
  for (let at = offset + digits - 1; at >= offset; at--) {
    into[at] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

/** Digits at a place of a request. */
export function readDigits(from: Buffer, offset: number, digits: number): number {
  let value = 0;
  for (let at = offset; at < offset + digits; at++) value = value * 10 + (from[at] ?? 48) - 48;
  return value;
}

export const digits = { mailbox: mailboxDigits, item: itemDigits } as const;
