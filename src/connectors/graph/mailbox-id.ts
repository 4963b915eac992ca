import { FaultError } from '#kit/fault.ts';
import type { Context } from '../contract.ts';
import type { GraphClient } from './graph-client.ts';
import { textAt } from './json.ts';
import { getting } from './requests.ts';

/** `MBX:…`, by which the import API names a mailbox; asked for once. */
export class MailboxId {
  readonly #client: GraphClient;
  readonly #user: string;
  readonly #address: string;
  #known: string | null = null;

  constructor(client: GraphClient, user: string, address: string) {
    this.#client = client;
    this.#user = user;
    this.#address = address;
  }

  /** Throws FaultError. */
  async get(context: Context): Promise<string> {
    if (this.#known !== null) return this.#known;
    const answer = await this.#client.call(
      getting(`${this.#user}/settings/exchange`, 'settings/exchange', 'mailbox'),
      this.#address,
      context,
    );
    const id = textAt(answer, 'primaryMailboxId');
    if (id === null)
      throw new FaultError({
        kind: 'fatal',
        code: 'mailbox-gone',
        detail: 'the user has no mailbox in Exchange Online (primaryMailboxId is empty): look at the licence',
      });
    this.#known = id;
    return id;
  }

  /** Another mailbox may have come to stand behind the address. */
  forget(): void {
    this.#known = null;
  }
}
