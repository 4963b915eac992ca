import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { inClone } from './processes.ts';

/** What one tool did: the same for all of them. */
export interface CopyResult {
  readonly items: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakRssMb: number;
}

/** Numbers with two places behind the point, or three digits when they are small. */
export const round = (value: number): number =>
  Math.abs(value) < 1 ? Number(value.toPrecision(3)) : Math.round(value * 100) / 100;

/** Keeps what was measured in bench/results/NAME.json, with the machine it was measured on. */
export function keepResult(name: string, result: object): string {
  const directory = inClone('bench/results');
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `${name}.json`);
  const machine = {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
  };
  writeFileSync(file, `${JSON.stringify({ name, at: new Date().toISOString(), machine, ...result }, null, 2)}\n`);
  return file;
}

/** A figure against its bar, for people. */
export function against(label: string, value: number | null, bar: string, holds: (value: number) => boolean): string {
  const shown = value === null ? 'not measured' : String(round(value));
  return `  ${label.padEnd(40)} ${shown.padStart(12)}   bar ${bar}${value === null ? '' : holds(value) ? '' : '   MISSED'}`;
}
