import type { FolderId, ItemId } from '#model/ids.ts';
import { type MailHead, mailFingerprint } from '#model/mail.ts';
import { firstIdOf, readStamp, type StampKey, stampKey } from '#model/stamp.ts';

/** A copy of ours as the target shows it, as small as it can be: there is one for every item of the mailbox. */
export interface Copy {
  readonly id: ItemId;
  readonly folder: FolderId;
  readonly key: StampKey;
  readonly firstId: string;
  /** Search key and fingerprint of the source item. */
  readonly identity: string;
  /** Source item that it stands for, once that is known. */
  standsFor: ItemId | null;
  /** Its source item went away under the id that it stood for: it was moved or removed while verify was reading. */
  freed: boolean;
}

/** Everything on the target that could be a copy. Holds ids and hashes, no heads. */
export class Copies {
  readonly byId = new Map<ItemId, Copy>();
  /** Items of the target without our stamp: they may be somebody's own, or copies whose stamp was lost. */
  readonly unstamped = new Map<ItemId, FolderId>();
  private readonly byKey = new Map<StampKey, Copy[]>();
  private readonly byFirstId = new Map<string, Copy[]>();
  private readonly byIdentity = new Map<string, Copy[]>();
  private readonly organization: string;
  private readonly mailbox: string;

  constructor(organization: string, mailbox: string) {
    this.organization = organization;
    this.mailbox = mailbox;
  }

  see(head: MailHead): void {
    const stamp = head.stamp === null ? null : readStamp(head.stamp);
    if (head.stamp === null || stamp?.organization !== this.organization || stamp.mailbox !== this.mailbox) {
      this.unstamped.set(head.id, head.folder);
      return;
    }
    const known = this.byId.get(head.id);
    if (known) return;
    const copy: Copy = {
      id: head.id,
      folder: head.folder,
      key: stampKey(head.stamp),
      firstId: stamp.firstId,
      identity: `${stamp.searchKey} ${stamp.fingerprint}`,
      standsFor: null,
      freed: false,
    };
    this.byId.set(copy.id, copy);
    add(this.byKey, copy.key, copy);
    add(this.byFirstId, copy.firstId, copy);
    add(this.byIdentity, copy.identity, copy);
  }

  /** Takes a copy for a source item: by the stamp alone, exact ones first. Each copy is taken once. */
  takeByStamp(left: MailHead): Copy | null {
    const identity = `${left.facts.searchKey ?? ''} ${mailFingerprint(left.facts)}`;
    const free = (list: readonly Copy[] | undefined) => list?.find((copy) => copy.standsFor === null) ?? null;
    const copy = free(this.byFirstId.get(firstIdOf(left.id))) ?? free(this.byIdentity.get(identity));
    if (copy) copy.standsFor = left.id;
    return copy;
  }

  /** Takes the copy of a link: by its id, or by its stamp when a person moved it. */
  takeByLink(left: ItemId, right: ItemId, key: StampKey): Copy | null {
    const exact = this.byId.get(right);
    const copy =
      exact?.standsFor === null ? exact : this.byKey.get(key)?.find((one) => one.standsFor === null && !exact);
    if (!copy) return null;
    copy.standsFor = left;
    return copy;
  }

  /** Another copy of the same source item, which stands for it. Equal mails of the source have stamps with ids of their own. */
  twinOf(copy: Copy): Copy | null {
    const others = [...(this.byKey.get(copy.key) ?? []), ...(this.byFirstId.get(copy.firstId) ?? [])];
    return others.find((one) => one !== copy && one.standsFor !== null) ?? null;
  }

  /** The source item that it stood for is no more there under that id. */
  free(id: ItemId): void {
    const copy = this.byId.get(id);
    if (!copy) return;
    copy.standsFor = null;
    copy.freed = true;
  }

  *untaken(): Generator<Copy> {
    for (const copy of this.byId.values()) if (copy.standsFor === null) yield copy;
  }
}

function add<K>(map: Map<K, Copy[]>, key: K, copy: Copy): void {
  const list = map.get(key);
  if (list) list.push(copy);
  else map.set(key, [copy]);
}
