import type { WayChoice } from '#jobs/item-ways.ts';
import { type Representation, representations } from '#model/item-ways.ts';
import type { ContentKind } from '#store/store.ts';
import { plain } from './format.ts';
import type { JobPair } from './jobs.ts';
import type { Run } from './session.ts';

/** Says once for each collection and content what its items travel as: it is the same for every pair. */
export class SaidWays {
  readonly #run: Run;
  readonly #said = new Set<string>();

  constructor(run: Run) {
    this.#run = run;
  }

  /** Both sides have been looked at. */
  say(collection: string, content: ContentKind, pair: JobPair): void {
    const name = `${collection} ${content}`;
    if (this.#said.has(name)) return;
    this.#said.add(name);
    for (const choice of this.#run.jobs.itemWays(pair, content)) this.#say(collection, content, choice);
  }

  /** `collection: meeting as fields → stream: …`, and beneath it why not otherwise. */
  #say(collection: string, content: ContentKind, { kind, way, because, dismissed }: WayChoice): void {
    const name = (as: Representation) => representations[as];
    const as = way === null ? 'cannot travel' : `as ${[...new Set([way.read, way.write])].map(name).join(' → ')}`;
    const others = dismissed.map(
      (one) => `  not as ${name(one.as)}${one.side === 'left' ? ' from the source' : ''}: ${one.because}`,
    );
    this.#run.output.say(
      { collection, content, item: kind, way, because, dismissed },
      [`${plain(collection)}: ${kind} ${as}: ${because}`, ...others].join('\n'),
    );
  }
}
