import { parseXmlBytes, type XmlElement, XmlFault } from '#formats/text/xml-read.ts';
import type { PlainAnswer } from '../edge/exchange.ts';
import type { DavContext, Resource } from './context.ts';
import { DavError } from './dav-error.ts';
import { etagOfFolder, etagOfItem } from './marks.ts';
import { type Multistatus, type MultistatusTerms, writeMultistatus } from './multistatus.ts';
import { repairNames } from './names-repair.ts';
import type { DavStore } from './store-state.ts';

/** One request to the store, after sign-in. */
export interface DavCall {
  readonly context: DavContext;
  readonly method: string;
  /** With its query, as sent. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly store: DavStore;
  readonly terms: MultistatusTerms;
}

export type DavAnswer = PlainAnswer;

export const wantsStore = ({ headers }: DavCall): boolean => /^\s*f/i.test(headers['translate'] ?? '');
export const isBrief = ({ headers }: DavCall): boolean => /^\s*t/i.test(headers['brief'] ?? '');

/** Answers are `text/xml` without a charset: clients compare the whole header. */
export const multistatus = (
  call: DavCall,
  what: Multistatus,
  headers: Readonly<Record<string, string>> = {},
): DavAnswer => ({
  status: 207,
  headers: { 'content-type': 'text/xml', ...headers },
  body: writeMultistatus(what, call.terms),
});

/** The XML of a request; null: it has no body. @throws DavError 400 */
export function xmlOf({ body }: DavCall): XmlElement | null {
  if (body.length === 0) return null;
  try {
    const { xml } = repairNames(body.toString('utf8'));
    return parseXmlBytes(xml, { bytesMax: 64 * 1024 * 1024, textBytesMax: 64 * 1024 * 1024, depthMax: 50 }).root;
  } catch (thrown) {
    if (thrown instanceof XmlFault) throw new DavError(400, 'the request is no XML');
    throw thrown;
  }
}

export const childOf = (element: XmlElement | null, name: string): XmlElement | null =>
  element?.children.find((one) => one.name === name) ?? null;

function etagsIn(header: string): readonly string[] {
  return [...header.matchAll(/(?:W\/)?"[^"]*"|[^\s,]+/g)].map(([tag]) => tag.replace(/^W\//, ''));
}

const etagOf = (resource: Resource): string | null =>
  resource.kind === 'item'
    ? etagOfItem(resource.item)
    : resource.kind === 'attachment'
      ? etagOfItem(resource.item)
      : resource.kind === 'folder'
        ? etagOfFolder(resource.folder)
        : null;

/** `If-Match` and `If-None-Match` of a request that writes. @throws DavError 412 */
export function refuseUnlessMatching({ headers }: DavCall, resource: Resource): void {
  const etag = etagOf(resource);
  const match = headers['if-match'];
  const bare = (tag: string): string => tag.replaceAll('"', '');
  const has = (list: string): boolean =>
    etag !== null && etagsIn(list).some((tag) => tag === '*' || bare(tag) === bare(etag));
  if (match !== undefined && !has(match)) throw new DavError(412, 'the item is not as If-Match says');
  const noneMatch = headers['if-none-match'];
  if (noneMatch !== undefined && has(noneMatch)) throw new DavError(412, 'the item is there already');
}

/** The header that names another place. @throws DavError 400 */
export function destinationOf({ headers }: DavCall): string {
  const given = headers['destination'];
  if (given === undefined || given.trim() === '') throw new DavError(400, 'the request needs a Destination');
  return given.trim();
}
