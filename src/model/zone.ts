/**
 * A time zone as Exchange knows it: the Windows name, and the rules that the item itself carries where it carries any.
 * [MS-OXOCAL] 2.2.1.41 (PidLidAppointmentTimeZoneDefinitionStartDisplay), [MS-OXOCAL] 2.2.1.39 (PidLidTimeZoneStruct).
 */
export interface Zone {
  /** Windows zone id, `W. Europe Standard Time`; custom definitions keep the name they came with; '' when there is none. */
  readonly id: string;
  /** Ordered by first year; null: whatever the id stands for. Zones that changed their rules have several. */
  readonly rules: readonly ZoneRule[] | null;
}

export interface ZoneRule {
  /** First year in which it holds; 1601 for the first rule. */
  readonly fromYear: number;
  /** Minutes to add to wall time to get UTC: -60 for Vienna in winter. */
  readonly biasMinutes: number;
  /** Added to `biasMinutes` in standard and in daylight time. */
  readonly standardBiasMinutes: number;
  readonly daylightBiasMinutes: number;
  /** When each begins; both null: no daylight saving. */
  readonly toStandard: ZoneTransition | null;
  readonly toDaylight: ZoneTransition | null;
}

/** Begins every year on the nth weekday of a month (`week` 5: the last), or in one year only on a date. At wall time of before the change. */
export type ZoneTransition =
  | {
      readonly month: number;
      readonly week: 1 | 2 | 3 | 4 | 5;
      /** 0 Sunday … 6 Saturday. */
      readonly weekday: number;
      readonly minuteOfDay: number;
    }
  | { readonly year: number; readonly month: number; readonly day: number; readonly minuteOfDay: number };
