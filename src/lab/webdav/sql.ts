import { DavError } from './dav-error.ts';
import { type DavName, nameOfUri } from './dav-name.ts';

// The dialect of SQL that SEARCH takes. (Exchange SDK: "Exchange store SQL"; the queries of DavMail and evolution-exchange)

export type Traversal = 'shallow' | 'deep' | 'hierarchical';

export interface Scope {
  readonly traversal: Traversal;
  /** Path or address; empty: that of the request. */
  readonly path: string;
}

export interface Selected {
  readonly name: DavName;
  readonly alias: string | null;
}

export type Literal =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'number'; readonly value: number }
  | { readonly type: 'boolean'; readonly value: boolean }
  /** UTC milliseconds. */
  | { readonly type: 'time'; readonly value: number }
  /** Base64. */
  | { readonly type: 'binary'; readonly value: string };

export type Comparison = '=' | '<>' | '<' | '<=' | '>' | '>=';

export type Condition =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition }
  | { readonly kind: 'compare'; readonly name: DavName; readonly operator: Comparison; readonly literal: Literal }
  | { readonly kind: 'like'; readonly name: DavName; readonly pattern: string }
  | { readonly kind: 'null'; readonly name: DavName };

export interface Ordering {
  readonly name: DavName;
  readonly descending: boolean;
}

export interface Query {
  /** Null: `*`. */
  readonly select: readonly Selected[] | null;
  readonly from: readonly Scope[];
  readonly where: Condition | null;
  readonly orderBy: readonly Ordering[];
}

type Token =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'number'; readonly value: number }
  /** In double quotes, or in brackets. */
  | { readonly kind: 'name'; readonly text: string }
  /** In single quotes. */
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'sign'; readonly text: string };

const refuse = (message: string): never => {
  throw new DavError(422, message);
};

const queryBytesMax = 256 * 1024;
const depthMax = 100;

function tokens(sql: string): readonly Token[] {
  if (sql.length > queryBytesMax) refuse('the query is too long');
  const found: Token[] = [];
  const pattern =
    /\s+|"((?:[^"]|"")*)"|\[([^\]]*)\]|'((?:[^']|'')*)'|(<>|!=|<=|>=|[=<>(),*])|(-?\d+(?:\.\d+)?)(?![\w.])|([A-Za-z_][\w.]*)/gy;
  let at = 0;
  while (at < sql.length) {
    pattern.lastIndex = at;
    const match = pattern.exec(sql);
    if (match === null) return refuse(`the query cannot be read from character ${at + 1} on`);
    at = pattern.lastIndex;
    const [, name, bracketed, string, sign, number, word] = match;
    if (name !== undefined) found.push({ kind: 'name', text: name.replaceAll('""', '"') });
    else if (bracketed !== undefined) found.push({ kind: 'name', text: bracketed });
    else if (string !== undefined) found.push({ kind: 'string', text: string.replaceAll("''", "'") });
    else if (sign !== undefined) found.push({ kind: 'sign', text: sign === '!=' ? '<>' : sign });
    else if (number !== undefined) found.push({ kind: 'number', value: Number(number) });
    else if (word !== undefined) found.push({ kind: 'word', text: word });
  }
  return found;
}

