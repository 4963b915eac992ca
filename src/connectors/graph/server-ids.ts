import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { Context } from '../contract.ts';
import type { GraphClient } from './graph-client.ts';
import { isImmutable } from './item-ids.ts';
import { objectsAt, textAt } from './json.ts';

/** Ids of one translation (GDOC `api-reference/v1.0/api/user-translateexchangeids.md`). */
const idsMax = 1000;

/**
 * Turns ids of the import API, which may be those that change with a move, into those that survive one.
 *
 * The page of translateExchangeIds names delegated permissions only. Where an application may not translate, each message is asked for by
 * the id there is, and answers with the one that is wanted; that costs a request for each, so it is learned once and remembered.
 */
export class ServerIds {
  readonly #client: GraphClient;
  readonly #user: string;
  readonly #address: string;
  #mayTranslate = true;

  constructor(client: GraphClient, user: string, address: string) {
    this.#client = client;
    this.#user = user;
    this.#address = address;
  }

  /** In the order of what was given; a fault in place of what is not there. Ids that survive already cost nothing. */
  async immutable(given: readonly string[], context: Context): Promise<readonly (string | Fault)[]> {
    const changing = given.filter((id) => !isImmutable(id));
    if (changing.length === 0) return given;
    const known = (await this.#translated(changing, context)) ?? (await this.#asked(changing, context));
    return given.map((id) => (isImmutable(id) ? id : (known.get(id) ?? missing)));
  }

  /** Null: an application may not. */
  async #translated(ids: readonly string[], context: Context): Promise<ReadonlyMap<string, string> | null> {
    if (!this.#mayTranslate) return null;
    const known = new Map<string, string>();
    try {
      for (let at = 0; at < ids.length; at += idsMax) {
        const answer = await this.#client.call(
          {
            method: 'POST',
            path: `${this.#user}/translateExchangeIds`,
            name: 'translateExchangeIds',
            subject: { writes: false, about: 'mailbox' },
            body: {
              inputIds: ids.slice(at, at + idsMax),
              sourceIdType: 'restId',
              targetIdType: 'restImmutableEntryId',
            },
          },
          this.#address,
          context,
        );
        for (const one of objectsAt(answer, 'value')) {
          const [source, target] = [textAt(one, 'sourceId'), textAt(one, 'targetId')];
          if (source !== null && target !== null) known.set(source, target);
        }
      }
      return known;
    } catch (error) {
      if (!(error instanceof FaultError) || error.fault.kind !== 'fatal') throw error;
      this.#mayTranslate = false;
      return null;
    }
  }

  async #asked(ids: readonly string[], context: Context): Promise<ReadonlyMap<string, string | Fault>> {
    const answers = await this.#client.batch(
      ids.map((id) => ({
        method: 'GET' as const,
        path: `${this.#user}/messages/${encodeURIComponent(id)}?$select=id`,
        name: 'messages',
        subject: { writes: false, about: 'item' as const },
      })),
      this.#address,
      context,
    );
    return new Map(
      ids.map((id, at) => {
        const answer = answers[at] ?? missing;
        return [id, isFault(answer) ? answer : (textAt(answer, 'id') ?? missing)] as const;
      }),
    );
  }
}

/** It was written; under which id, the change feed will say. */
const missing: Fault = {
  kind: 'transient',
  detail: 'it was written, and its lasting id could not be learned',
  mayHaveHappened: true,
};
