import type { XmlElement } from '#formats/text/xml-read.ts';
import { childOf, type DavAnswer, type DavCall, isBrief, multistatus, xmlOf } from '../dav-call.ts';
import { DavError } from '../dav-error.ts';
import { namespaces } from '../dav-name.ts';
import { manifest } from '../manifest.ts';
import { askedBy, folderOfScope, responseFor, rowOf, type Target, targetsIn } from '../query-rows.ts';
import { parseSql, type Query } from '../sql.ts';
import { matches, ordered } from '../sql-match.ts';

/** `rows=0-99`, `rows=0-9,20-29`, `rows=-20`: places of the first and the last row, within what there is. Null: none is asked for. */
function rangesOf(header: string | undefined, total: number): readonly (readonly [number, number])[] | null {
  const [, list] = /^\s*rows\s*=\s*(.+)$/i.exec(header ?? '') ?? [];
  if (list === undefined) return null;
  const ranges: (readonly [number, number])[] = [];
  for (const part of list.split(',')) {
    const [, first = '', last = ''] = /^\s*(\d{0,9})\s*-\s*(\d{0,9})\s*$/.exec(part) ?? [];
    if (first === '' && last === '') throw new DavError(400, 'the range cannot be read');
    const from = first === '' ? Math.max(0, total - Number(last)) : Number(first);
    const to = first === '' || last === '' ? total - 1 : Math.min(Number(last), total - 1);
    // Nothing at all is not past the end of nothing. (assumed)
    if (from <= to || (total === 0 && from === 0)) ranges.push([from, to]);
  }
  if (ranges.length === 0) throw new DavError(416, 'the range lies past the end');
  return ranges;
}

export function search(call: DavCall): DavAnswer {
  const root = xmlOf(call);
  if (root === null || root.name !== 'searchrequest' || root.ns !== namespaces.dav)
    throw new DavError(400, 'the request needs a searchrequest');
  const sql = childOf(root, 'sql');
  if (sql === null) throw new DavError(400, 'the request has no query');
  const query = parseSql(sql.text);
  const repl = root.children.find(({ name, ns }) => name === 'repl' && ns === namespaces.repl);
  return repl === undefined ? rows(call, query) : manifest(call, query, repl as XmlElement);
}

function rows(call: DavCall, query: Query): DavAnswer {
  const { context } = call;
  const row = rowOf(context);
  const found: Target[] = [];
  for (const scope of query.from) {
    const folder = folderOfScope(call, scope);
    for (const target of targetsIn(folder, scope))
      if (query.where === null || matches(query.where, row(target))) found.push(target);
  }
  const all = ordered(found, query.orderBy, row);
  const ranges = rangesOf(call.headers['range'], all.length);
  const shown = ranges === null ? all : ranges.flatMap(([from, to]) => all.slice(from, to + 1));
  const asked = askedBy(query);
  const brief = isBrief(call);
  const responses = shown.map((target) => responseFor(target, asked, context, brief));
  const written = ranges
    ?.filter(([from, to]) => to >= from)
    .map(([from, to]) => `${from}-${to}`)
    .join(',');
  return multistatus(
    call,
    { responses, ...(written ? { contentRange: written } : {}) },
    written === undefined ? {} : { 'content-range': `rows ${written || '0-0'}; total=${all.length}` },
  );
}
