import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { inspect } from 'node:util';

const BYTES_MAX = 65_536;
const environmentReference = /^env:([A-Za-z_][A-Za-z0-9_]*)$/;
const fileReference = /^file:(.+)$/s;

/** Both forms in which a secret may be named; what the JSON Schema shows to editors. */
export const secretReferencePattern = /^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/;

/** The place that a reference names holds no usable secret. The message names the place, never what is in it. */
export class SecretError extends Error {
  override readonly name = 'SecretError';
}

/**
 * A secret that is named by reference and read when it is used. However it is printed, logged, inspected or turned into
 * JSON, only the reference shows; the value is never kept.
 */
export class Secret {
  readonly #place: { readonly env: string } | { readonly file: string };
  readonly #environment: Readonly<Record<string, string | undefined>>;

  private constructor(
    place: { readonly env: string } | { readonly file: string },
    environment: Readonly<Record<string, string | undefined>>,
  ) {
    this.#place = place;
    this.#environment = environment;
  }

  /**
   * @param reference `env:NAME` or `file:PATH`; a relative path counts from `directory`.
   * @returns null when the text is neither, which is most likely a secret written where only a reference may stand.
   */
  static named(reference: string, directory: string, environment = process.env): Secret | null {
    const env = environmentReference.exec(reference)?.[1];
    if (env !== undefined) return new Secret({ env }, environment);
    const file = fileReference.exec(reference)?.[1];
    return file === undefined ? null : new Secret({ file: resolve(directory, file) }, environment);
  }

  /** Where the value is kept, in the words of the project file. */
  get reference(): string {
    return 'env' in this.#place ? `env:${this.#place.env}` : `file:${this.#place.file}`;
  }

  /** Reads the value, without a trailing line break. Throws SecretError with what to do about it. */
  async reveal(): Promise<string> {
    const value = 'env' in this.#place ? this.#environment[this.#place.env] : await readSecretFile(this.#place.file);
    if (value !== undefined && value !== '') return value;
    throw new SecretError(
      'env' in this.#place
        ? `the environment variable ${this.#place.env} is not set; set it for the account that runs causeway`
        : `${this.#place.file} is empty; put the secret into it, on one line`,
    );
  }

  toString(): string {
    return `[secret ${this.reference}]`;
  }
  toJSON(): string {
    return this.toString();
  }
  [inspect.custom](): string {
    return this.toString();
  }
}

async function readSecretFile(path: string): Promise<string> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new SecretError(`the secret file ${path} cannot be opened (${code}); make it, readable for you only`);
  }
  try {
    const { mode, size, uid } = await handle.stat();
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw new SecretError(`${path} is no ordinary file`);
    if (size > BYTES_MAX) throw new SecretError(`${path} is larger than ${BYTES_MAX} bytes; is it the right file?`);
    if (process.platform !== 'win32') {
      if ((mode & 0o077) !== 0)
        throw new SecretError(`${path} can be read or changed by others; run: chmod 600 ${JSON.stringify(path)}`);
      if (uid !== process.getuid?.() && uid !== 0) throw new SecretError(`${path} belongs to another account`);
    }
    return (await handle.readFile('utf8')).replace(/\r?\n$/, '');
  } finally {
    await handle.close();
  }
}
