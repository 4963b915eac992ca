import type { Kysely } from 'kysely';
import type { Tables } from '../tables.ts';

export type Engine = 'sqlite' | 'postgres';

export interface Migration {
  /** Four digits and a name; the order of the names is the order of the steps. */
  readonly name: string;
  /**
   * compatible: an older Causeway can go on working with the store afterwards. breaking: it must not, and refuses to open it.
   */
  readonly kind: 'compatible' | 'breaking';
  /** First version of Causeway that knows the step; what an older one tells its operator to install. */
  readonly since: string;
  up(db: Kysely<Tables>, engine: Engine): Promise<void>;
}
