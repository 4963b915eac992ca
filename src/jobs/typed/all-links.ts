import type { LinkId } from '#model/ids.ts';
import type { TypedLinkRow } from '#model/typed-link.ts';
import type { TypedContext } from './typed-context.ts';

/** Every link of the track, page by page in order of id. */
export async function* allLinks(context: TypedContext): AsyncGenerator<TypedLinkRow, void, undefined> {
  for (let after: LinkId | null = null; ; ) {
    const links: readonly TypedLinkRow[] = await context.store.pageTypedLinks(context.pair.id, after, 500);
    yield* links;
    if (links.length < 500) return;
    after = links.at(-1)?.id ?? null;
  }
}
