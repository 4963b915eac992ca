import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import type { PairId, Side } from '#model/ids.ts';
import { defaultMailPolicy, type TypedPolicy } from '#model/policy.ts';
import { type TypedKind, typedKinds } from '#model/typed-item.ts';
import { type AddressPair, type AddressRule, parseAddressRule, readPairEntry, readPairsCsv } from './pairs.ts';
import { type Problem, ProjectError } from './problem.ts';
import type { Budget, Collection, Organization, Project, ProjectPair, SignIn, StoreAddress } from './project.ts';
import {
  type Complaints,
  directoryAccessOf,
  directoryPairsFile,
  directoryPairsOf,
  directorySyncOf,
} from './read-directory.ts';
import { submissionOf, switchPolicyOf } from './read-switch.ts';
import { type ProjectFile, projectSchema, protocolOf } from './schema.ts';
import { Secret } from './secret.ts';
import { didYouMean } from './suggest.ts';
import { parseDay, parseDuration, parsePercent, parseSize } from './values.ts';
import { parseWindow } from './window.ts';

const PROJECT_BYTES_MAX = 4 * 1024 * 1024;
const PAIRS_BYTES_MAX = 64 * 1024 * 1024;
const MESSAGE_BYTES_MAX = 64 * 1024;

/**
 * Reads the file and the CSV files it names. Throws ProjectError with everything that is wrong.
 *
 * @param file Absolute path. @param shown How messages name it.
 */
export function loadProject(file: string, shown = file): Project {
  const text = readText(file, shown, PROJECT_BYTES_MAX, 'run `causeway init` to write one, or name it with --project');
  return readProject(text, { file, shown });
}

/**
 * Checks a project and fills in its defaults.
 *
 * @param where `file`: absolute path; `shown`: how messages name it.
 */
export function readProject(text: string, where: { readonly file: string; readonly shown: string }): Project {
  const reading = new Reading(text, where.shown);
  const parsed = projectSchema.safeParse(reading.value);
  if (!parsed.success) throw new ProjectError(parsed.error.issues.flatMap((issue) => reading.problemsOf(issue)));

  const directory = dirname(where.file);
  const organizations = new Map(
    Object.entries(parsed.data.organizations).map(([name, written]) => [
      name,
      organizationOf(name, written, directory),
    ]),
  );
  const directories = new Map(
    Object.entries(parsed.data.directory ?? {}).map(([name, written]) => [
      name,
      directorySyncOf(name, written, organizations, reading, (shown) =>
        readText(resolve(directory, shown), shown, PAIRS_BYTES_MAX, 'make it, with a header line'),
      ),
    ]),
  );
  const collections = new Map<string, Collection>();
  const pairs: ProjectPair[] = [];
  const owners = new Map<string, AddressPair['at']>();
  for (const [name, written] of Object.entries(parsed.data.collections)) {
    for (const side of ['source', 'target'] as const)
      if (!organizations.has(written[side]))
        reading.complain(
          ['collections', name, side],
          `no organization is called ${written[side]}${didYouMean(written[side], [...organizations.keys()]) || `; there are ${[...organizations.keys()].join(', ')}`}`,
        );
    if (written.source === written.target)
      reading.complain(['collections', name, 'target'], 'source and target are the same organization');
    const switching = switchPolicyOf(
      written,
      [...directories.values()],
      (shown) =>
        readText(resolve(directory, shown), shown, MESSAGE_BYTES_MAX, 'write it, with a first line "Subject: …"'),
      { complain: (path, message) => reading.complain(['collections', name, 'switch', ...path], message) },
    );
    collections.set(name, { ...collectionOf(name, written, directory), switching });
    for (const pair of pairsOf(name, written.pairs, directory, reading)) {
      const other = [`${written.source} ${pair.source}`, `${written.target} ${pair.target}`]
        .map((mailbox) => ({ mailbox, at: owners.get(mailbox) }))
        .find(({ at }) => at !== undefined);
      if (other?.at !== undefined) {
        const [, address] = other.mailbox.split(' ');
        reading.problems.push({
          ...pair.at,
          message: `${address} is in another pair already (${other.at.file}:${other.at.line}); a mailbox is in at most one pair`,
        });
        continue;
      }
      owners.set(`${written.source} ${pair.source}`, pair.at);
      owners.set(`${written.target} ${pair.target}`, pair.at);
      pairs.push({
        id: `${pair.source} → ${pair.target}` as PairId,
        collection: name,
        source: pair.source,
        target: pair.target,
        active: pair.active ?? sideOf(written.active),
      });
    }
  }
  for (const { name, source, target, directoryPairs } of collections.values()) {
    if (directoryPairs === null) continue;
    const sync = directories.get(directoryPairs.sync);
    if (sync === undefined)
      reading.complain(
        ['collections', name, 'pairs', 'directory', 'sync'],
        `no directory sync is called ${directoryPairs.sync}${didYouMean(directoryPairs.sync, [...directories.keys()])}`,
      );
    else if (sync.source !== source || sync.target !== target)
      reading.complain(
        ['collections', name, 'pairs', 'directory', 'sync'],
        `${directoryPairs.sync} is between ${sync.source} and ${sync.target}, this collection between ${source} and ${target}`,
      );
  }
  const store = storeOf(parsed.data.store ?? 'sqlite:.causeway/causeway.db', directory);
  if (typeof store === 'string') reading.complain(['store'], store);
  if (reading.problems.length > 0 || typeof store === 'string') throw new ProjectError(reading.problems);
  return {
    file: where.file,
    directory,
    organizations,
    collections,
    store,
    budget: budgetOf(parsed.data.budgets),
    directories,
    pairs,
  };
}

