/**
 * Answers of an LDAP server ([RFC 4511] 4.1, 4.5.2, 4.1.9), read strictly: what runs over its frame is refused and never guessed at, and
 * nothing is read twice. Values stay bytes, because only the schema knows which of them are text.
 */

/** What came back is not LDAP as we know it. */
export class MalformedAnswer extends Error {
  override readonly name = 'MalformedAnswer';
}

export interface LdapEntry {
  readonly dn: string;
  /** By the name that the server gave, options (`;range=0-1499`) included. */
  readonly values: ReadonlyMap<string, readonly Buffer[]>;
}

export interface LdapResult {
  readonly code: number;
  readonly matchedDn: string;
  /** For a person; Active Directory begins it with the error of Windows in hex. */
  readonly message: string;
  /** Values of the controls, by object identifier. */
  readonly controls: ReadonlyMap<string, Buffer>;
}

export type LdapAnswer =
  | { readonly kind: 'entry'; readonly id: number; readonly entry: LdapEntry }
  /** Another server has more. */
  | { readonly kind: 'reference'; readonly id: number }
  | { readonly kind: 'done'; readonly id: number; readonly result: LdapResult };

const tags = {
  boolean: 0x01,
  integer: 0x02,
  octets: 0x04,
  enumerated: 0x0a,
  sequence: 0x30,
  set: 0x31,
  controls: 0xa0,
  entry: 0x64,
  reference: 0x73,
} as const;

/** Bytes of a whole message, when all of them are there; null when more are to come. Throws MalformedAnswer. */
export function frameLength(buffer: Buffer, messageBytesMax: number): number | null {
  if (buffer.length < 2) return null;
  if (buffer[0] !== tags.sequence) throw new MalformedAnswer('the answer does not begin as a message of LDAP');
  const first = buffer[1] ?? 0;
  const more = first & 0x80 ? first & 0x7f : 0;
  if (more > 4 || first === 0x80) throw new MalformedAnswer('the length of a message cannot be read');
  if (buffer.length < 2 + more) return null;
  const length = 2 + more + (more === 0 ? first : buffer.readUIntBE(2, more));
  if (length > messageBytesMax) throw new MalformedAnswer(`a message of ${length} bytes is over the limit`);
  return buffer.length < length ? null : length;
}

/** BER of definite length. */
export class BerCursor {
  readonly #bytes: Buffer;
  #at = 0;
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }
  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }
  get tag(): number | null {
    return this.#bytes[this.#at] ?? null;
  }
  /** Content of the next element, which must have this tag. */
  take(tag: number): Buffer {
    const bytes = this.#bytes;
    if (bytes[this.#at] !== tag)
      throw new MalformedAnswer(`expected element ${tag}, found ${bytes[this.#at] ?? 'the end'}`);
    const first = bytes[this.#at + 1] ?? 0x80;
    const more = first & 0x80 ? first & 0x7f : 0;
    const start = this.#at + 2 + more;
    if (first === 0x80 || more > 4 || start > bytes.length)
      throw new MalformedAnswer('the length of an element cannot be read');
    const end = start + (more === 0 ? first : bytes.readUIntBE(this.#at + 2, more));
    if (end > bytes.length) throw new MalformedAnswer('an element runs over its frame');
    this.#at = end;
    return bytes.subarray(start, end);
  }
  inside(tag: number): BerCursor {
    return new BerCursor(this.take(tag));
  }
  text(tag: number = tags.octets): string {
    return this.take(tag).toString('utf8');
  }
  integer(tag: number = tags.integer): number {
    const content = this.take(tag);
    if (content.length === 0 || content.length > 6) throw new MalformedAnswer('a number has no size that we know');
    return content.readIntBE(0, content.length);
  }
  skip(): void {
    this.take(this.tag ?? -1);
  }
}

/** @param frame exactly one message. Throws MalformedAnswer. */
export function readAnswer(frame: Buffer): LdapAnswer {
  const message = new BerCursor(frame).inside(tags.sequence);
  const id = message.integer();
  const tag = message.tag;
  if (tag === tags.entry) return { kind: 'entry', id, entry: readEntry(message.inside(tags.entry)) };
  if (tag === tags.reference) return { kind: 'reference', id };
  if (tag === null || (tag & 0xe0) !== 0x60) throw new MalformedAnswer(`${tag} is no answer`);
  const body = message.inside(tag);
  const [code, matchedDn, text] = [body.integer(tags.enumerated), body.text(), body.text()];
  const controls = new Map<string, Buffer>();
  if (message.tag === tags.controls) {
    for (const list = message.inside(tags.controls); !list.done; ) {
      const control = list.inside(tags.sequence);
      const type = control.text();
      if (control.tag === tags.boolean) control.skip();
      controls.set(type, control.done ? Buffer.alloc(0) : control.take(tags.octets));
    }
  }
  return { kind: 'done', id, result: { code, matchedDn, message: text, controls } };
}

function readEntry(body: BerCursor): LdapEntry {
  const dn = body.text();
  const values = new Map<string, readonly Buffer[]>();
  for (const list = body.inside(tags.sequence); !list.done; ) {
    const attribute = list.inside(tags.sequence);
    const name = attribute.text();
    const found: Buffer[] = [];
    for (const set = attribute.inside(tags.set); !set.done; ) found.push(set.take(tags.octets));
    values.set(name, found);
  }
  return { dn, values };
}