/** Only what is written like a time is one: `2026-03-02T09:00:00.000Z`, `2026/03/02 00:00:00`. Without a zone it is UTC. */
export function readTime(text: string): number | null {
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] =
    /^\s*(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?)?\s*(Z|[+-]\d{2}:\d{2})?\s*$/i.exec(
      text,
    ) ?? [];
  if (year === undefined || month === undefined || day === undefined) return null;
  const two = (part: string): string => part.padStart(2, '0');
  const ms = Date.parse(
    `${year}-${two(month)}-${two(day)}T${two(hour)}:${minute}:${second}${fraction.slice(0, 4)}${zone.toUpperCase()}`,
  );
  return Number.isNaN(ms) ? null : ms;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;
  constructor(sql: string) {
    this.#tokens = tokens(sql);
  }

  get #next(): Token | undefined {
    return this.#tokens[this.#at];
  }
  #isWord(word: string): boolean {
    const next = this.#next;
    return next?.kind === 'word' && next.text.toLowerCase() === word;
  }
  #takeWord(word: string): boolean {
    const found = this.#isWord(word);
    if (found) this.#at++;
    return found;
  }
  #needWord(word: string): void {
    if (!this.#takeWord(word)) refuse(`the query lacks ${word.toUpperCase()}`);
  }
  #takeSign(sign: string): boolean {
    const next = this.#next;
    const found = next?.kind === 'sign' && next.text === sign;
    if (found) this.#at++;
    return found;
  }
  #needSign(sign: string): void {
    if (!this.#takeSign(sign)) refuse(`the query lacks a ${sign}`);
  }
  /** A property; some documents put them into single quotes. */
  #name(): DavName {
    const next = this.#next;
    if (next === undefined || (next.kind !== 'name' && next.kind !== 'string'))
      return refuse('the query lacks the name of a property');
    this.#at++;
    return nameOfUri(next.text);
  }

  query(): Query {
    this.#needWord('select');
    const select = this.#takeSign('*') ? null : this.#selected();
    this.#needWord('from');
    const from = this.#from();
    const where = this.#takeWord('where') ? this.#either() : null;
    // Counts by group are something else than a list of items; nobody here asks for them.
    if (this.#isWord('group')) refuse('GROUP BY is not supported');
    const orderBy: Ordering[] = [];
    if (this.#takeWord('order')) {
      this.#needWord('by');
      do {
        const name = this.#name();
        const descending = this.#takeWord('desc');
        if (!descending) this.#takeWord('asc');
        orderBy.push({ name, descending });
      } while (this.#takeSign(','));
    }
    if (this.#next !== undefined) refuse('the query goes on after its end');
    return { select, from, where, orderBy };
  }

  #selected(): readonly Selected[] {
    const list: Selected[] = [];
    do {
      const name = this.#name();
      list.push({ name, alias: this.#takeWord('as') ? this.#alias() : null });
    } while (this.#takeSign(','));
    return list;
  }

  #alias(): string {
    const next = this.#next;
    if (next === undefined || (next.kind !== 'word' && next.kind !== 'name')) return refuse('the query lacks an alias');
    this.#at++;
    return next.text;
  }

  #from(): readonly Scope[] {
    if (!this.#takeWord('scope')) {
      const next = this.#next;
      if (next === undefined || (next.kind !== 'name' && next.kind !== 'string'))
        return refuse('the query lacks the place to search');
      this.#at++;
      return [{ traversal: 'shallow', path: next.text }];
    }
    this.#needSign('(');
    const scopes: Scope[] = [];
    do {
      const next = this.#next;
      if (next?.kind !== 'string') return refuse('SCOPE needs a text in single quotes');
      this.#at++;
      scopes.push(scopeOf(next.text));
    } while (this.#takeSign(','));
    this.#needSign(')');
    return scopes;
  }

  #either(): Condition {
    const parts = [this.#all()];
    while (this.#takeWord('or')) parts.push(this.#all());
    return parts.length === 1 ? (parts[0] as Condition) : { kind: 'or', parts };
  }

  #all(): Condition {
    const parts = [this.#one()];
    while (this.#takeWord('and')) parts.push(this.#one());
    return parts.length === 1 ? (parts[0] as Condition) : { kind: 'and', parts };
  }

  #one(): Condition {
    if (++this.#depth > depthMax) refuse('the query is too deep');
    try {
      if (this.#takeWord('not')) return { kind: 'not', part: this.#one() };
      if (this.#takeSign('(')) {
        const inner = this.#either();
        this.#needSign(')');
        return inner;
      }
      return this.#predicate();
    } finally {
      this.#depth--;
    }
  }

  #predicate(): Condition {
    const name = this.#takeWord('cast') ? this.#castName() : this.#name();
    if (this.#takeWord('is')) {
      const negated = this.#takeWord('not');
      this.#needWord('null');
      const isNull: Condition = { kind: 'null', name };
      return negated ? { kind: 'not', part: isNull } : isNull;
    }
    const negated = this.#takeWord('not');
    if (this.#takeWord('like')) {
      const next = this.#next;
      if (next?.kind !== 'string') return refuse('LIKE needs a text in single quotes');
      this.#at++;
      const like: Condition = { kind: 'like', name, pattern: next.text };
      return negated ? { kind: 'not', part: like } : like;
    }
    if (negated) return refuse('NOT stands where a comparison was expected');
    const next = this.#next;
    if (next?.kind !== 'sign' || !['=', '<>', '<', '<=', '>', '>='].includes(next.text))
      return refuse('the query lacks a comparison');
    this.#at++;
    return { kind: 'compare', name, operator: next.text as Comparison, literal: this.#literal() };
  }

  /** `CAST("property" AS "type")` on the left compares the property as it is. */
  #castName(): DavName {
    this.#needSign('(');
    const name = this.#name();
    this.#needWord('as');
    this.#castType();
    this.#needSign(')');
    return name;
  }

  #castType(): string {
    const next = this.#next;
    if (next === undefined || next.kind === 'sign' || next.kind === 'number') return refuse('CAST needs a type');
    this.#at++;
    return next.text.toLowerCase();
  }

  #literal(): Literal {
    if (this.#takeWord('true')) return { type: 'boolean', value: true };
    if (this.#takeWord('false')) return { type: 'boolean', value: false };
    if (this.#takeWord('cast')) return this.#cast();
    const next = this.#next;
    if (next?.kind === 'number') {
      this.#at++;
      return { type: 'number', value: next.value };
    }
    if (next?.kind === 'string') {
      this.#at++;
      return { type: 'string', value: next.text };
    }
    return refuse('the query lacks a value to compare with');
  }

  #cast(): Literal {
    this.#needSign('(');
    const next = this.#next;
    if (next === undefined || next.kind === 'sign') return refuse('CAST needs a value');
    this.#at++;
    const given = next.kind === 'number' ? String(next.value) : next.text;
    this.#needWord('as');
    const type = this.#castType();
    this.#needSign(')');
    return castTo(given, type);
  }
}

function castTo(given: string, type: string): Literal {
  switch (type) {
    case 'datetime':
    case 'datetime.tz': {
      const ms = readTime(given);
      return ms === null ? refuse(`${given} is no time`) : { type: 'time', value: ms };
    }
    case 'bin.base64':
      return { type: 'binary', value: given.replace(/\s+/g, '') };
    case 'boolean':
      return { type: 'boolean', value: /^(?:1|true)$/i.test(given) };
    case 'int':
    case 'i2':
    case 'i4':
    case 'i8':
    case 'float':
    case 'number': {
      const value = Number(given);
      return Number.isFinite(value) ? { type: 'number', value } : refuse(`${given} is no number`);
    }
    case 'string':
    case 'uuid':
      return { type: 'string', value: given };
    default:
      return refuse(`there is no type ${type}`);
  }
}

/** `SHALLOW TRAVERSAL OF "path"`; without the words in front it is deep. */
function scopeOf(text: string): Scope {
  const [, word = 'deep', quoted, bare] =
    /^\s*(?:(shallow|deep|hierarchical)\s+traversal\s+of\s+)?(?:"((?:[^"]|"")*)"|([^"\s]*))\s*$/i.exec(text) ?? [];
  const path = quoted?.replaceAll('""', '"') ?? bare;
  if (path === undefined) return refuse('the scope of the query cannot be read');
  return { traversal: word.toLowerCase() as Traversal, path };
}

/** @throws DavError 422 for what is no query */
export const parseSql = (sql: string): Query => new Parser(sql).query();
