// SPDX-License-Identifier: BSD-2-Clause
/**
 * The PC: which chip answers where. Ports and addresses are bhyve's. The ids are the keys of the saved device tree, so they
 * never change; the order of the rows is the order of saving, resetting and restoring, with the interrupt controllers
 * last, because restored devices adopt their interrupt levels into them.
 */
import { GPE_VM_GENERATION, Gpe } from '../../devices/acpi/gpe.js';
import { Pm1 } from '../../devices/acpi/pm1.js';
import { VmGeneration } from '../../devices/acpi/vm-generation.js';
import { FwCfg } from '../../devices/firmware/fw-cfg.js';
import { DebugExit } from '../../devices/isa/debug-exit.js';
import { I8042 } from '../../devices/isa/i8042.js';
import type { IoApic } from '../../devices/isa/ioapic.js';
import { PcTestdev } from '../../devices/isa/pc-testdev.js';
import type { Pic8259 } from '../../devices/isa/pic8259.js';
import { Port92 } from '../../devices/isa/port92.js';
import { PostPort } from '../../devices/isa/post-port.js';
import { Ps2Keyboard } from '../../devices/isa/ps2-keyboard.js';
import { ResetControl } from '../../devices/isa/reset-control.js';
import { PciRootBus } from '../../devices/pci/root-bus.js';
import { PCI_ECAM, type RamLayout, VM_GENERATION_ID } from '../boot/memory-map.js';
import type { Clock } from '../core/clock.js';
import type { AnyDevice } from '../core/device.js';
import type { DoorbellBoard } from '../core/doorbells.js';
import type { GuestMemory } from '../core/guest-memory.js';
import { type IrqLine, nullLine } from '../core/irq-line.js';
import type { Logger } from '../core/log.js';
import { MemoryBus } from '../core/memory-bus.js';
import type { MsiSink } from '../core/msi.js';
import { PortBus } from '../core/port-bus.js';
import type { KernelChipset } from '../hypervisor/hypervisor.js';
import type { BoardRow } from './board-row.js';
import { Cables } from './cables.js';
import { type Chipset, kernelChipset, ownChipset } from './chipset.js';
import type { MachineConfig } from './config.js';
import { generationIdOf } from './generation-id.js';
import type { InterruptWiring } from './interrupt-wiring.js';
import type { PciDevice } from './pci-devices.js';
import { PciSlots } from './pci-slots.js';
import { type Console, type ConsoleOutputs, serialConsoles } from './serial-consoles.js';
import type { StopLatch } from './stop.js';
import { unmappedLog, unmappedStop } from './unmapped-log.js';
import { type VirtioPort, virtioConsoles } from './virtio-consoles.js';
import type { DeviceHost } from './virtio-devices.js';

export interface BoardParts {
  readonly config: MachineConfig;
  readonly ram: RamLayout;
  readonly memory: GuestMemory;
  readonly clock: Clock;
  readonly msi: MsiSink;
  readonly host: DeviceHost;
  /** INT of the 8259 pair. */
  readonly intr: IrqLine;
  /** The engine's chipset; null: ours is used. */
  readonly kernelChipset: KernelChipset | null;
  readonly doorbells: DoorbellBoard | null;
  readonly outputs: ConsoleOutputs;
  readonly stop: StopLatch;
  readonly log: Logger;
}

export interface PcBoard {
  readonly ports: PortBus;
  readonly mmio: MemoryBus;
  /** In the order of saving. */
  readonly devices: readonly AnyDevice[];
  /** The functions among them, in the order of their addresses. */
  readonly pci: readonly PciDevice[];
  /** Null where the chipset is a kernel's. */
  readonly pic: Pic8259 | null;
  readonly ioapic: IoApic | null;
  readonly pm1: Pm1;
  readonly rtc: Chipset['rtc'];
  readonly vmGeneration: VmGeneration;
  readonly keyboard: Ps2Keyboard;
  readonly consoles: ReadonlyMap<string, Console>;
  readonly virtioPorts: ReadonlyMap<string, VirtioPort>;
}

const ISA_IRQ = { keyboard: 1, sci: 9 } as const;