type Path = readonly PropertyKey[];

/** The text of a project with the places of everything in it. */
class Reading implements Complaints {
  readonly problems: Problem[] = [];
  readonly value: unknown;
  readonly #file: string;
  readonly #document: Document;
  readonly #lines = new LineCounter();

  constructor(text: string, file: string) {
    this.#file = file;
    // Messages of the YAML reader quote the line they are about, which may hold a secret: only its codes are used.
    this.#document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      uniqueKeys: true,
      version: '1.2',
    });
    const syntax: Problem[] = [...this.#document.errors, ...this.#document.warnings].map(({ code, pos }) => ({
      ...this.#place(pos[0]),
      message: yamlMessages[code] ?? 'this is not valid YAML',
    }));
    visit(this.#document, {
      Alias: (_, { range }) => {
        syntax.push({
          ...this.#place(range?.[0] ?? 0),
          message: 'aliases are not used here; put a text that begins with * in quotes',
        });
      },
      Pair: (_, { key }) => {
        if (isScalar(key) && typeof key.value === 'string') return;
        const at = isNode(key) ? (key.range?.[0] ?? 0) : 0;
        syntax.push({ ...this.#place(at), message: 'keys are plain words; put a name of digits only in quotes' });
      },
    });
    if (syntax.length > 0) throw new ProjectError(syntax);
    this.value = this.#document.toJS({ maxAliasCount: 0 });
  }

  complain(path: Path, message: string): void {
    this.problems.push({ ...this.placeOf(path), message });
  }

  /** A complaint of the schema, with its place. A missing value is found at the block in which it is missing. */
  problemsOf(issue: z.core.$ZodIssue): readonly Problem[] {
    if (issue.code === 'unrecognized_keys')
      return issue.message
        .split('\n')
        .map((message, at) => ({ ...this.#placeOfKey(issue.path, issue.keys[at] ?? ''), message }));
    const missing = issue.path.length > 0 && !this.#document.hasIn(issue.path);
    const key = String(issue.path.at(-1) ?? '');
    if (issue.code === 'invalid_key')
      return [
        { ...this.#placeOfKey(issue.path.slice(0, -1), key), message: issue.issues[0]?.message ?? issue.message },
      ];
    // An absent file is one absent block: say what to do instead of what the first missing key is.
    if (this.value === null)
      return [
        {
          file: this.#file,
          line: 0,
          column: 0,
          message: 'is empty; run `causeway init` in an empty folder for an example',
        },
      ];
    return [{ ...this.placeOf(issue.path), message: missing ? `${key} is missing; ${issue.message}` : issue.message }];
  }

  placeOf(path: Path): Problem {
    for (let length = path.length; length > 0; length--) {
      const node = this.#document.getIn(path.slice(0, length), true);
      if (!isNode(node) || !node.range) continue;
      // A block begins after its key; the key is where the eye looks for it.
      const parent = this.#document.getIn(path.slice(0, length - 1), true);
      const asKey = length < path.length || isMap(node) ? isMap(parent) : false;
      return asKey ? this.#placeOfKey(path.slice(0, length - 1), String(path[length - 1])) : this.#place(node.range[0]);
    }
    return this.#place(0);
  }

  #placeOfKey(path: Path, key: string): Problem {
    const map = path.length === 0 ? this.#document.contents : this.#document.getIn(path, true);
    const found = isMap(map)
      ? map.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
      : undefined;
    return found !== undefined && isNode(found.key) && found.key.range
      ? this.#place(found.key.range[0])
      : this.placeOf(path);
  }

  #place(offset: number): Problem {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1), message: '' };
  }
}

const yamlMessages: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'a text that begins with * or & must be in quotes',
  BAD_INDENT: 'the indentation does not fit the lines above',
  BAD_SCALAR_START: 'a text that begins with this character must be in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a value is missing or stands on the wrong line',
  BLOCK_IN_FLOW: 'a block cannot stand inside of [ ] or { }',
  DUPLICATE_KEY: 'this key stands here twice',
  MISSING_CHAR: 'something is missing here: a colon, a quote or a bracket that closes',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line, with a colon after it',
  MULTIPLE_DOCS: 'one document in a file; remove the line ---',
  TAB_AS_INDENT: 'indent with spaces, not with tabs',
  TAG_RESOLVE_FAILED: 'tags (!…) are not used here; put a text that begins with ! in quotes',
  UNEXPECTED_TOKEN: 'this does not belong here; put texts with special characters in quotes',
};

