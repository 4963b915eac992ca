import { escapeText } from '#formats/text/xml-write.ts';
import { type DavName, davNamespace, replNamespace, uriOf } from './dav-names.ts';

/** A condition of a search, as its dialect writes it. */
export type Condition = string & { readonly condition: true };

const quoted = (name: DavName): string => `"${uriOf(name)}"`;
const condition = (text: string): Condition => text as Condition;

export const isTrue = (name: DavName, value: boolean): Condition => condition(`${quoted(name)} = ${value}`);
export const isText = (name: DavName, value: string): Condition =>
  condition(`${quoted(name)} = '${value.replaceAll("'", "''")}'`);
export const isBinary = (name: DavName, base64: string): Condition =>
  condition(`${quoted(name)} = CAST("${base64}" as 'bin.base64')`);
export const oneOf = (conditions: readonly Condition[]): Condition => condition(`(${conditions.join(' OR ')})`);
export const allOf = (...conditions: readonly Condition[]): Condition => condition(conditions.join(' AND '));

export interface SearchText {
  readonly select: readonly DavName[];
  readonly depth: 'shallow' | 'deep';
  readonly where: Condition;
  /** `''` begins a manifest, another text goes on with one; null: no manifest. */
  readonly collblob?: string | null;
}

/** Body of a SEARCH whose scope is the address that it is sent to. */
export function searchBody({ select, depth, where, collblob = null }: SearchText): string {
  const sql = `SELECT ${select.map(quoted).join(', ')} FROM SCOPE('${depth} traversal of ""') WHERE ${where}`;
  const repl =
    collblob === null
      ? ''
      : collblob === ''
        ? '<R:repl><R:collblob/></R:repl>'
        : `<R:repl><R:collblob>${escapeText(collblob)}</R:collblob></R:repl>`;
  const namespace = collblob === null ? '' : ` xmlns:R="${replNamespace}"`;
  return `<?xml version="1.0"?><D:searchrequest xmlns:D="${davNamespace}"${namespace}>${repl}<D:sql>${escapeText(sql)}</D:sql></D:searchrequest>`;
}
