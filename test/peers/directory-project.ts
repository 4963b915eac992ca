import { ok } from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PeerForest } from './forest-end.ts';
import { type Finished, finish, type Program, start } from './programs.ts';
import type { PeerContext } from './suite.ts';

export interface PeerForests {
  readonly source: PeerForest;
  readonly target: PeerForest;
}

/** What `directory sync --json` says of one pass. */
export interface PassSummary {
  readonly pass: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly searches: number;
  readonly writes: number;
  readonly refused: number;
  readonly held: number;
}

/** What `directory status --json` says of somebody who waits. */
export interface Waiting {
  readonly side: 'left' | 'right';
  readonly guid: string;
  readonly reason: string;
  readonly detail: string;
}

/** What `directory journal list --json` says of one entry. */
export interface JournalEntry {
  readonly no: number;
  readonly pass: number;
  readonly side: 'left' | 'right';
  readonly action: string;
  readonly dn: string;
  readonly reason: string;
  readonly outcome: string;
  readonly detail: string | null;
  readonly before: Readonly<Record<string, readonly string[]>>;
  readonly after: Readonly<Record<string, readonly string[]>>;
}

/** Longest time that one run of the program may take. */
const RUN_MS = 600_000;
/** What a run ends with that went through, but for what it lists. */
const went: readonly (number | null)[] = [0, 3];

/** The command-line program that is tried; those that it starts lie beside it. */
export const program = (root: string): string => join(root, 'dist', process.env['CAUSEWAY_PEERS_CLI'] ?? 'cli.js');

/** A project with one directory sync, `main`, and the program as it is started from a shell. */
export class DirectoryProject {
  readonly folder: string;
  readonly #root: string;
  readonly #sync: string;
  #forests: PeerForests;

  /** @param sync YAML of the sync's keys beside source and target, without indentation. */
  constructor(context: PeerContext, name: string, forests: PeerForests, sync: string) {
    this.folder = join(context.state, name);
    this.#root = context.root;
    this.#sync = sync;
    this.#forests = forests;
    mkdirSync(this.folder);
    this.use(forests);
  }

  /** Writes the project anew: the same forests by other controllers or accounts. */
  use(forests: PeerForests): void {
    this.#forests = forests;
    writeFileSync(join(this.folder, 'causeway.yaml'), projectText(forests, this.#sync));
  }

  #environment(more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    return {
      ...process.env,
      CAUSEWAY_PROJECT: join(this.folder, 'causeway.yaml'),
      PEER_SOURCE: this.#forests.source.password,
      PEER_TARGET: this.#forests.target.password,
      ...more,
    };
  }

  run(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Finished> {
    const env = this.#environment(more);
    return finish(process.execPath, [program(this.#root), ...args], { env, timeoutMs: RUN_MS });
  }

  /** Goes on in the background; `stop` kills it. */
  start(args: readonly string[], more: NodeJS.ProcessEnv = {}): Program {
    return start(process.execPath, [program(this.#root), ...args], {
      logFile: join(this.folder, 'killed.log'),
      env: this.#environment(more),
      stopSignal: 'SIGKILL',
    });
  }

  /** One `directory sync`. @returns a summary for each pass it made. */
  async sync(more: NodeJS.ProcessEnv = {}, ...options: readonly string[]): Promise<readonly PassSummary[]> {
    const { stdout, stderr, status } = await this.run(['directory', 'sync', '--json', ...options], more);
    ok(went.includes(status), `causeway directory sync ended with ${status}: ${stderr}${stdout.slice(-2000)}`);
    return lines<PassSummary>(stdout).filter((line) => 'searches' in line);
  }

  /** Environment of a program whose clock is wrong by some minutes. */
  clockOff(minutes: number): NodeJS.ProcessEnv {
    const file = join(this.folder, 'clock-off.mjs');
    writeFileSync(
      file,
      `const real = Date;
const offMs = Number(process.env.PEER_CLOCK_OFF_MINUTES) * 60_000;
globalThis.Date = class extends real {
  constructor(...of) {
    if (of.length === 0) super(real.now() + offMs);
    else super(...of);
  }
  static now() {
    return real.now() + offMs;
  }
};
`,
    );
    return { NODE_OPTIONS: `--import ${pathToFileURL(file).href}`, PEER_CLOCK_OFF_MINUTES: String(minutes) };
  }

  /** Until a pass writes nothing, at most so many times. */
  async settle(max = 8, more: NodeJS.ProcessEnv = {}): Promise<void> {
    for (let n = 0; n < max; n++) if ((await this.sync(more)).every(({ writes }) => writes === 0)) return;
    throw new Error(`the sync still writes after ${max} runs`);
  }

  async waiting(): Promise<readonly Waiting[]> {
    const { stdout, stderr, status } = await this.run(['directory', 'status', '--json', '--limit', '1000']);
    ok(went.includes(status), `causeway directory status ended with ${status}: ${stderr}`);
    return lines<{ readonly waiting?: readonly Waiting[] }>(stdout).flatMap(({ waiting = [] }) => waiting);
  }

  async journal(): Promise<readonly JournalEntry[]> {
    const { stdout, stderr, status } = await this.run(['directory', 'journal', 'list', '--json', '--limit', '100000']);
    ok(status === 0, `causeway directory journal ended with ${status}: ${stderr}`);
    return lines<JournalEntry>(stdout);
  }
}

const lines = <T extends object>(stdout: string): readonly T[] =>
  stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as T);

function projectText({ source, target }: PeerForests, sync: string): string {
  const organization = (name: string, { url, controllers, user, domain, ca }: PeerForest) => `
  ${name}:
    kind: exchange
    endpoint: https://mail.${domain}/EWS/Exchange.asmx
    signIn: { method: ntlm, user: '${user}', password: env:PEER_${name.toUpperCase()} }
    tls: { ca: '${ca}' }
    directory: { url: [${(controllers ?? [url]).map((each) => `'${each}'`).join(', ')}], user: '${user}', password: env:PEER_${name.toUpperCase()}, domains: [${domain}] }`;
  return `version: 1
organizations:${organization('source', source)}${organization('target', target)}
directory:
  main:
    source: source
    target: target
${sync
  .trim()
  .split('\n')
  .map((line) => `    ${line}`)
  .join('\n')}
collections:
  none:
    source: source
    target: target
    pairs: { list: ['nobody@${source.domain} -> nobody@${target.domain}'] }
`;
}
