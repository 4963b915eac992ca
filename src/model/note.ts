import type { Body } from './appointment.ts';

/** A sticky note, [MS-OXONOTE]. Each field has a row in `noteProperties`. */
export interface NoteFields {
  readonly subject: string;
  readonly body: Body;
  /** 0 blue, 1 green, 2 pink, 3 yellow, 4 white. */
  readonly colour: number;
  readonly width: number;
  readonly height: number;
  readonly categories: readonly string[];
}
