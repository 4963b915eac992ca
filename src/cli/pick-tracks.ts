import { type Project, type Track, tracksOf } from '#project/project.ts';
import { pickPairs } from './pick-pairs.ts';

/** The tracks of the pair with this address; without one all of the project, as null. */
export function pickTracks(project: Project, address: string | undefined): readonly Track[] | null {
  return address === undefined ? null : tracksOf(project, pickPairs(project, [address], undefined));
}
