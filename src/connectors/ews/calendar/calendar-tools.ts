import type { Fault } from '#kit/fault.ts';
import type { ItemId } from '#model/ids.ts';
import type { MapiProperty } from '#model/property-row.ts';
import type { Context } from '../../contract.ts';
import type { Operation } from '../operation.ts';
import type { FolderRef } from '../operations/ids.ts';
import type { SchemaVersion } from '../server-version.ts';
import type { StreamHabits } from './upload-events.ts';

/** What calendars need of their mailbox. */
export interface CalendarTools {
  readonly address: string;
  /** May become more precise with an answer; read it after `knowVersion`. */
  readonly version: SchemaVersion;
  knowVersion(context: Context): Promise<void>;
  call<Request, Answer>(
    operation: Operation<Request, Answer>,
    request: Request,
    context: Context,
  ): Promise<readonly (Answer | Fault)[]>;
  /** Items of a folder whose property has one of these values, as a `t:Constant` writes them. */
  search(
    folder: FolderRef,
    property: MapiProperty,
    values: readonly string[],
    context: Context,
  ): Promise<readonly ItemId[]>;
  named(distinguished: string): FolderRef;
  nowMs(): number;
  readonly streams: StreamHabits;
}
