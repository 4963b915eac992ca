/** A value of a parameter: text, a truth value, nothing, a list, or values to add and remove. */
export type ShellValue =
  | string
  | boolean
  | null
  | readonly string[]
  | { readonly add: readonly string[]; readonly remove: readonly string[]; readonly named: Named }
  /** Something that only a person can give: a password. */
  | { readonly prompt: string };

/** All names of a hash table, in lower case. */
type Named = Readonly<Record<string, readonly string[]>>;

export interface Command {
  /** As written: `Set-Mailbox`. */
  readonly name: string;
  /** By lower-case name. */
  readonly parameters: ReadonlyMap<string, ShellValue>;
}

/** One statement of a script. */
export type Statement =
  /** Commands that hand on what they find. */
  | { readonly kind: 'pipeline'; readonly commands: readonly Command[] }
  /** `$name = command`; of the command only its first argument counts. */
  | { readonly kind: 'assignment'; readonly variable: string; readonly command: Command };

/** A script that is no such PowerShell; the message says where. */
export class ShellSyntaxError extends Error {
  override readonly name = 'ShellSyntaxError';
}

type Token =
  | { readonly kind: 'word' | 'parameter' | 'variable' | 'sign'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string };

/**
 * The little of PowerShell that generated scripts need: comments, quoted text, `@(…)`, `@{Add=…;Remove=…}`, `-Switch:$false`, `$true`, `$false`,
 * `$null`, variables, `&`, pipes, `('a'+[string][char]10+'b')` and `(Read-Host …)`. Definitions of functions and settings of the shell are read over.
 *
 * @throws ShellSyntaxError
 */