function organizationOf(name: string, written: ProjectFile['organizations'][string], directory: string): Organization {
  const ca = written.tls?.ca ?? [];
  return {
    name,
    kind: written.kind,
    protocol: protocolOf(written),
    endpoint: written.endpoint ?? null,
    autodiscover: written.autodiscover ?? null,
    version: written.version ?? null,
    signIn: signInOf(written.signIn, directory),
    impersonation: written.impersonation ?? true,
    tls: {
      caFiles: (typeof ca === 'string' ? [ca] : ca).map((path) => resolve(directory, path)),
      min: written.tls?.min ?? '1.2',
    },
    redirectHosts: (written.redirectHosts ?? []).map((host) => host.toLowerCase()),
    notifications: written.notifications === undefined ? null : notificationsOf(written.notifications),
    budget: budgetOf(written.budgets),
    budgetPerMailbox: budgetOf(written.budgets?.perMailbox),
    directory:
      written.directory === undefined
        ? null
        : directoryAccessOf(written.directory, (reference) => secretOf(reference, directory)),
    submission:
      written.submission === undefined
        ? null
        : submissionOf(written.submission, (reference) => secretOf(reference, directory)),
  };
}

function notificationsOf({
  url,
  listen,
}: {
  readonly url: string;
  readonly listen: string;
}): Organization['notifications'] {
  const colon = listen.lastIndexOf(':');
  return { url, host: listen.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(listen.slice(colon + 1)) };
}

function secretOf(reference: string, directory: string): Secret {
  const named = Secret.named(reference, directory);
  if (named === null) throw new TypeError('the schema lets only references through');
  return named;
}

function signInOf(written: ProjectFile['organizations'][string]['signIn'], directory: string): SignIn {
  const secret = (reference: string): Secret => secretOf(reference, directory);
  if (written.method !== 'oauth')
    return {
      method: written.method,
      user: written.user.startsWith('env:') ? secret(written.user) : written.user,
      password: secret(written.password),
    };
  const { tenant, clientId, clientSecret, certificate, authority, scope } = written;
  const credential =
    certificate === undefined
      ? { clientSecret: secret(clientSecret ?? '') }
      : { key: secret(certificate.key), chainFile: resolve(directory, certificate.chain) };
  return { method: 'oauth', tenant, clientId, credential, authority: authority ?? null, scope: scope ?? null };
}

function budgetOf(written: ProjectFile['budgets']): Budget {
  return {
    inFlight: written?.inFlight ?? null,
    requestsPerMinute: written?.requestsPerMinute ?? null,
    bytesPerMinute: written?.bytesPerMinute === undefined ? null : parseSize(written.bytesPerMinute),
  };
}

function collectionOf(
  name: string,
  written: ProjectFile['collections'][string],
  directory: string,
): Omit<Collection, 'switching'> {
  const { folders, policy, schedule } = written;
  const byDefault = defaultMailPolicy;
  return {
    name,
    source: written.source,
    target: written.target,
    content: written.content ?? ['mail'],
    mail: {
      conflict: policy?.conflict ?? byDefault.conflict,
      include: folders?.include ?? byDefault.include,
      exclude: folders?.exclude ?? byDefault.exclude,
      map: Object.entries(folders?.map ?? {}).map(([from, to]) => ({ from, to })),
      since: written.since === undefined ? null : parseDay(written.since),
      until: written.until === undefined ? null : parseDay(written.until),
      itemMaxBytes: written.itemMax === undefined ? null : parseSize(written.itemMax),
      maxDelete: maxDeleteOf(policy?.maxDelete),
    },
    typed: new Map(
      typedKinds.flatMap((kind): [TypedKind, Omit<TypedPolicy, 'active'>][] => {
        const block = written[kind];
        return block === undefined ? [] : [[kind, typedOf(kind, block)]];
      }),
    ),
    lagObjectiveMs: (written.lagObjective === undefined ? null : parseDuration(written.lagObjective)) ?? 60_000,
    schedule: {
      zone: schedule?.zone ?? 'UTC',
      windows: (schedule?.windows ?? []).flatMap((window) => parseWindow(window) ?? []),
      everyMs: (schedule?.everyMinutes ?? 60) * 60_000,
    },
    directoryPairs: written.pairs.directory ? directoryPairsOf(name, written.pairs.directory, directory) : null,
  };
}

