/**
 * Spreads work over the workers of a machine by the CPU time they have used, so that all cores are used alike. Nothing is assigned: a
 * worker that is ahead of the others only waits a little before it takes more, and takes it when nobody else did.
 */
export interface CpuShare {
  /** What the supervisor says now and then: CPU seconds at which this worker would have used as much as the average one. */
  setFair(cpuSeconds: number): void;
  /** @param running Claims that this process holds. */
  yieldMs(running: number): number;
}

export interface CpuMeter {
  /** CPU seconds of this process, user and system. */
  cpuSeconds(): number;
  /** Share of time, 0 to 1, in which the event loop was busy since the last call. */
  busyShare(): number;
}

/** Differences below this are noise. */
const TOLERANCE_SECONDS = 0.25;
const YIELD_MS_PER_SECOND = 400;
const YIELD_MAX_MS = 1_500;
/** Above this the event loop has no time for another pass: it would only make the ones that run slower. */
const SATURATED = 0.9;
const SATURATED_MS = 100;

export function cpuShare(meter: CpuMeter): CpuShare {
  let fair: number | null = null;
  return {
    setFair(cpuSeconds) {
      fair = cpuSeconds;
    },
    yieldMs(running) {
      const saturated = meter.busyShare() > SATURATED && running > 0;
      const ahead = fair === null ? 0 : meter.cpuSeconds() - fair - TOLERANCE_SECONDS;
      const ms = ahead <= 0 ? 0 : Math.min(YIELD_MAX_MS, Math.ceil(ahead * YIELD_MS_PER_SECOND));
      return Math.max(ms, saturated ? SATURATED_MS : 0);
    },
  };
}

export function processMeter(): CpuMeter {
  let last = performance.eventLoopUtilization();
  return {
    cpuSeconds() {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
    busyShare() {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return utilization;
    },
  };
}
