import type { Folder } from '../world/folder.ts';
import type { Item } from '../world/item.ts';
import { key } from '../world/property.ts';

/** Letters of names that a path cannot have, by what stands for them there. */
const stands: Readonly<Record<string, string>> = {
  '/': '_xF8FF_',
  '\\': '_xF8FE_',
  '?': '_x003F_',
  ':': '_x003A_',
  '*': '_x002A_',
  '"': '_x0022_',
  '<': '_x003C_',
  '>': '_x003E_',
  '|': '_x007C_',
  '~': '_x007E_',
};
const letters = new Map(Object.entries(stands).map(([letter, stand]) => [stand.toLowerCase(), letter]));

/** One step of a path, not yet percent-encoded, for a name that people gave. */
export const stepOfName = (name: string): string => name.replace(/[/\\?*"<>|~]/g, (c) => stands[c] ?? c);
export const nameOfStep = (step: string): string =>
  step.replace(/_x[0-9a-f]{4}_/gi, (stand) => letters.get(stand.toLowerCase()) ?? stand);

/** Percent-encoded as the server writes addresses: more is left as it is than by others. */
export const encodeStep = (step: string): string => encodeURI(step).replace(/[?#;]/g, (c) => encodeURIComponent(c));

export function decodeStep(step: string): string | null {
  try {
    return decodeURIComponent(step);
  } catch {
    return null;
  }
}

/** Subject of a message as the beginning of its name. */
function stemOf(subject: string): string {
  const stem = subject
    .replace(/[\u0000-\u001f\u007f]/g, ' ')
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '_')
    .trim()
    .slice(0, 120)
    .trim();
  return stem === '' || /^\.+$/.test(stem) ? 'No Subject' : stem;
}

/**
 * Names of the items of one folder in its addresses: the subject and `.EML`, with `-2`, `-3` and so on when that is taken. An item
 * keeps its name while it is in the folder, whatever becomes of its subject. (evolution-exchange docs/http)
 */
class ItemNames {
  readonly #byName = new Map<string, Item>();
  readonly #names = new WeakMap<Item, string>();
  #seenCn = -1;
  readonly #folder: Folder;
  constructor(folder: Folder) {
    this.#folder = folder;
  }

  #refresh(): void {
    const { lastCn } = this.#folder.mailbox;
    if (this.#seenCn === lastCn) return;
    const fresh: Item[] = [];
    for (const item of this.#folder.newest()) {
      if (this.#names.has(item) && this.#seenCn >= 0) break;
      fresh.push(item);
    }
    this.#seenCn = lastCn;
    for (const item of fresh.reverse()) if (!this.#names.has(item)) this.give(item, null);
  }

  #isFree(name: string): boolean {
    const holder = this.#byName.get(name.toLowerCase());
    return holder === undefined || holder.gone;
  }

  /** A name like the wanted one that nobody has. */
  free(wanted: string): string {
    this.#refresh();
    return this.#freeLike(wanted);
  }

  #freeLike(wanted: string): string {
    if (this.#isFree(wanted)) return wanted;
    const [, stem = wanted, extension = ''] = /^(.*?)(\.[^.]{1,8})?$/s.exec(wanted) ?? [];
    for (let n = 2; ; n++) {
      const name = `${stem}-${n}${extension}`;
      if (this.#isFree(name)) return name;
    }
  }

  /** Names an item. @param wanted null: by its own property, or by its subject. */
  give(item: Item, wanted: string | null): string {
    const own = wanted ?? item.text(key.urlName) ?? `${stepOfName(stemOf(item.text(key.subject) ?? ''))}.EML`;
    const before = this.#names.get(item);
    if (before !== undefined) {
      if (before.toLowerCase() === own.toLowerCase()) return before;
      this.#byName.delete(before.toLowerCase());
    }
    const name = this.#freeLike(own);
    this.#names.set(item, name);
    this.#byName.set(name.toLowerCase(), item);
    return name;
  }

  of(item: Item): string {
    this.#refresh();
    return this.#names.get(item) ?? this.give(item, null);
  }

  find(name: string): Item | null {
    this.#refresh();
    const item = this.#byName.get(name.toLowerCase());
    return item === undefined || item.gone ? null : item;
  }
}

const ofFolders = new WeakMap<Folder, ItemNames>();

export function itemNames(folder: Folder): ItemNames {
  const known = ofFolders.get(folder);
  if (known !== undefined) return known;
  const made = new ItemNames(folder);
  ofFolders.set(folder, made);
  return made;
}
