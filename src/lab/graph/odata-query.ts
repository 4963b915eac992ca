import { type ExtendedId, readExtendedId } from './extended-property.ts';
import { badRequest } from './graph-error.ts';
import { type Filter, parseFilter } from './odata-filter.ts';

/** System query options of a request, and its own parameters. */
export interface Query {
  /** Null: everything that is shown unasked. */
  readonly select: ReadonlySet<string> | null;
  readonly expand: ReadonlyMap<string, Expansion>;
  readonly filter: Filter | null;
  readonly orderBy: readonly { readonly path: string; readonly descending: boolean }[];
  readonly top: number | null;
  readonly skip: number;
  readonly count: boolean;
  readonly skipToken: string | null;
  readonly deltaToken: string | null;
  /** The rest, names in lower case: `startdatetime`, `includehiddenfolders`. */
  readonly own: ReadonlyMap<string, string>;
  /** As it came, for links that continue it. */
  readonly raw: string;
}

/** What an expanded property is asked for. */
export interface Expansion {
  /** Extended properties that the `$filter` inside names. */
  readonly extended: readonly ExtendedId[];
  readonly select: ReadonlySet<string> | null;
}

const systemOptions: ReadonlySet<string> = new Set([
  '$select',
  '$expand',
  '$filter',
  '$orderby',
  '$top',
  '$skip',
  '$count',
  '$search',
  '$skiptoken',
  '$deltatoken',
  '$format',
]);

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw badRequest('The query of the request is not encoded as it must be.');
  }
}

/** Pieces between commas that stand in no brackets and no quotes. */
function split(text: string, separator = ','): readonly string[] {
  const pieces: string[] = [];
  let depth = 0;
  let quoted = false;
  let piece = '';
  for (const c of text) {
    if (c === "'") quoted = !quoted;
    if (!quoted && c === '(') depth++;
    if (!quoted && c === ')') depth--;
    if (c === separator && depth === 0 && !quoted) {
      pieces.push(piece);
      piece = '';
    } else piece += c;
  }
  if (depth !== 0 || quoted) throw badRequest('Found an unbalanced bracket expression.');
  pieces.push(piece);
  return pieces.map((one) => one.trim()).filter((one) => one !== '');
}

/** Ids that a filter of extended properties names: `id eq 'x' or id eq 'y'`. */
function idsIn(filter: Filter): readonly string[] {
  if (filter.kind === 'or') return filter.parts.flatMap(idsIn);
  if (
    filter.kind === 'compare' &&
    filter.operator === 'eq' &&
    filter.left.kind === 'path' &&
    filter.left.path === 'id' &&
    filter.right.kind === 'value' &&
    typeof filter.right.value === 'string'
  )
    return [filter.right.value];
  throw badRequest('Extended properties are expanded by their ids only.');
}

function expansionOf(piece: string): readonly [string, Expansion] {
  const open = piece.indexOf('(');
  if (open < 0) return [piece, { extended: [], select: null }];
  let extended: readonly ExtendedId[] = [];
  let select: ReadonlySet<string> | null = null;
  for (const option of split(piece.slice(open + 1, -1), ';')) {
    const equals = option.indexOf('=');
    const [name, value] = [option.slice(0, equals).trim().toLowerCase(), option.slice(equals + 1)];
    if (name === '$filter') extended = idsIn(parseFilter(value)).map(readExtendedId);
    else if (name === '$select') select = new Set(split(value));
    else if (name !== '$top') throw badRequest(`The option '${name}' cannot stand in $expand.`);
  }
  return [piece.slice(0, open).trim(), { extended, select }];
}

function wholeNumber(name: string, text: string, max: number): number {
  if (!/^\d{1,9}$/.test(text)) throw badRequest(`Invalid value '${text.slice(0, 30)}' for the query option '${name}'.`);
  const number = Number(text);
  if (number > max)
    throw badRequest(`Invalid value '${number}' for the query option '${name}'. It must not be greater than ${max}.`);
  return number;
}

/** Entries of a page: at most 1000. (GDOC concepts/query-parameters; FACTS §4) */
const topMax = 1000;

/** @param raw what stands behind the question mark. @throws GraphError */
export function readQuery(raw: string): Query {
  const options = new Map<string, string>();
  const own = new Map<string, string>();
  for (const pair of raw.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals)).toLowerCase();
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1));
    if (name.startsWith('$')) {
      if (!systemOptions.has(name)) throw badRequest(`The query parameter '${name}' is not supported.`);
      if (options.has(name)) throw badRequest(`The query option '${name}' was specified more than once.`);
      options.set(name, value);
    } else own.set(name, value);
  }
  if (options.has('$search')) throw badRequest('The lab does not search.');
  const select = options.get('$select');
  const filter = options.get('$filter');
  const top = options.get('$top');
  return {
    select: select === undefined ? null : new Set(split(select)),
    expand: new Map(split(options.get('$expand') ?? '').map(expansionOf)),
    filter: filter === undefined || filter.trim() === '' ? null : parseFilter(filter),
    orderBy: split(options.get('$orderby') ?? '').map((piece) => {
      const [path = '', way = 'asc'] = piece.split(/\s+/);
      return { path, descending: way.toLowerCase() === 'desc' };
    }),
    top: top === undefined ? null : wholeNumber('$top', top, topMax),
    skip: wholeNumber('$skip', options.get('$skip') ?? '0', 999_999_999),
    count: options.get('$count') === 'true',
    skipToken: options.get('$skiptoken') ?? null,
    deltaToken: options.get('$deltatoken') ?? null,
    own,
    raw,
  };
}
