import { messageOfStream } from '#formats/fast-transfer/message-of-stream.ts';
import { StreamError } from '#formats/fast-transfer/stream-error.ts';
import { identityOfIds } from '#formats/mapi/global-object-id.ts';
import type { MapiValue } from '#formats/mapi/mapi-message.ts';
import { eventOnly } from '#formats/mapi-items/event-series.ts';
import { stampProperty } from '#formats/mapi-items/item-properties.ts';
import { valuesOf } from '#formats/mapi-items/property-values.ts';
import { FaultError, isFault } from '#kit/fault.ts';
import type { EventIdentity } from '#model/appointment.ts';
import type { FolderId, ItemId } from '#model/ids.ts';
import type { Context } from '../../contract.ts';
import { readTime } from '../../ews/ews-time.ts';
import { type Exported, exportItems } from '../export-items.ts';
import { type JsonObject, textAt } from '../json.ts';
import type { MailboxTools } from '../mailbox-tools.ts';
import { abandonedMs } from '../unfinished-mail.ts';
import { itemsByProperty, itemsOfIdentities } from './items-by-property.ts';
import { removeSilently } from './remove-silently.ts';

/** In place of the stamp: its files are still on their way. */
export const unfinishedMark = 'unfinished';

export const isUnfinished = (stamp: MapiValue | undefined): boolean => stamp === unfinishedMark;

/**
 * Halves of appointments (`putLarge`) in the calendars of one mailbox, whose owner sees them. Who makes one again, or something smaller of
 * the same identity, removes the half first; one that nobody comes back to is removed after hours, as with mail.
 */
export class UnfinishedEvents {
  readonly #tools: MailboxTools;
  readonly #lookedAtMs = new Map<FolderId, number>();
  readonly #seen = new Set<string>();

  constructor(tools: MailboxTools) {
    this.#tools = tools;
  }

  /** One came by, whoever is at it. */
  saw(folder: FolderId, identity: EventIdentity | null): void {
    if (identity !== null) this.#seen.add(keyOf(folder, identity));
  }

  /** Removes the halves of one appointment. Throws FaultError when nobody can say whether there are any. */
  async removeOf(folder: FolderId, identity: EventIdentity, context: Context): Promise<void> {
    const listed = await itemsOfIdentities(this.#tools, folder, [identity], context);
    for (const { id, exported } of await this.#marked(listed, context))
      await removeSilently(this.#tools, 'calendar', id, exported, context);
    this.#seen.delete(keyOf(folder, identity));
  }

  /** The same where a half was seen, after the whole of it was made in another way: what fails is left to `tidy`. */
  async removeSeen(folder: FolderId, identity: EventIdentity | null, context: Context): Promise<void> {
    if (identity === null || !this.#seen.has(keyOf(folder, identity))) return;
    await whateverFails(() => this.removeOf(folder, identity, context));
  }

  /** Looks through a calendar now and then, and removes what nobody can be at any more. No fault of this stops a feed. */
  async tidy(folder: FolderId, context: Context): Promise<void> {
    const nowMs = this.#tools.clock.nowMs();
    const before = this.#lookedAtMs.get(folder);
    if (before !== undefined && nowMs - before < abandonedMs) return;
    this.#lookedAtMs.set(folder, nowMs);
    await whateverFails(async () => {
      const listed = await itemsByProperty(this.#tools, folder, stampProperty, [unfinishedMark], context);
      for (const { id, exported, entity, identity } of await this.#marked(listed, context)) {
        const touchedMs = readTime(textAt(entity, 'lastModifiedDateTime') ?? '');
        if (touchedMs === undefined || touchedMs >= nowMs - abandonedMs) this.saw(folder, identity);
        else await removeSilently(this.#tools, 'calendar', id, exported, context);
      }
    });
  }

  /** Those that their stream shows to be halves: a search may be behind. */
  async #marked(listed: ReadonlyMap<ItemId, JsonObject>, context: Context): Promise<readonly Half[]> {
    const entries = [...listed];
    const streams = await exportItems(
      this.#tools,
      entries.map(([id]) => id),
      'placed',
      context,
    );
    return entries.flatMap(([id, entity], at) => {
      const exported = streams[at];
      return exported === undefined || isFault(exported) ? [] : halfOf(id, entity, exported);
    });
  }
}

interface Half {
  readonly id: ItemId;
  readonly entity: JsonObject;
  readonly exported: Exported;
  readonly identity: EventIdentity | null;
}

function halfOf(id: ItemId, entity: JsonObject, exported: Exported): readonly Half[] {
  try {
    const get = valuesOf(messageOfStream(exported.stream).message.properties);
    if (!isUnfinished(get(stampProperty))) return [];
    return [{ id, entity, exported, identity: identityIn(get) }];
  } catch (error) {
    // Whatever it is, it is not ours to remove.
    if (error instanceof StreamError) return [];
    throw error;
  }
}

/** Which event it is, by a message of it. */
export function identityIn(get: ReturnType<typeof valuesOf>): EventIdentity | null {
  const bytesOf = (property: typeof eventOnly.globalObjectId | typeof eventOnly.cleanGlobalObjectId): Buffer => {
    const value = get(property);
    return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
  };
  return identityOfIds(bytesOf(eventOnly.globalObjectId), bytesOf(eventOnly.cleanGlobalObjectId));
}

async function whateverFails(work: () => Promise<void>): Promise<void> {
  await work().catch((error: unknown) => {
    if (!(error instanceof FaultError)) throw error;
  });
}

const keyOf = (folder: FolderId, identity: EventIdentity): string => `${folder} ${identity}`;