export function pcBoard(parts: BoardParts): PcBoard {
  const { config, ram, clock, msi, memory, host, stop, log } = parts;
  const ports = new PortBus();
  const mmio = new MemoryBus();
  mmio.doorbells = parts.doorbells;
  ports.onUnmapped = config.strictPorts ? unmappedStop(stop) : unmappedLog(log, 'port');
  mmio.onUnmapped = unmappedLog(log, 'address');
  const reset = () => stop.set({ kind: 'reset' });

  const chipsetParts = { ram, clock, msi, intr: parts.intr, rtcBase: config.rtcBase };
  const chipset = parts.kernelChipset ? kernelChipset(parts.kernelChipset, chipsetParts) : ownChipset(chipsetParts);
  const { wiring, pic, ioapic, rtc } = chipset;
  const pm1 = new Pm1('pm1', wiring.isa(ISA_IRQ.sci), () => stop.set({ kind: 'power-off' }));
  const gpe = new Gpe('gpe', pm1.gpeInput);
  const vmGeneration = new VmGeneration('vm-generation', {
    memory: parts.memory,
    address: VM_GENERATION_ID,
    guid: generationIdOf(config.uuid),
    onRenewed: () => gpe.raise(GPE_VM_GENERATION),
  });
  const keyboard: Ps2Keyboard = new Ps2Keyboard('keyboard', { onData: () => i8042.serve(), onSpace: () => {} });
  const i8042 = new I8042('i8042', { keyboard, irq: wiring.isa(ISA_IRQ.keyboard), a20: nullLine, onReset: reset });
  const port92 = new Port92('port92', { onReset: reset, a20: nullLine });
  const resetControl = new ResetControl('reset-control', reset);
  const post = ['post', 'post-84'].map((id) => new PostPort(id));
  const fwCfg = new FwCfg('fw-cfg', { cpus: config.cpus, maxCpus: config.cpus, files: [] });
  const pci = new PciRootBus('pci', resetControl.ports());
  const isVirtualClock = config.clock.kind === 'virtual';
  const virtio = {
    memory,
    clock,
    msi,
    host,
    outputs: parts.outputs,
    isVirtualClock,
    name: config.name,
    cables: new Cables(),
    log: log.scoped('virtio'),
  };
  const slots = new PciSlots(config.pci, { ports, mmio, log: log.scoped('pci'), wiring, virtio });
  for (const device of slots.devices) pci.attach(device);
  const consoles = serialConsoles(config.scripts, clock, parts.outputs, (irq) => wiring.isa(irq));

  const rows: BoardRow[] = [
    ...chipset.timers,
    ...consoles.map(({ uart, base }): BoardRow => ({ device: uart, ports: [[base, 8, uart]] })),
    ...consoles.map(({ input }): BoardRow => ({ device: input })),
    { device: keyboard },
    {
      device: i8042,
      ports: [
        [0x60, 1, i8042.dataPort()],
        [0x64, 1, i8042.commandPort()],
      ],
    },
    { device: port92, ports: [[0x92, 1, port92.ports()]] },
    ...post.map((device, index): BoardRow => ({ device, ports: [[0x80 + 4 * index, 1, device.ports()]] })),
    { device: fwCfg, ports: [[0x510, 2, fwCfg.ports()]] },
    ...(config.pcTestdev ? testdevRows(wiring, stop) : []),
    { device: resetControl },
    { device: pci, ports: [[0xcf8, 8, pci.ports()]], mmio: [[PCI_ECAM.base, PCI_ECAM.size, pci.ecam()]] },
    ...slots.devices.map((device): BoardRow => ({ device })),
    { device: vmGeneration },
    { device: gpe, ports: [[0x40c, 2, gpe]] },
    {
      device: pm1,
      ports: [
        [0x400, 4, pm1.event],
        [0x404, 2, pm1.control],
        [0xb2, 1, pm1.smiCommand],
      ],
    },
    ...chipset.controllers,
  ];
  plugIn(rows, ports, mmio);
  const devices = rows.map((row) => row.device);
  const byName = new Map(consoles.map((console) => [console.uart.id, console]));
  const virtioPorts = virtioConsoles(config, slots.devices);
  const chips = { pic, ioapic, pm1, rtc, vmGeneration, keyboard };
  return { ports, mmio, devices, pci: slots.devices, ...chips, consoles: byName, virtioPorts };
}

/** `-l pc-testdev`: interrupt lines 0-15 reach both controllers, 16-23 the IOAPIC. */
function testdevRows(wiring: InterruptWiring, stop: StopLatch): BoardRow[] {
  const lines = Array.from({ length: 24 }, (_, line) =>
    line < 16 && line !== 2 ? wiring.isa(line) : wiring.ioapicInput(line),
  );
  const testdev = new PcTestdev('pc-testdev', lines);
  const debugExit = new DebugExit('debug-exit', (status) => stop.set({ kind: 'debug-exit', status }));
  return [
    {
      device: testdev,
      ports: [
        [0xe0, 4, testdev.scratchPorts()],
        [0xe4, 4, testdev.flushPorts()],
        [0xe8, 4, testdev.scratchPorts()],
        [0x2000, 24, testdev.irqPorts()],
      ],
      mmio: [[0xff000000, 0x10000, testdev.memoryWindow()]],
    },
    { device: debugExit, ports: [[0xf4, 4, debugExit]] },
  ];
}

function plugIn(rows: readonly BoardRow[], ports: PortBus, mmio: MemoryBus): void {
  const ids = new Set<string>();
  for (const { device, ports: portRows = [], mmio: mmioRows = [] } of rows) {
    if (ids.has(device.id)) throw new Error(`two devices are called ${device.id}`);
    ids.add(device.id);
    for (const [base, length, handler] of portRows) ports.register(device.id, base, length, handler);
    for (const [base, length, handler] of mmioRows) mmio.register(device.id, base, length, handler);
  }
}
