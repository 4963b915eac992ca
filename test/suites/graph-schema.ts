/**
 * Checks requests to Graph and answers of it against the OpenAPI files of the reference data: paths, methods, JSON. A small reader of
 * the subset of OpenAPI that those files use; what is not said there (annotations with `@`, own properties of open types) passes.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';

interface Schema {
  readonly $ref?: string;
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly nullable?: boolean;
  readonly enum?: readonly string[];
  readonly format?: string;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly discriminator?: { readonly mapping?: Readonly<Record<string, string>> };
}
interface Content {
  readonly $ref?: string;
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}
interface Operation {
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}
interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface GraphExchange {
  readonly method: string;
  /** Whole URL. */
  readonly url: string;
  /** JSON of the request; undefined: it had none. */
  readonly request: unknown;
  readonly status: number;
  /** JSON of the answer; undefined: it had none. */
  readonly answer: unknown;
}

const root = resolve(process.env['CAUSEWAY_REFERENCE'] ?? '../shared', 'protocol/graph');

/** Whether the files are here; with `CI=true` their absence is a failure. */
export function haveGraphSchema(): boolean {
  if (existsSync(root)) return true;
  if (process.env['CI'] === 'true') throw new Error(`${root} is missing; set CAUSEWAY_REFERENCE to the reference data`);
  console.warn(`skipped: no OpenAPI files at ${root} (CAUSEWAY_REFERENCE)`);
  return false;
}

const dateTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/;

class Api {
  readonly #api: OpenApi;
  readonly #paths: readonly { readonly pattern: RegExp; readonly operations: Readonly<Record<string, Operation>> }[];

  constructor(file: string) {
    this.#api = parse(readFileSync(join(root, file), 'utf8'), { maxAliasCount: -1 }) as OpenApi;
    const own = (path: string): number => path.split('{').length;
    // Words before names: `delta()` is no id.
    this.#paths = Object.entries(this.#api.paths)
      .sort(([a], [b]) => own(a) - own(b))
      .map(([path, operations]) => ({
        pattern: new RegExp(
          `^${path
            .replace(/[.*+?^$|[\]\\()]/g, '\\$&')
            .replaceAll('\\(\\)', '(?:\\(\\))?')
            .replace(/\{[^}]+\}/g, '[^/]+?')}$`,
          'i',
        ),
        operations,
      }));
  }

  operation(method: string, path: string): Operation | null {
    for (const { pattern, operations } of this.#paths) {
      const found = pattern.test(path) ? operations[method.toLowerCase()] : undefined;
      if (found !== undefined) return found;
    }
    return null;
  }

  resolve<T extends { readonly $ref?: string }>(thing: T): T {
    if (thing.$ref === undefined) return thing;
    const [, , group = '', name = ''] = thing.$ref.split('/');
    const found = this.#api.components[group]?.[name];
    if (found === undefined) throw new Error(`the OpenAPI file has no ${thing.$ref}`);
    return found as T;
  }

  json(content: Content | undefined): Schema | null {
    return content === undefined ? null : (this.resolve(content).content?.['application/json']?.schema ?? null);
  }

  /** The schema itself, or the derived one that `@odata.type` names. */
  #actual(schema: Schema, value: unknown): Schema {
    const resolved = this.resolve(schema);
    const type = (value as Readonly<Record<string, unknown>> | null)?.['@odata.type'];
    const named = typeof type === 'string' ? resolved.discriminator?.mapping?.[type] : undefined;
    return named === undefined ? resolved : this.resolve({ $ref: named } as Schema);
  }

  /** All parts of an object's schema, through `allOf`. */
  #parts(schema: Schema): readonly Schema[] {
    const resolved = this.resolve(schema);
    return resolved.allOf === undefined ? [resolved] : [resolved, ...resolved.allOf.flatMap((one) => this.#parts(one))];
  }

  /** Problems of a value, each with its place. */
  check(schema: Schema, value: unknown, at: string): readonly string[] {
    const actual = this.#actual(schema, value);
    if (actual.anyOf !== undefined) {
      const tries = actual.anyOf.map((one) => this.#option(one, value, at));
      return tries.find((problems) => problems.length === 0) ?? tries[0] ?? [];
    }
    if (value === null) return actual.nullable === true || actual.type === undefined ? [] : [`${at} is null`];
    if (actual.enum !== undefined)
      return actual.enum.includes(String(value))
        ? []
        : [`${at}: '${String(value)}' is none of ${actual.enum.join(', ')}`];
    // A name for one thing that is no object: an enumeration.
    const parts = (actual.allOf ?? []).map((one) => this.resolve(one));
    if (parts.length > 0 && parts.every((one) => one.properties === undefined && one.allOf === undefined))
      return parts.flatMap((one) => this.check(one, value, at));
    switch (actual.type) {
      case 'string':
        if (typeof value !== 'string') return [`${at} is no text`];
        return actual.format === 'date-time' && !dateTime.test(value) ? [`${at}: '${value}' is no time`] : [];
      case 'boolean':
        return typeof value === 'boolean' ? [] : [`${at} is neither true nor false`];
      case 'integer':
        return Number.isInteger(value) ? [] : [`${at} is no whole number`];
      case 'number':
        return typeof value === 'number' ? [] : [`${at} is no number`];
      case 'array':
        if (!Array.isArray(value)) return [`${at} is no list`];
        if (actual.maxItems !== undefined && value.length > actual.maxItems) return [`${at} is too long`];
        return value.flatMap((one, index) => this.check(actual.items ?? {}, one, `${at}[${index}]`));
      default:
        return actual.type === 'object' || actual.allOf !== undefined ? this.#object(actual, value, at) : [];
    }
  }

  /** An object that is nullable and says nothing else stands for null only. */
  #option(option: Schema, value: unknown, at: string): readonly string[] {
    const isNull = option.type === 'object' && option.nullable === true && option.properties === undefined;
    if (isNull) return value === null ? [] : [`${at} is not null`];
    return this.check(option, value, at);
  }

  #object(schema: Schema, value: unknown, at: string): readonly string[] {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${at} is no object`];
    const parts = this.#parts(schema);
    const isOpen = parts.some((part) => part.additionalProperties !== undefined && part.additionalProperties !== false);
    const problems: string[] = [];
    for (const part of parts)
      for (const name of part.required ?? []) if (!(name in value)) problems.push(`${at}.${name} is missing`);
    for (const [name, inner] of Object.entries(value)) {
      const own = parts.map((part) => part.properties?.[name]).find((one) => one !== undefined);
      if (own !== undefined) problems.push(...this.check(own, inner, `${at}.${name}`));
      else if (!isOpen && !name.includes('@')) problems.push(`${at}.${name} is not in the schema`);
    }
    return problems;
  }
}

