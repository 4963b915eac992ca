import { DavError } from './dav-error.ts';

/** The name of a property: as an element it is a namespace and a local name, in a query both in one. */
export interface DavName {
  readonly ns: string;
  /** As it stands in queries, without the escapes of XML names. */
  readonly local: string;
}

export const namespaces = {
  dav: 'DAV:',
  types: 'urn:uuid:c2f41010-65b3-11d1-a29f-00aa00c14882/',
  clientTypes: 'urn:schemas-microsoft-com:datatypes',
  xml: 'xml:',
  httpmail: 'urn:schemas:httpmail:',
  mailheader: 'urn:schemas:mailheader:',
  calendar: 'urn:schemas:calendar:',
  contacts: 'urn:schemas:contacts:',
  exchange: 'http://schemas.microsoft.com/exchange/',
  notification: 'http://schemas.microsoft.com/Exchange/',
  repl: 'http://schemas.microsoft.com/repl/',
  mapi: 'http://schemas.microsoft.com/mapi/',
  proptag: 'http://schemas.microsoft.com/mapi/proptag/',
  id: 'http://schemas.microsoft.com/mapi/id/',
  string: 'http://schemas.microsoft.com/mapi/string/',
} as const;

/** Set of a name in a `mapi/id/` or `mapi/string/` namespace, lower case; null: none of these. */
export function setOf(ns: string, base: typeof namespaces.id | typeof namespaces.string): string | null {
  if (!ns.startsWith(base)) return null;
  const [, guid] = /^\{([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}\/$/i.exec(ns.slice(base.length)) ?? [];
  return guid?.toLowerCase() ?? null;
}

/** A name as queries write it: the last slash or colon ends the namespace, of string-named properties the one after the set. */
export function nameOfUri(uri: string): DavName {
  const inString = /^http:\/\/schemas\.microsoft\.com\/mapi\/string\/\{[^}]*\}\//i.exec(uri);
  const at = inString === null ? Math.max(uri.lastIndexOf('/'), uri.lastIndexOf(':')) + 1 : inString[0].length;
  if (at === 0 || at === uri.length) throw new DavError(422, `${uri} is no name of a property`);
  return { ns: uri.slice(0, at), local: uri.slice(at) };
}

export const uriOf = ({ ns, local }: DavName): string => ns + local;

/** `_x0030_` in an XML name is the character 0: what no name may hold, or not at its beginning, is written so. */
export const decodeName = (name: string): string =>
  name.replace(/_x([0-9a-f]{4})_/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

const escaped = (c: string): string => `_x${c.charCodeAt(0).toString(16).padStart(4, '0')}_`;
export const encodeName = (name: string): string =>
  name
    .replace(/_(?=x[0-9a-f]{4}_)/gi, escaped)
    .replace(/[^\w.\-\u00b7-\ud7ff\uf900-\ufffd]/g, escaped)
    .replace(/^[\d.-]/, escaped);
