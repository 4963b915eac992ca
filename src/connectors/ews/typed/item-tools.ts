import type { Clock } from '#kit/clock.ts';
import type { ItemId } from '#model/ids.ts';
import type { MapiProperty } from '#model/property-row.ts';
import type { Context } from '../../contract.ts';
import type { Call } from '../operation.ts';
import type { FolderRef } from '../operations/ids.ts';
import type { SchemaVersion } from '../server-version.ts';

/** What items need of their mailbox. */
export interface ItemTools {
  /** May become more precise with an answer; read it after `knowVersion`. */
  readonly version: SchemaVersion;
  knowVersion(context: Context): Promise<void>;
  readonly call: Call;
  /** Items of a folder whose property has one of these values, as a `t:Constant` writes them. */
  search(
    folder: FolderRef,
    property: MapiProperty,
    values: readonly string[],
    context: Context,
  ): Promise<readonly ItemId[]>;
  named(distinguished: string): FolderRef;
  readonly clock: Clock;
}
