import { type MapiProperty, type MapiType, propertySets } from '#model/property-row.ts';

/** A property by its WebDAV name: the namespace with its last separator, and the local name as XML writes it. */
export interface DavName {
  readonly ns: string;
  readonly name: string;
}

export const davNamespace = 'DAV:';
export const httpmailNamespace = 'urn:schemas:httpmail:';
export const mailheaderNamespace = 'urn:schemas:mailheader:';
const exchangeNamespace = 'http://schemas.microsoft.com/exchange/';
/** Of answers to SUBSCRIBE and POLL; with a capital, and no slip. */
export const notificationNamespace = 'http://schemas.microsoft.com/Exchange/';
export const replNamespace = 'http://schemas.microsoft.com/repl/';
const proptagNamespace = 'http://schemas.microsoft.com/mapi/proptag/';
const idNamespace = 'http://schemas.microsoft.com/mapi/id/';
const stringNamespace = 'http://schemas.microsoft.com/mapi/string/';

const dav = (name: string): DavName => ({ ns: davNamespace, name });
const exchange = (name: string): DavName => ({ ns: exchangeNamespace, name });
const repl = (name: string): DavName => ({ ns: replNamespace, name });

/** Names that are used outside of the property tables. */
export const names = {
  displayName: dav('displayname'),
  etag: dav('getetag'),
  isFolder: dav('isfolder'),
  isHidden: dav('ishidden'),
  objectCount: dav('objectcount'),
  unreadCount: { ns: httpmailNamespace, name: 'unreadcount' },
  read: { ns: httpmailNamespace, name: 'read' },
  permanentUrl: exchange('permanenturl'),
  folderClass: exchange('outlookfolderclass'),
  messageClass: exchange('outlookmessageclass'),
  keywords: exchange('keywords-utf8'),
  replUid: repl('repl-uid'),
  contentTag: repl('contenttag'),
} as const satisfies Readonly<Record<string, DavName>>;

/** Last four digits of a proptag name ([MS-OXCDATA] 2.11.1). */
const typeDigits: Readonly<Record<MapiType, string>> = {
  string: '001f',
  integer: '0003',
  boolean: '000b',
  time: '0040',
  binary: '0102',
  strings: '101f',
  long: '0014',
  double: '0005',
  guid: '0048',
};

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** Characters that no XML name has become `_xHHHH_`, and so does a digit in front. */
const encodeName = (name: string): string =>
  name.replace(
    /[^A-Za-z0-9_.\-\u00c0-\u024f]|^[0-9.-]/gu,
    (character) => `_x${hex(character.charCodeAt(0), 4).toUpperCase()}_`,
  );
const decodeName = (name: string): string =>
  name.replace(/_x([0-9a-f]{4})_/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));

/** The WebDAV name of any MAPI property. */
export function davNameOf(property: MapiProperty): DavName {
  if ('tag' in property) return { ns: proptagNamespace, name: `x${hex(property.tag, 4)}${typeDigits[property.type]}` };
  if ('lid' in property) return { ns: `${idNamespace}{${property.set}}/`, name: `_x0030_x${hex(property.lid, 8)}` };
  // Categories are kept under a name of their own, which shows them in full Unicode.
  if (property.set === propertySets.publicStrings && property.name === 'Keywords') return names.keywords;
  return { ns: `${stringNamespace}{${property.set}}/`, name: encodeName(property.name) };
}

/** The name behind a URI as property tables write it: `urn:schemas:httpmail:read`. */
export function davNameOfUri(uri: string): DavName {
  const at = Math.max(uri.lastIndexOf(':'), uri.lastIndexOf('/'), uri.lastIndexOf('#')) + 1;
  return { ns: uri.slice(0, at), name: uri.slice(at) };
}

/** As SQL writes it: without what XML names need. */
export const uriOf = ({ ns, name }: DavName): string => ns + decodeName(name);

/**
 * Which property a name means, however it is written: proptags with and without a leading 0, in any case, with 8-bit strings like
 * Unicode ones; numbers of named properties in hex of any length or in decimal.
 */
export function davKey({ ns, name }: DavName): string {
  if (ns === proptagNamespace) {
    const digits = /^0?x?([0-9a-f]{8})$/i.exec(decodeName(name))?.[1]?.toLowerCase();
    return digits === undefined ? ns + name : `tag ${digits.replace(/001e$/, '001f')}`;
  }
  if (ns.startsWith(idNamespace)) {
    const plain = decodeName(name);
    const lid = /^(?:0x[0-9a-f]{1,8}|\d{1,10})$/i.test(plain) ? Number(plain) : null;
    return lid === null ? ns + name : `${ns.toLowerCase()}${lid}`;
  }
  return ns.startsWith(stringNamespace) ? ns.toLowerCase() + decodeName(name) : ns + name;
}
