// SPDX-License-Identifier: BSD-2-Clause
/** What lies in memory and in the registers when the guest starts: kernel, firmware tables, entry state. */
import type { PciBus } from '../boot/acpi/options.js';
import { applyPlan, type BootPlan, checkWrites } from '../boot/boot-plan.js';
import { firmwareTables } from '../boot/firmware-tables.js';
import { loadKernel } from '../boot/load-kernel.js';
import { type RamLayout, VM_GENERATION_ID, VM_GENERATION_PAGE } from '../boot/memory-map.js';
import type { Engine } from '../hypervisor/hypervisor.js';
import { type KernelBoot, type MachineConfig, type PciDeviceConfig, topologyOf } from './config.js';
import { cpuModel } from './cpu-model.js';
import { enterKernel } from './entry.js';
import { firmwareMtrrs } from './memory-types.js';

/** Reads a file of the host that the configuration names. */
export type ReadFile = (path: string) => Uint8Array;

/** Kept free of everything else; the device writes its id there. */
const GENERATION_PAGE = {
  what: 'the VM generation id',
  address: VM_GENERATION_PAGE,
  bytes: new Uint8Array(0),
  size: 4096,
};

interface FirmwarePlan extends BootPlan {
  /** Pairs of number and value. */
  readonly msrs: BigUint64Array;
}

/**
 * What the configuration boots. It is planned at once, so that a file that does not fit is refused before anything
 * starts; an unpacked kernel is large, so the plan is kept only until it is used, and a reset reads the files again.
 * A machine that is restored needs none of them until it is reset.
 */
export class BootMedia {
  private planned: FirmwarePlan | null;

  constructor(
    private readonly plan: () => FirmwarePlan,
    restored: boolean,
  ) {
    this.planned = restored ? null : plan();
  }

  /** Loads memory and registers. */
  load(engine: Engine): void {
    const plan = this.planned ?? this.plan();
    this.planned = null;
    applyPlan(engine.memory, plan);
    for (const vcpu of engine.vcpus) vcpu.setMsrs(plan.msrs); // memory types have to be the same on all (SDM vol. 3, 11.11.8)
    enterKernel(engine.vcpu, plan.cpu);
  }
}

/** Null when the configuration boots nothing: the vCPU then starts at its reset vector. */
export function bootMedia(
  config: MachineConfig,
  ram: RamLayout,
  readFile: ReadFile,
  restored = false,
): BootMedia | null {
  const { boot } = config;
  return boot === null ? null : new BootMedia(() => planBoot(config, boot, ram, readFile), restored);
}

function planBoot(config: MachineConfig, boot: KernelBoot, ram: RamLayout, readFile: ReadFile): FirmwarePlan {
  const file = (name: string) => ({ name, bytes: readFile(name) });
  const plan = loadKernel(file(boot.kernel), {
    ram,
    commandLine: boot.commandLine,
    ...(boot.unpack !== undefined && { unpack: boot.unpack }),
    ...(boot.initrd !== undefined && { initrd: file(boot.initrd) }),
  });
  const writes = [...plan.writes, ...tables(config, ram), GENERATION_PAGE];
  checkWrites(boot.kernel, writes, ram);
  const msrs = firmwareMtrrs(cpuModel(config.cpuModel).physicalAddressBits);
  return { ...plan, writes, msrs };
}

/** Those that a device makes by being there. */
function moreBuses(pci: readonly PciDeviceConfig[]): PciBus[] {
  const slots = new Map<number, Set<number>>();
  for (const { bus = 0, slot } of pci) if (bus > 0) slots.set(bus, (slots.get(bus) ?? new Set()).add(slot));
  const ascending = (a: number, b: number): number => a - b;
  return [...slots.keys()].sort(ascending).map((bus) => ({ bus, slots: [...(slots.get(bus) ?? [])].sort(ascending) }));
}

function tables(config: MachineConfig, ram: RamLayout) {
  const { cpus, uuid, pci, mpTable } = config;
  const { sockets, cores, threads } = topologyOf(config);
  const lpcSlot = pci.find(({ kind }) => kind === 'lpc')?.slot ?? 31;
  return firmwareTables({
    acpi: {
      cpus,
      ram,
      lpcSlot,
      moreBuses: moreBuses(pci),
      serialPorts: [1, 2, 3, 4],
      hpet: true,
      ps2: true,
      fwCfg: true,
      vmGenerationId: VM_GENERATION_ID,
    },
    smbios: { uuid, ram, sockets, coresPerSocket: cores, threadsPerCore: threads },
    mpTableCpus: mpTable ? cpus : null,
  });
}
