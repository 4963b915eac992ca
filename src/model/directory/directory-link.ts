import type { Side } from '../ids.ts';
import type { Attributes, DistinguishedName, ObjectGuid } from './directory-object.ts';

/** Two objects that are the same person, contact, group or resource. References among the shown values are GUIDs. */
export interface DirectoryLink {
  readonly left: ObjectGuid;
  readonly right: ObjectGuid;
  /** What made them a link: the name of the rule that matched, or `made` for an object of ours, or `anchor`. */
  readonly by: string;
  /** Side of the object we made; null: both were there. Only an object of ours is ever removed. */
  readonly made: Side | null;
  /** Side where the mailbox is that the person works in: attributes flow from there, redirection points there. */
  readonly home: Side;
  /** What each side showed when it was last read back, mapped attributes only. */
  readonly shownLeft: Attributes;
  readonly shownRight: Attributes;
  readonly leftDn: DistinguishedName;
  readonly rightDn: DistinguishedName;
  /** Versions at that time: equal versions need no look. */
  readonly leftVersion: string;
  readonly rightVersion: string;
  /** The pass in which one side was first found gone; null: both are there. */
  readonly goneSincePass: number | null;
}
