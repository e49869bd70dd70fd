// SPDX-License-Identifier: BSD-2-Clause
/**
 * How fast /dev/kvm runs ring 0, kept between runs: measuring takes a tenth of a second where it is emulated. What is kept
 * counts as long as host, device and program are those that were measured; all else that is asked of KVM is asked anew.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, release } from 'node:os';
import { dirname, join } from 'node:path';
import { addonPath, type KvmProbe, loadAddon } from './addon.js';

export interface KvmSpeedPlace {
  readonly file: string;
  /** Any change of it makes what is kept worthless. */
  readonly key: () => string;
}

const DEVICE = '/dev/kvm';
/** A new one at every start of the host: random(4). */
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

export function probeKvm(
  place: KvmSpeedPlace = usualPlace(),
  probe: (known: number) => KvmProbe = (known) => loadAddon().kvmProbe(known),
): KvmProbe {
  const key = keyOf(place);
  if (key === null) return probe(0);
  const known = kept(place.file, key);
  const found = probe(known);
  if (known === 0 && found.instructionsPerSecond > 0) keep(place.file, key, found.instructionsPerSecond);
  return found;
}

function usualPlace(): KvmSpeedPlace {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return { file: join(cache, 'tsbhyve/kvm-speed.json'), key: hostKey };
}

function hostKey(): string {
  const device = statSync(DEVICE);
  const addon = statSync(addonPath());
  return [
    `boot ${readFileSync(BOOT_ID, 'latin1').trim()}`,
    `kernel ${release()}`,
    `${DEVICE} ${device.dev}:${device.ino} ${device.rdev} ${device.ctimeMs}`,
    `addon ${addonPath()} ${addon.size} ${addon.mtimeMs}`,
  ].join(', ');
}

/** Null where there is nothing to be kept: no device, or a host that does not say when it was started. */
function keyOf({ key }: KvmSpeedPlace): string | null {
  try {
    return key();
  } catch {
    return null;
  }
}

/** 0: nothing usable is there. */
function kept(file: string, key: string): number {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof value !== 'object' || value === null) return 0;
    if (!('key' in value && 'instructionsPerSecond' in value) || value.key !== key) return 0;
    const { instructionsPerSecond: speed } = value;
    return typeof speed === 'number' && Number.isFinite(speed) && speed > 0 ? speed : 0;
  } catch {
    return 0;
  }
}

/** A folder that cannot be written to costs the next run its measurement, no more. */
function keep(file: string, key: string, instructionsPerSecond: number): void {
  const temporary = `${file}.${process.pid}`;
  const isKept = succeeds(() => {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(temporary, `${JSON.stringify({ key, instructionsPerSecond })}\n`, { mode: 0o600 });
    renameSync(temporary, file);
  });
  if (!isKept) succeeds(() => rmSync(temporary, { force: true }));
}

function succeeds(step: () => void): boolean {
  try {
    step();
    return true;
  } catch {
    return false;
  }
}