export function readScript(lines: readonly string[]): readonly Statement[] {
  const statements: Statement[] = [];
  let isFunction = false;
  for (const [at, line] of lines.entries()) {
    const text = line.trim();
    if (isFunction) {
      isFunction = line !== '}';
      continue;
    }
    if (text === '' || text.startsWith('#')) continue;
    if (/^function\b/i.test(text)) {
      isFunction = !text.endsWith('}');
      continue;
    }
    // Settings of the shell, what the script takes, and its own lists.
    if (/^(?:\$\w+Preference\s*=|\[CmdletBinding\b|param\(|\$script:)/i.test(text)) continue;
    try {
      statements.push(new LineReader(tokens(text)).statement());
    } catch (error) {
      if (error instanceof ShellSyntaxError) throw new ShellSyntaxError(`line ${at + 1}: ${error.message}`);
      throw error;
    }
  }
  return statements;
}

const isQuote = (letter: string): boolean => /['\u2018-\u201b]/.test(letter);

function tokens(line: string): readonly Token[] {
  const found: Token[] = [];
  let at = 0;
  while (at < line.length) {
    const letter = line.charAt(at);
    if (/\s/.test(letter)) {
      at++;
      continue;
    }
    if (letter === '#') break;
    if (isQuote(letter)) {
      let text = '';
      for (at++; ; at++) {
        if (at >= line.length) throw new ShellSyntaxError('a text does not end');
        const one = line.charAt(at);
        if (!isQuote(one)) text += one;
        else if (isQuote(line.charAt(at + 1))) {
          text += one;
          at++;
        } else break;
      }
      at++;
      found.push({ kind: 'text', text });
      continue;
    }
    const sign = /^(?:@\(|@\{|\[string\]\[char\]|[(){};,=+|&])/i.exec(line.slice(at))?.[0];
    if (sign !== undefined) {
      found.push({ kind: 'sign', text: sign.toLowerCase() });
      at += sign.length;
      continue;
    }
    const word = /^(?:-[A-Za-z]\w*:?|\$\w+|[\w.:@\\/-]+)/.exec(line.slice(at))?.[0];
    if (word === undefined) throw new ShellSyntaxError(`nobody knows what ${JSON.stringify(letter)} means`);
    at += word.length;
    found.push({ kind: word.startsWith('-') ? 'parameter' : word.startsWith('$') ? 'variable' : 'word', text: word });
  }
  return found;
}

class LineReader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(all: readonly Token[]) {
    this.#tokens = all;
  }

  get #next(): Token | null {
    return this.#tokens[this.#at] ?? null;
  }
  #isSign(text: string): boolean {
    return this.#next?.kind === 'sign' && this.#next.text === text;
  }
  #take(text: string): boolean {
    const is = this.#isSign(text);
    if (is) this.#at++;
    return is;
  }
  #need(text: string): void {
    if (!this.#take(text)) throw new ShellSyntaxError(`expected ${text}, found ${this.#next?.text ?? 'the end'}`);
  }

  statement(): Statement {
    const first = this.#next;
    const second = this.#tokens[1];
    if (first?.kind === 'variable' && second?.kind === 'sign' && second.text === '=') {
      this.#at = 2;
      const command = this.#command();
      this.#end();
      return { kind: 'assignment', variable: first.text.toLowerCase(), command };
    }
    const commands = [this.#command()];
    while (this.#take('|')) commands.push(this.#command());
    this.#end();
    return { kind: 'pipeline', commands };
  }
  #end(): void {
    if (this.#next !== null && !this.#take(';')) throw new ShellSyntaxError(`unexpected ${this.#next.text}`);
  }

  #command(): Command {
    this.#take('&');
    const name = this.#next;
    if (name === null || (name.kind !== 'word' && name.kind !== 'variable'))
      throw new ShellSyntaxError(`expected a command, found ${name?.text ?? 'the end'}`);
    this.#at++;
    const parameters = new Map<string, ShellValue>();
    for (let next = this.#next; next !== null; next = this.#next) {
      if (next.kind === 'sign' && (next.text === '|' || next.text === ';' || next.text === ')')) break;
      if (next.kind === 'parameter') {
        this.#at++;
        const after = this.#next as Token | null;
        const isSwitch =
          after === null || after.kind === 'parameter' || (after.kind === 'sign' && /^[|;)]$/.test(after.text));
        parameters.set(next.text.slice(1).replace(':', '').toLowerCase(), isSwitch ? true : this.#value());
      } else if (parameters.has('identity')) throw new ShellSyntaxError(`unexpected ${next.text}`);
      // What stands alone is whom it is about.
      else parameters.set('identity', this.#value());
    }
    return { name: name.text, parameters };
  }

  #value(): ShellValue {
    const next = this.#next;
    if (next === null) throw new ShellSyntaxError('a value is missing');
    if (next.kind === 'text' || next.kind === 'word') {
      this.#at++;
      return next.text;
    }
    if (next.kind === 'variable') {
      this.#at++;
      const named = { $true: true, $false: false, $null: null }[next.text.toLowerCase()];
      // A time that the script took is the one value that is kept.
      if (named === undefined && next.text.toLowerCase() !== '$began')
        throw new ShellSyntaxError(`${next.text} has no value here`);
      return named === undefined ? next.text : named;
    }
    if (this.#take('@(')) return this.#list();
    if (this.#take('@{')) return this.#changes();
    if (this.#take('(')) return this.#inBrackets();
    throw new ShellSyntaxError(`unexpected ${next.text}`);
  }

  #text(): string {
    const value = this.#value();
    if (typeof value !== 'string') throw new ShellSyntaxError('expected text');
    return value;
  }
  #list(): readonly string[] {
    const all: string[] = [];
    while (!this.#take(')')) {
      all.push(this.#text());
      if (!this.#isSign(')')) this.#need(',');
    }
    return all;
  }
  #changes(): ShellValue {
    const found: Record<string, readonly string[]> = {};
    while (!this.#take('}')) {
      const name = this.#next;
      if (name?.kind !== 'word') throw new ShellSyntaxError('expected a name such as Add or Remove');
      this.#at++;
      this.#need('=');
      const value = this.#value();
      found[name.text.toLowerCase()] = typeof value === 'string' ? [value] : Array.isArray(value) ? value : [];
      if (!this.#isSign('}')) this.#need(';');
    }
    return { add: found['add'] ?? [], remove: found['remove'] ?? [], named: found };
  }
  /** Text that is put together, or a question. */
  #inBrackets(): ShellValue {
    const first = this.#next;
    if (first?.kind === 'word' && first.text.toLowerCase() === 'read-host') {
      const { parameters } = this.#command();
      this.#need(')');
      const prompt = parameters.get('prompt');
      return { prompt: typeof prompt === 'string' ? prompt : '' };
    }
    let text = '';
    do {
      if (this.#take('[string][char]')) {
        const code = this.#next;
        if (code?.kind !== 'word' || !/^\d{1,7}$/.test(code.text)) throw new ShellSyntaxError('expected a number');
        this.#at++;
        text += String.fromCodePoint(Number(code.text));
      } else text += this.#text();
    } while (this.#take('+'));
    this.#need(')');
    return text;
  }
}