const apis = new Map<string, Api>();
function apiOf(file: string): Api {
  const known = apis.get(file) ?? new Api(file);
  apis.set(file, known);
  return known;
}

/** Path of a URL as the files have it: below the version, `users('x')` as `users/x`; of the other host as it is. */
function pathOf(url: string): { readonly file: string; readonly path: string } {
  const pathname = decodeURIComponent(new URL(url).pathname);
  const [, version = '', rest = ''] = /^\/(v1\.0|beta)(\/.*)$/i.exec(pathname) ?? [];
  const file = `openapi-${version.toLowerCase() === 'beta' ? 'beta' : 'v1.0'}-mailbox.yaml`;
  if (version === '') return { file, path: pathname.replace('/api/gbeta/', '/api/gv1.0/') };
  return { file, path: rest.replace(/\/(\w+)\('([^']*)'\)/g, '/$1/$2') };
}

/** Everything that an exchange has against the files; upload sessions have no description there. */
export function graphProblems({ method, url, request, status, answer }: GraphExchange): readonly string[] {
  const { file, path } = pathOf(url);
  if (path.includes('/AttachmentSessions(')) return [];
  const api = apiOf(file);
  const operation = api.operation(method, path);
  if (operation === null)
    return status === 404 || status === 400 || status === 405 ? [] : [`no operation ${method} ${path}`];
  const problems: string[] = [];
  const requested = api.json(operation.requestBody);
  // What is refused may have been wrong.
  if (status < 400 && requested !== null && request !== undefined)
    problems.push(...api.check(requested, request, 'request'));
  const content = operation.responses[String(status)] ?? operation.responses[`${Math.floor(status / 100)}XX`];
  if (content === undefined) return [...problems, `${method} ${path} has no answer ${status}`];
  const answered = api.json(content);
  if (answered !== null && answer !== undefined) problems.push(...api.check(answered, answer, 'answer'));
  if (/\/\$batch$/i.test(path) && status === 200) problems.push(...batchProblems(url, request, answer));
  return problems;
}

interface Batched {
  readonly id: string;
  readonly method: string;
  readonly url: string;
  readonly body?: unknown;
  readonly status: number;
}

/** Of each request in a batch and of what it was answered. Bodies that are no JSON are texts there. */
function batchProblems(url: string, request: unknown, answer: unknown): readonly string[] {
  const { requests = [] } = (request ?? {}) as { readonly requests?: readonly Batched[] };
  const { responses = [] } = (answer ?? {}) as { readonly responses?: readonly Batched[] };
  const base = url.replace(/\/\$batch$/i, '');
  const json = (body: unknown): unknown => (typeof body === 'string' ? undefined : body);
  return requests.flatMap((one) => {
    const response = responses.find(({ id }) => id === one.id);
    if (response === undefined) return [`${one.id} was not answered`];
    if (response.status === 424) return [];
    return graphProblems({
      method: one.method,
      url: `${base}${one.url.startsWith('/') ? '' : '/'}${one.url}`,
      request: json(one.body),
      status: response.status,
      answer: json(response.body),
    }).map((problem) => `request ${one.id}: ${problem}`);
  });
}
