import pc from 'picocolors';
import { type Terminal, wantsColour } from './terminal.ts';

type Colours = ReturnType<typeof pc.createColors>;

/**
 * Where a command's words go. For people: text on stdout, notes on stderr. With `--json`: one JSON object a line on stdout and
 * nothing else. Lists are one row a line; commands that work say `{"event":…}` while they do, and end with their result,
 * which has no `event`.
 */
export class Output {
  readonly json: boolean;
  readonly colours: Colours;
  readonly #terminal: Terminal;
  #above: ((text: string) => void) | null = null;

  constructor(terminal: Terminal, options: { readonly json: boolean; readonly colour: boolean }) {
    this.json = options.json;
    this.#terminal = terminal;
    this.colours = pc.createColors(!options.json && wantsColour(terminal.stdout, terminal.env, options.colour));
  }

  /** For people only. */
  text(text: string): void {
    if (!this.json) this.#terminal.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** For programs only: one object, one line. */
  line(object: object): void {
    if (this.json) this.#terminal.stdout.write(`${JSON.stringify(object)}\n`);
  }

  /** The same thing for both. */
  say(object: object, text: string): void {
    this.line(object);
    this.text(text);
  }

  /** Something on the way, for people who watch; not part of the result. */
  note(text: string): void {
    if (this.json) return;
    if (this.#above === null) this.#terminal.stderr.write(`${text}\n`);
    else this.#above(`${text}\n`);
  }

  /** While something stands on the terminal that redraws itself, notes go above it; null: nothing does any more. */
  notesAbove(write: ((text: string) => void) | null): void {
    this.#above = write;
  }

  /** Bytes that are the result as they are, such as CSV. */
  raw(text: string): void {
    this.#terminal.stdout.write(text);
  }

  /** Whether somebody looks at a terminal that can redraw itself. */
  get live(): boolean {
    return !this.json && this.#terminal.stderr.isTTY === true && this.#terminal.env['TERM'] !== 'dumb';
  }
}
