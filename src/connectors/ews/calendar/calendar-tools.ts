import type { ItemTools } from '../typed/item-tools.ts';
import type { StreamHabits } from './upload-events.ts';

/** What calendars need of their mailbox. */
export interface CalendarTools extends ItemTools {
  readonly address: string;
  nowMs(): number;
  readonly streams: StreamHabits;
}
