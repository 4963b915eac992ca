import { type Controller, type Principal, restBelow, type Search } from './controller.ts';
import { parseDn } from './dn.ts';
import type { Entry } from './entry.ts';
import type { FilterView } from './filter.ts';
import { noObject } from './refusal.ts';
import { attributeRow } from './schema.ts';

/**
 * All domains of a forest as a global catalogue has them: to be read only, with a part of the attributes, as they came by replication.
 * [MS-ADTS] 3.1.1.1.7 (partial replica), isMemberOfPartialAttributeSet
 */
export class Catalogue {
  readonly #controllers: readonly Controller[];

  /** @param controllers a copy of each domain, that of the catalogue's own controller first. */
  constructor(controllers: readonly Controller[]) {
    this.#controllers = controllers;
  }

  /** The copy that an object was found in. */
  holderOf(entry: Entry): Controller {
    const root = entry.root;
    return this.#controllers.find((at) => at.domain === root) ?? this.#own;
  }
  get #own(): Controller {
    return this.#controllers[0] as Controller;
  }

  /** Everything below the base in all naming contexts; all of them below none. @throws DirectoryRefusal the base is not there */
  search(by: Principal, search: Search): Entry[] {
    const parts = parseDn(search.base);
    // The configuration and the schema are on every controller: those of its own are looked at.
    const contexts = this.#controllers.flatMap((at, n) =>
      [at.domain, ...(n === 0 ? [at.configuration, at.schema] : [])].map((root) => ({ at, root })),
    );
    const below = contexts.filter(
      ({ at, root }) => parts !== null && (restBelow(at.partsOf(root), parts)?.length ?? 0) > 0,
    );
    const inside = contexts
      .filter(({ at, root }) => parts === null || restBelow(parts, at.partsOf(root)) !== null)
      .sort((a, b) => b.at.partsOf(b.root).length - a.at.partsOf(a.root).length)[0];
    if (inside === undefined && search.base !== '') throw noObject('');
    const found = inside === undefined ? [] : inside.at.search(by, search, partOf(inside.at));
    if (search.scope === 'base') return found;
    const whole = search.scope === 'sub' ? below : [];
    return [
      ...found,
      ...whole.flatMap(({ at, root }) => at.search(by, { ...search, base: at.dnOf(root) }, partOf(at))),
    ];
  }
}

/** What filters may ask of it: attributes that it has not are as unknown as those that the schema lacks. */
const partOf = (at: Controller): FilterView => ({
  read: (entry, name) => at.read(entry, name),
  guidOf: (dn) => at.guidOf(dn),
  byGuid: (guid) => at.byGuid(guid),
  categoryGuid: (category) => at.categoryGuid(category),
  attribute: (name) => {
    const row = attributeRow(name);
    return row?.isInCatalogue === true ? row : null;
  },
});
