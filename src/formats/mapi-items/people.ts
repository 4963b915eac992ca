import type { Person } from '#model/appointment.ts';
import type { MapiProperty } from '#model/property-row.ts';
import type { MapiPropertyValue } from '../mapi/mapi-message.ts';
import { type Get, isText } from './property-values.ts';

const legacyName = /^\/o=/i;
/** Provider of one-off entry ids ([MS-OXCDATA] 2.2.5.1), and of those in an address book (2.2.5.2). */
const oneOff = Buffer.from('00000000812b1fa4bea310199d6e00dd010f540200000190', 'hex');
const addressBook = Buffer.from('00000000dca740c8c042101ab4b908002b2fe1820100000000000000', 'hex');

export const isLegacyName = (address: string): boolean => legacyName.test(address);
export const addressTypeOf = (address: string): string => (isLegacyName(address) ? 'EX' : 'SMTP');

export function entryIdOf(person: Person): Buffer {
  if (isLegacyName(person.address)) return Buffer.concat([addressBook, Buffer.from(`${person.address}\0`, 'latin1')]);
  const strings = `${person.name}\0SMTP\0${person.address}\0`;
  return Buffer.concat([oneOff, Buffer.from(strings, 'utf16le')]);
}
export const searchKeyOf = (person: Person): Buffer =>
  Buffer.from(`${addressTypeOf(person.address)}:${person.address.toUpperCase()}\0`, 'latin1');

/** The organizer sends for himself: both groups of properties name him ([MS-OXOMSG] 2.2.1.49 to 2.2.1.54, 2.2.1.67 to 2.2.1.71). */
const senderGroups = [
  { name: 0x0042, type: 0x0064, address: 0x0065, smtp: 0x5d02, entryId: 0x0041, searchKey: 0x003b },
  { name: 0x0c1a, type: 0x0c1e, address: 0x0c1f, smtp: 0x5d01, entryId: 0x0c19, searchKey: 0x0c1d },
] as const;
const binaries: ReadonlySet<string> = new Set(['entryId', 'searchKey']);

/** Every property that names the organizer. */
export const organizerProperties: readonly MapiProperty[] = senderGroups.flatMap((tags) =>
  Object.entries(tags).map(([part, tag]) => ({ tag, type: binaries.has(part) ? 'binary' : 'string' }) as const),
);

export function writeOrganizer(person: Person | null): readonly MapiPropertyValue[] {
  if (person === null) return [];
  const { name, address } = person;
  return senderGroups.flatMap((tags): readonly MapiPropertyValue[] => {
    const shown: MapiPropertyValue = { property: { tag: tags.name, type: 'string' }, value: name };
    if (address === '') return [shown];
    const smtp: readonly MapiPropertyValue[] = isLegacyName(address)
      ? []
      : [{ property: { tag: tags.smtp, type: 'string' }, value: address }];
    return [
      shown,
      { property: { tag: tags.type, type: 'string' }, value: addressTypeOf(address) },
      { property: { tag: tags.address, type: 'string' }, value: address },
      ...smtp,
      { property: { tag: tags.entryId, type: 'binary' }, value: entryIdOf(person) },
      { property: { tag: tags.searchKey, type: 'binary' }, value: searchKeyOf(person) },
    ];
  });
}

export function readOrganizer(get: Get): Person | null {
  const [tags] = senderGroups;
  const read = (tag: number) => {
    const value = get({ tag, type: 'string' });
    return isText(value) ? value : '';
  };
  const address = read(tags.smtp) || read(tags.address);
  const name = read(tags.name);
  return name === '' && address === '' ? null : { name, address };
}