type TypedBlock = NonNullable<ProjectFile['collections'][string][TypedKind]>;

const typedOf = (
  kind: TypedKind,
  { direction, conflict, folders, maxDelete }: TypedBlock,
): Omit<TypedPolicy, 'active'> => ({
  direction: direction ?? (kind === 'calendar' ? 'both' : 'one-way'),
  conflict: conflict ?? 'active',
  include: folders?.include ?? [],
  exclude: folders?.exclude ?? [],
  maxDelete: maxDeleteOf(maxDelete),
});

const maxDeleteOf = (written: TypedBlock['maxDelete']): TypedPolicy['maxDelete'] => ({
  share: parsePercent(written?.share ?? '') ?? defaultMailPolicy.maxDelete.share,
  atLeast: written?.atLeast ?? defaultMailPolicy.maxDelete.atLeast,
});

const sideOf = (word: 'source' | 'target' | undefined): Side => (word === 'target' ? 'right' : 'left');

/** Pairs of a collection. What is wrong with them is added to the reading's problems. */
function pairsOf(
  collection: string,
  written: ProjectFile['collections'][string]['pairs'],
  directory: string,
  reading: Reading,
): readonly AddressPair[] {
  const path = ['collections', collection, 'pairs'];
  let rule: AddressRule | null = null;
  if (written.rule !== undefined) {
    const made = parseAddressRule(written.rule);
    if (typeof made === 'string') {
      reading.complain([...path, 'rule'], made);
      return [];
    }
    rule = made;
  }
  const pairs: AddressPair[] = [];
  for (const [at, entry] of (written.list ?? []).entries()) {
    const { file, line, column } = reading.placeOf([...path, 'list', at]);
    const [text, active] = typeof entry === 'string' ? [entry] : [entry.pair, entry.active];
    const pair = readPairEntry(text, active, rule, { file, line, column });
    if ('message' in pair) reading.problems.push(pair);
    else pairs.push(pair);
  }
  const addFile = (shown: string, key: string) => {
    try {
      const text = readText(
        resolve(directory, shown),
        shown,
        PAIRS_BYTES_MAX,
        'make it, with a header line "source,target"',
      );
      const read = readPairsCsv(text, shown, rule);
      reading.problems.push(...read.problems);
      pairs.push(...read.pairs);
    } catch (error) {
      if (!(error instanceof ProjectError)) throw error;
      for (const { message } of error.problems) reading.complain([...path, key], message);
    }
  };
  if (written.file !== undefined) addFile(written.file, 'file');
  // Before the first pass of the sync there are none.
  const made = written.directory && directoryPairsFile(collection);
  if (made !== undefined && existsSync(resolve(directory, made))) addFile(made, 'directory');
  return pairs;
}

/** @returns what is wrong with the address, in words. */
function storeOf(written: string, directory: string): StoreAddress | string {
  const secret = Secret.named(written, directory);
  if (secret !== null) return { engine: 'referenced', url: secret };
  return parseStoreAddress(written, directory, 'as written');
}

/**
 * @param origin A password may stand in an address that was read from a secret, but not in the project file.
 * @returns what is wrong with the address, in words that do not repeat it.
 */
export function parseStoreAddress(
  text: string,
  directory: string,
  origin: 'as written' | 'from a secret',
): Exclude<StoreAddress, { readonly engine: 'referenced' }> | string {
  const file = /^sqlite:(.+)$/s.exec(text)?.[1];
  if (file !== undefined) return { engine: 'sqlite', file: resolve(directory, file) };
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:'))
    return 'this must be sqlite:PATH, postgres://…, or env:NAME or file:PATH of such an address';
  if (origin === 'as written' && (url.password !== '' || url.searchParams.has('password')))
    return 'a password never stands in this file; write env:NAME or file:PATH of the whole address, or use PGPASSWORD or .pgpass';
  return { engine: 'postgres', url: text };
}

function readText(path: string, shown: string, bytesMax: number, advice: string): string {
  const refuse = (message: string) => new ProjectError([{ file: shown, line: 0, column: 0, message }]);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw refuse(`there is no such file; ${advice}`);
  if (!stat.isFile()) throw refuse('is no ordinary file');
  if (stat.size > bytesMax) throw refuse(`is larger than ${bytesMax / 1024 / 1024} MB; is it the right file?`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(readFileSync(path));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw refuse(
      code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
        ? 'is not in UTF-8; save it in that encoding'
        : `cannot be read (${code ?? 'unknown error'})`,
    );
  }
}
