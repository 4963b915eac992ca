import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One organization as a project names it. */
export interface ProjectEnd {
  readonly name: string;
  readonly endpoint: string;
  readonly user: string;
  readonly password: string;
  /** PEM file. */
  readonly ca?: string;
  /** Members of `signIn` beside the secret; default: Basic. */
  readonly signIn?: string;
  /** Lines beside those that all organizations have. */
  readonly lines?: readonly string[];
}

export interface WrittenProject {
  readonly directory: string;
  readonly file: string;
  readonly database: string;
  remove(): void;
}

/** A project in a folder of its own, on disk, as a person would have written it. */
export function writeProject(
  source: ProjectEnd,
  target: ProjectEnd,
  pairs: readonly (readonly [string, string])[],
  /** Lines of the collection beside its sides and pairs. */
  collection: readonly string[] = [],
): WrittenProject {
  const directory = mkdtempSync(join(tmpdir(), 'causeway-bench-'));
  const organizations = [source, target].map(({ name, endpoint, user, password, ca, signIn, lines = [] }) => {
    writeFileSync(join(directory, `${name}.secret`), password, { mode: 0o600 });
    const tls = ca === undefined ? '' : `    tls: { ca: ${JSON.stringify(ca)} }\n`;
    return `  ${name}:\n    kind: exchange\n    endpoint: ${JSON.stringify(endpoint)}\n    signIn: { ${signIn ?? `method: basic, user: ${JSON.stringify(user)}, password: 'file:${name}.secret'`} }\n${tls}${lines.map((line) => `    ${line}\n`).join('')}`;
  });
  const list = pairs.map(([left, right]) => `        - ${JSON.stringify(`${left} -> ${right}`)}\n`);
  const file = join(directory, 'causeway.yaml');
  writeFileSync(
    file,
    `version: 1\nstore: sqlite:causeway.db\norganizations:\n${organizations.join('')}collections:\n  bench:\n    source: ${source.name}\n    target: ${target.name}\n${collection.map((line) => `    ${line}\n`).join('')}    pairs:\n      list:\n${list.join('')}`,
  );
  return {
    directory,
    file,
    database: join(directory, 'causeway.db'),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
